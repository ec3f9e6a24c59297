"""The set-up: tools/setup.sh and tools/environment.py make, keep and repair .venv, and say what they do in a few lines.

Nothing here reaches a network: the environments are made in temporary folders, from an empty lock or from wheels of
a few bytes.
"""

import contextlib
import fcntl
import functools
import http.server
import os
import platform
import pty
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from autograder.repository import ROOT
from tests.kit.archives import write_zip
from tools import environment

# All that the set-up calls besides Python; uv is absent, so that the pip way is tested wherever this runs.
SHELL_TOOLS = ["sh", "cat", "cksum", "dirname", "tr"]
on_linux = pytest.mark.skipif(sys.platform != "linux", reason="elsewhere there is one build of PyTorch")


class Clone:
    """A folder like a fresh clone, as far as the set-up sees it, on a machine of our making."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.lock = folder / "requirements" / "dev.txt"
        self.venv = folder / ".venv"
        self.state = self.venv / ".state"
        self.log = self.venv / "setup.log"
        self.bin = folder / "bin"
        self.bin.mkdir()
        (folder / "tools").mkdir()
        self.lock.parent.mkdir()
        for name in ("setup.sh", "environment.py"):
            shutil.copy(ROOT / "tools" / name, folder / "tools")
        for tool in SHELL_TOOLS:
            if found := shutil.which(tool):
                (self.bin / tool).symlink_to(found)
        self.command("python3", f'exec "{sys.executable}" "$@"')
        self.lock.write_text("# nothing\n")
        self.environment = {"PATH": str(self.bin), "HOME": str(folder), "PIP_NO_INDEX": "1", "TORCH": "default"}

    def command(self, name: str, script: str) -> None:
        """Make `script` what the command `name` does."""
        command = self.bin / name
        command.write_text(f"#!/bin/sh\n{script}\n")
        command.chmod(0o755)

    def stub_torch(self) -> None:
        """Let torch and torchvision import without being installed."""
        stubs = self.folder / "stubs"
        stubs.mkdir()
        for name in ("torch", "torchvision"):
            (stubs / f"{name}.py").touch()
        self.environment["PYTHONPATH"] = str(stubs)

    def start(self, **variables: str) -> subprocess.Popen[str]:
        chosen = {name: value for name, value in (self.environment | variables).items() if value}
        return subprocess.Popen(
            [str(self.bin / "sh"), str(self.folder / "tools" / "setup.sh")],
            env=chosen,
            cwd=os.sep,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def setup(self, **variables: str) -> subprocess.CompletedProcess[str]:
        with self.start(**variables) as process:
            out, error = process.communicate(timeout=120)
        return subprocess.CompletedProcess([], process.returncode, out, error)

    def said(self, **variables: str) -> str:
        """What a set-up that succeeds prints, none of it wider than a terminal."""
        done = self.setup(**variables)
        assert done.returncode == 0, done.stdout + done.stderr
        assert all(len(line) <= 80 for line in done.stdout.splitlines()), done.stdout
        return done.stdout

    def refusal(self, **variables: str) -> str:
        """What the set-up says when it must not succeed, its lines put together again."""
        done = self.setup(**variables)
        assert done.returncode != 0, done.stdout
        lines = [line.removeprefix("set-up: ") for line in done.stderr.splitlines()]
        assert all(len(line) <= 72 or sys.prefix in line for line in lines), done.stderr
        return " ".join(lines)


@pytest.fixture
def clone(tmp_path: Path) -> Clone:
    return Clone(tmp_path)


@pytest.mark.slow
def test_the_environment_is_made_once_kept_and_updated(clone: Clone) -> None:
    clone.stub_torch()
    first = clone.said()
    assert "done in" in first and len(first.splitlines()) == 3, first
    assert "TORCH=default. To change: TORCH=cpu" in first
    kept = clone.venv / "kept"
    kept.touch()
    assert clone.said() == clone.said(TORCH="") == ""

    clone.lock.write_text("# something else\n")
    assert "installing" in clone.said(TORCH="")
    assert kept.exists()
    assert clone.said() == ""


@pytest.mark.slow
def test_an_interrupted_setup_is_mended_by_the_next(clone: Clone) -> None:
    clone.stub_torch()
    clone.said()
    pip = clone.venv / "lib" / f"python{environment.python_version()}" / "site-packages" / "pip" / "__main__.py"
    pip.write_text("import time\ntime.sleep(60)\n")
    clone.lock.write_text("# something else\n")
    with clone.start() as process:
        assert process.stdout is not None and "installing" in process.stdout.readline()
        process.send_signal(signal.SIGINT)
        _, error = process.communicate(timeout=30)
    assert process.returncode == 130
    assert "interrupted; the next call mends it" in error
    assert clone.state.read_text() == "unfinished default\n"

    # Without TORCH: what was chosen before the interruption still counts.
    assert "done in" in clone.said(TORCH="")
    assert "time.sleep" not in pip.read_text()
    assert clone.state.read_text().endswith(" default\n")


@pytest.mark.slow
def test_an_untested_python_is_named_and_an_environment_without_torch_not_called_complete(clone: Clone) -> None:
    program = clone.folder / "tools" / "environment.py"
    program.write_text(program.read_text().replace("NEWEST_TESTED = (3, 15)", "NEWEST_TESTED = (3, 9)"))
    done = clone.setup()
    assert f"set-up: Python {environment.python_version()} is not tested here.\n" in done.stdout
    assert done.returncode == 1 and "do not import together" in done.stderr
    assert clone.state.read_text().startswith("unfinished")


@pytest.mark.slow
def test_a_failure_tells_its_cause_and_where_the_log_is(clone: Clone) -> None:
    clone.lock.write_text("nosuch==1.0\n")
    error = clone.refusal()
    assert f"failed: nosuch has no build for Python {environment.python_version()}" in error
    assert "the end of .venv/setup.log:" in error and "    ERROR: No matching distribution" in error
    assert "No matching distribution" in clone.log.read_text()
    with closed_port() as port:
        error = clone.refusal(PIP_NO_INDEX="", PIP_INDEX_URL=f"http://127.0.0.1:{port}/", PIP_RETRIES="1")
    assert "failed: a package index cannot be reached" in error


# Which PyTorch


def write_wheel(index: Path, name: str, version: str) -> None:
    """Put an importable package that knows its version into a package index made of folders."""
    info = f"{name}-{version}.dist-info"
    folder = index / name
    folder.mkdir(parents=True)
    files = {
        f"{name}.py": f"__version__ = {version!r}\n",
        f"{info}/METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n",
        f"{info}/WHEEL": "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
        f"{info}/RECORD": f"{name}.py,,\n{info}/METADATA,,\n{info}/WHEEL,,\n{info}/RECORD,,\n",
    }
    wheel = write_zip(folder / f"{name}-{version}-py3-none-any.whl", files)
    (folder / "index.html").write_text(f'<a href="{wheel.name.replace("+", "%2B")}">{wheel.name}</a>\n')


@contextlib.contextmanager
def closed_port() -> Iterator[int]:
    """A port that nobody listens on."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        yield taken.getsockname()[1]


