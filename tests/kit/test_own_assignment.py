"""docs/own-assignment.md, word by word: its files are those of tiny/, and its commands do with them what it says."""

import json
import os
import re
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from autograder.exits import Exit
from autograder.repository import ROOT
from tests.kit.courses import TINY
from tests.kit.documented import commands, page
from tests.kit.processes import usual_environment

PAGE = page("own-assignment.md")
FILES = re.findall(r"^`([\w./]+)`\n\n```\w+\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
COMMANDS = [line.split("  #")[0].rstrip() for line in commands(PAGE)]
KEPT = ("autograder", "requirements", "LICENSE", "pyproject.toml", "tests/conftest.py")


class Tree:
    """The tiny assignment as its author has it: the files of tiny/ and the kit."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        shutil.copytree(TINY, folder, dirs_exist_ok=True)
        for name in KEPT:
            if (ROOT / name).is_dir():
                shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__", "secret.txt"))
            else:
                shutil.copy(ROOT / name, folder / name)

    def run(self, command: str, status: int = Exit.DONE, cwd: str = ".") -> str:
        """Run a command of the page there; returns what it printed."""
        path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
        done = subprocess.run(
            command.split(), cwd=self.folder / cwd, env=usual_environment(PATH=path), capture_output=True, text=True
        )
        assert done.returncode == status, done.stdout[-3000:] + done.stderr[-3000:]
        return done.stdout + done.stderr

    def can_make(self) -> None:
        """Put the Makefile there, as on a machine where `make setup` has been run."""
        (self.folder / ".venv").symlink_to(sys.prefix)
        shutil.copy(ROOT / "Makefile", self.folder)
        (self.folder / "tools").mkdir()
        (self.folder / "tools" / "setup.sh").write_text("# done\n")

    def score(self, name: str = "results.json") -> float:
        return json.loads((self.folder / name).read_text())["score"]


def command(words: str) -> str:
    """The command of the page that begins with these words after `python -m autograder`."""
    (found,) = [line for line in COMMANDS if line.startswith(f"python -m autograder {words}")]
    return found


@pytest.fixture(scope="module")
def tree(tmp_path_factory: pytest.TempPathFactory) -> Tree:
    tree = Tree(tmp_path_factory.mktemp("own"))
    tree.run(command("student"))
    return tree


@pytest.mark.parametrize(("name", "text"), FILES, ids=[name for name, _ in FILES])
def test_the_page_shows_the_files_as_they_are(name: str, text: str) -> None:
    assert (TINY / name).read_text(encoding="utf-8").startswith(text)


def test_every_command_is_run_here() -> None:
    source = Path(__file__).read_text(encoding="utf-8")
    for line in COMMANDS:
        words = line.removeprefix("python -m autograder ")
        assert f'command("{words}' in source or f'command("{words.split()[0]}")' in source, line


def test_students_get_a_starter_with_numbers(tree: Tree) -> None:
    tree.run(command("check-sync"))
    starter = (tree.folder / "student" / "line.py").read_text()
    assert 'raise NotImplementedError("Task 1.2: mean_squared_error, see README section 1.2")' in starter
    assert "7 points in all" in (tree.folder / "student" / "README.md").read_text()
    tree.run(command("release"))
    with zipfile.ZipFile(tree.folder / "dist" / "full" / "student.zip") as archive:
        assert {"straight-line/line.py", "straight-line/tests/test_line.py"} <= set(archive.namelist())


@pytest.mark.slow
def test_students_check_themselves(tree: Tree) -> None:
    assert "Next: Task 1.1" in tree.run("python -m pytest -p no:cacheprovider", status=1, cwd="student")
    solved = tree.folder / "solved"
    shutil.copytree(tree.folder / "student", solved)
    shutil.copy(tree.folder / "solution" / "line.py", solved)
    for options in ("", " -m predict", " -m task1_1"):
        assert "1.1  Heights of a line " in tree.run(f"python -m pytest -p no:cacheprovider{options}", cwd="solved")


def test_a_perfect_student_gets_everything_and_a_starter_nothing(tree: Tree) -> None:
    tree.run(command("reference-submission"))
    assert "7 / 7" in tree.run(command("grade dist/full/reference.zip"))
    document = json.loads((tree.folder / "results.json").read_text())
    assert document["score"] == 7 and document["leaderboard"][0]["name"] == "Error"
    tree.run(command("grade student"))
    assert tree.score() == 0


@pytest.mark.slow
def test_the_zip_grades_without_the_repository(tree: Tree, tmp_path: Path) -> None:
    tree.run(command("zip"))
    with zipfile.ZipFile(tree.folder / "dist" / "full" / "autograder.zip") as archive:
        archive.extractall(tmp_path / "source")
    folder = tmp_path / "place"
    (folder / "submission").mkdir(parents=True)
    assert "sandbox here: " in tree.run(f"python -I {tmp_path}/source/files/grader rehearse {folder}")
    assert json.loads((folder / "results.json").read_text())["tests"]


@pytest.mark.slow
def test_a_class(tree: Tree) -> None:
    solution = (tree.folder / "solution" / "line.py").read_text()
    work = {"ada": solution, "ben": solution.replace("+ intercept", "- intercept"), "cyd": ""}
    for name, text in work.items():
        folder = tree.folder / "submissions" / name
        folder.mkdir(parents=True)
        (folder / "line.py").write_text(text)
    tree.run(command("class"))
    assert [tree.score(f"grades/students/{name}/results.json") for name in work] == [4, 2, 0]
    assert "sign of the intercept" in (tree.folder / "grades" / "class.html").read_text()


@pytest.mark.slow
def test_the_audit(tree: Tree) -> None:
    tree.run(command("audit --quick"))
