"""What hostile submissions are graded by: a tiny course of its own (course/), with everything secret marked."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterable, Mapping
from functools import cache
from pathlib import Path

from autograder import tasks
from autograder.evidence.attacks.corpus import HERE, Attack, support
from autograder.release.reference import examples
from autograder.repository import DATA, TESTS

COURSE = HERE / "course"
PART_POINTS = 4.0
MODEL = "model.safetensors"
MODEL_ROW = "model"
DRAWING = "part3"  # the part whose checks hand out a scratch folder
HIDDEN_INPUT = "7310.625"  # exact in float32
SECRETS = ("tests", "points", "secret", "metadata")  # each has a mark


def parts() -> list[str]:
    """The modules that are handed in."""
    return [f"part{number}" for number in range(1, 10)]


def rows_of(part: str) -> dict[str, str]:
    """ "public" and "hidden" -> id of that check of a part."""
    return {kind: f"{kind}/test_{part}.py::test_target" for kind in ("public", "hidden")}


@cache
def judged() -> tuple[Path, Path]:
    """The assignment's own judge of a trained model, and such a model: what attacks on models are about.

    Raises:
        ValueError: the assignment has none.
    """
    course = tasks.load()
    task = next((task for task in course.tasks if task.judge), None)
    if task is None:
        raise ValueError("no task of this assignment has a judge: attacks on models cannot be tried")
    module = task.judge.partition(":")[0].replace(".", "/")
    return TESTS / f"{module}.py", examples(course)[task.file]


def write(folder: Path, marks: Mapping[str, str]) -> None:
    """Write the course as a grader has it: courses/, tests/, secret.txt, metadata.json; and the assignment's data.

    Args:
        marks: secret -> text to put into it.
    """
    tests = folder / "tests"
    # Everybody may enter, as on an instructor's machine; the folder of the hidden tests is the grader's to close.
    tests.mkdir(mode=0o755)
    for name in ("conftest.py", "support"):
        copy = shutil.copytree if (TESTS / name).is_dir() else shutil.copy
        copy(TESTS / name, tests / name)
    shutil.copy(COURSE / "tasks.toml", tests)
    public = (COURSE / "check.py").read_text(encoding="utf-8")
    hidden = f"# {marks['tests']}\n" + public.replace("VALUE = 1.5", f"VALUE = {HIDDEN_INPUT}")
    for kind, text in (("public", public), ("hidden", hidden)):
        (tests / kind).mkdir()
        for part in parts():
            (tests / kind / f"test_{part}.py").write_text(text)
    shutil.copy(judged()[0], tests / "hidden" / "judge.py")
    (folder / "data").symlink_to(DATA)
    (folder / "courses").mkdir(mode=0o755)
    course = (COURSE / "course.toml").read_text(encoding="utf-8")
    (folder / "courses" / "full.toml").write_text(f"# {marks['points']}\n{course}")
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
            attack.build(folder / MODEL, judged()[1])
        elif attack.kind == "files":
            handed_in = attack.build(folder) or handed_in
    return handed_in
