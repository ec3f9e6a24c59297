"""The generator of student/ and student.zip: every complaint on a small tree, then what the real one gives."""

import ast
import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
import xml.etree.ElementTree as ElementTree
import zipfile
from pathlib import Path

import pytest

from autograder.release import contents, leaks, student
from autograder.release.archive import write_zip
from autograder.release.patch import difference
from autograder.release.starter import SourceError, make_starter
from autograder.repository import DOOR, ROOT
from autograder.stamp import TASKS as TASK_LIST
from autograder.tasks import chosen, load
from autograder.writing import write_files

SOLUTION = '''"""One file of a solution."""

import math

# BEGIN SOLUTION
import cmath

# END SOLUTION


# BEGIN SOLUTION
def helper(x: float) -> float:
    return cmath.sqrt(x).real + math.pi


# END SOLUTION


def area(r: float, scale: float = math.e) -> float:
    """Task {{task:area}}: area of a disc.

    Hint: a hint stays.
    """
    # BEGIN SOLUTION
    # A comment is no line of code.
    squared = helper(r) ** 2
    result = scale * squared
    # END SOLUTION
    print(squared)
    return result


class Disc:
    """Task {{task:disc}}: a disc."""

    def __init__(self, r: float) -> None:
        self.r = r
        # BEGIN SOLUTION
        self.area_of_disc = area(r)
        # END SOLUTION

    def double(self) -> float:
        # BEGIN SOLUTION
        return self.area_of_disc * 2
        # END SOLUTION
'''
STARTER = '''"""One file of a solution."""

import math


def area(r: float, scale: float = math.e) -> float:
    """Task {{task:area}}: area of a disc.

    Hint: a hint stays.
    """
    # YOUR CODE HERE: assign `squared` and `result` (the reference solution has 2 lines here)
    squared = result = ...
    raise NotImplementedError("Task {{task:area}}: area, see README section {{task:area}}")
    print(squared)
    return result


class Disc:
    """Task {{task:disc}}: a disc."""

    def __init__(self, r: float) -> None:
        self.r = r
        # YOUR CODE HERE (the reference solution has 1 line here)
        raise NotImplementedError("Task {{task:disc}}: Disc.__init__, see README section {{task:disc}}")

    def double(self) -> float:
        # YOUR CODE HERE (the reference solution has 1 line here)
        raise NotImplementedError("Task {{task:disc}}: Disc.double, see README section {{task:disc}}")
'''


def test_starter_file():
    """Regions become stubs or disappear, everything else stays, and the removed lines are known by number."""
    starter = make_starter(SOLUTION, "solution/disc.py")
    assert starter.text == STARTER
    assert set(starter.tasks) == {"area", "disc"}
    lines = SOLUTION.splitlines()
    assert all(lines[number - 1] == line for number, line in starter.solution_lines)
    assert "        return self.area_of_disc * 2" in [line for _, line in starter.solution_lines]


def in_function(body: str, docstring: str = '"""Task {{task:f}}: f."""') -> str:
    """A function at line 1 with its docstring at line 2 and a body from line 3."""
    return f"def f(x):\n    {docstring}\n" + "".join(f"    {line}\n" for line in body.splitlines())


