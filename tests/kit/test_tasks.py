"""points.toml and its reader: the real file is consistent and fits the suites; every kind of mistake is named."""

import subprocess
import sys
from pathlib import Path

import pytest

from autograder.tasks import Points, PointsError, compare, load

ROOT = Path(__file__).resolve().parents[2]

GOOD = """
[[group]]
number = 1
title = "First"

[[task]]
number = "1.1"
name = "One"
file = "one.py"
function = "one"

[[task]]
number = "1.2"
name = "Model"
file = "model.safetensors"

[[check]]
id = "model"
task = "1.2"
points = 60
visibility = "visible"
title = "The model"
kind = "weights"

[[check]]
id = "public/test_x.py::test_a"
task = "1.1"
points = 0.5
visibility = "visible"
title = "A"

[[check]]
id = "hidden/test_x.py::test_b"
task = "1.1"
points = 39.5
visibility = "after_due_date"
title = "B"
"""


def read(tmp_path: Path, text: str, **how) -> Points:
    path = tmp_path / "points.toml"
    path.write_text(text)
    return load(path, **how)


def test_a_good_file(tmp_path):
    points = read(tmp_path, GOOD)
    # In the order of the tasks, whatever the order of the checks.
    assert [check.id for check in points.checks] == ["public/test_x.py::test_a", "hidden/test_x.py::test_b", "model"]
    assert [check.hidden_inputs for check in points.checks] == [False, True, True]
    assert points.of_task("1.1") == 40 and points.of_group(1) == 100
    assert points.task("1.2").function == ""


@pytest.mark.parametrize(
    ("old", "new", "complaint"),
    [
        ("points = 0.5", "points = 1", "add up to 100.5, not 100"),
        ("points = 0.5", "points = -1", "finite number of at least 0"),
        ("points = 0.5", "points = nan", "finite number of at least 0"),
        ("points = 0.5", "points = true", "finite number of at least 0"),
        ("points = 0.5", 'points = "1"', "finite number of at least 0"),
        ("points = 0.5", "point = 0.5", "unexpected keyword argument 'point'"),
        ('title = "A"', "", "missing 1 required positional argument: 'title'"),
        ('title = "A"', 'title = ""', "no title"),
        ('"after_due_date"', '"after_due_dat"', "visibility must be one of"),
        ('kind = "weights"', 'kind = "weight"', "kind must be one of"),
        ('kind = "weights"', "", "begins with public/ or hidden/"),
        ("test_b", "test_a", ""),
        ('id = "hidden/test_x.py::test_b"', 'id = "public/test_x.py::test_a"', "appears 2 times"),
        ('number = "1.2"', 'number = "1.1"', "task number 1.1 appears 2 times"),
        ('number = "1.2"', 'number = "2.2"', "there is no group 2"),
        ('number = "1.2"', "number = 1.2", "in quotes"),
        ('task = "1.2"', 'task = "1.3"', "there is no task '1.3'"),
        ('task = "1.2"', 'task = "1.1"', "task 1.2 has no check"),
        ("number = 1\n", 'number = "1"\n', "must be an integer"),
        ("[[group]]", "[group]", "write [[group]], not [group]"),
        ("[[check]]", "[[chekc]]", "unknown tables: chekc"),
        ("[[check]]", "[[check", "points.toml"),
    ],
)
def test_every_mistake_is_named(tmp_path, old, new, complaint):
    assert old in GOOD
    if not complaint:
        read(tmp_path, GOOD.replace(old, new))  # hidden/...::test_a is another check than public/...::test_a
        return
    with pytest.raises(PointsError) as caught:
        read(tmp_path, GOOD.replace(old, new))
    assert complaint in str(caught.value)


def test_another_total(tmp_path):
    text = GOOD.replace("points = 60", "points = 10")
    assert read(tmp_path, text, total=50).of_group(1) == 50
    assert read(tmp_path, text, total=None).of_group(1) == 50
    with pytest.raises(PointsError, match="add up to 50"):
        read(tmp_path, text)


def test_comparing_with_the_collected_checks(tmp_path):
    points = read(tmp_path, GOOD)
    ids = ["public/test_x.py::test_a", "hidden/test_x.py::test_b"]
    assert compare(points, ids) == []
    assert compare(points, [ids[0], "hidden/test_x.py::test_c"]) == [
        "hidden/test_x.py::test_c has no entry in points.toml",
        "hidden/test_x.py::test_b is in points.toml, but no such check was collected",
    ]


def test_the_real_file_fits_the_suites():
    points = load()
    command = [sys.executable, "-m", "pytest", "--collect-only", "-q", "-p", "no:cacheprovider"]
    run = subprocess.run([*command, "tests/public", "tests/hidden"], cwd=ROOT, capture_output=True, text=True)
    assert run.returncode == 0, run.stdout + run.stderr
    collected = [line.removeprefix("tests/") for line in run.stdout.splitlines() if "::" in line]
    assert compare(points, collected) == []


def test_titles_are_unique_within_a_task():
    points = load()
    for task in points.tasks:
        titles = [(check.title, check.hidden_inputs) for check in points.checks if check.task == task.number]
        assert len(titles) == len(set(titles)), f"two checks of task {task.number} have the same title"
