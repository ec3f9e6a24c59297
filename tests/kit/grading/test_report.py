"""The report for the terminal and the page of HTML."""

import html
import io
import re

import pytest

from autograder.clock import now
from autograder.grading import report
from autograder.grading.results import Results
from autograder.tasks import Check, Task
from tests.kit.courses import course_of
from tests.kit.pages import Page

COURSE = course_of(
    [
        Task("circle", "1.1", "Area of a circle", "area.py", ("circle",)),
        Task("square", "1.2", "Area of a square", "area.py", ("square",)),
        Task("sampling", "2.1", "Sampling", "draw.py", ("draw",)),
    ],
    [
        Check("public/test_a.py::test_a", "circle", "1.1", 2, "By hand"),
        Check("hidden/test_a.py::test_b", "circle", "1.1", 3.5, "Many shapes"),
        Check("public/test_a.py::test_c", "square", "1.2", 4, "Zeros"),
        Check("public/test_a.py::test_d", "sampling", "2.1", 0, "Provided code"),
        Check("public/test_a.py::test_e", "sampling", "2.1", 1, "The law " + "and more of it " * 12),
    ],
    ["Areas", "Mixtures & <entropy>"],
)


@pytest.fixture
def document():
    results = Results.of(COURSE)
    results.set("public/test_a.py::test_a", 1)
    results.set("hidden/test_a.py::test_b", 0, "looks as if v were used as the standard deviation. " * 5)
    results.set("public/test_a.py::test_c", 1)
    results.set("public/test_a.py::test_e", 0, "<script>alert('x')</script> & \"quotes\"\nsecond line")
    results.leaderboard = [{"name": "Negative ELBO", "value": 97.05, "order": "asc"}]
    results.notes = ["A note about the <submission>."]
    return results.document()


@pytest.mark.parametrize("width", [20, 60, 80, 110, 300])
def test_lines_fit_and_points_are_aligned(document, width):
    lines = report.terminal(document, COURSE, width).splitlines()
    room = min(max(width, report.NARROWEST), report.WIDEST)
    assert max(map(len, lines)) <= room
    slashes = {line.rindex(" / ") for line in lines if " / " in line}
    assert len(slashes) == 1


def test_what_it_says(document):
    text = report.terminal(document, COURSE, 100)
    assert "\x1b" not in text
    for part in ("Task 1  Areas", "◐ 1.1", "✓ 1.2", "✗ 2.1", "✗ Many shapes", "v were used as the standard"):
        assert part in text
    assert "By hand" not in text, "a passed check needs no line"
    total = next(line for line in text.splitlines() if line.startswith("Score"))
    assert total.split() == ["Score", "6", "/", "10.5"]
    assert "97.05" in text and "A note about the <submission>." in text


def test_a_remark_is_shown_though_the_check_has_passed():
    results = Results.of(COURSE)
    for check in COURSE.checks:
        results.set(check.id, 1)
    assert " open" not in report.page(results.document(), COURSE)
    results.remark("public/test_a.py::test_c", "Remark: area.py, line 3, uses it.")
    text = report.terminal(results.document(), COURSE, 100)
    assert "✓ Zeros" in text and "Remark: area.py, line 3, uses it." in text and "By hand" not in text
    page = report.page(results.document(), COURSE)
    assert page.count("<details open>") == 1 and "Remark: area.py, line 3, uses it." in Page(page).text


def test_a_repeated_reason_is_said_once(document):
    for row in document["tests"]:
        row.update(status="failed", score=0, output="Your code cannot be imported: SyntaxError: oops")
    text = report.terminal(document, COURSE, 100)
    assert text.count("SyntaxError") == 4  # once for each task, and as the first thing to do
    assert text.count("(the same)") == 2


