"""The table of tasks, courses, and their reader: the real ones fit the suites; every kind of mistake is named."""

import subprocess
import sys
from pathlib import Path

import pytest

from autograder.repository import ROOT
from autograder.tasks import Course, CourseError, Late, compare, load

TASKS = """
[assignment]
folder = "ones"

[[task]]
name = "one"
title = "One"
file = "one.py"
functions = ["one"]
[task.public]
test_a = 1
[task.hidden]
"test_b[small]" = { weight = 3, case = "small numbers", visibility = "after_due_date" }

[[task]]
name = "model"
title = "The model"
file = "model.safetensors"
judge = "hidden.model:judge"

[[task]]
name = "unused"
title = "Not asked for"
file = "one.py"
[task.hidden]
test_c = 1
"""
COURSE = """
title = "Ones"
total = 7
timezone = "Europe/Berlin"
due = 2026-10-17T23:59:00
late = { days = 2, percent_a_day = 10 }
per_day = 5

[[section]]
name = "first"
title = "First"
task = [{ name = "model", points = 3 }]

[[section]]
name = "second"
title = "Second"
task = [{ name = "one", points = 4 }]
"""


def read(folder: Path, tasks: str = TASKS, course: str = COURSE) -> Course:
    for name, text in {
        "tests/tasks.toml": tasks,
        "tests/public/test_one.py": 'def test_a(submission):\n    """one is one\n\n    More."""\n',
        "tests/hidden/test_one.py": 'def test_b(submission):\n    """one is not two"""\n',
        "courses/x.toml": course,
    }.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    return load(folder / "courses" / "x.toml")


def test_a_good_course(tmp_path):
    course = read(tmp_path)
    assert (course.name, course.title, course.total, course.per_day) == ("x", "Ones", 7, 5)
    assert [(task.name, task.number, task.section) for task in course.tasks] == [("model", "1.1", 1), ("one", "2.1", 2)]
    assert [(check.id, check.points, check.title, check.visibility) for check in course.checks] == [
        ("model", 3, "The model", "visible"),
        ("public/test_one.py::test_a", 1, "one is one", "visible"),
        ("hidden/test_one.py::test_b[small]", 3, "one is not two (small numbers)", "after_due_date"),
    ]
    assert [check.by_pytest for check in course.checks] == [False, True, True]
    assert [check.hidden_inputs for check in course.checks] == [True, False, True]
    assert course.of_task("one") == course.of_section(2) == 4
    assert course.task("one").functions == ("one",) and course.files == {"model.safetensors", "one.py"}
    assert course.assignment.folder == "ones" and course.tests == tmp_path / "tests"
    assert course.late == Late(2, 10) and course.due is not None
    assert course.due.isoformat() == "2026-10-17T23:59:00+02:00"  # in the course's time zone, in summer
    with pytest.raises(KeyError):
        course.task("unused")


@pytest.mark.parametrize(
    ("old", "new", "complaint"),
    [
        ("total = 7", "total = 8", "x.toml:3: the points add up to 7, but the total is 8"),
        ("total = 7", "", "x.toml:1: total is missing"),
        ("total = 7", 'total = "7"', "x.toml:3: total = '7' is not a possible value"),
        ("points = 3", "points = -1", "x.toml:12: task model: points must be a finite number of at least 0"),
        ("points = 3", "points = nan", "points must be a finite number"),
        ("points = 3", "points = true", "points must be a finite number"),
        ("points = 3", "point = 3", "task model: write name and points, not name, point"),
        ('name = "model"', 'name = "modle"', "x.toml:12: tests/tasks.toml has no task 'modle'"),
        ('name = "model"', 'name = "one"', "task one is asked for 2 times"),
        ('name = "first"', "", "[[section]] 1: missing 1 required positional argument"),
        ("Europe/Berlin", "Europe/Berln", "x.toml:4: there is no time zone 'Europe/Berln'"),
        ("due = 2026-10-17T23:59:00", 'due = "soon"', "x.toml:5: due = 'soon' is not a possible value"),
        ("percent_a_day", "percent", "x.toml:6: late: got an unexpected keyword argument 'percent'"),
        ("percent_a_day = 10", "percent_a_day = 101", "x.toml:6: percent_a_day = 101: write a number from 0 to 100"),
        ("percent_a_day = 10", 'percent_a_day = "10 %"', "percent_a_day = '10 %': write a number from 0 to 100"),
        ("days = 2", "days = nan", "days = nan: write a number"),
        ("late = { days = 2, percent_a_day = 10 }", "late = 10", "x.toml:6: late = 10 is not a possible value"),
        ("per_day = 5", "per_day = -1", "x.toml:7: per_day = -1: write a number from 0 to 1000"),
        ("per_day = 5", "per_day = 2.5", "x.toml:7: per_day = 2.5 is not a possible value"),
        ("per_day = 5", "attempts = 5", "x.toml:7: attempts is not a setting of a course"),
        ("[[section]]", "[section]", "x.toml"),
        ("title =", "title", "x.toml"),
    ],
)
def test_every_mistake_of_a_course_is_named(tmp_path, old, new, complaint):
    assert old in COURSE
    with pytest.raises(CourseError) as caught:
        read(tmp_path, course=COURSE.replace(old, new, 1))
    assert complaint in str(caught.value)


