"""setup.sh and run_autograder on a machine of our making: a stub for Python records what they ask it to do.

Nothing is installed and no network is reached; test_gradescope.py runs both for real.
"""

import os
import shutil
import stat
import subprocess
import sys
from pathlib import Path

import pytest

TEMPLATES = Path(__file__).resolve().parents[3] / "autograder" / "gradescope"
REQUIREMENTS = {
    "requirements.txt": "numpy==2.0",
    "requirements.torch.txt": "torch==2.15.0\ntorchvision==0.29.2",
    "requirements.cuda.txt": "nvidia-cublas==13",
}
# $LOG gets one line a call. FAIL: a word; calls that contain it fail.
STUB = """#!/bin/sh
echo "$*" >>"$LOG"
case "$*" in *"${FAIL:-nothing}"*) echo "stub: failing" >&2; exit 1 ;; esac
case "$*" in
    "-m venv "*) mkdir -p "$3/bin"; cp "$0" "$3/bin/python" ;;
    -V) echo "Python 3.11.0" ;;
    *-c*|*" -") cat >/dev/null ;;
esac
"""
INDEX = "https://download.pytorch.org/whl/cpu"

pytestmark = pytest.mark.skipif(
    sys.platform != "linux" or shutil.which("bash") is None or shutil.which("ldconfig", path="/sbin:/usr/sbin") is None,
    reason="the scripts run in Gradescope's Linux containers",
)


class Container:
    """/autograder in a temporary folder, with a stub for Python."""

    def __init__(self, folder: Path) -> None:
        self.tree, self.venv, self.log = folder / "autograder", folder / "opt" / "venv", folder / "log"
        self.source = self.tree / "source"
        for name in ("source/files/grader/tests", "submission", "results"):
            (self.tree / name).mkdir(parents=True)
        for name, text in REQUIREMENTS.items():
            (self.source / name).write_text(text + "\n")
        (self.source / "files" / "grader" / "tests" / "hidden.py").touch()
        shutil.copy(TEMPLATES / "setup.sh", self.source)
        shutil.copy(TEMPLATES / "run_autograder", self.tree)
        self.python = folder / "python"
        self.python.write_text(STUB)
        self.python.chmod(0o755)
        self.environment = {
            "PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
            "HOME": str(folder),
            "PYTHON": str(self.python),
            "AUTOGRADER_VENV": str(self.venv),
            "LOG": str(self.log),
        }

    def set_up(self, **variables: str) -> subprocess.CompletedProcess[str]:
        return self._run(self.source / "setup.sh", variables)

    def grade(self, **variables: str) -> subprocess.CompletedProcess[str]:
        return self._run(self.tree / "run_autograder", variables)

    def _run(self, script: Path, variables: dict[str, str]) -> subprocess.CompletedProcess[str]:
        self.log.write_text("")
        return subprocess.run(
            ["bash", str(script)], env=self.environment | variables, capture_output=True, text=True, timeout=60
        )

    def calls(self, word: str) -> list[str]:
        """Logged calls that contain a word."""
        return [line for line in self.log.read_text().splitlines() if word in line]


@pytest.fixture
def container(tmp_path: Path) -> Container:
    return Container(tmp_path)


def test_torch_comes_from_pytorchs_cpu_index_and_the_rest_without_it(container: Container) -> None:
    done = container.set_up()
    assert done.returncode == 0, done.stderr
    torch, rest = container.calls("pip install")
    assert f"--index-url {INDEX}" in torch
    assert "requirements.torch.txt" in torch
    assert "--index-url" not in rest
    assert "requirements.txt" in rest
    assert all("--no-deps" in call for call in (torch, rest))
    assert not container.calls("requirements.cuda.txt")
    assert container.calls("rehearse")
    assert container.calls("compileall")


def test_without_that_index_the_ordinary_build_and_its_libraries(container: Container) -> None:
    done = container.set_up(FAIL=INDEX)
    assert done.returncode == 0, done.stderr
    assert "taking the ordinary build" in done.stdout
    assert len([call for call in container.calls("requirements.cuda.txt") if "--index-url" not in call]) == 1


