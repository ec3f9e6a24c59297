"""The fitted line, judged from its file: the distance of its two numbers from 3 and -1."""

from pathlib import Path

from safetensors.numpy import load_file

from autograder.door.judgement import Judgement

TRUE = {"slope": 3.0, "intercept": -1.0}


def judge(path: Path | None, secret: str, root: Path) -> Judgement:
    """Full points for a line within 0.1, none from 1 on."""
    if path is None:
        return Judgement(0.0, "missing", "Missing file: hand in line.safetensors, which main.py writes.")
    try:
        line = load_file(path)
        distance = max(abs(float(line[name].item()) - value) for name, value in TRUE.items())
    except Exception as error:  # whatever a stranger's file makes of the reader
        return Judgement(0.0, "wrong", f"The line cannot be used: {type(error).__name__}.")
    share = min(1.0, max(0.0, (1 - distance) / 0.9))
    kind = "passed" if share == 1 else "wrong"
    return Judgement(share, kind, f"Largest error: {distance:.2f}.", leaderboard={"Error": distance})
