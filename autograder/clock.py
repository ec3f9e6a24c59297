"""The course's clock: times that name no zone, the end of a day, and how late something is."""

from __future__ import annotations

import re
from datetime import datetime, time, timedelta, timezone, tzinfo
from zoneinfo import ZoneInfo

DAY = timedelta(days=1)
A_DATE = re.compile(r"\d{4}-\d\d-\d\d")


def read_time(text: str) -> datetime | None:
    """An ISO 8601 time, also as Ruby and Go write it; with a zone only if it names one. None if it is not a time."""
    # Python 3.10 reads neither Z nor nanoseconds.
    text = re.sub(r"(\.\d{6})\d*", r"\1", text.replace(" UTC", "+00:00").replace("Z", "+00:00"))
    text = re.sub(r" ([+-]\d\d:?\d\d)$", r"\1", text)
    try:
        return datetime.fromisoformat(re.sub(r"([+-]\d\d)(\d\d)$", r"\1:\2", text))
    except ValueError:
        return None


def moment(text: str, zone: tzinfo) -> datetime:
    """A time with its zone; `zone` where it names none. A date alone is the end of that day.

    Raises:
        ValueError: it is not a time; the message says how to write one.
    """
    found = read_time(text)
    if found is None:
        raise ValueError(f"{text!r} is not a time: write it as 2026-11-20, or as 2026-11-20T23:59")
    if A_DATE.fullmatch(text):
        found = datetime.combine(found, time(23, 59, 59))
    return found if found.tzinfo else found.replace(tzinfo=zone)


def now(timezone: str) -> str:
    """The time, in a course's time zone, for people: "2026-11-20 14:05 CST"."""
    return f"{datetime.now(ZoneInfo(timezone)):%Y-%m-%d %H:%M %Z}"


def days_late(handed_in: datetime, due: datetime, zone: tzinfo, grace_minutes: float = 0.0) -> float:
    """Days after the due date and the minutes of grace, as clocks in `zone` show them; 0 when in time.

    A day from midnight to midnight is one day, also when clocks are put back or forward in it.
    """
    end = (due.astimezone(timezone.utc) + timedelta(minutes=grace_minutes)).astimezone(zone)
    if handed_in.timestamp() <= end.timestamp():
        return 0.0
    by_clock = handed_in.astimezone(zone).replace(tzinfo=None) - end.replace(tzinfo=None)
    return max(by_clock, timedelta(minutes=1)) / DAY
