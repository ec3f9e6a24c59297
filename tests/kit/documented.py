"""The pages of docs/ and the commands that they show, for tests that run them."""

import re
import shlex

from autograder.repository import ROOT


def page(name: str) -> str:
    """The text of a page."""
    return (ROOT / "docs" / name).read_text(encoding="utf-8")


def section(text: str, title: str) -> str:
    """What stands under a heading, without the sections below it."""
    # A block of code may have lines that look like headings.
    found = re.search(rf"^#+ {re.escape(title)}\n((?:^```.*?^```\n|(?!#+ )[^\n]*\n)*)", text, re.MULTILINE | re.DOTALL)
    assert found, f"there is no section {title!r}"
    return found.group(1)


def code(language: str, text: str) -> list[str]:
    """The blocks of code of a language."""
    return re.findall(rf"^```{language}\n(.*?)^```", text, re.MULTILINE | re.DOTALL)


def commands(text: str) -> list[str]:
    """The lines of its blocks of commands, but for comments."""
    return [line for block in code("sh", text) for line in block.splitlines() if not line.startswith("#")]


def passed_on(line: str) -> list[str]:
    """What the Makefile passes on of a command `make class ...`."""
    words = shlex.split(line, comments=True)
    given = dict(word.split("=", 1) for word in words[2:])
    assert words[:2] == ["make", "class"]
    assert given.keys() <= {"SUBMISSIONS", "SELFGRADES", "OUT", "ARGS", "COURSE"}
    chosen = ["--course", given["COURSE"]] if "COURSE" in given else []
    what = ["--selfgrades", given["SELFGRADES"]] if "SELFGRADES" in given else [given["SUBMISSIONS"]]
    return [*chosen, *what, "--out", given["OUT"], *shlex.split(given.get("ARGS", ""))]
