"""`make new-course`: a course that works at once, and names that are refused."""

from pathlib import Path

import pytest

from autograder.exits import Exit
from autograder.release import new_course, student
from autograder.release.starter import SourceError
from autograder.repository import ROOT, parse_toml
from autograder.tasks import load
from tests.kit.courses import write_tiny

QUESTION = '+++\nkind = "W"\n+++\n# {}\n\nWhy?\n\n## Rubric\n\n- 1: it\n\n## Answer\n\nBecause it is so.\n'
COURSE = """title = 'A "straight" line'
total = 5.25
timezone = "Europe/Berlin"
due = 2027-07-01T12:00:00
late = { days = 2, percent_a_day = 12.5 }
per_day = 3
[options]
slopes = [1, 2.5]
[[section]]
name = "lines"
title = "Lines"
number = "A"
task = [{ name = "predict", points = 2 }, { name = "trained_line", number = "A.7", points = 3 }]
question = [{ name = "why_squares", points = 0.25 }]
"""


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """The tiny assignment with two questions, one of which its default course asks for."""
    files = {
        "solution/questions/why_squares.md": QUESTION.format("Why squares?"),
        "solution/questions/why_lines.md": QUESTION.format("Why lines?"),
        "solution/report/report.md": "# Report\n",
        "solution/report/W.md": "## Written questions\n",
        "solution/handout/common/checks.md": "Checks.\n",
        "solution/handout/common/manners.md": "Manners.\n",
        "solution/handout/full.md": "# A line\n\n<!-- INSTRUCTOR: a date -->\n{{include:checks}}\n\n{{sections}}\n",
        "courses/full.toml": COURSE,
    }
    return write_tiny(tmp_path, files)


def test_it_asks_for_the_same_and_works_at_once(tree, capsys):
    assert new_course.main(["spring"], tree) == Exit.DONE
    assert "make student COURSE=spring" in capsys.readouterr().out
    first, second = load(tree / "courses" / "full.toml"), load(tree / "courses" / "spring.toml")
    same = ("title", "total", "tasks", "questions", "sections", "options", "timezone", "due", "late", "per_day")
    assert [name for name in same if getattr(first, name) != getattr(second, name)] == []
    assert student.student(["--course", str(tree / "courses" / "spring.toml")], tree) == Exit.DONE
    given = tree / "dist" / "spring" / "student"
    assert (given / "README.md").read_text().startswith("# A line\n\nChecks.\n")
    assert student.release(["--course", str(tree / "courses" / "spring.toml")], tree) == Exit.DONE
    assert "solution/handout/spring.md:" in capsys.readouterr().out  # the decision on the date


def test_what_the_default_course_leaves_out_is_there_to_be_taken(tree):
    text = new_course.settings_of("spring", load(tree / "courses" / "full.toml"))
    assert '#     { name = "mean_squared_error", points = 1 },  # Mean squared error\n' in text
    assert '#     { name = "why_lines", points = 1 },  # Why lines?\n' in text
    assert '    { name = "predict", points = 2 },  # Heights of a line\n' in text
    assert '    { name = "trained_line", number = "A.7", points = 3 },  # The fitted line\n' in text
    # Taken, with their points: a course again.
    head, _, rest = text.partition("# [[section]]")
    taken = "[[section]]" + rest.replace("\n# ", "\n").replace("\n#", "\n")
    (tree / "courses" / "more.toml").write_text(head.replace("total = 5.25", "total = 7.25") + taken)
    more = load(tree / "courses" / "more.toml")
    assert {task.name for task in more.tasks} == load(tree / "courses" / "full.toml").known.keys() and len(
        more.questions
    ) == 2
    assert "does not include:\n     manners.\n" in new_course.page_of("spring", load(tree / "courses" / "full.toml"))


def test_every_setting_has_a_comment():
    """Of the real default course: all names, and a line of words above each setting."""
    course = load()
    text = new_course.settings_of("spring", course)
    lines = text.splitlines()
    for key in ("title", "total", "grading", "timezone", "# due", "late", "per_day", "# [options]", "# [dataset]"):
        (place,) = [number for number, line in enumerate(lines) if line.startswith((f"{key} =", f"{key}"))][:1]
        assert lines[place - 1].startswith("# ") and "=" not in lines[place - 1], key
    assert max(map(len, lines)) <= 120
    listed = {line.split('"')[1] for line in lines if line.lstrip("# ").startswith("{ name = ")}
    questions = {path.stem for path in (ROOT / "solution" / "questions").glob("*.md")}
    assert listed == load().known.keys() | questions


@pytest.mark.parametrize(
    ("name", "complaint"),
    [
        ("full", "courses/full.toml is there already: take another name"),
        ("predict", "solution/handout/predict.md is there already: take another name"),
        ("Spring 2027", "'Spring 2027' is no name of a course: take small letters, digits, - and _"),
        ("../x", "'../x' is no name of a course"),
        ("-x", None),
        ("", "'' is no name of a course"),
    ],
)
def test_names_that_are_refused(tree, capsys, name, complaint):
    before = sorted(tree.rglob("*"))
    if complaint is None:  # argparse's own words
        with pytest.raises(SystemExit) as caught:
            new_course.main([name], tree)
        assert caught.value.code == Exit.NOTHING
    else:
        assert new_course.main([name], tree) == Exit.NOTHING
        assert complaint in capsys.readouterr().err
    assert sorted(tree.rglob("*")) == before


def test_a_broken_question_stops_it(tree, capsys):
    (tree / "solution" / "questions" / "why_lines.md").write_text("nothing\n")
    with pytest.raises(SourceError):
        new_course.settings_of("spring", load(tree / "courses" / "full.toml"))
    assert new_course.main(["spring"], tree) == Exit.FAILED
    assert "solution/questions/why_lines.md:1: " in capsys.readouterr().err
    assert not (tree / "courses" / "spring.toml").exists()


@pytest.mark.parametrize(
    "value", [True, 1, 2.5, 'a "quoted" ü', [1, [2.0, "x"]], {"a b": 1, "c": [True], "d": {"e": "f"}}]
)
def test_values_are_written_as_toml_reads_them(value):
    assert parse_toml(f"x = {new_course.toml(value)}", "x.toml") == {"x": value}
