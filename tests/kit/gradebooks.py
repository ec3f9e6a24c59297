"""The tables that grading a class writes, as tests look at them."""

import csv
from pathlib import Path


def rows(path: Path) -> list[list[str]]:
    """All lines of a CSV file."""
    with path.open(newline="", encoding="utf-8-sig") as file:
        return list(csv.reader(file))


def records(path: Path) -> list[dict[str, str]]:
    """Its lines by the names of its columns."""
    header, *others = rows(path)
    return [dict(zip(header, row, strict=True)) for row in others]


def by_submission(path: Path, column: str = "Total Score") -> dict[str, str]:
    """Name of each submission in a grades.csv -> what stands in a column."""
    return {record["Submission ID"]: record[column] for record in records(path)}