COMPLAINTS = {
    "unclosed": (in_function("# BEGIN SOLUTION\nreturn 1"), 3, "unclosed marker"),
    "nested": (in_function("# BEGIN SOLUTION\n# BEGIN SOLUTION\nreturn 1\n# END SOLUTION"), 4, "region of line 3 is"),
    "stray": (in_function("return 1\n# END SOLUTION"), 4, "stray marker"),
    "misspelt": (in_function("# begin solution\nreturn 1\n# END SOLUTION"), 3, "exactly '# BEGIN SOLUTION'"),
    "trailing": (in_function("x = 1  # BEGIN SOLUTION\nreturn 1"), 3, "alone on its line"),
    "empty": (in_function("# BEGIN SOLUTION\n# END SOLUTION\nreturn 1"), 3, "no whole statement"),
    "cut inside": (in_function("y = [\n# BEGIN SOLUTION\n1,\n# END SOLUTION\n]\nreturn y"), 3, "cut through"),
    "cut at the end": (in_function("# BEGIN SOLUTION\nif x:\n    y = 1\n# END SOLUTION\n    y = 2"), 4, "cut through"),
    "two blocks": (
        in_function("if x:\n    # BEGIN SOLUTION\n    y = 1\nelse:\n    y = 2\n    # END SOLUTION"),
        4,
        "do not belong to one block",
    ),
    "indentation": (
        in_function("if x:\n# BEGIN SOLUTION\n    y = 1\n# END SOLUTION\n    y = 2"),
        4,
        "indent both markers",
    ),
    "no task": (in_function("# BEGIN SOLUTION\nreturn 1\n# END SOLUTION", '"""No name."""'), 3, '"Task {{task:NAME}}"'),
    "unused import": ("import math\n" + in_function("# BEGIN SOLUTION\nreturn math.pi\n# END SOLUTION"), 1, "'math'"),
    "import needed": (
        "# BEGIN SOLUTION\nimport math\n# END SOLUTION\n" + in_function("return math.pi"),
        2,
        "'math' disappears with a region",
    ),
    "helper needed": (
        "# BEGIN SOLUTION\ndef g():\n    pass\n# END SOLUTION\n" + in_function("return g()"),
        2,
        "'g' disappears with a region",
    ),
    "does not parse": (
        'class A:\n    """Task {{task:a}}: A."""\n' + "\n# BEGIN SOLUTION\nclass B:\n    pass\n# END SOLUTION\nx = (\n",
        8,
        "not valid Python",
    ),
    "class left empty": ("class A:\n    # BEGIN SOLUTION\n    x = 1\n    # END SOLUTION\n", 1, "does not parse"),
}


@pytest.mark.parametrize("name", COMPLAINTS)
def test_complaints_about_a_file(name):
    """Every mistake in a file of the solution is reported with file and line."""
    source, line, message = COMPLAINTS[name]
    with pytest.raises(SourceError) as caught:
        make_starter(source, "solution/f.py")
    assert message in str(caught.value)
    assert str(caught.value).splitlines()[0].startswith(f"solution/f.py:{line}: ")


@pytest.mark.parametrize(
    "source",
    [
        "import math  # noqa: F401 (for your code)\n" + in_function("# BEGIN SOLUTION\nreturn math.pi\n# END SOLUTION"),
        "import math\ny: math.inf = 1\n" + in_function("# BEGIN SOLUTION\nreturn math.pi\n# END SOLUTION"),
        'import math\ny: "list[math.inf]" = 1\n' + in_function("# BEGIN SOLUTION\nreturn math.pi\n# END SOLUTION"),
        'import math\n__all__ = ["math"]\n' + in_function("# BEGIN SOLUTION\nreturn math.pi\n# END SOLUTION"),
        "from a import (  # noqa: F401\n    b,\n)\n" + in_function("# BEGIN SOLUTION\nreturn b\n# END SOLUTION"),
    ],
)
def test_imports_that_may_stay(source):
    """Imports that are given on purpose, or used by an annotation, also a quoted one, are no leftovers."""
    assert "import" in make_starter(source, "f.py").text


SECRETS = leaks.secret_code(
    "solution/f.py",
    [(7, "    loss = nelbo.mean()  # why"), (8, "    return losses, codes"), (9, "    }"), (10, "adam.zero_grad()")],
)


@pytest.mark.parametrize(
    "line", ["loss = nelbo.mean()", "  loss=nelbo.mean( )", "# or: loss = nelbo.mean()", "if x: loss = nelbo.mean()"]
)
def test_leaks_are_found(line):
    """A line of the solution is found however it is spaced and whatever stands around it."""
    (problem,) = leaks.find_leaks(SECRETS, {"student/tests/a.py": f"\n{line}\n".encode()})
    assert str(problem).startswith("student/tests/a.py:2: ") and "solution/f.py line 7" in str(problem)