@contextlib.contextmanager
def served(folder: Path, wait: float = 0.0) -> Iterator[str]:
    """The address of a package index that takes `wait` seconds to answer."""

    class Handler(http.server.SimpleHTTPRequestHandler):
        def do_GET(self) -> None:
            time.sleep(wait)
            with contextlib.suppress(OSError):  # nobody waited
                super().do_GET()

        def log_message(self, *_: object) -> None:
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Handler, directory=str(folder)))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        server.server_close()


@pytest.fixture
def index(tmp_path: Path) -> Path:
    """A package index with CPU builds of torch and torchvision 9.0."""
    for name in ("torch", "torchvision"):
        write_wheel(tmp_path / "index", name, "9.0+cpu")
    return tmp_path / "index"


@pytest.fixture
def no_gpu(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path / "empty"))


PACKAGES = {"torch": ["torch==9.0 ; python_version > '3'"], "torchvision": ["torchvision==9.0"]}


@on_linux
@pytest.mark.usefixtures("no_gpu")
def test_the_cpu_wheels_are_taken_where_their_index_answers(index: Path) -> None:
    with served(index) as address:
        assert environment.choose(address, PACKAGES) == ("cpu", "no NVIDIA GPU")
        others = {"torch": ["torch==9.1"], "torchvision": ["torchvision==9.0"]}
        assert environment.choose(address, others) == ("default", "no CPU torch")


