"""Makes .venv hold what requirements/dev.txt locks. Started by setup.sh; standard library only: nothing else is there.

The Python that runs this is the one that a new .venv is made with. What pip or uv says goes to .venv/setup.log. An
interrupted set-up is mended by the next one; of two at a time in one folder, the second waits.
"""

from __future__ import annotations

import contextlib
import fcntl
import importlib.util
import os
import platform
import re
import shutil
import subprocess
import sys
import textwrap
import threading
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path

VENV = Path(".venv")
PYTHON = VENV / "bin" / "python"
LOG = VENV / "setup.log"
# "<checksum of the lock> <flavour of torch>" once .venv is complete, "unfinished <flavour>" before; see setup.sh.
STATE = VENV / ".state"
LOCK = Path("requirements/dev.txt")
NEWEST_TESTED = (3, 15)
# Packages that may be built where they have no wheel, because that needs no compiler. All others are wheels.
FROM_SOURCE = {"pyyaml"}
TORCH_INDEX = "https://download.pytorch.org/whl/cpu"
TORCH = {"torch", "torchvision"}
CUDA = re.compile(r"nvidia-|cuda-|triton$")
PATIENCE = 5.0  # seconds for the index of the CPU wheels to answer
LINUX = platform.system() == "Linux"
# What .venv takes up once it is complete, measured.
SIZES = {"cpu": "2.4 GB", "default": "7.2 GB" if LINUX else "2.4 GB"}
BUILDS = {"cpu": "for the CPU", "default": "with CUDA" if LINUX else "from the registry"}

DISK_FULL = re.compile(r"(Errno|os error) (28|122)\b|no space left", re.IGNORECASE)
NO_NETWORK = re.compile(
    r"NewConnectionError|NameResolutionError|name resolution|dns error|Network is unreachable|timed out|Timeout"
    r"|ProxyError|SSLError|CERTIFICATE_VERIFY_FAILED|Connection (refused|reset|broken|aborted)|error sending request",
    re.IGNORECASE,
)
NO_BUILD = re.compile(
    r"No matching distribution found for ([\w.-]+)"  # pip
    r"|Failed (?:to build|building wheel for) [`']?([\w.-]+)"  # both
    r"|([\w.-]+?)(?:==\S+)? (?:has no (?:usable )?wheels|was not found in the package registry)",  # uv
)


class SetupError(Exception):
    """The set-up cannot go on; the message says what to do."""


def say(line: str) -> None:
    print(f"set-up: {line}", flush=True)


def python_version(of: Path | None = None) -> str:
    """ "3.12", of this Python or of another; "" if that one does not run."""
    if of is None:
        return f"{sys.version_info[0]}.{sys.version_info[1]}"
    code = "import sys; print('%d.%d' % sys.version_info[:2])"
    with contextlib.suppress(OSError):
        return subprocess.run([of, "-c", code], capture_output=True, text=True).stdout.strip()
    return ""


def checksum(lock: Path) -> str:
    """What setup.sh makes of the lock."""
    with lock.open("rb") as file:
        return subprocess.run(["cksum"], stdin=file, capture_output=True, text=True).stdout.strip().replace(" ", "-")


def lines_of(lock: Path) -> dict[str, list[str]]:
    """Every package of the lock with its lines, one for each range of Pythons."""
    found: dict[str, list[str]] = {}
    for line in lock.read_text(encoding="utf-8").splitlines():
        if line and not line.startswith("#"):
            found.setdefault(line.split("==")[0], []).append(line)
    return found


# Which PyTorch


def choose(index: str, packages: dict[str, list[str]]) -> tuple[str, str]:
    """The build of PyTorch for a new environment, "cpu" or "default", and why."""
    if not LINUX:
        return "default", f"the only one for {platform.system()}"
    if has_gpu():
        return "default", "an NVIDIA GPU is here"
    lines = {name: packages[name] for name in sorted(TORCH & set(packages))}
    problem = missing_in(index, {name: [re.split("[=; ]+", line)[1] for line in lines[name]] for name in lines})
    return ("default", problem) if problem else ("cpu", "no NVIDIA GPU")


def has_gpu() -> bool:
    try:
        return subprocess.run(["nvidia-smi", "-L"], capture_output=True, timeout=20).returncode == 0
    except (OSError, subprocess.TimeoutExpired):
        return False