def test_what_is_no_leak():
    """Lines that say nothing, other lines and binary files are passed over."""
    files = {
        "a.py": b"return losses, codes\n}\nadam.zero_grad()\nloss = nelbo.sum()\n",
        "b.png": b"\xff\xfeloss = nelbo.mean()",
    }
    assert [secret.line for secret in SECRETS] == [7]
    assert leaks.find_leaks(SECRETS, files) == []


def test_leftover_marker_is_a_leak():
    (problem,) = leaks.find_leaks([], {"a.py": b"x = 1\n  # END SOLUTION\n"})
    assert str(problem) == "a.py:2: a solution marker is left over"


def test_written_answers_are_secret():
    """Sentences of the answers are found; formulas, which the handout states too, are not looked for."""
    answers = "The gap is the divergence of the encoder from the posterior.\n\\frac{\\sigma_1^2}{\\sigma_2^2} - 1\n"
    assert [secret.line for secret in leaks.secret_prose("solution/written/a.md", answers)] == [1]


COURSE = """title = "Discs"
total = 3.5

[[section]]
name = "discs"
title = "Discs"
task = [
    { name = "area", points = 1 },
    { name = "disc", points = 2.5 },
]
"""
TASKS = """[assignment]
folder = "discs"
leftovers = ["disc.bin"]
[assignment.dataset]
name = "Coins"
folder = "data/raw"
things = "coins"

[[program]]
file = "explore.py"
[[program]]
file = "export_report.py"
serves = ["area"]
[[program]]
file = "for_other_courses.py"
serves = ["questions"]

[[task]]
name = "area"
title = "Area of a disc"
file = "disc.py"
functions = ["area"]
[task.public]
test_area = 1

[[task]]
name = "disc"
title = "A disc"
file = "disc.py"
functions = ["Disc"]
[task.hidden]
test_disc = 1
"""
PAGE = """<!-- not for students -->
# Discs, {{points:total}}

<!-- INSTRUCTOR: choose
something -->
{{points:discs}} [data](data/README.md) [web](https://example.org/x) [part]({{link:discs}})

{{sections}}

After task {{task:disc}} of section {{section:discs}}.
"""
ARCHIVE = b"not really gzip"
TREE = {
    "solution/disc.py": SOLUTION,
    "solution/handout/full.md": PAGE,
    "solution/handout/sections/discs.md": "All of it in one file.\n",
    "solution/handout/area.md": "# Area\n*{{points:area}}*\n",
    "solution/handout/disc.md": "# Disc\n*{{points:disc}}*, after {{task:area}}\n",
    "solution/written/answers.md": "An answer in full, which no student may see beforehand.\n",
    "tests/conftest.py": "def pytest_configure():\n    from support import lazily\n",
    "tests/support/lazily.py": "import numpy\n\nfrom support import deeper\n\nprint(numpy, deeper.X)\n",
    "tests/support/deeper.py": "X = 1\n",
    "tests/support/unused.py": "X = 2\n",
    "tests/tasks.toml": TASKS,
    "tests/public/cases/area.json": "{}\n",
    "tests/public/cases/not_asked.json": "{}\n",
    "tests/public/test_disc.py": 'from support import deeper\n\n\ndef test_area():\n    """The area"""\n    deeper.X\n',
    "tests/hidden/test_disc.py": 'def test_disc():\n    """The disc"""\n',
    "tests/kit/test_kit.py": "KIT = 1\n",
    "courses/full.toml": COURSE,
    "requirements/base.txt": (
        "# by: make lock\nnumpy==2.0\nnvidia-cublas==13.1 ; sys_platform == 'linux'\ntriton==3.8.0\n"
    ),
    "requirements/explore.txt": "# by: make lock\nnumpy==2.0\npanel==1.9\ntriton==3.8.0\n",
    "requirements/report.txt": "# by: make lock\nnumpy==2.0\ntypst==0.14\n",
    "solution/lab/explore.ipynb": '{"cells": []}\n',
    **{
        f"solution/{name}.py": f"if __name__ == \"__main__\":\n    print('{name}')\n"
        for name in ("explore", "export_report")
    },
    "solution/for_other_courses.py": 'if __name__ == "__main__":\n    print(1)\n',
    "LICENSE": "A licence\n",
    "data/README.md": f"| `a.gz` | 15 | `{hashlib.md5(ARCHIVE, usedforsecurity=False).hexdigest()}` |\n",
    "data/raw/a.gz": ARCHIVE,
}
SHIPPED = {
    *("disc.py", "README.md", "explore.py", "export_report.py", "lab/explore.ipynb", *contents.SETTINGS),
    *("lab/LICENSE", "lab/requirements.txt", "lab/requirements-explore.txt", "lab/requirements-report.txt", TASK_LIST),
    *("tests/conftest.py", "tests/test_disc.py", "tests/cases/area.json"),
    *(f"tests/support/{name}.py" for name in ("deeper", "lazily")),
    *(f"tests/{path.relative_to(ROOT).as_posix()}" for path in (DOOR.parent / "__init__.py", *DOOR.glob("*.py"))),
}