@on_linux
@pytest.mark.usefixtures("no_gpu")
def test_a_slow_or_dead_index_is_not_waited_for(index: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(environment, "PATIENCE", 0.3)
    refused = ("default", "CPU index is silent")
    with served(index, wait=1.0) as address:
        assert environment.choose(address, PACKAGES) == refused
    with closed_port() as port:
        assert environment.choose(f"http://127.0.0.1:{port}", PACKAGES) == refused


def test_wheels_for_other_pythons_and_machines_do_not_count(index: Path) -> None:
    wheels = [
        "torch-9.0%2Bcpu-cp38-cp38-manylinux_2_28_{machine}.whl",
        "torch-9.0%2Bcpu-{tag}-{tag}-manylinux_2_28_sparc.whl",
        "torch-9.0.1%2Bcpu-{tag}-{tag}-manylinux_2_28_{machine}.whl",
        "torch-9.0%2Bcpu-{tag}-{tag}-manylinux_2_28_{machine}.whl",
    ]
    here = {"machine": platform.machine(), "tag": "cp{}{}".format(*sys.version_info[:2])}
    found = []
    with served(index) as address:
        for wheel in wheels:
            (index / "torch" / "index.html").write_text(f'<a href="/whl/{wheel.format(**here)}#sha256=0">')
            found.append(environment.missing_in(address, {"torch": ["8.0", "9.0"]}))
    assert found == ["no CPU torch"] * 3 + [""]


@on_linux
def test_with_a_gpu_the_index_is_not_asked(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    nvidia = tmp_path / "nvidia-smi"
    nvidia.write_text("#!/bin/sh\nexit 0\n")
    nvidia.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{os.environ['PATH']}")
    assert environment.choose("nowhere", PACKAGES) == ("default", "an NVIDIA GPU is here")


@on_linux
@pytest.mark.slow
def test_the_choice_of_torch_is_made_once(clone: Clone, index: Path) -> None:
    # The CUDA packages cannot be had from anywhere: asking for one would fail.
    cuda = ["cuda-toolkit==1 ; sys_platform == 'linux'", "nvidia-nvtx==1", "triton==1"]
    clone.lock.write_text("\n".join(["torch==9.0", "torchvision==9.0", *cuda, ""]))
    # PIP_NO_INDEX would forbid the local index, too.
    clone.environment |= {"PIP_NO_INDEX": "", "TORCH": ""}
    with served(index) as address:
        said = clone.said(TORCH_INDEX=address)
    assert "PyTorch for the CPU" in said and "no NVIDIA GPU. To change: TORCH=default" in said
    version = subprocess.run(
        [clone.venv / "bin" / "python", "-c", "import torch; print(torch.__version__)"],
        capture_output=True,
        text=True,
    )
    assert version.stdout.strip() == "9.0+cpu"
    # The index is gone: nobody asks it, and nobody takes another build instead.
    assert clone.said() == ""
    clone.lock.write_text("torch==9.1\n")
    assert "TORCH=default takes the registry's build instead." in clone.refusal(TORCH_INDEX=address, PIP_RETRIES="0")
    assert clone.state.read_text() == "unfinished cpu\n"


def test_the_line_about_torch_fits_on_a_line() -> None:
    reasons = {"cpu": ["no NVIDIA GPU", "TORCH=cpu"]}
    reasons["default"] = ["TORCH=default", "CPU index is silent", "no CPU torchvision", "an NVIDIA GPU is here"]
    for build, other in (("cpu", "default"), ("default", "cpu")):
        for why in reasons[build]:
            what = f"PyTorch {environment.BUILDS[build]} ({environment.SIZES[build]})"
            assert len(f"set-up: {what}: {why}. To change: TORCH={other}") <= 80, why


# Interpreters


def test_of_two_setups_the_second_waits(clone: Clone) -> None:
    folder = os.open(clone.folder, os.O_RDONLY)
    fcntl.flock(folder, fcntl.LOCK_EX)
    with clone.start(TORCH="gpu") as process:
        assert process.stdout is not None
        assert "another set-up is at work" in process.stdout.readline()
        assert process.poll() is None
        os.close(folder)
        assert process.wait(timeout=30) == 1


def test_an_old_python_is_refused_in_a_sentence(clone: Clone) -> None:
    clone.command("python3", 'case "$2" in *print*) echo "Python 3.9" ;; *) exit 1 ;; esac')
    assert clone.refusal() == (
        "python3 is Python 3.9, but Python 3.10 or newer is needed: "
        "install one and name it, as in make run PYTHON=/path/to/python3.12"
    )


def test_a_python_newer_than_the_tested_ones_is_tried(clone: Clone) -> None:
    """A tested one is preferred; without one the newest is said to be untested, and goes on."""
    future = f'case "$*" in *"(3, 16)"*) exit 0 ;; tools/*) echo future ;; esac\nexec "{sys.executable}" "$@"'
    clone.command("python3", future)
    assert "future" in clone.setup(TORCH="gpu").stdout
    clone.command("python3.12", f'exec "{sys.executable}" "$@"')
    assert "future" not in clone.setup(TORCH="gpu").stdout


def test_a_wrong_choice_of_python_leaves_the_environment_alone(clone: Clone) -> None:
    clone.state.parent.mkdir()
    clone.state.write_text("kept\n")
    assert "/nowhere/python is no Python, but" in clone.refusal(PYTHON="/nowhere/python")
    assert clone.state.read_text() == "kept\n"


def test_a_python_without_venv_gets_the_remedy(clone: Clone) -> None:
    stub = clone.folder / "sitecustomize.py"
    stub.write_text(
        "import importlib.util as u\nfind = u.find_spec\nu.find_spec = lambda n: n != 'ensurepip' and find(n)\n"
    )
    assert "apt install python3-venv" in clone.refusal(PYTHONPATH=str(clone.folder))


def test_an_unknown_torch_is_refused(clone: Clone) -> None:
    assert '"gpu"' in clone.refusal(TORCH="gpu")


# What is said of failures

PIP_WITHOUT_NETWORK = """Collecting numpy==2.5.5
  WARNING: Retrying (Retry(total=0, connect=None, read=None, redirect=None, status=None)) after connection broken by
  'NewConnectionError('<pip._vendor.urllib3.connection.HTTPSConnection object at 0x7f>: Failed to establish a new
  connection: [Errno -3] Temporary failure in name resolution')': /simple/numpy/
ERROR: Could not find a version that satisfies the requirement numpy==2.5.5 (from versions: none)
ERROR: No matching distribution found for numpy==2.5.5
"""
PIP_WITHOUT_BUILD = """Collecting numpy==2.5.5
  WARNING: Retrying (Retry(total=4, ...)) after connection broken by 'ReadTimeoutError(...)': /simple/numpy/
  Using cached numpy-2.5.5-cp316-cp316-manylinux_2_28_x86_64.whl (20.1 MB)
Collecting contourpy==1.4.0
ERROR: Could not find a version that satisfies the requirement contourpy==1.4.0 (from versions: 1.3.3)
ERROR: No matching distribution found for contourpy==1.4.0
"""
UV_WITHOUT_BUILD = """error: No solution found when resolving dependencies
  cause: Because contourpy==1.4.0 has no usable wheels and you require contourpy==1.4.0, we can conclude that ...
"""
UV_WITHOUT_PACKAGE = """error: No solution found when resolving dependencies
  cause: Because contourpy was not found in the package registry and you require contourpy==1.4.0, we can conclude ...
"""
UV_WITHOUT_NETWORK = """error: Failed to fetch: `https://localhost/simple/numpy/`
  Caused by: error sending request for url (https://localhost/simple/numpy/)
  Caused by: client error (Connect)
"""
FULL = "ERROR: Could not install packages due to an OSError: [Errno 28] Kein Platz mehr auf dem Gerät"


@pytest.mark.parametrize(
    ("log", "status", "wanted"),
    [
        (PIP_WITHOUT_NETWORK, 1, "a package index cannot be reached"),
        (PIP_WITHOUT_BUILD, 1, "contourpy has no build for Python"),
        (UV_WITHOUT_BUILD, 1, "contourpy has no build for Python"),
        (UV_WITHOUT_PACKAGE, 1, "contourpy has no build for Python"),
        (UV_WITHOUT_NETWORK, 2, "a package index cannot be reached"),
        ("ERROR: Failed building wheel for pyyaml\n", 1, "pyyaml has no build for Python"),
        (FULL, 1, "the disk is full"),
        ("Collecting torch==9.0\n", -9, "a command was ended by signal 9"),
        ("ERROR: something else\n", 1, "a command ended with status 1."),
    ],
)
def test_the_cause_of_a_failure_is_named(log: str, status: int, wanted: str) -> None:
    assert environment.cause(log, status).startswith(wanted)


def test_a_full_disk_is_seen_where_the_log_could_not_be_written(monkeypatch: pytest.MonkeyPatch) -> None:
    full = shutil.disk_usage(".")._replace(free=4096)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: full)
    assert environment.cause("", 1).startswith("the disk is full: 0.0 GB free")


def test_on_a_terminal_one_line_tells_what_is_going_on(tmp_path: Path) -> None:
    """And only one: it is written over, and gone at the end."""
    (tmp_path / ".venv").mkdir()
    code = f"""
import sys
sys.path.insert(0, {str(ROOT)!r})
from tools import environment
environment.logged(["sh", "-c", "echo Collecting torch==9.0; sleep 1"])
print("end")
"""
    here, there = pty.openpty()
    with subprocess.Popen([sys.executable, "-c", code], cwd=tmp_path, stdout=there, stderr=there) as process:
        os.close(there)
        seen = b""
        with contextlib.suppress(OSError):  # Linux says so when nobody writes any more
            while chunk := os.read(here, 1000):
                seen += chunk
    os.close(here)
    assert process.returncode == 0, seen
    assert b"set-up: 0 s  torch" in seen
    shown = seen.decode().replace("\r\n", "\n").split("\n")
    assert len(shown) == 2 and shown[0].endswith("\r\033[Kend")