def test_colour_only_where_it_is_wanted(document, monkeypatch):
    class Terminal(io.StringIO):
        encoding = "utf-8"

        def isatty(self):
            return True

    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.delenv("NO_COLOR", raising=False)
    terminal = Terminal()
    report.write_terminal(document, COURSE, terminal)
    assert "\x1b[32m" in terminal.getvalue()
    monkeypatch.setenv("NO_COLOR", "1")
    assert not report.use_colour(terminal)
    monkeypatch.delenv("NO_COLOR")
    monkeypatch.setenv("TERM", "dumb")
    assert not report.use_colour(terminal)
    assert not report.use_colour(io.StringIO())


def test_a_stream_without_unicode(document):
    stream = io.TextIOWrapper(io.BytesIO(), encoding="ascii")
    report.write_terminal(document, COURSE, stream)
    stream.flush()
    assert b"x 2.1" in stream.buffer.getvalue()


def test_the_page_is_well_formed_and_says_everything(document):
    page = Page(report.page(document, COURSE))
    for part in (
        "6 / 10.5",
        "Mixtures & <entropy>",
        "Many shapes",
        "By hand",
        "97.05",
        "A note about the <submission>.",
    ):
        assert part in page.text
    assert "<script>alert('x')</script> & \"quotes\"\nsecond line" in page.text


def test_the_page_runs_and_loads_nothing(document):
    for row in document["tests"]:
        row["name"] = row["output"] = "</pre></li></style><script>alert(1)</script><img src=x onerror=alert(1)>"
    document["output"] = document["leaderboard"][0]["name"] = "<img src=http://example.org/x>"
    page = Page(report.page(document, COURSE))
    assert not {tag for tag, _ in page.tags} & {"script", "img", "link", "iframe", "object", "a"}
    assert not [name for _, attrs in page.tags for name in attrs if name.startswith("on") or name in ("src", "href")]


def test_failures_are_open_and_successes_folded(document):
    states = ["open" in attrs for tag, attrs in Page(report.page(document, COURSE)).tags if tag == "details"]
    assert states == [True, False, True]


def test_outcomes_differ_by_shape_and_word_not_by_colour_alone(document):
    text = Page(report.page(document, COURSE)).text
    assert "✓ passed" in text and "◐ in part" in text and "✗ failed" in text


# What is not begun

STARTER = {
    "public/test_a.py::test_a": "circle",
    "hidden/test_a.py::test_b": "circle",
    "public/test_a.py::test_c": "circle",  # the square's check calls what is asked for in the circle's task
    "public/test_a.py::test_e": "sampling",
}
WRITE = "First thing to do: write circle in area.py (Task 1.1, Area of a circle)."


def starter(**changes) -> Results:
    """Results of a submission in which only provided code works, but for what is changed: check -> Results.set's."""
    results = Results.of(COURSE)
    results.set("public/test_a.py::test_d", 1)
    for id, stub in STARTER.items():
        results.set(id, 0, f"Not implemented yet: {stub}.", kind="not_implemented", stub=stub)
    for name, arguments in changes.items():
        id = next(id for id in results.rows if id.endswith(name))
        results.set(id, arguments.pop("fraction", 0), **arguments)
    return results


def told(results: Results) -> tuple[str, str]:
    """(report for the terminal, text of the page), as the grader has them made."""
    results.notes = list(filter(None, [report.first_step(results.document(), COURSE)]))
    document = results.document()
    page = report.page(document, COURSE, "Jane Doe (7)", "2026-11-20 14:05 CST").partition("</style>")[2]
    text = report.terminal(document, COURSE, 80, name="Jane Doe (7)", when="2026-11-20 14:05 CST")
    return text, " ".join(html.unescape(re.sub("<[^>]+>", " ", page)).split())


def test_what_is_not_begun_is_a_line_a_task():
    text, page = told(starter())
    assert text.splitlines()[:5] == [
        COURSE.title,
        "Jane Doe (7), 2026-11-20 14:05 CST",
        "",
        f"{'Task 1  Areas':72}0 / 9.5",
        f"{'  ○ 1.1  Area of a circle (area.py)':72}0 / 5.5",
    ]
    assert "○ 1.2  Area of a square (waits for 1.1)" in text and "○ 2.1  Sampling (draw.py)" in text
    assert "Not implemented" not in text + page and len(text.splitlines()) == 12
    assert "Jane Doe (7) X, 2026-11-20 14:05 CST 0 / 10.5" in page
    assert "○ 1.1 Area of a circle (area.py) 0 / 5.5 ○ 1.2 Area of a square (waits for 1.1) 0 / 4" in page
    assert text.count(WRITE[:50]) == page.count(WRITE) == 1
    assert not [attrs for tag, attrs in Page(report.page(starter().document(), COURSE)).tags if tag == "details"]


