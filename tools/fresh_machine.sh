#!/usr/bin/env bash
# Tries the README's two commands on a machine that has nothing: a bare Debian root, made by debootstrap, in a chroot.
#
#   tools/fresh_machine.sh [--awkward] SUITE [PYTHON]
#
#   SUITE      stable, testing, sid or a release's name
#   PYTHON     a further interpreter of that suite to build .venv with: python3.15 (default: the suite's python3)
#   --awkward  as some people really have it: unpacked from a ZIP, on a machine without git, in a folder with spaces and
#              letters beyond ASCII, as an ordinary user, and without a network once it is set up
#              (default: cloned with git into a plain folder, as root, with the network throughout)
#
# What is committed is tried (HEAD). The first command that fails ends it; else figures come at the end: wall and
# processor seconds of the set-up and of both commands, disk of .venv.
#
# Environment, all optional:
#   RUN, TEST    other commands than "make run" and "make test": RUN="make run ARGS=--quick"; RUN=true leaves it out
#   MIRROR       Debian's mirror (default: the one that this machine's apt uses)
#   KEYRING      file with the archive's keys, where this machine's are too old for the suite
#   ROOT_FOLDER  where the roots go (default: fresh-machines in $TMPDIR, or in /tmp). They stay for a second look, of up
#                to 8 GB each. A bare one, NAME.base, is used again: delete it to get the suite's newest state.
# The commands get the variables of passed_on below; the root gets this machine's certificates and resolv.conf.
#
# Needs root on Linux, debootstrap, and ip for --awkward. Mounts, processes and the missing network live in namespaces
# of their own and go with this script, however it ends: nothing is left to unmount.
set -euo pipefail

passed_on="http_proxy https_proxy no_proxy HTTP_PROXY HTTPS_PROXY NO_PROXY TORCH TORCH_INDEX
    PIP_INDEX_URL PIP_CERT PIP_DEFAULT_TIMEOUT SSL_CERT_FILE UV_INDEX_URL UV_DEFAULT_INDEX"
packages=python3,python3-venv,make,git,ca-certificates
repository=$(cd "$(dirname "$0")/.." && pwd)

usage() {
    sed -n '2,/^set -/s/^# \{0,1\}//p' "$0"
}

say() {
    printf 'fresh machine: %s\n' "$*"
}

die() {
    say "$@" >&2
    exit 1
}

# Prints the first of Debian's own archives among apt's sources.
apt_mirror() {
    apt-get indextargets --format '$(SITE)' 'Origin: Debian' 2>/dev/null | grep -m 1 -v security
}

# Makes the bare root $base, whole or not at all.
bootstrap() {
    local mirror=${MIRROR:-$(apt_mirror)}
    command -v debootstrap >/dev/null || die "debootstrap is missing: apt install debootstrap"
    [[ -n $mirror ]] || die "apt names no mirror of Debian here: set MIRROR."
    say "debootstrap of $suite, its log is $base.log"
    rm -rf "$base.unfinished"
    debootstrap --variant=minbase --include="$packages${python:+,$python,$python-venv}" \
        ${KEYRING:+--keyring="$KEYRING"} "$suite" "$base.unfinished" "$mirror" >"$base.log" 2>&1 ||
        die "debootstrap failed: $(tail -n 1 "$base.log") (unknown keys: KEYRING=file from a newer Debian)"
    mv "$base.unfinished" "$base"
}

# Makes $root from the bare one, and mounts there what a running machine has.
boot() {
    local file
    rm -rf --one-file-system "$root"
    cp -a --one-file-system --reflink=auto "$base" "$root"
    for file in /etc/resolv.conf /etc/ssl/certs/ca-certificates.crt; do
        [[ ! -e $file ]] || cp --remove-destination "$(readlink -f "$file")" "$root$file"
    done
    mount -t proc proc "$root/proc"
    mount -t sysfs -o ro sysfs "$root/sys"
    mount -t tmpfs -o mode=1777 tmpfs "$root/dev/shm"
    mount -t devpts -o newinstance,ptmxmode=666,gid=5,mode=620 devpts "$root/dev/pts"
    mount --bind "$root/dev/pts/ptmx" "$root/dev/ptmx"
}

# inside FOLDER COMMAND: runs a shell command in a folder of the root, as $user, with nothing of this environment but
# what is passed on.
inside() {
    local variables=("PATH=/usr/local/bin:/usr/bin:/bin" "HOME=$home" "USER=$user" ${python:+"PYTHON=$python"}) name
    for name in $passed_on; do
        [[ -z ${!name:-} ]] || variables+=("$name=${!name}")
    done
    "${network[@]}" chroot --userspec="$user:$user" "$root" env -i "${variables[@]}" \
        sh -c 'cd "$1" && eval "$2"' sh "$1" "$2" </dev/null
}

# Puts the commit into $folder of the root, as people get it.
deliver() {
    if $awkward; then
        git -C "$repository" archive --format=zip HEAD >"$root/repository.zip"
        rm "$root/usr/bin/git"
        chroot "$root" useradd --create-home "$user"
        inside "$home" "python3 -m zipfile -e /repository.zip '$folder'"
    else
        git -C "$repository" bundle create --quiet "$root/repository.bundle" HEAD
        inside "$home" "git -c advice.detachedHead=false clone --quiet /repository.bundle '$folder'"
    fi
}

# Prints the processor ticks of all processes that have ended: this shell, its namespace's first one, gets orphans too.
ticks() {
    local fields
    read -ra fields <"/proc/$$/stat"
    echo $((fields[15] + fields[16]))
}

# Runs a command in $folder of the root and adds its figures to the report.
measure() {
    local began=$SECONDS before
    before=$(ticks)
    say "$1"
    inside "$folder" "$1" &
    wait $! || die "\"$1\" failed; the folder is $root$folder"
    report+=$(printf '\n  %-30s %6d s wall %6d s processor' "$1" \
        $((SECONDS - began)) $((($(ticks) - before) / $(getconf CLK_TCK))))
}

arguments=("$@")
awkward=false
[[ ${1:-} != --awkward ]] || { awkward=true && shift; }
case ${1:-} in
    -h | --help) usage && exit ;;
    "" | -*) usage >&2 && exit 2 ;;
esac
suite=$1 python=${2:-}

((EUID == 0)) || die "this needs root, to make a Debian root and to mount in it: sudo $0 ${arguments[*]}"
# Once more, as the first process of namespaces of its own: with mounts that nobody else sees.
(($$ == 1)) || exec unshare --mount --pid --fork --kill-child --mount-proc bash "$0" "${arguments[@]}"
trap 'die interrupted' INT TERM

root_folder=${ROOT_FOLDER:-${TMPDIR:-/tmp}/fresh-machines}
base=$root_folder/$suite${python:+-$python}.base
root=${base%.base}
user=root home=/root network=()
folder=$home/assignment
if $awkward; then
    root+=-awkward user=student home=/home/student
    folder="$home/Übung zur Vorlesung"
fi

mkdir -p "$root_folder"
[[ -d $base ]] || bootstrap
boot
deliver
set -m # gives each command a process group of its own, as a user's shell does
report=
measure "make setup"
report+=", $(du -sh "$root$folder/.venv" | cut -f 1) in .venv"
! $awkward || network=(unshare --net sh -c 'ip link set lo up && exec "$@"' sh)
measure "${RUN:-make run}"
measure "${TEST:-make test}"
say "$suite, $(inside "$folder" ".venv/bin/python --version"), $user in $folder$report"
say "left for a second look: $root"