def missing_in(index: str, wanted: dict[str, list[str]]) -> str:
    """What keeps the wheels of these versions from being taken from an index, in a few words; "" if nothing does.

    Args:
        index: address of a simple repository.
        wanted: versions of each package, one of which is for this Python.
    """
    pages: dict[str, str] = {}

    def read() -> None:
        for name in wanted:
            with (
                contextlib.suppress(OSError, ValueError),
                urllib.request.urlopen(f"{index}/{name}/", timeout=PATIENCE) as page,
            ):
                pages[name] = page.read().decode("utf-8", "replace")

    reader = threading.Thread(target=read, daemon=True)
    reader.start()
    reader.join(PATIENCE)
    if set(pages) != set(wanted):
        return "CPU index is silent"
    # torch-2.15.0+cpu-cp312-cp312-manylinux_2_28_x86_64.whl; the plus sign is %2B in an address.
    tags = rf"-(cp{sys.version_info[0]}{sys.version_info[1]}|py3)-[^\s\"<>]*({platform.machine()}|any)\.whl"
    for name, versions in wanted.items():
        version = "|".join(map(re.escape, versions))
        if not re.search(rf"{name}-({version})((\+|%2B)\w+)?{tags}", pages[name]):
            return f"no CPU {name}"
    return ""


# The environment


def keepable(flavour: str) -> bool:
    """Whether .venv can be updated in place. A half-made or broken one, or one for another Python or another build of
    PyTorch, is cheaper to make anew than to mend."""
    state = read_state()
    wanted = python_version() if os.environ.get("PYTHON") else python_version(PYTHON)
    return (
        state[:1] != ["unfinished"]
        and state[1:] in ([], [flavour])
        and python_version(PYTHON) == wanted != ""
        and (shutil.which("uv") is not None or run_quietly([str(PYTHON), "-m", "pip", "--version"]))
    )


def run_quietly(command: list[str]) -> bool:
    return subprocess.run(command, capture_output=True).returncode == 0


def read_state() -> list[str]:
    return STATE.read_text().split() if STATE.exists() else []


def create(flavour: str) -> None:
    # When this runs in .venv itself, what that was made with.
    interpreter = getattr(sys, "_base_executable", sys.executable)
    uv = shutil.which("uv")
    if not uv and not all(importlib.util.find_spec(name) for name in ("venv", "ensurepip")):
        # Debian and Ubuntu split these off; without them venv fails with a page of text.
        raise SetupError(
            f"{interpreter} has no working venv module. On Debian and Ubuntu: apt install python3-venv "
            "(or install uv, which is used where it is on PATH)."
        )
    shutil.rmtree(VENV, ignore_errors=True)
    VENV.mkdir()
    STATE.write_text(f"unfinished {flavour}\n")
    logged([uv, "venv", "--allow-existing", "--python", interpreter, VENV] if uv else [interpreter, "-m", "venv", VENV])


def install(flavour: str, packages: dict[str, list[str]], index: str) -> None:
    """Install the locked packages. The lock is complete, so nothing has to be resolved, and nothing else gets in."""
    pip = [PYTHON, "-m", "pip", "install", "--disable-pip-version-check", "--no-compile"]
    if uv := shutil.which("uv"):
        pip = [uv, "pip", "install", "--python", PYTHON]
    wheels = set(packages) - FROM_SOURCE
    if flavour == "cpu":
        # Both from the same index: torchvision's compiled half must fit the torch build. A "+cpu" version satisfies the
        # lock's "==", so the next command leaves them alone.
        torch = write_part("torch", packages, wheels & TORCH)
        try:
            logged([*pip, "--no-deps", "--only-binary", ":all:", "--index-url", index, "-r", torch])
        except SetupError as error:
            raise SetupError(f"{error}\nThis was {index}; TORCH=default takes the registry's build instead.") from None
        wheels = {name for name in wheels if not CUDA.match(name)}
    logged([*pip, "--no-deps", "--only-binary", ":all:", "-r", write_part("wheels", packages, wheels)])
    if sources := set(packages) & FROM_SOURCE:
        logged([*pip, "--no-deps", "-r", write_part("sources", packages, sources)])
    # The grader's workers may not write bytecode. pip would compile one file after the other, and uv none. Some
    # packages hold templates that are no Python, so the exit status says nothing. Nobody imports their own tests.
    library = subprocess.run(
        [PYTHON, "-c", "import sysconfig; print(sysconfig.get_path('purelib'))"], capture_output=True, text=True
    ).stdout.strip()
    tests = f"{re.escape(library)}.*/tests?/"
    logged([PYTHON, "-m", "compileall", "-q", "-j", "0", "-x", tests, library], check=False, doing="compiling")


def write_part(name: str, packages: dict[str, list[str]], chosen: set[str]) -> Path:
    """A requirements file with some packages of the lock."""
    path = VENV / f"{name}.txt"
    path.write_text("".join(f"{line}\n" for package in sorted(chosen) for line in packages[package]), encoding="utf-8")
    return path


