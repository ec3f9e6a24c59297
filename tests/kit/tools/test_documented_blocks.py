"""The blocks of commands of instructors' pages, run as they stand: on the tiny assignment, with a course for each name.

docs/class.md and docs/own-assignment.md have tests of their own. What cannot be run there stands in ELSEWHERE;
test_documents.py lets every program read its arguments, of these commands, too.
"""

import os
import re
import sys
from pathlib import Path

import pytest

from autograder.repository import ROOT
from autograder.tasks import load
from tests.kit.archives import write_zip
from tests.kit.classroom.test_selfgrades import filled
from tests.kit.classroom.test_written_documented import run, tree  # noqa: F401
from tests.kit.test_own_assignment import Tree

PAGES = ("README.md", "docs/instructors.md", "docs/maintaining.md", "autograder/evidence/audit/README.md")
PAGES += ("autograder/README.md",)
# How a command begins -> what runs it, or why nothing does.
ELSEWHERE = {
    "make test": ".ci/run",
    "make lint": ".ci/run",
    "make setup": "tests/kit/tools/test_setup.py",
    "make lock": "it asks a package index for the newest versions; tests/kit/tools/test_locks.py",
    ".venv/bin/python -m tools.package_names": "after that; tests/kit/tools/test_locks.py",
    "make gradescope": "tests/kit/gradescope/test_rehearsal.py",
    "make report": "it takes the real notebook; tests/kit/release/test_report_notebook.py",
    "make courses": "tests/kit/evidence/test_courses.py",
    "make audit": "20 minutes; tests/kit/evidence/test_audit.py and, in part, tests/kit/test_own_assignment.py",
    "make bench": "some minutes; tests/kit/evidence/test_bench.py",
    "python -m autograder.evidence.attacks": "tests/kit/evidence/test_attacks.py",
}


def blocks(page: str) -> list[str]:
    """The lines of a page's blocks of commands."""
    text = (ROOT / page).read_text(encoding="utf-8")
    found = re.findall(r"^```sh\n(.*?)^```", text, re.MULTILINE | re.DOTALL)
    lines = [line for block in found for line in block.splitlines()]
    lines += re.findall(r"^ {4}((?:make|python -m) .*)$", text, re.MULTILINE)
    return [line.partition(" #")[0].rstrip() for line in lines]


def prepare(tree: Tree) -> None:  # noqa: F811
    """The courses that the pages name, and a list of students."""
    courses, handout = tree.folder / "courses", tree.folder / "solution" / "handout"
    course, page = (courses / "full.toml").read_text(), (handout / "full.md").read_text()
    for name in ("000", "001", "002", "004"):
        graded = 'grading = "self"\n' if name == "000" else ""
        (courses / f"{name}.toml").write_text(graded + course)
        (handout / f"{name}.md").write_text(page)
    (tree.folder / "roster.csv").write_text("Name,SID\nJane Doe,1\n")


def hand_in(tree: Tree, line: str) -> None:  # noqa: F811
    """What a command finds: an export of code, or of tables; a zip of a student's."""
    if "SELFGRADES" in line:
        content = {"Jane Doe.csv": filled(course=load(tree.folder / "courses" / "000.toml"))}
    else:
        content = {"Jane Doe/line.py": (tree.folder / "solution" / "line.py").read_text()}
    write_zip(tree.folder / "export.zip", content)
    if "submission.zip" in line:
        (tree.folder / "submission.zip").write_bytes((tree.folder / "dist" / "full" / "reference.zip").read_bytes())


@pytest.mark.slow
def test_the_blocks_of_the_pages_run(tree: Tree, monkeypatch: pytest.MonkeyPatch) -> None:  # noqa: F811
    monkeypatch.setenv("PATH", f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}")
    prepare(tree)
    for line in dict.fromkeys(line for page in PAGES for line in blocks(page)):
        if not line.startswith(tuple(ELSEWHERE)):
            hand_in(tree, line)
            run(tree, line, 0)


def test_what_is_run_elsewhere_is_there() -> None:
    every = [line for page in PAGES for line in blocks(page)]
    assert [start for start in ELSEWHERE if not any(line.startswith(start) for line in every)] == []
    named = re.findall(r"tests/[\w/]+\.py|\.ci/run", " ".join(ELSEWHERE.values()))
    assert [path for path in named if not (ROOT / path).is_file()] == []
