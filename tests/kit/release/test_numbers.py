"""What handouts say about a course's dates, late work and attempts."""

from dataclasses import replace
from datetime import datetime, timezone

import pytest

from autograder.release import numbers
from autograder.tasks import Late
from tests.kit.courses import course_of

COURSE = course_of([], [])


def test_the_due_date():
    assert numbers.due(COURSE) == "Your course says when it is due."
    dated = replace(COURSE, due=datetime(2027, 10, 5, 23, 59, tzinfo=timezone.utc), timezone="UTC")
    assert numbers.due(dated) == "Due on Tuesday, 5 October 2027, at 23:59 (UTC)."


@pytest.mark.parametrize(
    ("rule", "text"),
    [
        (Late(), ""),
        (Late(None, 0, 10), ""),
        (Late(None, 10), " Late work loses 10 % of its points for every day, or part of one."),
        (Late(1, 0, 5), " Work that is more than 1 day late earns nothing. The first 5 minutes do not count."),
        (
            Late(2, 12.5),
            " Late work loses 12.5 % of its points for every day, or part of one; work that is more than 2 days late"
            " earns nothing.",
        ),
    ],
)
def test_late_work(rule, text):
    assert numbers.late(replace(COURSE, late=rule)) == text


@pytest.mark.parametrize(
    ("per_day", "text"),
    [
        (0, "You may submit as often as you like until the deadline."),
        (1, "No more than 1 submission within 24 hours is graded."),
        (5, "No more than 5 submissions within 24 hours are graded."),
    ],
)
def test_attempts(per_day, text):
    assert numbers.attempts(replace(COURSE, per_day=per_day)) == text