def logged(command: list[object], check: bool = True, doing: str = "") -> None:
    """Run a command, its output into the log.

    Raises:
        SetupError: it failed.
    """
    with LOG.open("ab") as log:
        start = log.tell()
        process = subprocess.Popen(list(map(str, command)), stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        try:
            while process.poll() is None:
                show_progress(doing or latest(start))
                time.sleep(0.3)
        finally:
            process.terminate()  # after a Ctrl-C; else it has ended
            process.wait()
            show_progress(None)
    if check and process.returncode != 0:
        text = LOG.read_bytes()[start:].decode("utf-8", "replace")
        end = [f"    {line[:68]}" for line in text.splitlines()[-8:]]  # a terminal's width with what stands before it
        raise SetupError("\n".join([f"failed: {cause(text, process.returncode)}", f"the end of {LOG}:", *end]))


def latest(start: int) -> str:
    """The package that pip is at, from its log."""
    text = LOG.read_bytes()[start:].decode("utf-8", "replace")
    found = re.findall(r"^(?:Collecting ([^\s=]+)|(Installing) collected)", text, re.MULTILINE)
    return "".join(found[-1]).lower() if found else ""


def show_progress(doing: str | None) -> None:
    """On a terminal, a line that tells how long it has been and what is going on; None takes it away."""
    if sys.stdout.isatty():
        line = "" if doing is None else f"set-up: {time.monotonic() - BEGAN:.0f} s  {doing}"
        print(f"\r\033[K{line[:79]}", end="", flush=True)


def cause(text: str, status: int) -> str:
    """Why a command failed, as far as its output shows it."""
    text = text[max(text.rfind("\nCollecting "), 0) :]  # what pip got over does not count
    free = shutil.disk_usage(".").free / 1e9
    if DISK_FULL.search(text) or free < 0.05:  # on a full disk the log may say nothing
        return f"the disk is full: {free:.1f} GB free, {SIZES['cpu']} needed (TORCH=default: {SIZES['default']})."
    if NO_NETWORK.search(text):
        return "a package index cannot be reached: no network, or a proxy in the way."
    if no_build := NO_BUILD.search(text):
        machine = f"{platform.system()} {platform.machine()}"
        return f"{next(filter(None, no_build.groups()))} has no build for Python {python_version()} on {machine}."
    if status < 0:
        return f"a command was ended by signal {-status} (9: probably too little memory)."
    return f"a command ended with status {status}."


@contextlib.contextmanager
def alone() -> Iterator[None]:
    """Keep other set-ups of this folder waiting."""
    folder = os.open(".", os.O_RDONLY)
    try:
        with contextlib.suppress(OSError):  # some network file systems have no locks
            try:
                fcntl.flock(folder, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                say("another set-up is at work in this folder: waiting for it")
                fcntl.flock(folder, fcntl.LOCK_EX)
        yield
    finally:
        os.close(folder)


def set_up() -> None:
    """Bring .venv up to date.

    Raises:
        SetupError: it cannot be done, and why.
    """
    torch = os.environ.get("TORCH", "")
    if torch not in ("", "cpu", "default"):
        raise SetupError(f'TORCH is "cpu" or "default", not "{torch}".')
    packages = lines_of(LOCK)
    index = os.environ.get("TORCH_INDEX") or TORCH_INDEX
    chosen = [word for word in read_state()[1:] if word in SIZES]
    why = f"TORCH={torch}" if torch else ""
    if torch:
        flavour = torch
    elif chosen:
        flavour = chosen[0]
    else:
        flavour, why = choose(index, packages)
    complete = f"{checksum(LOCK)} {flavour}"
    kept = keepable(flavour)
    if kept and read_state() == complete.split():
        return
    if why and not kept:
        other = {"cpu": "default", "default": "cpu"}[flavour]
        change = f" To change: TORCH={other}" if LINUX else ""
        say(f"PyTorch {BUILDS[flavour]} ({SIZES[flavour]}): {why}.{change}")
    if sys.version_info[:2] > NEWEST_TESTED:
        say(f"Python {python_version()} is not tested here.")
    if not kept:
        create(flavour)
    STATE.write_text(f"unfinished {flavour}\n")
    say(f"installing {LOCK}; the first time, this takes minutes")
    install(flavour, packages, index)
    if not run_quietly([str(PYTHON), "-c", "import torch, torchvision"]):
        raise SetupError("torch and torchvision were installed but do not import together.")
    STATE.write_text(f"{complete}\n")
    say(f"done in {time.monotonic() - BEGAN:.0f} s")


def main() -> int:
    try:
        with alone():
            set_up()
    except (SetupError, OSError) as error:
        for line in str(error).splitlines():
            is_log = line.startswith(" ")
            for part in [line] if is_log else textwrap.wrap(line, 72, break_long_words=False):
                print(f"set-up: {part}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("\nset-up: interrupted; the next call mends it.", file=sys.stderr)
        return 130
    return 0


BEGAN = time.monotonic()

if __name__ == "__main__":
    sys.exit(main())
