"""How the case that a check failed on is shown: the same in a terminal, on Gradescope and on a page."""

from collections.abc import Mapping


def lines(case: Mapping[str, str]) -> str:
    """A case (see `calls.case_of`) for people."""
    shown = []
    for name, value in case.items():
        title = "" if name == "example" else "case:" if name == "kind" else f"{name}:"
        several = f"\n{value}".replace("\n", "\n" + " " * 4)
        shown.append(f"{title}{several}" if title and "\n" in value else f"{title} {value}".strip())
    return "\n".join(shown)
