"""What a judge says about a file that is not code, such as a trained model: see `judge` in tests/tasks.toml.

A judge is a function of the assignment, (path: Path | None, secret: str, root: Path) -> Judgement. It runs in the
trusted process, before anything of the submission does: path is the submitted file, None if there is none; the secret
is the assignment's; root is the folder that has data/.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Judgement:
    """What a file is worth.

    Attributes:
        fraction: share of the points, from 0 to 1.
        kind: "passed", "wrong" or "missing".
        message: for the student.
        leaderboard: name -> value; smaller is better.
    """

    fraction: float
    kind: str
    message: str
    leaderboard: Mapping[str, float] = field(default_factory=dict)
