"""submit.py, which packs what students hand in: run as they run it, on folders in every state."""

import importlib.util
import json
import os
import re
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path
from types import ModuleType

import pytest

from autograder.repository import ROOT

TASKS = {
    "tasks": [
        {"number": number, "name": "x", "title": title, "section": "S", "file": file, "functions": [], "points": points}
        for number, title, file, points in (
            ("1.1", "KL", "kl.py", 3.5),
            ("1.2", "Triangle", "kl.py", 1),
            ("2.1", "Net", "Net.py", 5.5),
            ("2.2", "Model", "model.safetensors", 10),
        )
    ],
    "provided": ["main.py", "plotting.py", "submit.py"],
}
KL = "import plotting\nimport my_math\n\ndef kl():\n    return 1\n\ndef triangle():\n    return 2\n"
STUB = 'def triangle():\n    raise NotImplementedError("Task 1.2: triangle, see README section 1.2")\n'
HEADER = b'{"w":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}'
WEIGHTS = len(HEADER).to_bytes(8, "little") + HEADER + bytes(4)


class Folder:
    """A student's folder, complete until something is taken out."""

    def __init__(self, path: Path) -> None:
        self.path = path
        (path / "lab").mkdir()
        shutil.copy(ROOT / "solution" / "submit.py", path)
        self.write("lab/tasks.json", json.dumps(TASKS))
        self.write("kl.py", KL)
        self.write("my_math.py", "import numbers_of_mine\n")
        self.write("numbers_of_mine.py", "PI = 3\n")
        self.write("Net.py", "class Net:\n    pass\n")
        self.write("plotting.py", "")
        self.write("main.py", "")
        (path / "model.safetensors").write_bytes(WEIGHTS)

    def write(self, name: str, text: str) -> None:
        (self.path / name).write_text(text, encoding="utf-8")

    def submit(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run it; its output has to fit a terminal of 80 columns, and of 24 lines if it is not told otherwise."""
        done = self.run(*arguments)
        lines = done.stdout.splitlines()
        assert max(map(len, lines), default=0) < 80 and ("--all" in arguments or len(lines) < 24), done.stdout
        return done

    def run(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, str(self.path / "submit.py"), *arguments],
            cwd=self.path.parent,
            capture_output=True,
            text=True,
            timeout=60,
        )

    def packed(self) -> list[str]:
        with zipfile.ZipFile(self.path / "submission.zip") as archive:
            assert archive.testzip() is None
            return archive.namelist()


def flat(text: str) -> str:
    """What was printed, each sentence in one line."""
    return re.sub(r"\n {4,}(?![\d.]+  )", " ", text)


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    (tmp_path / "homework").mkdir()
    return Folder(tmp_path / "homework")


@pytest.fixture
def submit() -> ModuleType:
    spec = importlib.util.spec_from_file_location("submit_under_test", ROOT / "solution" / "submit.py")
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module  # dataclasses look their module up
    spec.loader.exec_module(module)
    yield module
    del sys.modules[spec.name]


def test_a_complete_folder(folder: Folder) -> None:
    done = folder.submit()
    assert done.returncode == 0, done.stdout + done.stderr
    assert folder.packed() == ["kl.py", "Net.py", "model.safetensors", "my_math.py", "numbers_of_mine.py"]
    assert done.stdout.splitlines()[1:] == [
        "  ok  kl.py, Net.py, model.safetensors, my_math.py (your own module),",
        "      numbers_of_mine.py (your own module)",
        "",
        "Code:    at most 20 of 20 points as it is",
        "Checks:  pytest has not run all public ones yet; hidden ones count, too",
        "Next:    nothing is missing: upload the zip as it is",
    ]


def test_the_release_is_handed_in(folder: Folder) -> None:
    release = {"version": "0.2.0", "hash": "0123abcd"}
    folder.write("lab/tasks.json", json.dumps({**TASKS, "release": release}))
    done = folder.submit()
    assert folder.packed()[-1] == "release.json" and "release.json" not in done.stdout
    with zipfile.ZipFile(folder.path / "submission.zip") as archive:
        assert json.loads(archive.read("release.json")) == release


def test_missing_weights_say_how_to_make_them_and_what_they_cost(folder: Folder) -> None:
    (folder.path / "model.safetensors").unlink()
    done = folder.submit()
    assert done.returncode == 0
    assert "  10  model.safetensors missing: run run_gmvae.py\n" in done.stdout
    assert "at most 10 of 20 points as it is; you can hand in again later\n" in done.stdout
    assert "Next:    model.safetensors missing: run run_gmvae.py\n" in done.stdout
    assert "model.safetensors" not in folder.packed()


def test_a_missing_file_and_an_open_task(folder: Folder) -> None:
    (folder.path / "Net.py").unlink()
    folder.write("kl.py", STUB)
    done = folder.submit()
    assert done.returncode == 0
    assert "  5.5  Net.py missing: Task 2.1\n" in done.stdout
    assert "    1  kl.py not implemented: Task 1.2\n" in done.stdout
    assert "Next:    Task 1.2 in kl.py; pytest -m x\n" in done.stdout
    assert folder.packed() == ["kl.py", "model.safetensors"]
    assert "    1  kl.py not implemented: Task 1.2, Triangle\n" in folder.submit("--all").stdout


def test_what_one_screen_has_no_room_for_is_counted(folder: Folder) -> None:
    """As many files and strays as no assignment has; --all names them."""
    tasks = [{**TASKS["tasks"][0], "number": f"3.{i}", "file": f"a_rather_long_name_{i}.py"} for i in range(40)]
    folder.write("lab/tasks.json", json.dumps({**TASKS, "tasks": [*TASKS["tasks"], *tasks]}))
    folder.write("kl.py", STUB)
    for i in range(40):
        folder.write(f"a_rather_long_stray_{i}.py", "")
    said = flat(folder.submit().stdout)
    shown = said.count("missing: Task") + 1
    assert f"\n  {141 - 3.5 * (shown - 1) - 1:g} points in {41 - shown} more files: python submit.py --all\n" in said
    assert shown > 5 and "a_rather_long_stray_12.py and 37 more: nothing" in said
    everything = folder.submit("--all").stdout
    assert "a_rather_long_name_39.py missing" in everything and "a_rather_long_stray_39.py" in everything
    assert "--all" not in everything


def test_where_nothing_is_written_nothing_can_be_earned(folder: Folder) -> None:
    """Not even what is judged over all files."""
    over_all = {**TASKS["tasks"][0], "number": "3.1", "name": "manners", "file": "", "points": 2}
    folder.write("lab/tasks.json", json.dumps({**TASKS, "tasks": [*TASKS["tasks"], over_all]}))
    (folder.path / "Net.py").unlink()
    (folder.path / "model.safetensors").unlink()
    assert "at most 6.5 of 22 points" in folder.submit().stdout
    folder.write("kl.py", STUB.replace("1.2", "1.1") + STUB)
    assert "at most 0 of 22 points" in folder.submit().stdout


def test_results_of_a_run_are_handed_in_where_the_report_needs_them(folder: Folder) -> None:
    (folder.path / "results").mkdir()
    folder.write("results/metrics.json", "{}")
    folder.submit()
    assert "metrics.json" not in folder.packed()
    folder.write("lab/tasks.json", json.dumps({**TASKS, "results": ["results/metrics.json"]}))
    assert "results/metrics.json (of your run)" in folder.submit().stdout
    assert folder.packed()[-1] == "metrics.json"
    folder.write("results/metrics.json", " " * (2**18 + 1))
    assert "results/metrics.json is too large" in folder.submit().stdout
    (folder.path / "results/metrics.json").unlink()
    said = folder.submit().stdout
    assert "  no  results/metrics.json is missing: the report needs it, main.py writes it\n" in said
    assert "nothing is missing: upload the zip" in said and "metrics.json" not in folder.packed()


def test_a_stub_that_is_never_reached_is_none(folder: Folder) -> None:
    stub = '    raise NotImplementedError("Task 1.2: triangle, see README section 1.2")\n'
    for code in (f"def triangle():\n    return 2\n{stub}", f"def triangle():\n    if False:\n    {stub}    return 2\n"):
        folder.write("kl.py", code)
        assert "not implemented" not in folder.submit().stdout
    folder.write("kl.py", f"def triangle(x=1):\n    if x:\n    {stub}    return 2\n")
    assert "not implemented: Task 1.2" in folder.submit().stdout


def test_the_last_run_of_the_checks_and_the_report_are_told(folder: Folder) -> None:
    folder.write("lab/tasks.json", json.dumps({**TASKS, "questions": [{"points": 3}, {"points": 4.5}]}))
    folder.write("report.ipynb", "{}")
    run = folder.path / ".pytest_cache" / "v" / "assignment" / "public_checks"
    run.parent.mkdir(parents=True)
    run.write_text('{"passed": 44, "count": 46}')
    said = folder.submit().stdout
    assert "44 of 46 public checks pass (run today " in said and "changed since" not in said
    assert "Report:  7.5 points more, not in this zip" in said and "report.ipynb" not in said
    os.utime(run, (1.7e9, 1.7e9))
    assert "(run on 2023-11-1" in (said := folder.submit().stdout)
    assert "changed since: Net.py, kl.py" in flat(said)


def test_a_wrong_case_is_no_missing_file_without_a_remedy(folder: Folder) -> None:
    (folder.path / "Net.py").rename(folder.path / "NET.py")
    assert "Net.py missing: rename NET.py to Net.py" in folder.submit().stdout


@pytest.mark.parametrize("name", ["kl (1).py", "Copy of kl.py", "kl_final.py", "kl.py.txt", "kl.ipynb"])
def test_a_name_that_is_almost_right_is_asked_about(folder: Folder, name: str) -> None:
    folder.write(name, KL)
    assert f"  no  {name}: nothing that you hand in imports it\n" in folder.submit().stdout
    (folder.path / "kl.py").unlink()
    assert f"kl.py missing: if {name} is it, rename it to kl.py" in folder.submit().stdout


def test_a_git_lfs_pointer_is_called_so(folder: Folder) -> None:
    folder.write("model.safetensors", "version https://git-lfs.github.com/spec/v1\noid sha256:4d7a\nsize 2674080\n")
    done = folder.submit()
    assert "model.safetensors is a Git LFS pointer, not the weights: run `git lfs pull`" in flat(done.stdout)


def test_a_file_that_is_not_python_is_packed_and_named(folder: Folder) -> None:
    folder.write("kl.py", "def kl(:\n")
    done = folder.submit()
    assert "kl.py line 1: not valid Python: nothing in this file can be graded\n" in done.stdout
    assert "kl.py" in folder.packed()


@pytest.mark.parametrize(
    "content", [b"", b"PK\x03\x04", WEIGHTS[:20], b"\xff" * 100], ids=["empty", "zip", "cut", "noise"]
)
def test_weights_that_are_none(folder: Folder, content: bytes) -> None:
    (folder.path / "model.safetensors").write_bytes(content)
    done = folder.submit()
    assert "model.safetensors is not a whole safetensors file: train the model again\n" in done.stdout
    assert "model.safetensors" not in folder.packed()


def test_what_is_left_out_is_said(folder: Folder) -> None:
    folder.write("scratch.py", "")
    folder.write("play.ipynb", "{}")
    done = folder.submit()
    assert "  no  play.ipynb, scratch.py: nothing that you hand in imports them\n" in done.stdout
    assert not {"scratch.py", "play.ipynb", "plotting.py"} & set(folder.packed())


def test_an_empty_folder_is_refused_with_the_reason(folder: Folder) -> None:
    for name in ("kl.py", "Net.py", "model.safetensors"):
        (folder.path / name).unlink()
    done = folder.submit()
    assert done.returncode == 2
    assert "none of the files to hand in" in done.stderr
    assert not (folder.path / "submission.zip").exists()


def test_names_that_the_output_has_no_letters_for(folder: Folder, monkeypatch: pytest.MonkeyPatch) -> None:
    """As on Windows, where the output is no window."""
    monkeypatch.setenv("PYTHONIOENCODING", "cp1252")
    folder.write("копия kl.py", "")
    done = folder.run()
    assert done.returncode == 0
    assert r"\u043a\u043e\u043f\u0438\u044f kl.py: nothing" in done.stdout


@pytest.mark.parametrize(("content", "complaint"), [(None, "is missing"), ("{", "is damaged"), ("{}", "is damaged")])
def test_without_the_task_list(folder: Folder, content: str | None, complaint: str) -> None:
    (folder.path / "lab/tasks.json").unlink()
    if content is not None:
        folder.write("lab/tasks.json", content)
    done = folder.submit()
    assert done.returncode == 2
    assert complaint in done.stderr
    assert "Traceback" not in done.stderr


def test_another_folder_and_another_zip(folder: Folder, tmp_path: Path) -> None:
    done = folder.submit("--folder", str(folder.path), "--out", str(tmp_path / "mine.zip"))
    assert done.returncode == 0
    assert zipfile.is_zipfile(tmp_path / "mine.zip")


def test_the_reference_solution_is_complete_and_the_starter_is_not(submit: ModuleType, tmp_path: Path) -> None:
    """On the real task list: nothing is lost by the solution's code, and everything by the starter's."""
    from autograder.release import student

    made = student.generate()
    (tmp_path / "lab").mkdir()
    (tmp_path / "lab/tasks.json").write_bytes(made.files["lab/tasks.json"])
    assignment = submit.read_assignment(tmp_path)
    tasks = assignment.tasks
    code = [task for task in tasks if task.file.endswith(".py")]
    starter = tmp_path / "starter"
    starter.mkdir()
    for task in code:
        (starter / task.file).write_bytes(made.files[task.file])
    assert [item.problem for item in submit.examine(ROOT / "solution", code) if item.problem] == []
    lost = submit.examine(starter, code)
    assert sum(item.lost for item in lost) == pytest.approx(sum(task.points for task in code))
    assert {task.file for task in code} & assignment.provided == set()
    assert {"submit.py", "main.py", "plotting.py", "explore.py"} <= assignment.provided
