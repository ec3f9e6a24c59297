"""The pages of docs/ and the commands that they show, for tests that run them."""

import re

from autograder.repository import ROOT


def page(name: str) -> str:
    """The text of a page."""
    return (ROOT / "docs" / name).read_text(encoding="utf-8")


def section(text: str, title: str) -> str:
    """What stands under a heading of the second level."""
    _, heading, rest = text.partition(f"\n## {title}\n")
    assert heading, f"there is no section {title!r}"
    return rest.partition("\n## ")[0]


def commands(text: str) -> list[str]:
    """The lines of its blocks of commands, but for comments."""
    blocks = re.findall(r"^```sh\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)
    return [line for block in blocks for line in block.splitlines() if not line.startswith("#")]
