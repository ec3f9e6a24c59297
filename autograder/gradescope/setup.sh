#!/usr/bin/env bash
# Gradescope runs this once, as root, while it builds the container image. It makes the Python environment in which
# run_autograder grades. Running it again repairs what is missing and is done in seconds when nothing is.
#
# Environment, all optional:
#   AUTOGRADER_VENV  where the environment goes. Not below a home: the student's code runs as another user.
#   TORCH_INDEX      package index with PyTorch's CPU builds; empty: the ordinary registry
#   TORCH_SPEC       what to install instead of the locked PyTorch: "torch==VERSION torchvision==VERSION"
#   PYTHON           interpreter to build on, Python 3.10 or newer; tested up to 3.15
set -Eeuo pipefail
umask 022

source_folder=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
grader=$source_folder/files/grader
venv=${AUTOGRADER_VENV:-/opt/autograder-venv}
state_file=$venv/.state
torch_index=${TORCH_INDEX-https://download.pytorch.org/whl/cpu}
export PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_ROOT_USER_ACTION=ignore DEBIAN_FRONTEND=noninteractive

trap 'printf "\nsetup.sh FAILED in line %s. The autograder cannot be used; the lines above say why.\n" "$LINENO" >&2' ERR

say() {
    printf 'setup.sh: %s\n' "$*"
}

die() {
    printf 'setup.sh FAILED: %s\n' "$@" >&2
    exit 1
}

apt_install() {
    [ "$(id -u)" = 0 ] || die "these packages are needed, and only root can install them: $*"
    say "installing $*"
    apt-get update -qq
    apt-get install -y -qq --no-install-recommends "$@" >/dev/null
}

usable_python() {
    "$1" -c 'import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 10))' 2>/dev/null
}

find_python() {
    if [ -n "${PYTHON:-}" ]; then
        usable_python "$PYTHON" || die "PYTHON=$PYTHON is not Python 3.10 or newer with the modules venv and ensurepip."
        python=$PYTHON
        return
    fi
    for candidate in python3 python3.15 python3.14 python3.13 python3.12 python3.11 python3.10; do
        if usable_python "$candidate"; then
            python=$candidate
            return
        fi
    done
    return 1
}

# No pipe to grep -q, which stops reading at its match: with pipefail, a writer that it cuts off is a failure.
has_libseccomp() {
    [[ $(PATH=$PATH:/usr/sbin:/sbin ldconfig -p 2>/dev/null) == *libseccomp.so.2* ]]
}

# The locks are complete: nothing is resolved, and nothing unlocked gets in.
install() {
    "$venv/bin/python" -m pip install --quiet --no-deps --no-cache-dir --retries 2 "$@"
}

install_torch() {
    local from=()
    [ -z "$torch_index" ] || from=(--index-url "$torch_index")
    if [ -n "${TORCH_SPEC:-}" ]; then
        local packages
        read -ra packages <<<"$TORCH_SPEC"
        install "${from[@]}" "${packages[@]}"
        return
    fi
    if [ -n "$torch_index" ]; then
        if install "${from[@]}" -r "$source_folder/requirements.torch.txt"; then
            return
        fi
        say "no CPU build of PyTorch from $torch_index: taking the ordinary build, which is gigabytes larger and"
        say "needs about 300 MB more memory at run time: give the container at least 1.5 GB"
    fi
    install -r "$source_folder/requirements.torch.txt" -r "$source_folder/requirements.cuda.txt"
}

check_imports() {
    "$venv/bin/python" -I - <<'PYTHON'
import hypothesis, landlockpy, matplotlib, numpy, pyseccomp, pytest, safetensors, scipy, sklearn, torch, torchvision, tqdm
print(f"setup.sh: torch {torch.__version__}, numpy {numpy.__version__}, pytest {pytest.__version__}")
PYTHON
}

find_python || { apt_install python3 python3-venv && find_python; } || die "no Python 3.10 or newer: choose Ubuntu 22.04 or 24.04."
has_libseccomp || apt_install libseccomp2
has_libseccomp || die "libseccomp.so.2 is missing; without it student code could not be confined."

wanted="$("$python" -V 2>&1) $(cat "$source_folder"/requirements.*txt | cksum) $torch_index ${TORCH_SPEC:-}"
if [ "$(cat "$state_file" 2>/dev/null || true)" = "$wanted" ] && [ -x "$venv/bin/python" ]; then
    say "$venv is complete"
else
    say "making $venv with $("$python" -V)"
    rm -rf "$venv"
    mkdir -p "$(dirname "$venv")"
    "$python" -m venv "$venv"
    install_torch
    install -r "$source_folder/requirements.txt"
    # pip has byte-compiled what it installed; the standard library of a slim image may not be.
    check_imports
    printf '%s\n' "$wanted" >"$state_file"
fi

# Nothing that the zip brought is for the student's user.
chmod -R go= "$source_folder"
"$venv/bin/python" -I -m compileall -q "$grader"
# Grading an empty file proves that everything is there, and fills the caches that later gradings only read.
rehearsal=$(mktemp -d)
mkdir "$rehearsal/submission"
if ! "$venv/bin/python" -I "$grader" rehearse "$rehearsal" >"$rehearsal/log" 2>&1; then
    cat "$rehearsal/log" >&2
    die "the rehearsal, grading an empty file, did not work (log above)."
fi
grep '^sandbox' "$rehearsal/log" || true
rm -rf "$rehearsal"
say "ready: $(du -sh "$venv" | cut -f1) in $venv"
