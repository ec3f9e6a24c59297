"""`make next-term`: a new secret, and the due dates that are past."""

from datetime import datetime, timezone
from pathlib import Path

import pytest

from autograder.classroom import next_term
from autograder.exits import Exit
from autograder.grading.secret import VARIABLE
from tests.kit.courses import write_course

CHECKS = {
    "public": """
    def test_one(submission):
        '''one {n}'''
"""
}


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A repository with a course that has no due date, and two that have one."""
    monkeypatch.delenv(VARIABLE, raising=False)
    course = write_course(tmp_path, CHECKS, n=1, worth=10)
    for name, date in (("past", "2020-07-01T12:00:00"), ("later", "2990-07-01T12:00:00")):
        text = f'timezone = "Europe/Berlin"\ndue = {date}\n' + course.read_text()
        course.with_name(f"{name}.toml").write_text(text)
    return tmp_path


def test_a_new_secret_and_past_dates(root, capsys):
    secret = root / "secret.txt"
    secret.write_text("that of last term\n")
    assert next_term.main([], root, secret) == Exit.DONE
    printed = capsys.readouterr().out
    (old,) = root.glob("secret-*.txt")
    assert old.read_text() == "that of last term\n" != secret.read_text()
    assert "1. secret.txt is new" in printed and old.name in printed
    assert "courses/full.toml: none, so the platform's counts\n" in printed
    assert "courses/past.toml:2: 2020-07-01T12:00:00+02:00 is past: write this term's\n" in printed
    assert "courses/later.toml:2: 2990-07-01T12:00:00+02:00\n" in printed
    assert "make lock UPGRADE=1" in printed and "tools/fresh_machine.sh" in printed


def test_a_broken_course_is_named_and_the_rest_done(root, capsys):
    (root / "courses" / "past.toml").write_text("total = 1\n")
    assert next_term.main([], root, root / "secret.txt") == Exit.FAILED
    printed = capsys.readouterr()
    assert "past.toml:1: title is missing" in printed.err and "courses/later.toml:2" in printed.out
    assert (root / "secret.txt").is_file()


def test_a_variable_takes_precedence(root, capsys, monkeypatch):
    monkeypatch.setenv(VARIABLE, "not much of a secret")
    next_term.main([], root, root / "secret.txt")
    assert f"{VARIABLE} is set, and it is what counts" in capsys.readouterr().out


def test_a_secret_that_cannot_be_made(root, capsys):
    assert next_term.main([], root, root / "nowhere" / "secret.txt") == Exit.FAILED
    assert capsys.readouterr().err.startswith("next-term: ")


def test_today_is_not_past(root):
    now = datetime(2020, 7, 1, 9, 59, tzinfo=timezone.utc)  # a minute before noon in Berlin
    assert "past: write" not in next_term.due(root / "courses" / "past.toml", now)
