"""The set-up: tools/setup.sh makes, keeps and repairs .venv; the lock files and the data are what they say.

Nothing here reaches a network: the environments are made in temporary folders, from an empty lock or from wheels of
a few bytes.
"""

import hashlib
import itertools
import os
import re
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
from packaging.requirements import Requirement

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

REPOSITORY = Path(__file__).resolve().parents[2]
LOCKS = {  # what a lock holds beside the project's own dependencies
    "requirements.txt": [],
    "requirements-instructor.txt": ["instructor"],
    "requirements-explore.txt": ["explore"],
    "requirements-dev.txt": ["instructor", "explore", "dev"],
}
# All that setup.sh calls besides Python; uv is absent, so that the pip way is tested wherever this runs.
SHELL_TOOLS = ["sh", "cat", "cksum", "dirname", "grep", "mkdir", "ps", "rm", "tr"]


class Clone:
    """A folder like a fresh clone, as far as setup.sh sees it, on a machine of our making."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.lock = folder / "requirements-dev.txt"
        self.state = folder / ".venv" / ".state"
        self.bin = folder / "bin"
        self.bin.mkdir()
        (folder / "tools").mkdir()
        shutil.copy(REPOSITORY / "tools" / "setup.sh", folder / "tools")
        for tool in SHELL_TOOLS:
            if found := shutil.which(tool):
                (self.bin / tool).symlink_to(found)
        self.python3(f'exec "{sys.executable}" "$@"')
        self.lock.write_text("# nothing\n")
        self.environment = {"PATH": str(self.bin), "HOME": str(folder), "PIP_NO_INDEX": "1"}

    def python3(self, script: str) -> None:
        """Make `script` what the command python3 does."""
        command = self.bin / "python3"
        command.write_text(f"#!/bin/sh\n{script}\n")
        command.chmod(0o755)

    def stub_torch(self) -> None:
        """Let torch and torchvision import without being installed."""
        stubs = self.folder / "stubs"
        stubs.mkdir()
        for name in ("torch", "torchvision"):
            (stubs / f"{name}.py").touch()
        self.environment["PYTHONPATH"] = str(stubs)

    def setup(self, **variables: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [str(self.bin / "sh"), str(self.folder / "tools" / "setup.sh")],
            env=self.environment | variables,
            cwd=os.sep,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=120,
        )

    def refusal(self, **variables: str) -> str:
        """What the set-up says when it must not succeed."""
        done = self.setup(**variables)
        assert done.returncode != 0, done.stdout
        return done.stderr


@pytest.fixture
def clone(tmp_path: Path) -> Clone:
    return Clone(tmp_path)


@pytest.mark.slow
def test_the_environment_is_made_once_kept_and_updated(clone: Clone) -> None:
    clone.stub_torch()
    first = clone.setup()
    assert first.returncode == 0, first.stderr
    kept = clone.folder / ".venv" / "kept"
    kept.touch()

    again = clone.setup()
    assert (again.returncode, again.stdout, again.stderr) == (0, "", "")

    clone.lock.write_text("# something else\n")
    updated = clone.setup()
    assert updated.returncode == 0, updated.stderr
    assert "installing" in updated.stdout
    assert kept.exists()
    assert clone.setup().stdout == ""


@pytest.mark.slow
def test_an_interrupted_setup_is_repaired(clone: Clone) -> None:
    clone.stub_torch()
    # Ended in the middle: folders are there, the state says so, and no process of that number runs set-up.
    half = clone.folder / ".venv" / "bin" / "half-installed"
    half.parent.mkdir(parents=True)
    half.touch()
    clone.state.write_text(f"unfinished {os.getpid()}\n")

    done = clone.setup()
    assert done.returncode == 0, done.stderr
    assert not half.exists()
    assert not clone.state.read_text().startswith("unfinished")


@pytest.mark.slow
def test_an_environment_without_torch_is_not_called_complete(clone: Clone) -> None:
    assert "do not import together" in clone.refusal()
    assert clone.state.read_text().startswith("unfinished")


def write_wheel(index: Path, name: str, version: str) -> None:
    """Put an importable package that knows its version into a package index made of folders."""
    info = f"{name}-{version}.dist-info"
    folder = index / name
    folder.mkdir(parents=True)
    wheel = folder / f"{name}-{version}-py3-none-any.whl"
    with zipfile.ZipFile(wheel, "w") as archive:
        archive.writestr(f"{name}.py", f"__version__ = {version!r}\n")
        archive.writestr(f"{info}/METADATA", f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n")
        archive.writestr(f"{info}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        archive.writestr(f"{info}/RECORD", f"{name}.py,,\n{info}/METADATA,,\n{info}/WHEEL,,\n{info}/RECORD,,\n")
    (folder / "index.html").write_text(f'<a href="{wheel.name.replace("+", "%2B")}">{wheel.name}</a>\n')


@pytest.mark.slow
def test_the_cpu_option_takes_torch_from_its_index_and_leaves_cuda_out(clone: Clone) -> None:
    index = clone.folder / "index"
    for name in ("torch", "torchvision"):
        write_wheel(index, name, "9.0+cpu")
    # The CUDA packages cannot be had from anywhere: asking for one would fail.
    cuda = ["cuda-toolkit==1 ; sys_platform == 'linux'", "nvidia-nvtx==1", "triton==1"]
    clone.lock.write_text("\n".join(["torch==9.0", "torchvision==9.0", *cuda, ""]))
    # PIP_NO_INDEX would forbid the local index, too.
    del clone.environment["PIP_NO_INDEX"]

    done = clone.setup(TORCH="cpu", TORCH_INDEX=index.as_uri())
    assert done.returncode == 0, done.stdout + done.stderr
    version = subprocess.run(
        [clone.folder / ".venv" / "bin" / "python", "-c", "import torch; print(torch.__version__)"],
        capture_output=True,
        text=True,
    )
    assert version.stdout.strip() == "9.0+cpu"
    assert clone.setup().stdout == "", "without TORCH the environment stays as it is"


def test_a_setup_at_work_is_not_disturbed(clone: Clone) -> None:
    if shutil.which("ps") is None:
        pytest.skip("no ps here: running set-ups cannot be seen")
    other = clone.folder / "other" / "setup.sh"
    other.parent.mkdir()
    other.write_text("echo started\nread line\n")
    with subprocess.Popen(["sh", str(other)], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        process.stdout.readline()
        clone.state.parent.mkdir()
        clone.state.write_text(f"unfinished {process.pid}\n")
        assert f"process {process.pid}" in clone.refusal()
        process.communicate(b"\n")
    assert clone.state.exists()


def test_an_unsupported_python_is_named(clone: Clone) -> None:
    clone.python3('case "$2" in *print*) echo "Python 3.9" ;; *) exit 1 ;; esac')
    message = clone.refusal()
    assert "Python 3.10 to 3.13 is needed, but python3 is Python 3.9" in message
    assert "PYTHON=" in message


def test_a_wrong_choice_of_python_leaves_the_environment_alone(clone: Clone) -> None:
    clone.state.parent.mkdir()
    clone.state.write_text("kept\n")
    assert "PYTHON=/nowhere/python" in clone.refusal(PYTHON="/nowhere/python")
    assert clone.state.read_text() == "kept\n"


def test_a_python_without_venv_gets_the_remedy(clone: Clone) -> None:
    clone.python3(f'case "$2" in *ensurepip*) exit 1 ;; esac\nexec "{sys.executable}" "$@"')
    assert "apt install python3-venv" in clone.refusal()


def test_an_unknown_torch_is_refused(clone: Clone) -> None:
    assert '"gpu"' in clone.refusal(TORCH="gpu")


def pins(lock: str) -> list[Requirement]:
    lines = (REPOSITORY / lock).read_text().splitlines()
    return [Requirement(line) for line in lines if not line.startswith("#")]


@pytest.mark.parametrize("lock", LOCKS)
def test_a_lock_holds_plain_pins(lock: str) -> None:
    """One exact, public version a line: no URLs, folders or hashes, which would tie it to one index or build."""
    for pin in pins(lock):
        assert pin.url is None
        assert re.fullmatch(r"==[0-9][0-9a-z.]*", str(pin.specifier)), str(pin)


NESTED = [(smaller, larger) for smaller in LOCKS for larger in LOCKS if set(LOCKS[smaller]) < set(LOCKS[larger])]


def installed(lock: str, python: str, platform: str) -> set[str]:
    """What a lock installs there: names with versions."""
    where = {"python_version": python, "python_full_version": f"{python}.9", "sys_platform": platform}
    return {f"{pin.name}{pin.specifier}" for pin in pins(lock) if pin.marker is None or pin.marker.evaluate(where)}


@pytest.mark.parametrize(("smaller", "larger"), NESTED)
def test_locks_nest(smaller: str, larger: str) -> None:
    for python, platform in itertools.product(("3.10", "3.11", "3.12", "3.13"), ("linux", "darwin", "win32")):
        assert installed(smaller, python, platform) < installed(larger, python, platform), (python, platform)


def test_the_locks_answer_pyproject() -> None:
    project = tomllib.loads((REPOSITORY / "pyproject.toml").read_text())["project"]
    for lock, extras in LOCKS.items():
        locked = pins(lock)
        groups = [project["dependencies"], *(project["optional-dependencies"][name] for name in extras)]
        for wanted in (Requirement(line) for group in groups for line in group):
            versions = [str(pin.specifier).removeprefix("==") for pin in locked if pin.name == wanted.name]
            assert versions, f"{lock} does not lock {wanted.name}: run make lock"
            assert all(wanted.specifier.contains(v) for v in versions), f"{lock}, {wanted.name}: run make lock"


def test_the_archives_have_the_checksums_of_the_data_readme() -> None:
    data = REPOSITORY / "data"
    rows = re.findall(r"^\| `(\S+\.gz)` \| ([\d,]+) \| `([0-9a-f]{32})` \|$", (data / "README.md").read_text(), re.M)
    assert len(rows) == 4
    for name, size, md5 in rows:
        content = (data / "MNIST" / "raw" / name).read_bytes()
        assert (len(content), hashlib.md5(content).hexdigest()) == (int(size.replace(",", "")), md5), name