@pytest.fixture
def tree(tmp_path):
    write_files(tmp_path, TREE)
    return tmp_path


def content_of(folder: Path) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_what_students_get(tree):
    """Starter files, handout, public tests with what they import, settings; nothing hidden, no answers."""
    files = contents.generate(tree).files
    assert set(files) == SHIPPED
    assert files["disc.py"].decode() == STARTER.replace("{{task:area}}", "1.1").replace("{{task:disc}}", "1.2")
    assert files["lab/requirements.txt"].decode().splitlines()[1:] == ["numpy==2.0"]
    assert files["lab/requirements-explore.txt"].decode().splitlines()[1:] == ["panel==1.9"]
    assert files["README.md"].decode().splitlines() == [
        "# Discs, 3.5 points",
        "",
        "3.5 points [data](data/README.md) [web](https://example.org/x) [part](#1-discs)",
        "",
        "## 1. Discs",
        "",
        "All of it in one file.",
        "",
        "### 1.1 Area",
        "*1 point*",
        "",
        "### 1.2 Disc",
        "*2.5 points*, after 1.1",
        "",
        "After task 1.2 of section 1.",
        "",
        f"Course full, release {student.generate(tree).stamp}.",
    ]
    assert [task["number"] for task in json.loads(files[TASK_LIST])["tasks"]] == ["1.1", "1.2"]


def test_student_regenerates_the_folder(tree, capsys):
    """Stale and edited files go, what running the assignment left stays, and check-sync then agrees."""
    assert student.student([], tree) == 0
    folder = tree / "student"
    (folder / "stale.py").write_text("x")
    (folder / "disc.py").write_text("edited")
    (folder / "lab" / "LICENSE").unlink()
    (folder / "results").mkdir()
    (folder / "results" / "index.html").write_text("mine")
    (folder / "disc.bin").write_bytes(b"trained")
    capsys.readouterr()
    assert student.check_sync([], tree) == 1
    complaint = capsys.readouterr().err
    for expected in ("missing: lab/LICENSE", "not generated: stale.py", "differs: disc.py", "-edited", "make student"):
        assert expected in complaint
    assert "index.html" not in complaint and "more lines" in complaint

    assert student.student([], tree) == 0
    assert set(content_of(folder)) == SHIPPED | {"results/index.html", "disc.bin"}
    assert student.check_sync([], tree) == 0
    # Nothing temporary is left beside it.
    assert {path.name for path in tree.iterdir()} == {"solution", "tests", "data", "student"} | {
        "requirements",
        "courses",
        "LICENSE",
    }


def broken(tree: Path, name: str, old: str, new: str) -> None:
    path = tree / name
    assert old in path.read_text()
    path.write_text(path.read_text().replace(old, new, 1))


