"""Reads settings.toml: what instructors choose about the Gradescope assignment. Every mistake is named."""

from __future__ import annotations

import difflib
import math
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

from autograder.repository import read_toml
from autograder.tasks import VISIBILITIES

SETTINGS_FILE = Path(__file__).with_name("settings.toml")
BY_CHECK = "by check"  # as tests/tasks.toml says


class SettingsError(ValueError):
    """settings.toml cannot be used; the message lists every problem."""


@dataclass(frozen=True)
class Visibility:
    hidden_checks: str = BY_CHECK


@dataclass(frozen=True)
class Leaderboard:
    show: bool = True


@dataclass(frozen=True)
class TimeAndMemory:
    seconds: float = 480
    task_seconds: float = 45
    memory_mib: int = 384


@dataclass(frozen=True)
class Settings:
    """The file, table by table; its comments say what each setting means."""

    visibility: Visibility = field(default_factory=Visibility)
    leaderboard: Leaderboard = field(default_factory=Leaderboard)
    limits: TimeAndMemory = field(default_factory=TimeAndMemory)


TABLES = {
    "visibility": Visibility,
    "leaderboard": Leaderboard,
    "limits": TimeAndMemory,
}
# Lowest and highest sensible value of every number.
RANGES = {
    "limits.seconds": (30, 2400),  # Gradescope's time-out goes up to 40 minutes
    "limits.task_seconds": (5, 2400),
    "limits.memory_mib": (64, 16_384),
}


def load(path: Path = SETTINGS_FILE) -> Settings:
    """Read and check the settings; what the file leaves out keeps its default.

    Raises:
        SettingsError: naming every problem of the file.
    """
    try:
        document = read_toml(path)
    except ValueError as error:
        raise SettingsError(str(error)) from None
    problems: list[str] = []
    tables = {}
    for name, values in document.items():
        if name not in TABLES:
            problems.append(f"[{name}] is not a table of this file" + _meant(name, TABLES))
        elif not isinstance(values, dict):
            problems.append(f"{name} is a table: write [{name}]")
        else:
            tables[name] = _read_table(name, values, problems)
    if problems:
        raise SettingsError(f"{path}:\n  " + "\n  ".join(problems))
    return Settings(**tables)


def _read_table(name: str, values: dict[str, Any], problems: list[str]) -> Any:
    kind = TABLES[name]
    known = {entry.name: entry for entry in fields(kind)}
    accepted = {}
    for key, value in values.items():
        setting = f"{name}.{key}"
        if key not in known:
            problems.append(f"{setting} is not a setting" + _meant(key, known))
        elif problem := _problem(setting, value, known[key].default):
            problems.append(f"{setting} = {value!r}: {problem}")
        else:
            accepted[key] = value
    return kind(**accepted)


def _problem(setting: str, value: Any, default: Any) -> str:
    """What is wrong with a value, "" if nothing is."""
    if setting == "visibility.hidden_checks":
        allowed = (BY_CHECK, *VISIBILITIES)
        return "" if value in allowed else "write one of " + ", ".join(f'"{word}"' for word in allowed)
    if isinstance(default, bool):
        return "" if isinstance(value, bool) else "write true or false"
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not math.isfinite(value):
        return "write a number, without quotes"
    if setting == "limits.memory_mib" and not isinstance(value, int):
        return "write a whole number"
    lowest, highest = RANGES[setting]
    return "" if lowest <= value <= highest else f"write a number from {lowest} to {highest}"


def _meant(word: str, known: Any) -> str:
    close = difflib.get_close_matches(word, known, n=1)
    return f" (did you mean {close[0]}?)" if close else f" (there are {', '.join(known)})"
