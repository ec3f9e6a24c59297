"""dist/full/autograder.zip: what is in it, what is not, and that the same sources give the same bytes."""

import json
import os
import re
import shutil
import subprocess
import sys
import zipfile
from collections import Counter
from pathlib import Path

import pytest

from autograder import tasks
from autograder.gradescope import bundle, otter
from autograder.grading.secret import load_secret
from autograder.repository import ROOT

GRADER = "files/grader/"


@pytest.fixture(scope="module")
def archive(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("zip") / "autograder.zip"
    bundle.write(path)
    return path


@pytest.fixture(scope="module")
def files(archive: Path) -> dict[str, bytes]:
    with zipfile.ZipFile(archive) as file:
        return {name: file.read(name) for name in file.namelist()}


@pytest.fixture(scope="module")
def course() -> tasks.Course:
    return tasks.load()


def test_gradescope_and_otter_find_what_they_look_for(files: dict[str, bytes]) -> None:
    top = {name for name in files if "/" not in name}
    assert {"setup.sh", "run_autograder"} <= top  # Gradescope
    assert "otter_config.json" in top  # `otter run`
    assert not [name for name in top if name.endswith(".py")]
    assert {name.split("/")[0] for name in files if "/" in name} == {"files", "tests"}
    notebooks = [name for name in files if name.endswith(".ipynb")]
    assert notebooks == ["files/driver.ipynb"]


def test_the_grader_is_complete_and_nothing_else_is_there(files: dict[str, bytes], course: tasks.Course) -> None:
    inside = {name.removeprefix(GRADER) for name in files if name.startswith(GRADER)}
    wanted = {f"tests/{check.id.split('::')[0]}" for check in course.checks if check.by_pytest}
    wanted |= {
        "tests/conftest.py",
        "autograder/door/executor.py",
        "tests/support/oracles.py",
        "autograder/door/submission.py",
    }
    wanted |= {"courses/full.toml", "tests/tasks.toml", "autograder/gradescope/settings.toml", "autograder/secret.txt"}
    wanted |= {*course.assignment.data, *course.assignment.examples}
    wanted |= {"autograder/sandbox/worker.py", "autograder/grading/grade.py"}
    wanted |= {"student/lab/tasks.json"}  # which release it grades for
    assert wanted <= inside
    kinds = Counter(Path(name).suffix for name in inside)
    assert set(kinds) <= {".py", ".toml", ".txt", ".json", ".gz", ".safetensors"}
    assert not [
        name for name in inside if re.search(r"attacks|release|bench|bundle|rehearsal|kit|assignment|README", name)
    ]


def test_nothing_of_the_solution_is_inside(files: dict[str, bytes], course: tasks.Course) -> None:
    handed_in = {task.file for task in course.tasks if task.file.endswith(".py")}
    assert not handed_in & {Path(name).name for name in files if "/tests/support/" not in name}
    solution = {path.read_bytes() for path in (ROOT / "solution").rglob("*.py") if path.name in handed_in}
    assert not solution & set(files.values())
    assert not [name for name, content in files.items() if b"BEGIN SOLUTION" in content and name.endswith(".py")]


def test_secrets_are_only_where_the_students_user_cannot_read(archive: Path, files: dict[str, bytes]) -> None:
    secret = load_secret().encode()
    assert [name for name, content in files.items() if secret in content] == [f"{GRADER}autograder/secret.txt"]
    with zipfile.ZipFile(archive) as file:
        modes = {info.filename: info.external_attr >> 16 & 0o777 for info in file.infolist()}
    assert {name for name, mode in modes.items() if mode != 0o600} == {"setup.sh", "run_autograder"}
    assert archive.stat().st_mode & 0o077 == 0 or os.name == "nt"
    # What is copied to where student code runs: modules that students have got already.
    shipped = [name for name in files if name.startswith(f"{GRADER}student/")]
    assert shipped
    for name in shipped:
        assert files[name] == (ROOT / name.removeprefix(GRADER)).read_bytes()


@pytest.mark.slow
def test_same_sources_same_bytes(archive: Path, tmp_path: Path) -> None:
    again = tmp_path / "again.zip"
    bundle.write(again)
    assert again.read_bytes() == archive.read_bytes()


def test_it_is_small(archive: Path) -> None:
    assert archive.stat().st_size < 10 * 10**6 < bundle.UPLOAD_LIMIT


def test_one_otter_file_a_task_with_the_checks_points_and_hidden_flags(
    files: dict[str, bytes], course: tasks.Course, monkeypatch: pytest.MonkeyPatch
) -> None:
    from otter.test_files import ExceptionTestFile

    class Bridge:
        """Stands in for the bridge, which would grade."""

        @staticmethod
        def earned(check_id: str) -> float:
            return 4.0

        @staticmethod
        def missed(check_id: str, points: float) -> float:
            return points - 4.0

    monkeypatch.setitem(sys.modules, "autograder_bridge", Bridge)
    tests = sorted(name for name in files if name.startswith("tests/"))
    assert len(tests) == len(course.tasks)
    for name, task in zip(tests, course.tasks, strict=True):
        file = ExceptionTestFile.from_string(files[name].decode(), path=name)
        checks = [check for check in course.checks if check.task == task.name]
        assert file.name == otter.task_name(task) == f"{task.number} {task.title}"
        assert not file.all_or_nothing
        assert file.possible == pytest.approx(task.points)
        plain = [check for check in checks if check.by_pytest]
        if len(plain) == len(checks):
            found = [(case.name, case.points, case.hidden) for case in file.test_cases]
            assert found == [(check.title, check.points, check.hidden_inputs) for check in checks]
        assert all(repr(check.id) in files[name].decode() for check in checks)


def test_the_lock_is_cut_without_loss(files: dict[str, bytes]) -> None:
    def lines(name: str) -> list[str]:
        return files[name].decode().splitlines()

    locked = (ROOT / "requirements" / "instructor.txt").read_text().splitlines()
    wanted = [line for line in locked if line and not line.startswith("#")]
    parts = [lines(f"requirements{part}.txt") for part in ("", ".torch", ".cuda")]
    assert sorted(sum(parts, [])) == sorted(wanted)
    assert {line.partition("==")[0] for line in parts[1]} == {"torch", "torchvision"}
    assert not [line for line in parts[0] if re.match(r"nvidia|cuda|triton|torch", line)]


@pytest.mark.skipif(shutil.which("bash") is None, reason="Gradescope's scripts are for bash")
@pytest.mark.parametrize("name", ["setup.sh", "run_autograder"])
def test_scripts_parse(files: dict[str, bytes], tmp_path: Path, name: str) -> None:
    script = tmp_path / name
    script.write_bytes(files[name])
    assert files[name].startswith(b"#!/usr/bin/env bash\n")
    assert b"\r" not in files[name]
    checked = subprocess.run(["bash", "-n", str(script)], capture_output=True, text=True)
    assert (checked.returncode, checked.stderr) == (0, "")


def test_the_unpacked_grader_imports_without_the_repository(archive: Path, tmp_path: Path) -> None:
    with zipfile.ZipFile(archive) as file:
        file.extractall(tmp_path)
    grader = tmp_path / "files" / "grader"
    code = (
        f"import sys; sys.path.insert(0, {str(grader)!r}); from autograder.sandbox import backend, worker; "
        "from autograder.grading import grade, intake, suites; from autograder.gradescope import run; "
        "from autograder import tasks; tasks.load(); assert 'torch' not in sys.modules; "
        "from autograder.grading.secret import SECRET_FILE; assert SECRET_FILE.is_file(); print(run.__file__)"
    )
    done = subprocess.run([sys.executable, "-I", "-c", code], cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip().startswith(str(tmp_path))
    helped = subprocess.run([sys.executable, "-I", str(grader), "--help"], cwd="/", capture_output=True, text=True)
    assert helped.returncode == 0, helped.stderr
    assert "rehearse" in helped.stdout


def test_it_is_not_built_when_tasks_and_checks_disagree(monkeypatch: pytest.MonkeyPatch, course: tasks.Course) -> None:
    ids = [check.id for check in course.checks if check.by_pytest]
    monkeypatch.setattr(bundle, "collected_checks", lambda root: [*ids[1:], "hidden/test_kl.py::test_new"])
    with pytest.raises(bundle.BundleError) as caught:
        bundle.contents(tasks.load())
    assert ids[0] in str(caught.value)
    assert "test_new is in no task of tests/tasks.toml" in str(caught.value)


def test_checks_that_cannot_be_collected_are_named(tmp_path: Path) -> None:
    for folder in ("public", "hidden"):
        (tmp_path / "tests" / folder).mkdir(parents=True)
    (tmp_path / "tests" / "hidden" / "test_broken.py").write_text("import no_such_module\n")
    (tmp_path / "pytest.ini").write_text("[pytest]\n")
    with pytest.raises(bundle.BundleError, match="no_such_module"):
        bundle.collected_checks(tmp_path)


def test_the_driver_is_a_notebook_without_code(files: dict[str, bytes]) -> None:
    import nbformat

    notebook = nbformat.reads(files["files/driver.ipynb"].decode(), as_version=4)
    nbformat.validate(notebook)
    assert [cell.cell_type for cell in notebook.cells] == ["markdown"]
    assert json.loads(files["otter_config.json"])["lang"] == "python"