@pytest.mark.parametrize(
    ("name", "old", "new", "complaint"),
    [
        ("solution/disc.py", "    # END SOLUTION", "    # END", "solution/disc.py:38: nested marker"),
        ("solution/disc.py", "print(squared)", "result = scale*squared", "student/disc.py:14: repeats the solution"),
        (
            "tests/support/deeper.py",
            "X = 1",
            "return self.area_of_disc * 2",
            "student/tests/support/deeper.py:1: repeats the solution",
        ),
        (
            "tests/conftest.py",
            "from support import lazily",
            "import kit.test_kit",
            "tests/conftest.py:2: students do not get the module",
        ),
        ("tests/support/deeper.py", "X = 1", "X = ", "tests/support/deeper.py:1: this is not valid Python"),
        (
            "tests/support/lazily.py",
            "import numpy",
            "import numpy\nimport kit.y",
            "lazily.py:2: students do not get the",
        ),
        (
            "tests/support/lazily.py",
            "from support import deeper",
            "from autograder import tasks as deeper",
            "tests/support/lazily.py:3: students do not get the module",
        ),
        (
            "solution/handout/disc.md",
            "{{points:disc}}",
            "{{points:disk}}",
            "solution/handout/disc.md:2: {{points:disk}}",
        ),
        (
            "solution/handout/full.md",
            "{{task:disc}}",
            "{{task:disk}}",
            "full.md:10: {{task:disk}}: the course has no such",
        ),
        (
            "solution/handout/disc.md",
            "{{points:disc}}",
            "some",
            "solution/handout/disc.md:1: {{points:disc}} is missing",
        ),
        ("solution/handout/disc.md", "# Disc", "Disc", "solution/handout/disc.md:1: the first line is the heading"),
        (
            "solution/handout/full.md",
            "{{sections}}",
            "",
            "solution/handout/full.md:1: {{sections}} must stand here, once",
        ),
        ("solution/handout/full.md", "data/README.md", "data/x.md", "student/README.md:3: students get no data/x.md"),
        (
            "solution/handout/full.md",
            "# Discs",
            "An answer in full, which no student may see beforehand.",
            "answers.md line 1",
        ),
        (
            "solution/disc.py",
            "{{task:disc}}:",
            "{{task:disk}}:",
            "solution/disc.py:34: tests/tasks.toml has no task 'disk'",
        ),
        (
            "courses/full.toml",
            "points = 1 }",
            "points = -1 }",
            "full.toml:8: task area: points must be a finite number",
        ),
        ("tests/tasks.toml", "test_area", "test_ara", "tests/public/test_disc.py:1: there is no test_ara"),
    ],
)
def test_failed_generation_changes_nothing(tree, capsys, name, old, new, complaint):
    """Whatever is wrong is said with its place, and student/ stays as it was."""
    assert student.student([], tree) == 0
    before = content_of(tree / "student")
    broken(tree, name, old, new)
    capsys.readouterr()
    assert student.student([], tree) == 1
    assert complaint in capsys.readouterr().err
    assert content_of(tree / "student") == before
    assert student.release([], tree) == 1
    assert not (tree / "dist").exists()


def test_tests_and_solution_share_no_name(tree, capsys):
    """Students' files and the checks' helpers are imported side by side."""
    (tree / "solution" / "support.py").write_text("X = 3\n")
    assert student.student([], tree) == 1
    assert "solution/support.py:1: tests/ has a support too" in capsys.readouterr().err


def test_interrupted_write_keeps_the_old_folder(tree, monkeypatch):
    """When the new folder cannot take its place, the old one is put back."""
    student.student([], tree)
    before = content_of(tree / "student")
    broken(tree, "LICENSE", "A licence", "Another licence")
    rename = Path.rename

    def failing(self, target):
        if self.name == "new":
            raise OSError("no space left")
        return rename(self, target)

    monkeypatch.setattr(Path, "rename", failing)
    with pytest.raises(OSError, match="no space left"):
        student.student([], tree)
    assert content_of(tree / "student") == before


