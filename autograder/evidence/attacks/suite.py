"""What hostile submissions are graded by: a tiny course of its own (course/), with everything secret marked."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterable, Mapping
from functools import cache
from pathlib import Path

from autograder import tasks
from autograder.evidence.attacks.corpus import HERE, Attack, support
from autograder.release.reference import WEIGHTS
from autograder.repository import TESTS

COURSE = HERE / "course"
DRAWING = "part3"  # the part whose checks hand out a scratch folder
HIDDEN_INPUT = "7310.625"  # exact in float32
SECRETS = ("tests", "points", "secret", "metadata")  # each has a mark


@cache
def points() -> tasks.Points:
    """Parts, checks and points of the course."""
    return tasks.load(COURSE / "points.toml", None)


def parts() -> list[str]:
    """The modules that are handed in."""
    return [task.file.removesuffix(".py") for task in points().tasks if task.file.endswith(".py")]


def model() -> tasks.Check:
    """The check of the trained model."""
    return next(check for check in points().checks if check.kind == "weights")


def rows_of(part: str) -> dict[str, str]:
    """ "public" and "hidden" -> id of that check of a part."""
    mine = [check.id for check in points().checks if points().task(check.task).file == f"{part}.py"]
    return {id.split("/")[0]: id for id in mine}


def worth(part: str) -> float:
    """Points for a part that is right."""
    return sum(check.points for check in points().checks if check.id in rows_of(part).values())


def write(folder: Path, marks: Mapping[str, str]) -> None:
    """Write the course as a grader has it: tests/, points.toml, secret.txt, metadata.json.

    Args:
        marks: secret -> text to put into it.
    """
    tests = folder / "tests"
    # Everybody may enter, as on an instructor's machine; the folder of the hidden tests is the grader's to close.
    tests.mkdir(mode=0o755)
    shutil.copy(COURSE / "conftest.py", tests)
    shutil.copytree(TESTS / "support", tests / "support")  # with it the trained model is judged
    public = (COURSE / "check.py").read_text(encoding="utf-8")
    hidden = f"# {marks['tests']}\n" + public.replace("VALUE = 1.5", f"VALUE = {HIDDEN_INPUT}")
    for kind, text in (("public", public), ("hidden", hidden)):
        (tests / kind).mkdir()
        for part in parts():
            (tests / kind / f"test_{part}.py").write_text(text)
    entries = (COURSE / "points.toml").read_text(encoding="utf-8")
    (folder / "points.toml").write_text(f"# {marks['points']}\n{entries}")
    (folder / "secret.txt").write_text(marks["secret"])
    (folder / "metadata.json").write_text(json.dumps({"student": marks["metadata"]}))


def places(attacks: Iterable[Attack]) -> dict[str, str]:
    """Attack by code -> part that it is put into; the drawing one only if it has to."""
    free = [part for part in parts() if part != DRAWING]
    return {a.name: DRAWING if a.scratch else free.pop(0) for a in attacks if a.kind == "code"}


def write_submission(folder: Path, attacks: Iterable[Attack], places: Mapping[str, str]) -> Path:
    """Write honest parts and attacks into an empty folder; returns what is handed in, the folder or a zip."""
    honest, stub = ((COURSE / f"{name}.py").read_text(encoding="utf-8") for name in ("honest", "stub"))
    files = support() | {f"{part}.py": honest for part in parts()}
    files |= {f"{places[attack.name]}.py": f"{stub}\n\n{attack.text}" for attack in attacks if attack.kind == "code"}
    for name, text in files.items():
        (folder / name).write_text(text)
    handed_in = folder
    for attack in attacks:
        if attack.kind == "models":
            attack.build(folder / points().task(model().task).file, WEIGHTS)
        elif attack.kind == "files":
            handed_in = attack.build(folder) or handed_in
    return handed_in
