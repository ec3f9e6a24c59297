"""settings.toml, and what it and a course make of a grading: no submission is run here."""

import copy
import json
from dataclasses import replace
from datetime import datetime, timedelta, timezone
from pathlib import Path

import pytest

from autograder.gradescope import rules
from autograder.gradescope import settings as settings_module
from autograder.gradescope.rehearsal import submission_metadata, validate
from autograder.gradescope.settings import Leaderboard, Settings, SettingsError, Visibility
from autograder.tasks import Course, Late

NOW = datetime(2026, 11, 20, 8, 0, tzinfo=timezone(timedelta(hours=-8)))


def course(days: float | None = None, percent_a_day: float = 0, grace: float = 0, per_day: int = 0) -> Course:
    late = Late(days, percent_a_day, grace)
    return Course(Path("courses/x.toml"), "Discs", 100, (), (), (), late=late, per_day=per_day)


def row(score: float, max_score: float, tag: str) -> dict:
    return {
        "score": score,
        "max_score": max_score,
        "status": "passed" if score == max_score else "failed",
        "name": "a check",
        "number": "1.1",
        "tags": ["task1", tag],
        "visibility": "visible",
    }


@pytest.fixture
def document() -> dict:
    return {
        "score": 30,
        "output": "All is well.",
        "tests": [row(10, 20, "public"), row(20, 60, "hidden"), row(0, 20, "hidden")],
        "leaderboard": [{"name": "Negative ELBO", "value": 98.1, "order": "asc"}],
        "extra_data": {},
    }


def metadata(minutes_late: float = 0, hours_ago: tuple[float, ...] = (), refused: tuple[bool, ...] = ()) -> dict:
    """Metadata of a submission handed in NOW, after earlier ones that scored 1, 2, 3, ... points, the oldest first."""
    previous = [
        {
            "submission_time": (NOW - timedelta(hours=hours)).isoformat(),
            "score": float(place),
            "results": {"extra_data": {rules.REFUSED: place <= len(refused) and refused[place - 1]}, "tests": []},
        }
        for place, hours in enumerate(hours_ago, start=1)
    ]
    made = submission_metadata(previous=previous)
    made["created_at"] = NOW.isoformat()
    made["assignment"]["due_date"] = (NOW - timedelta(minutes=minutes_late)).isoformat()
    return made


def write(folder: Path, text: str) -> Path:
    file = folder / "settings.toml"
    file.write_text(text, encoding="utf-8")
    return file


def test_the_file_says_what_the_defaults_are() -> None:
    assert settings_module.load() == Settings()


def test_an_empty_file_means_the_defaults(tmp_path: Path) -> None:
    assert settings_module.load(write(tmp_path, "")) == Settings()


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("[limit]\nseconds = 60", r"\[limit\] is not a table of this file \(did you mean limits\?\)"),
        ("limits = 10", r"limits is a table: write \[limits\]"),
        ("[limits]\nsecond = 10", r"limits\.second is not a setting \(did you mean seconds\?\)"),
        ("[limits]\nseconds = '60 s'", "write a number, without quotes"),
        ("[limits]\nseconds = 29", "from 30 to 2400"),
        ("[limits]\nseconds = nan", "write a number"),
        ("[limits]\nmemory_mib = 384.5", "write a whole number"),
        ("[limits]\nmemory_mib = true", "write a number"),
        ("[leaderboard]\nshow = 'yes'", "write true or false"),
        ("[visibility]\nhidden_checks = 'after_deadline'", '"after_due_date"'),
        ("[limits\nseconds = 60", "line 1"),
    ],
)
def test_mistakes_are_named(tmp_path: Path, text: str, complaint: str) -> None:
    with pytest.raises(SettingsError, match=complaint):
        settings_module.load(write(tmp_path, text))


def test_every_mistake_is_named_at_once(tmp_path: Path) -> None:
    with pytest.raises(SettingsError) as caught:
        settings_module.load(write(tmp_path, "[limits]\nseconds = 0\n[leaderboard]\nshow = -1"))
    assert "limits.seconds" in str(caught.value)
    assert "leaderboard.show" in str(caught.value)


def test_defaults_change_nothing(document: dict) -> None:
    assert rules.publish(document, course(), Settings(), metadata(minutes_late=10_000)) == document
    assert rules.refusal(course(), metadata(hours_ago=tuple(range(50, 0, -1)))) is None


@pytest.mark.parametrize("when", ["after_due_date", "after_published", "hidden", "visible"])
def test_visibility_of_hidden_rows_only(document: dict, when: str) -> None:
    published = rules.publish(document, course(), Settings(visibility=Visibility(when)), {})
    assert [entry["visibility"] for entry in published["tests"]] == ["visible", when, when]


def test_leaderboard_off(document: dict) -> None:
    assert rules.publish(document, course(), Settings(leaderboard=Leaderboard(False)), {})["leaderboard"] == []


def test_publishing_leaves_the_graders_own_document_alone(document: dict) -> None:
    before = copy.deepcopy(document)
    rules.publish(document, course(percent_a_day=50), Settings(visibility=Visibility("hidden")), metadata(100))
    assert document == before


