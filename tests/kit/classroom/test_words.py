"""No decision about a class or an attack hangs on the words that students and instructors read."""

import html
from dataclasses import replace
from datetime import date

import pytest

from autograder import tasks
from autograder.classroom import analysis, page
from autograder.classroom.exports.submission import Export, HandedIn
from autograder.classroom.grading import out_of_time
from autograder.classroom.roster import Student
from autograder.door.diagnose import CheckFailed
from autograder.door.submission import Lost, NotImplementedYet, SubmissionError
from autograder.evidence.attacks import judge
from autograder.grading.messages import DEATHS, SENTENCES, Explainer, NotRun
from autograder.grading.results import Results
from autograder.repository import TESTS

COURSE = tasks.load()
SENTENCE = "Xyzzy plugh."


def failures() -> list[BaseException]:
    """One of each kind, in the words that are in force now."""
    why = SENTENCES["time is up"]
    return [
        CheckFailed("The value is wrong.", "the factor 1/2 is lost"),
        SubmissionError("ValueError", "no such thing"),
        SubmissionError("MemoryError"),
        NotImplementedYet("NotImplementedError", "Task 1.1: kl"),
        NotRun("missing", SENTENCES["missing"].format(file="kl.py")),
        NotRun("timeout", why),
        *(Lost(kind, "kl.f", why, True) for kind in ("timeout", "crash", "protocol", "flood")),
        NotRun("grader", SENTENCES["grader"]),
    ]


def documents() -> dict[str, dict]:
    """Results of a class: each member but one fails a third of the checks, for a reason of its own."""
    explainer = Explainer(COURSE, TESTS)
    found = {}
    for number, error in enumerate([None, *failures()]):
        results = Results.of(COURSE)
        for place, check in enumerate(COURSE.checks):
            if error is None or (place + number) % 3 or place % 7 == 0:
                results.set(check.id, 1.0)
            else:
                why = explainer.explain(error, check)
                results.set(check.id, 0.0, why.text, kind=why.kind, cause=why.cause)
        found[f"s{number:02}"] = results.document()
    return found


def decisions(class_of: dict[str, dict]) -> dict[str, object]:
    """All that is decided about a class, without a word of what is said about it."""
    graded = [analysis.reduce(slug, document) for slug, document in class_of.items()]
    items = analysis.analyse(graded, COURSE)
    people = [HandedIn(slug, (Student(name=slug, id=slug),)) for slug in class_of]
    shown = page.page(page.Class(Export("plain", people), COURSE, graded, {}, {}, date(2026, 11, 3)))
    return {
        "graded again": [slug for slug, document in class_of.items() if out_of_time(document)],
        "slow": [one.slug for one in graded if one.slow],
        "items": [replace(item, remark="odd" if item.remark else "") for item in items],
        "named mistakes": sorted(one.task for one in analysis.mistakes(graded, COURSE) if one.slugs == ["s01"]),
        "tried": {
            (one.slug, id): analysis.attempted(failure) for one in graded for id, failure in one.failures.items()
        },
        "attacks": [judge.ending(row) for document in class_of.values() for row in document["tests"]],
        "order": sorted((html.escape(item.check.title) for item in items), key=shown.find),
    }


@pytest.fixture
def other_words(monkeypatch):
    """From here on every sentence about a failed check is nonsense."""

    def replace_them():
        for table in (SENTENCES, DEATHS):
            for name in table:
                monkeypatch.setitem(table, name, SENTENCE)
        monkeypatch.setattr(analysis, "_remark", _nonsense(analysis._remark))

    return replace_them


def _nonsense(function):
    return lambda *arguments: SENTENCE if function(*arguments) else ""


def test_other_words_change_no_decision(other_words):
    before = decisions(documents())
    assert before["graded again"] == before["slow"] and len(before["slow"]) == 2
    assert set(before["tried"].values()) == {True, False} and before["order"]
    assert set(before["attacks"]) == {*judge.ENDS, "untried"}
    other_words()
    said = {row["output"] for document in documents().values() for row in document["tests"]}
    # After a sentence about memory the exception's own name stands.
    assert {text.removesuffix(" MemoryError:") for text in said} == {
        "",
        SENTENCE,
        "The value is wrong. The factor 1/2 is lost.",
    }
    assert decisions(documents()) == before