@pytest.mark.parametrize(
    ("variables", "wanted", "unwanted"),
    [
        ({"TORCH_SPEC": "torch==2.1 torchvision", "TORCH_INDEX": ""}, "torch==2.1 torchvision", "--index-url"),
        ({"TORCH_INDEX": "https://mirror.example/cpu"}, "--index-url https://mirror.example/cpu", INDEX),
        ({"TORCH_INDEX": ""}, "requirements.cuda.txt", "--index-url"),
    ],
)
def test_the_source_of_torch_can_be_chosen(
    container: Container, variables: dict[str, str], wanted: str, unwanted: str
) -> None:
    assert container.set_up(**variables).returncode == 0
    assert container.calls(wanted)
    assert not container.calls(unwanted)


def test_a_second_run_installs_nothing_and_a_change_installs_again(container: Container) -> None:
    assert container.set_up().returncode == 0
    again = container.set_up()
    assert again.returncode == 0
    assert "is complete" in again.stdout
    assert not container.calls("pip install")
    assert container.calls("rehearse")
    (container.source / "requirements.txt").write_text("numpy==2.1\n")
    assert container.set_up().returncode == 0
    assert container.calls("pip install")


@pytest.mark.parametrize("step", ["-m venv", "-r", "-I -", "compileall", "rehearse"])
def test_every_failure_is_loud_and_the_next_run_repairs(container: Container, step: str) -> None:
    # "-r" fails every installation, the fallback's included.
    failed = container.set_up(FAIL=step)
    assert failed.returncode != 0
    assert "setup.sh FAILED" in failed.stderr
    assert "ready" not in failed.stdout
    if step in ("-m venv", "-r", "-I -"):  # the environment is not complete: nobody is graded in it
        assert container.grade().returncode != 0
        assert not os.listdir(container.tree / "results")
    assert container.set_up().returncode == 0


def test_a_library_is_found_at_the_top_of_a_long_list(container: Container, tmp_path: Path) -> None:
    # Whoever stops reading at the match breaks the pipe under the rest of the list.
    ldconfig = tmp_path / "bin" / "ldconfig"
    ldconfig.parent.mkdir()
    ldconfig.write_text(
        "#!/bin/sh\necho 'libseccomp.so.2 (libc6) => /lib/libseccomp.so.2'\nsleep 0.5\nexec seq 100000\n"
    )
    ldconfig.chmod(0o755)
    done = container.set_up(PATH=f"{ldconfig.parent}:{container.environment['PATH']}")
    assert done.returncode == 0, done.stderr


def test_an_interrupted_setup_starts_anew(container: Container) -> None:
    (container.venv / "bin").mkdir(parents=True)
    leftover = container.venv / "bin" / "half"
    leftover.touch()
    assert container.set_up().returncode == 0
    assert not leftover.exists()


def test_an_unusable_python_is_named(container: Container) -> None:
    done = container.set_up(PYTHON="/bin/false")
    assert done.returncode != 0
    assert "PYTHON=/bin/false is not Python 3.10 or newer" in done.stderr


def test_setup_closes_what_the_zip_brought(container: Container) -> None:
    for path in [container.source, *container.source.rglob("*")]:
        path.chmod(0o755 if path.is_dir() else 0o644)
    assert container.set_up().returncode == 0
    for path in [container.source, *container.source.rglob("*")]:
        assert stat.S_IMODE(path.stat().st_mode) & 0o077 == 0, path


def test_run_autograder_closes_everything_and_starts_the_grader_alone(container: Container) -> None:
    assert container.set_up().returncode == 0
    # The environment is not passed on, so this stub finds its log by itself.
    python = container.venv / "bin" / "python"
    python.write_text(f'#!/bin/sh\n{{ echo "$*"; env; }} >>"{container.log}"\nexit 7\n')
    metadata = container.tree / "submission_metadata.json"
    metadata.write_text("{}")
    for path in (container.source, container.tree / "results"):
        path.chmod(0o755)
    done = container.grade(PYTHONPATH="/somewhere", TOKEN="secret")
    assert done.returncode == 7
    logged = container.log.read_text()
    assert logged.splitlines()[0] == f"-I {container.source}/files/grader run {container.tree}"
    assert "PYTHONPATH" not in logged
    assert "TOKEN" not in logged
    for path in (container.source, container.tree / "results", metadata):
        assert stat.S_IMODE(path.stat().st_mode) & 0o077 == 0, path


def test_without_a_set_up_run_autograder_fails(container: Container) -> None:
    done = container.grade()
    assert done.returncode != 0
    assert not os.listdir(container.tree / "results")