@pytest.mark.parametrize(
    ("old", "new", "complaint"),
    [
        ("test_a = 1", "test_a = -1", "tasks.toml:6: task one: the weight of test_a must be a finite number"),
        ("test_a = 1", 'test_a = "1"', "the weight of test_a must be a finite number"),
        ("test_a = 1", "test_z = 1", "tests/public/test_one.py:1: there is no test_z, or it has no docstring"),
        ('"after_due_date"', '"after_due_dat"', "the visibility of test_b[small] must be one of visible"),
        (', case = "small numbers"', "", "test_b[small]: give a case to each part of a parametrised check"),
        ("weight = 3", "wieght = 3", "test_b[small]: there is no 'wieght'"),
        ('title = "One"', 'title = ""', "task one: it has no title"),
        ('title = "One"', "", "missing 1 required positional argument: 'title'"),
        ('judge = "hidden.model:judge"', "", "task model: give it checks (public, hidden) or a judge"),
        ('[[task]]\nname = "unused"', '[task.public]\ntest_d = 1\n[[task]]\nname = "unused"', "must have weight 0"),
        ('judge = "hidden.model:judge"', 'judge = "judge"', 'a judge is written "module:function"'),
        ('name = "one"', 'name = "model"', "two tasks are called model"),
        ('name = "one"', 'name = "one two"', "a name consists of letters"),
        ("[assignment]", "[asignment]", "tasks.toml:2: [asignment] is not a table of this file"),
        ("folder", "fodler", "[assignment]: got an unexpected keyword argument 'fodler'"),
        ("[[task]]", "[[task", "tasks.toml"),
    ],
)
def test_every_mistake_of_the_table_of_tasks_is_named(tmp_path, old, new, complaint):
    assert old in TASKS
    with pytest.raises(CourseError) as caught:
        read(tmp_path, tasks=TASKS.replace(old, new, 1))
    assert complaint in str(caught.value)


def test_several_mistakes_are_named_at_once(tmp_path):
    with pytest.raises(CourseError) as caught:
        read(tmp_path, course=COURSE.replace("points = 3", "points = -1").replace("Europe", "Eurasia"))
    assert len(str(caught.value).splitlines()) == 2


def test_comparing_with_the_collected_checks(tmp_path):
    course = read(tmp_path)
    ids = ["public/test_one.py::test_a", "hidden/test_one.py::test_b[small]", "hidden/test_one.py::test_c"]
    assert compare(course, ids) == []  # test_c is of a task that is not asked for
    assert compare(course, [ids[0], "hidden/test_one.py::test_d"]) == [
        "hidden/test_one.py::test_d is in no task of tests/tasks.toml",
        "hidden/test_one.py::test_b[small] is in tests/tasks.toml, but no such check was collected",
    ]


def test_the_real_table_fits_the_suites():
    course = load()
    command = [sys.executable, "-m", "pytest", "--collect-only", "-q", "-p", "no:cacheprovider"]
    run = subprocess.run([*command, "tests/public", "tests/hidden"], cwd=ROOT, capture_output=True, text=True)
    assert run.returncode == 0, run.stdout + run.stderr
    collected = [line.removeprefix("tests/") for line in run.stdout.splitlines() if "::" in line]
    assert compare(course, collected) == []


def test_titles_are_unique_within_a_task():
    course = load()
    for task in course.tasks:
        titles = [(check.title, check.hidden_inputs) for check in course.checks if check.task == task.name]
        assert len(titles) == len(set(titles)), f"two checks of {task.name} have the same title"