@pytest.mark.parametrize(
    ("minutes_late", "score"), [(-60, 30), (0, 30), (10, 30), (11, 27), (1449, 27), (1451, 24), (20_000, 0)]
)
def test_late_penalty_counts_days_that_have_begun(document: dict, minutes_late: float, score: float) -> None:
    published = rules.publish(document, course(percent_a_day=10, grace=10), Settings(), metadata(minutes_late))
    assert published["score"] == score
    assert ("taken off" in published["output"]) == (score < 30)
    assert "All is well." in published["output"]


@pytest.mark.parametrize(("minutes_late", "score"), [(10, 30), (1450, 27), (2170, 24), (2171, 0)])
def test_work_that_is_too_late_earns_nothing(document: dict, minutes_late: float, score: float) -> None:
    rule = course(days=1.5, percent_a_day=10, grace=10)
    published = rules.publish(document, rule, Settings(), metadata(minutes_late))
    assert published["score"] == score
    assert ("Handed in more than 1.5 days late: it earns no points." in published["output"]) == (score == 0)
    assert rules.publish(document, course(days=1), Settings(), metadata(1440))["score"] == 30


def test_the_courses_due_date_counts_where_gradescope_has_none(document: dict) -> None:
    rule = replace(course(percent_a_day=10), due=NOW - timedelta(hours=30))
    undated = metadata()
    undated["assignment"]["due_date"] = None
    assert rules.publish(document, rule, Settings(), metadata())["score"] == 30
    assert rules.publish(document, rule, Settings(), undated)["score"] == 24


@pytest.mark.parametrize(
    ("due", "handed_in", "days"),
    [
        # Clocks are put back in the night to 25 October 2026 and forward in the night to 28 March 2027.
        ("2026-10-24T23:59+02:00", "2026-10-25T23:59+01:00", 1),
        ("2026-10-24T23:59+02:00", "2026-10-26T00:00+01:00", 1 + 1 / 1440),
        ("2027-03-27T23:59+01:00", "2027-03-28T23:59+02:00", 1),
        ("2026-10-25T02:45+02:00", "2026-10-25T02:30+01:00", 1 / 1440),
        ("2026-10-25T02:30+01:00", "2026-10-25T02:45+02:00", 0),
    ],
)
def test_days_are_those_of_the_courses_clock(due: str, handed_in: str, days: float) -> None:
    rule = replace(course(), timezone="Europe/Berlin", due=datetime.fromisoformat(due))
    assert rules.days_late(rule, {"created_at": handed_in}) == pytest.approx(days)


def test_a_setup_problem_uses_up_no_attempt() -> None:
    tried = metadata(0, (5, 3, 1))
    assert rules.refusal(course(per_day=3), tried) is not None
    tried["previous_submissions"][1]["results"]["extra_data"]["problem"] = "SandboxError: no seccomp"
    assert rules.refusal(course(per_day=3), tried) is None
    assert rules.refusal(course(per_day=2), tried)["score"] == 3


def test_an_extension_counts(document: dict) -> None:
    late = metadata(minutes_late=3000)
    late["users"][0]["assignment"] = {"due_date": (NOW + timedelta(hours=1)).isoformat()}
    assert rules.publish(document, course(percent_a_day=10), Settings(), late)["score"] == 30


@pytest.mark.parametrize(
    ("hours_ago", "refused", "graded"),
    [
        ((), (), True),
        ((5, 3), (), True),
        ((5, 3, 1), (), False),
        ((30, 25, 24, 3, 1), (), True),
        ((5, 3, 1), (False, True, False), True),
    ],
    ids=["first", "third", "fourth", "old ones do not count", "refused ones do not count"],
)
def test_submissions_a_day(hours_ago: tuple[float, ...], refused: tuple[bool, ...], graded: bool) -> None:
    assert (rules.refusal(course(per_day=3), metadata(0, hours_ago, refused)) is None) == graded


def test_a_refused_submission_keeps_the_last_graded_score() -> None:
    made = metadata(0, (20, 5, 3, 1), (False, False, False, True))
    refused = rules.refusal(course(per_day=3), made)
    assert refused is not None
    assert refused["score"] == 3  # the fourth was itself refused
    # Of the three that count, the oldest was handed in 20 hours ago: 4 hours to wait.
    assert (NOW + timedelta(hours=4)).strftime("%Y-%m-%d %H:%M") in refused["output"]
    assert validate(refused) == []
    assert json.loads(json.dumps(refused))["extra_data"] == {rules.REFUSED: True}


@pytest.mark.parametrize(
    "odd",
    [
        {},
        {"created_at": None, "previous_submissions": 7, "users": "nobody", "assignment": []},
        {"created_at": "yesterday", "previous_submissions": [None, {"submission_time": 3}], "users": [None, {}]},
        {"created_at": NOW.isoformat(), "previous_submissions": [{"submission_time": NOW.isoformat()}] * 3},
    ],
)
def test_odd_metadata_is_survived(document: dict, odd: dict) -> None:
    rule = course(percent_a_day=10, per_day=1)
    refused = rules.refusal(rule, odd)
    assert refused is None or validate(refused) == []
    assert rules.publish(document, rule, Settings(), odd)["score"] == 30


@pytest.mark.parametrize("text", ["", "[]", "{", "null", "[" * 100_000])
def test_unreadable_metadata_is_no_metadata(tmp_path: Path, text: str) -> None:
    file = tmp_path / "submission_metadata.json"
    file.write_text(text)
    assert rules.read_metadata(file) == {}
    assert rules.read_metadata(tmp_path / "missing") == {}
