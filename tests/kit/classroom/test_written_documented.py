"""The written part in docs/class.md, word by word: its commands do what it says."""

import subprocess
from pathlib import Path

import pytest

from autograder.exits import Exit
from autograder.tables import csv_text
from autograder.writing import write_files
from tests.kit.archives import write_zip
from tests.kit.classroom.test_answers import pdf
from tests.kit.documented import commands, page, section
from tests.kit.gradebooks import by_submission, records
from tests.kit.processes import let_others_in, usual_environment
from tests.kit.test_own_assignment import Tree
from tests.kit.written_course import COURSE, DRAWN, questions

COMMANDS = commands(section(page("class.md"), "The written part"))
HEAD = """
```otter
# ASSIGNMENT CONFIG
name: straight-line
export_cell: false
check_all_cell: false
generate: false
run_tests: false
tests:
    files: true
    ok_format: false
```

# Report
"""


@pytest.fixture(scope="module")
def tree(tmp_path_factory: pytest.TempPathFactory) -> Tree:
    """The tiny assignment with questions, a course without code, and the commands of the Makefile."""
    tree = Tree(tmp_path_factory.mktemp("written"))
    let_others_in(tree.folder)
    course = (tree.folder / "courses" / "full.toml").read_text()
    asked = '\n[[section]]\nname = "words"\ntitle = "Words"\nquestion = [{ name = "why_pi", points = 3 }]\n'
    files = {
        **questions(),
        "courses/full.toml": course.replace("total = 7", "total = 10") + asked,
        "courses/003.toml": COURSE,
        "solution/drawn.py": DRAWN,
        "solution/handout/003.md": "# Circles and spheres\n\n{{sections}}\n",
        "solution/report/report.md": HEAD,
    }
    for kind in "WN":
        files[f"solution/report/{kind}.md"] = "Words.\n"
    write_files(tree.folder, files)
    tree.can_make()
    tree.run("python -m autograder student")
    return tree


def run(tree: Tree, command: str, status: int) -> str:
    """Run a command as a shell does."""
    done = subprocess.run(
        ["sh", "-c", command], cwd=tree.folder, env=usual_environment(), capture_output=True, text=True
    )
    said = done.stdout + done.stderr
    # make ends with 2, and says how the program ended.
    assert f"Error {status}" in said if status else done.returncode == 0, said[-3000:]
    return done.stdout


def fill(table: Path) -> None:
    lines = records(table)
    text = csv_text([lines[0], *({**line, "points": line["points"] or "1"}.values() for line in lines)])
    table.write_text(text, encoding="utf-8")


@pytest.mark.slow
def test_the_commands_of_the_page(tree: Tree) -> None:
    code = (tree.folder / "solution" / "line.py").read_bytes()
    reports = {
        "ada/report.pdf": pdf("W1, why"),
        "ben/report.ipynb": (tree.folder / "student/report.ipynb").read_bytes(),
    }
    together, apart, alone, filled = COMMANDS
    write_zip(tree.folder / "code.zip", {"ada/line.py": code, "cyd/line.py": code})
    write_zip(tree.folder / "reports.zip", reports)
    write_zip(tree.folder / "export.zip", {"ada/line.py": code, "cyd/line.py": code, **reports})

    grades = tree.folder / "grades"
    said = run(tree, together, Exit.LEFT_OUT)  # ben has handed in no code
    assert "no report, 0 points in the table: cyd" in said
    assert "only a report, no code that can be graded: ben" in said
    assert by_submission(grades / "grades.csv") == {"ada": "4", "ben": "", "cyd": "4"}
    assert 'href="written/index.html"' in (grades / "class.html").read_text()
    assert 'href="../class.html"' in (grades / "written" / "index.html").read_text()
    sheets = {path.name: path.read_bytes() for path in (grades / "written").iterdir()}
    run(tree, apart, Exit.LEFT_OUT)
    assert sheets == {path.name: path.read_bytes() for path in (grades / "written").iterdir()}
    fill(grades / "written" / "written.csv")
    said = run(tree, filled, Exit.LEFT_OUT)
    assert by_submission(grades / "grades.csv") == {"ada": "5", "ben": "", "cyd": "4"}
    assert by_submission(grades / "grades.csv", "Written") == {"ada": "1", "ben": "0", "cyd": "0"}

    grades.rename(tree.folder / "grades of the others")
    said = run(tree, alone, Exit.DONE)
    assert "written part, 10 points: 2 reports (notebooks: 1, PDFs: 1), 3 questions" in said
    assert set(by_submission(grades / "grades.csv")) == {"ada", "ben"}