@pytest.mark.parametrize("moment", ["between the two renames", "before the leftovers are moved"])
def test_a_run_that_was_killed_loses_nothing_of_the_students_folder(tree, moment):
    student.student([], tree)
    wanted = content_of(tree / "student")
    old, folder = tree / ".student-old", tree / "student"
    leftover = min(student.leftovers(load(tree / "courses" / "full.toml")))
    (folder / leftover).write_text("mine")
    folder.rename(old)
    if moment != "between the two renames":
        shutil.copytree(old, folder, ignore=shutil.ignore_patterns(leftover))
        broken(tree, "LICENSE", "A licence", "Another licence")
    student.student([], tree)
    found = content_of(folder)
    assert found.pop(leftover) == b"mine" and found.keys() == wanted.keys() and not old.exists()


def test_archive_is_reproducible(tree, capsys):
    """The same content gives the same bytes: sorted names, one time, one mode, nothing compressed, one top folder."""
    student.student([], tree)
    assert student.release([], tree) == 0
    archive = tree / "dist" / "full" / "student.zip"
    first = archive.read_bytes()
    printed = capsys.readouterr().out
    assert f"{len(first):,} bytes" in printed and hashlib.sha256(first).hexdigest() in printed
    assert "to decide, solution/handout/full.md:4: choose something" in printed
    for path in tree.rglob("*"):
        os.utime(path, (1e9, 1e9))
    (tree / "LICENSE").chmod(0o600)
    archive.unlink()
    assert student.release([], tree) == 0
    assert archive.read_bytes() == first

    with zipfile.ZipFile(archive) as file:
        entries = file.infolist()
        assert file.testzip() is None
    names = [entry.filename for entry in entries]
    assert names == sorted(names)
    inside = SHIPPED | {"data/README.md", "data/raw/a.gz"}
    assert set(names) == {f"discs/{name}" for name in inside}
    assert {entry.date_time for entry in entries} == {(1980, 1, 1, 0, 0, 0)}
    assert {entry.external_attr >> 16 for entry in entries} == {0o100644}
    assert {(entry.compress_type, entry.create_system) for entry in entries} == {(zipfile.ZIP_STORED, 3)}


def test_a_patch_holds_what_has_changed_and_nothing_of_the_students(tree, capsys):
    """Against the zip that was there; the first release, and one without a change, have none."""
    student.student([], tree)
    student.release([], tree)
    patch = tree / "dist" / "full" / "patch.zip"
    assert student.release([], tree) == 0 and not patch.exists()
    broken(tree, "tests/support/deeper.py", "X = 1", "X = 11")
    broken(tree, "solution/disc.py", "a hint stays", "another hint")
    broken(tree, "tests/tasks.toml", '[[program]]\nfile = "explore.py"\n', "")
    student.student([], tree)
    capsys.readouterr()
    assert student.release([], tree) == 0
    printed = capsys.readouterr().out
    with zipfile.ZipFile(patch) as file:
        names = set(file.namelist())
        assert file.read("discs/tests/support/deeper.py") == b"X = 11\n"
    assert names == {f"discs/{name}" for name in ("README.md", TASK_LIST, "tests/support/deeper.py")}
    assert "3 files have changed" in printed
    assert "students write into these, so they are not in it: disc.py" in printed
    assert "students may delete these: explore.py, lab/explore.ipynb, lab/requirements-explore.txt" in printed


def test_a_patch_leaves_modules_that_students_may_change(tree):
    """Their first line lacks the mark of those that are provided; an empty one is nobody's."""
    course = load(tree / "courses" / "full.toml")
    before = {
        "lab/coins.py": b'"""Coins: these are examples, choose your own."""\nCOINS = [1]\n',
        "lab/toss.py": b'"""Tosses coins (provided)."""\n',
        "lab/__init__.py": b"",
    }
    after = {name: content + b"X = 1\n" for name, content in before.items()} | {"lab/new.py": b"NEW = 1\n"}
    found = difference(course, before, after)
    assert found.files.keys() == {"lab/toss.py", "lab/__init__.py", "lab/new.py"}
    assert found.theirs == ("lab/coins.py",) and found.gone == ()
    assert difference(course, before, {}).gone == ("lab/__init__.py", "lab/toss.py")