def test_a_task_that_is_begun_says_in_a_line_what_is_left():
    text, page = told(starter(test_a={"fraction": 1}))
    assert "◐ 1.1  Area of a circle" in text and "○ 1 check not started: Not implemented yet: circle." in text
    assert "◐ in part 1.1" in page and "○ not started 1 check: Not implemented yet: circle. 0 / 3.5" in page
    assert "By hand" not in text and "Many shapes" not in text + page


def test_a_file_that_is_missing_is_no_stub():
    text, page = told(starter(test_e={"output": "Missing file: draw.py.", "kind": "missing"}))
    assert "○ 2.1  Sampling (draw.py is missing)" in text and "Sampling (draw.py is missing)" in page
    results = starter(**{test: {"fraction": 1} for test in ("test_a", "test_b", "test_c")})
    results.set("public/test_a.py::test_e", 0, "Missing file: draw.py.", kind="missing")
    assert "First thing to do: hand in draw.py (Task 2.1, Sampling)." in told(results)[1]


@pytest.mark.parametrize(
    ("changes", "first"),
    [
        ({}, WRITE),
        ({"test_a": {"fraction": 1}}, WRITE),
        # What is wrong comes before what is not begun, in whichever order the tasks are.
        ({"test_e": {"output": "2 of 3 are wrong."}}, "First thing to do: Task 2.1 (Sampling). 2 of 3 are wrong."),
        ({"test_e": {"output": "x", "case": {"n": "1"}}}, "First thing to do: Task 2.1 (Sampling). x"),
        ({"test_e": {"output": "x" * 999}}, f"First thing to do: Task 2.1 (Sampling). {'x' * 359}…"),
        ({name: {"fraction": 1} for name in ("test_a", "test_b", "test_c", "test_e")}, "All checks pass."),
    ],
)
def test_the_first_thing_to_do(changes, first):
    assert report.first_step(starter(**changes).document(), COURSE) == first


def test_the_first_thing_to_do_is_nothing_that_the_student_may_not_see():
    document = starter(test_b={"output": "found by a hidden check"}, test_a={"fraction": 1}).document()
    assert "found by a hidden check" in report.first_step(document, COURSE)
    document["tests"][1]["visibility"] = "after_published"
    assert "found by a hidden check" not in report.first_step(document, COURSE)
    for row in document["tests"]:
        row["visibility"] = "visible" if row["status"] == "passed" else "hidden"
    assert report.first_step(document, COURSE) == ""


def test_what_is_usual_about_the_files_is_folded_away():
    results = starter()
    results.notes = ["Not graded: README.md."]
    results.extra["submission"] = {"notes": results.notes, "left_out": [], "errors": []}
    folded = [attrs for tag, attrs in Page(report.page(results.document(), COURSE)).tags if tag == "details"]
    assert folded == [{"class": "note"}]
    results.extra["submission"]["left_out"] = ["b.zip"]
    assert not [tag for tag, _ in Page(report.page(results.document(), COURSE)).tags if tag == "details"]


def test_what_could_not_be_graded_has_no_score():
    errors = ["There is nothing to grade."]
    results = Results.of_nothing(COURSE, errors[0])
    results.extra["submission"] = {"notes": [], "left_out": [], "errors": errors}
    page = report.page(results.document(), COURSE)
    assert "not graded" in page
    assert "0 / 10.5" not in page


def test_the_time_is_that_of_the_courses_clock():
    assert re.fullmatch(r"\d{4}-\d\d-\d\d \d\d:\d\d CES?T", now("Europe/Berlin"))
