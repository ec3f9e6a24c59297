#!/bin/sh
# Makes .venv hold what requirements-dev.txt locks; does nothing, within milliseconds, when it already does.
#
# Environment, all optional (the Makefile's variables arrive here):
#   PYTHON       interpreter for a new .venv, Python 3.10 to 3.13
#   TORCH        "cpu": PyTorch's CPU wheels from TORCH_INDEX; "default": the registry's build; unset: what .venv has
#   TORCH_INDEX  package index with the CPU wheels
set -eu
cd "$(dirname "$0")/.."

venv=.venv
python=$venv/bin/python
lock=requirements-dev.txt
# One line that says what the environment holds: "<checksum of the lock> <torch flavour>" once it is complete,
# "unfinished <process id>" while a set-up runs or after one was interrupted.
state_file=$venv/.state
torch_index=${TORCH_INDEX:-https://download.pytorch.org/whl/cpu}

die() {
    printf 'set-up: %s\n' "$@" >&2
    exit 1
}

say() {
    printf 'set-up: %s\n' "$1"
}

have_uv() {
    command -v uv >/dev/null 2>&1
}

supported() {
    "$1" -c 'import sys; sys.exit(not (3, 10) <= sys.version_info[:2] <= (3, 13))' 2>/dev/null
}

version_of() {
    "$1" -c 'import sys; print("Python %d.%d" % sys.version_info[:2])' 2>/dev/null || echo "not a Python that runs"
}

# Prints the interpreter to build .venv with.
find_python() {
    if [ -n "${PYTHON:-}" ]; then
        supported "$PYTHON" || die "Python 3.10 to 3.13 is needed, but PYTHON=$PYTHON is $(version_of "$PYTHON")."
        echo "$PYTHON"
        return
    fi
    for candidate in python3 python3.13 python3.12 python3.11 python3.10; do
        if supported "$candidate"; then
            echo "$candidate"
            return
        fi
    done
    if have_uv; then
        echo ">=3.10,<3.14"  # uv looks among its own interpreters and fetches one if need be
        return
    fi
    die "Python 3.10 to 3.13 is needed, but python3 is $(version_of python3)." \
        "Install one of them and name it: make run PYTHON=/path/to/python3.12"
}

create() {
    interpreter=$(find_python)
    # Debian and Ubuntu split ensurepip off; without it venv fails with a page of text.
    have_uv || "$interpreter" -c 'import venv, ensurepip' 2>/dev/null ||
        die "$interpreter has no working venv module. On Debian and Ubuntu: apt install python3-venv" \
            "(or install uv, which is used when it is on PATH)."
    say "creating $venv"
    rm -rf "$venv"
    mkdir "$venv"
    echo "unfinished $$" >"$state_file"
    if have_uv; then
        uv venv --quiet --allow-existing --python "$interpreter" "$venv"
    else
        "$interpreter" -m venv "$venv"
    fi
}

# The locks are complete, so that nothing has to be resolved: --no-deps is faster and installs nothing unlocked.
install() {
    if have_uv; then
        uv pip install --python "$python" --no-deps "$@"
    else
        "$python" -m pip install --disable-pip-version-check --no-deps "$@"
    fi
}

install_locked() {
    if [ "$flavour" = cpu ]; then
        # Both from the same index: torchvision's compiled half must fit the torch build. A "+cpu" version satisfies
        # the lock's "==", so the second command leaves them alone; the CUDA libraries are dropped by name.
        grep -E '^torch(vision)?==' "$lock" >"$venv/torch.txt"
        grep -vE '^(nvidia-|cuda-|triton==)' "$lock" >"$venv/others.txt"
        install --index-url "$torch_index" -r "$venv/torch.txt"
        install -r "$venv/others.txt"
    else
        install -r "$lock"
    fi
}

# True when .venv can be kept and updated in place; a broken or half-made one, or one for another Python or another
# build of PyTorch, is cheaper to make anew than to mend.
keepable() {
    [ -x "$python" ] && supported "$python" || return 1
    [ "${state% *}" != unfinished ] || return 1
    [ -z "$state" ] || [ "${state##* }" = "$flavour" ] || return 1
    [ -z "${PYTHON:-}" ] || [ "$(version_of "$PYTHON")" = "$(version_of "$python")" ] || return 1
    have_uv || "$python" -m pip --version >/dev/null 2>&1
}

state=$(cat "$state_file" 2>/dev/null || true)
case ${TORCH:-} in
    cpu | default) flavour=$TORCH ;;
    "")
        flavour=default
        [ "${state##* }" != cpu ] || flavour=cpu
        ;;
    *) die "TORCH is \"cpu\" or \"default\", not \"$TORCH\"." ;;
esac
wanted="$(cksum <"$lock" | tr ' ' -) $flavour"

if [ "$state" = "$wanted" ] && [ -x "$python" ] && [ -z "${PYTHON:-}" ]; then
    exit 0
fi
# Asking for the name, too: after a crash the number may belong to another process, or to a zombie.
if [ "${state% *}" = unfinished ] && ps -o args= -p "${state##* }" 2>/dev/null | grep -q setup.sh; then
    die "another set-up (process ${state##* }) is at work in this folder: wait for it, or delete $venv."
fi
if ! keepable; then
    create
elif [ "$state" = "$wanted" ]; then
    exit 0
fi

echo "unfinished $$" >"$state_file"
say "installing $lock ($(version_of "$python"), torch: $flavour); the first time, this takes minutes"
install_locked
"$python" -c 'import torch, torchvision' || die "torch and torchvision were installed but do not import together."
echo "$wanted" >"$state_file"
say "done"