def test_archive_with_a_leak_is_deleted(tree, tmp_path):
    archive = tmp_path / "leaky.zip"
    write_zip({"vae-assignment/data/notes.txt": b"loss = nelbo.mean()\n"}, archive)
    with pytest.raises(SourceError, match=r"leaky.zip/vae-assignment/data/notes.txt:1: repeats the solution"):
        student.check_archive(archive, SECRETS)
    assert not archive.exists()


@pytest.mark.parametrize(("damage", "message"), [(b"damaged", "a.gz is damaged"), (None, "a.gz is missing")])
def test_release_refuses_damaged_data(tree, capsys, damage, message):
    student.student([], tree)
    archive = tree / "data" / "raw" / "a.gz"
    if damage is None:
        archive.unlink()
    else:
        archive.write_bytes(damage)
    assert student.release([], tree) == 1
    assert message in capsys.readouterr().err


PLATES = '[dataset]\nname = "Two Plates"\nfolder = "data/plates"\nthings = "plates"\n'


@pytest.fixture
def plates(tree):
    """A course of the tree with another dataset, and texts that speak of it."""
    page = PAGE.replace("[data](data/README.md)", "{{dataset:things}} of {{dataset:name}}") + "{{include:seen}}\n"
    write_files(tree, {"courses/plates.toml": COURSE.replace("[[section]]", f"{PLATES}[[section]]", 1)})
    write_files(tree, {"solution/handout/plates.md": page, "solution/handout/coins/seen.md": "Coins were seen.\n"})
    return tree


def test_texts_follow_the_dataset(plates):
    course = load(plates / "courses" / "plates.toml")
    files = contents.generate(plates, course).files
    assert "\n3.5 points plates of Two Plates [web]" in files["README.md"].decode()
    assert json.loads(files[TASK_LIST])["course"]["dataset"]["folder"] == "data/plates"
    assert "seen" not in files["README.md"].decode()
    write_files(plates, {"solution/handout/two-plates/seen.md": "Plates were seen.\n"})
    assert "\nPlates were seen.\n" in contents.generate(plates, course).files["README.md"].decode()
    usual = (plates / "solution" / "handout" / "full.md").read_text() + "{{include:seen}}\n"
    write_files(plates, {"solution/handout/full.md": usual})
    assert "\nCoins were seen.\n" in contents.generate(plates).files["README.md"].decode()


def test_only_the_usual_data_has_a_readme(plates):
    page = plates / "solution" / "handout" / "plates.md"
    page.write_text(f"{page.read_text()}[data](data/README.md)\n")
    with pytest.raises(SourceError, match=r"students get no data/README\.md"):
        contents.generate(plates, load(plates / "courses" / "plates.toml"))


def test_release_holds_the_files_of_the_course_folder(plates, capsys):
    """With and without .gz; none of the usual ones, nothing else of that folder."""
    arguments = ["--course", str(plates / "courses" / "plates.toml")]
    assert student.release(arguments, plates) == 1
    assert f"{plates / 'data' / 'plates' / 'a'} is missing" in capsys.readouterr().err
    assert not (plates / "dist").exists()
    for name in ("a", "a.gz"):
        write_files(plates, {f"data/plates/{name}": name, "data/plates/notes.txt": "notes"})
        assert student.release(arguments, plates) == 0
        with zipfile.ZipFile(plates / "dist" / "plates" / "student.zip") as file:
            held = [member for member in file.namelist() if member.startswith("discs/data/")]
            assert held == [f"discs/data/plates/{name}"] and file.read(held[0]) == name.encode()


def test_release_refuses_a_stale_folder(tree, capsys):
    assert student.release([], tree) == 1
    assert "make student" in capsys.readouterr().err


# The real tree


@pytest.fixture(scope="module")
def real():
    return contents.generate(ROOT)


@pytest.fixture(scope="module")
def starter_folder(real, tmp_path_factory):
    """What students unpack, except the data."""
    folder = tmp_path_factory.mktemp("unpacked") / "vae-assignment"
    student.write_folder(real, folder)
    return folder


