"""`make courses`: what it proves of the presets, and that it notices what does not hold."""

import dataclasses
import json
import subprocess
import sys

import pytest

from autograder.evidence import courses
from autograder.release.contents import generate
from autograder.repository import COURSES, ROOT
from autograder.tasks import Course, course_file, load

# The default course goes the same way in tests of its own: its zip, its main program, its checks.
PRESETS = sorted(path.stem for path in COURSES.glob("00*.toml"))


@pytest.mark.slow
@pytest.mark.parametrize("name", PRESETS)
def test_a_preset_is_whole(name: str) -> None:
    command = [sys.executable, "-m", "autograder", "courses", name]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=900)
    assert done.returncode == 0, done.stdout + done.stderr
    assert all(len(line) <= 80 for line in done.stdout.splitlines()), done.stdout


@pytest.fixture
def course() -> Course:
    return load(course_file("004"))


@pytest.mark.parametrize(("name", "there"), [("000", False), ("001", True)])
def test_only_students_whose_code_is_graded_have_something_to_pack_it_with(name, there):
    assert ("submit.py" in generate(course=load(course_file(name))).files) == there


def test_a_placeholder_or_a_check_too_many_is_noticed(course, tmp_path):
    made = generate(course.root, course)
    for name, content, complaint in (
        ("utils.py", b"# {{task:x}}\n", "utils.py still has '{{task:x}}'"),
        ("README.md", b"# END FOR\n", "README.md still has"),
        ("tests/test_kl.py", b"def test_hidden():\n    pass\n", "no task of theirs has: test_hidden"),
    ):
        changed = dataclasses.replace(made, files={**made.files, name: content})
        with pytest.raises(courses.Unproven) as caught:
            courses.release(changed, tmp_path)
        assert complaint in str(caught.value)


@pytest.mark.parametrize(
    ("rows", "complaint"),
    [
        ([], "the rows of the starter are not those of the course"),
        ([{"extra_data": {"id": "x"}, "max_score": 1.0}], "the rows of the starter are not those of the course"),
        (None, "the rows' points do not add up"),
    ],
)
def test_rows_that_are_not_the_courses_are_noticed(course, monkeypatch, tmp_path, rows, complaint):
    right = [{"extra_data": {"id": check.id}, "max_score": check.points + 1} for check in course.checks]

    def run(command, folder):
        (tmp_path / "starter" / "results.json").write_text(json.dumps({"tests": right if rows is None else rows}))
        return ""

    monkeypatch.setattr(courses, "run", run)
    with pytest.raises(courses.Unproven, match=complaint):
        courses.grade(course, tmp_path, "starter", {"utils.py": b""})


def test_a_program_that_fails_is_said(tmp_path):
    (tmp_path / "main.py").write_text("print('as far as here')\nraise SystemExit(3)\n")
    with pytest.raises(courses.Unproven, match=r"(?s)ended with status 3:\nas far as here"):
        courses.run([sys.executable, "main.py"], tmp_path)


def test_one_proof_that_fails_is_told_and_the_others_go_on(course, monkeypatch, capsys):
    def fails(made, scratch):
        raise courses.Unproven("it does not hold")

    proofs = {"first": fails, "second": lambda *_: "3 files", "third": lambda *_: ""}
    monkeypatch.setattr(courses, "PROOFS", proofs)
    assert courses.main(["004"]) == 1
    first, *lines = capsys.readouterr().out.splitlines()
    assert first.startswith("004: ") and lines == [
        "  first      NO: it does not hold (0 s)",
        "  second     3 files (0 s)",
    ]
    monkeypatch.setattr(courses, "PROOFS", {"second": proofs["second"]})
    assert courses.main(["004"]) == 0
    assert courses.main(["no_such"]) == 1
    assert "there is no course 'no_such'" in capsys.readouterr().err