def test_nothing_secret_is_shipped(real):
    """No hidden or project test, no answer, no marker, no name of a hidden check that is not a public one too."""
    assert real.secrets
    for name in real.files:
        assert not set(Path(name).parts) & {"hidden", "kit", "assignment", "corpus", "written", "mistakes"}
        assert Path(name).stem not in ("oracles", "strategies")
        assert "autograder" not in name or name.startswith(("tests/autograder/__init__.py", "tests/autograder/door/"))
    assert not any(b"BEGIN SOLUTION" in content for content in real.files.values())


def test_every_task_has_a_stub(real):
    """Every task with a function has a stub in its file, and the handout names every file to hand in."""
    text = real.files["README.md"].decode()
    what_to_hand_in = text.split("## What to hand in")[1].split("\n## ")[0]
    for task in load().tasks:
        assert not task.file or f"`{task.file}`" in what_to_hand_in
        if task.file.endswith(".py"):
            assert f"Task {task.number}: " in real.files[task.file].decode(), task


def test_all_of_lab_is_shipped(real):
    """In whatever language: a template or style sheet that is missing would show on a student's machine only."""
    solution = ROOT / "solution"
    lab = {p.relative_to(solution).as_posix() for p in (solution / "lab").rglob("*.*") if p.suffix != ".pyc"}
    lab |= set(contents.pdf_maker())  # the kit's
    lab |= {"lab/LICENSE", *(f"lab/requirements{name}.txt" for name in ("", "-explore", "-report"))}  # the repository's
    assert lab == {name for name in real.files if name.startswith("lab/")}


@pytest.mark.parametrize(("course", "most"), [("full", 22), ("004", 10)])
def test_what_lies_in_front_is_what_students_open(real, course, most):
    """Files beside README.md whose names do not begin with a dot: their own, programs, notebook, what they import."""
    files = real.files if course == "full" else contents.generate(course=chosen(course)).files
    front = {name for name in files if "/" not in name and not name.startswith(".")}
    assert len(front) <= most and {Path(name).suffix for name in front} == {".py", ".md", ".ipynb"}


def test_handout_is_rendered(real):
    """No placeholder and no comment is left, and its total is that of the course."""
    text = real.files["README.md"].decode()
    assert not re.search(r"\{\{(points|\w+:)|<!--|-->", text)
    assert f"{load().total:g} points" in text


def test_starter_files_parse_and_import(starter_folder):
    """Every starter file is valid Python 3.10 and can be imported: no work, and no solution, is needed for that."""
    files = sorted(starter_folder.glob("*.py"))
    for path in [*files, *starter_folder.glob("lab/**/*.py")]:
        ast.parse(path.read_text(encoding="utf-8"), feature_version=(3, 10))
    program = "; ".join(["import matplotlib", "matplotlib.use('Agg')", *(f"import {path.stem}" for path in files)])
    subprocess.run([sys.executable, "-c", program], cwd=starter_folder, check=True, timeout=300)


@pytest.mark.slow
def test_public_checks_in_the_starter_folder(starter_folder):
    """Plain pytest there: nothing errors, and what fails is its NotImplementedError, for every task that they check."""
    report = starter_folder.parent / "report.xml"
    command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", f"--junitxml={report}"]
    environment = os.environ | {"OMP_NUM_THREADS": "1", "COLUMNS": "80"}
    result = subprocess.run(command, cwd=starter_folder, env=environment, capture_output=True, text=True, timeout=600)
    assert result.returncode == 1, result.stdout
    screen = [line for line in result.stdout.splitlines() if "generated xml file" not in line]
    assert len(screen) < 24 and max(map(len, screen)) <= 80, result.stdout
    suite = ElementTree.parse(report).getroot().find("testsuite")
    assert suite.get("errors") == "0"
    named = set()
    for failure in suite.iter("failure"):
        task = re.search(r"Task (\d+\.\d+): .*, see README section \1", failure.text)
        assert task, failure.text
        named.add(task.group(1))
    course = load()
    checked = {check.task for check in course.checks if check.by_pytest and not check.hidden_inputs}
    # The check of a trained model is skipped without its file.
    assert named == {task.number for task in course.tasks if task.name in checked and not task.judge}
