"""Pack what you hand in (provided): `python submit.py` writes submission.zip, and says what is ready and what is not.

It packs an unfinished assignment too: what is there can earn its points. Upload submission.zip to Gradescope as it is.
"""

from __future__ import annotations  # an old Python has to come as far as to be told so

import argparse
import ast
import io
import json
import os
import re
import sys
import time
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass, fields
from pathlib import Path

HERE = Path(__file__).resolve().parent
TASKS = Path("lab", "tasks.json")
RELEASE = "release.json"
WEIGHTS_SUFFIX = ".safetensors"
GIT_LFS = b"version https://git-lfs"  # begins what git keeps in place of a large file
LARGEST_WEIGHTS, LARGEST_ZIP = 32 * 2**20, 48 * 2**20  # bytes; the grader takes no more
REPORT, REPORT_MAKER = "report.ipynb", "export_report.py"
LAST_RUN = Path(".pytest_cache", "v", "assignment", "public_checks")  # what pytest keeps of its last run


class SubmitError(Exception):
    """Nothing can be packed; the message says why."""


@dataclass(frozen=True)
class Task:
    """Something to implement: its number, where it goes, and what it is worth."""

    number: str
    name: str
    title: str
    section: str
    file: str
    functions: tuple[str, ...]
    points: float


@dataclass(frozen=True)
class Assignment:
    """What lab/tasks.json says.

    Attributes:
        provided: names of the files that come with the assignment and are not handed in.
        report: points of the questions, which are answered in the report.
        release: which release of the assignment this is, as JSON, "" if it has none: it tells the grader whether your
            checks are older.
    """

    tasks: list[Task]
    provided: set[str]
    report: float
    release: str


@dataclass(frozen=True)
class Item:
    """One line of the check list.

    Attributes:
        file: what it is about.
        packed: whether the file goes into the zip.
        problem: what is wrong with it, "" if nothing is.
        lost: points that cannot be earned as it is.
    """

    file: str
    packed: bool
    problem: str = ""
    lost: float = 0.0


def read_assignment(folder: Path) -> Assignment:
    """What is to be handed in.

    Raises:
        SubmitError: lab/tasks.json is missing or damaged.
    """
    file = folder / TASKS
    try:
        document = json.loads(file.read_text(encoding="utf-8"))
        release = document.get("release")
        return Assignment(
            [Task(**{each.name: task[each.name] for each in fields(Task)}) for task in document["tasks"]],
            set(document["provided"]),
            sum(question["points"] for question in document.get("questions", [])),
            json.dumps(release) if release else "",
        )
    except FileNotFoundError:
        raise SubmitError(f"{file} is missing: it comes with the assignment; unpack student.zip here again") from None
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise SubmitError(f"{file} is damaged ({error}): take it from the assignment again") from None


def examine(folder: Path, tasks: list[Task]) -> list[Item]:
    """Look at every file that is to be handed in, in the order of the tasks."""
    names = {name.lower(): name for name in os.listdir(folder)}
    by_file: dict[str, list[Task]] = {}
    for task in tasks:
        if task.file:  # else it is judged over all files
            by_file.setdefault(task.file, []).append(task)
    items = []
    for file, its_tasks in by_file.items():
        points = sum(task.points for task in its_tasks)
        found = names.get(file.lower())
        if found is None:
            remedy = _list("Task", its_tasks)
            # FOR trained_gmvae
            if file.endswith(WEIGHTS_SUFFIX):
                remedy = "run run_gmvae.py"
            # END FOR
            if close := [name for name in sorted(names.values()) if name not in by_file and is_near(name, file)]:
                remedy = f"if {close[0]} is it, rename it to {file}"
            items.append(Item(file, False, f"missing: {remedy}", points))
        elif found != file:
            items.append(Item(file, False, f"missing: rename {found} to {file}", points))
        elif file.endswith(WEIGHTS_SUFFIX):
            problem = weights_problem(folder / file)
            items.append(Item(file, not problem, problem, points if problem else 0.0))
        else:
            items += _examine_code(folder / file, its_tasks)
    return items


def is_near(name: str, file: str) -> bool:
    """Whether a file is called almost as asked: "net (1).py", "Copy of net.py", "net.py.txt" for "net.py"."""
    words, asked = (set(re.findall(r"[^\W\d_]+", text.lower())) for text in (name, file))
    return asked <= (words | {"py"} if "ipynb" in words else words)


def _examine_code(file: Path, tasks: list[Task]) -> list[Item]:
    points = sum(task.points for task in tasks)
    try:
        tree = ast.parse(file.read_bytes(), filename=file.name)
    except (SyntaxError, ValueError) as error:
        line = f"line {error.lineno}: " if isinstance(error, SyntaxError) and error.lineno else ""
        return [Item(file.name, True, f"{line}not valid Python: nothing in this file can be graded", points)]
    except OSError as error:
        raise SubmitError(f"{file} cannot be read: {error}") from None
    open_numbers = unfinished(tree)
    left = [task for task in tasks if task.number in open_numbers]
    return [
        Item(file.name, True, f"not implemented: Task {task.number}, {task.title}", task.points) for task in left
    ] or [Item(file.name, True)]


def unfinished(tree: ast.AST) -> set[str]:
    """Numbers of the tasks whose stub, `raise NotImplementedError("Task N.M: ...")`, can still be reached."""
    numbers = set()
    for node in reachable(tree):
        if isinstance(node, ast.Raise) and isinstance(node.exc, ast.Call) and node.exc.args:
            called, text = node.exc.func, node.exc.args[0]
            if isinstance(called, ast.Name) and called.id == "NotImplementedError" and isinstance(text, ast.Constant):
                words = str(text.value).replace(":", " ").split()
                if words[:1] == ["Task"] and len(words) > 1:
                    numbers.add(words[1])
    return numbers


def reachable(node: ast.AST) -> Iterator[ast.AST]:
    """A node and all below it, but for what stands behind a return or raise in the same block, or below `if False`."""
    yield node
    for name, value in ast.iter_fields(node):
        if name == "body" and isinstance(node, ast.If) and isinstance(node.test, ast.Constant) and not node.test.value:
            continue
        for child in value if isinstance(value, list) else [value]:
            if isinstance(child, ast.AST):
                yield from reachable(child)
            if isinstance(child, (ast.Return, ast.Raise)):
                break


def weights_problem(file: Path) -> str:
    """What is wrong with a file of weights at first sight; "" if nothing is. The grader looks closer."""
    size = file.stat().st_size
    if size > LARGEST_WEIGHTS:
        return f"is {size / 2**20:.0f} MiB, the grader takes {LARGEST_WEIGHTS / 2**20:.0f}: save the weights alone"
    with file.open("rb") as stream:
        length = int.from_bytes(stream.read(8), "little")
        header = stream.read(min(length, size))
        stream.seek(0)
        if stream.read(len(GIT_LFS)) == GIT_LFS:
            return "is a Git LFS pointer, not the weights: run `git lfs pull`"
    try:
        whole = isinstance(json.loads(header), dict) and len(header) == length
    except (ValueError, RecursionError):
        whole = False
    return "" if whole else "is not a whole safetensors file: train the model again"


def own_helpers(folder: Path, packed: list[str], provided: set[str]) -> list[str]:
    """Modules of your own that the packed files import, directly or through each other."""
    queue, found = [name for name in packed if name.endswith(".py")], []
    while queue:
        try:
            tree = ast.parse((folder / queue.pop()).read_bytes())
        except (SyntaxError, ValueError):
            continue
        for node in ast.walk(tree):
            modules = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            if isinstance(node, ast.ImportFrom) and node.module:
                modules = [node.module]
            for module in modules:
                name = module.split(".")[0] + ".py"
                if name not in (*packed, *found, *provided) and (folder / name).is_file():
                    found.append(name)
                    queue.append(name)
    return sorted(found)


def left_out(folder: Path, packed: list[str], provided: set[str]) -> list[str]:
    """Python files and notebooks beside submit.py that are not packed, although they are yours, and files that are
    called almost as those that are."""
    return sorted(
        path.name
        for path in folder.iterdir()
        if path.suffix in (".py", ".ipynb") or any(is_near(path.name, file) for file in packed)
        if path.is_file() and path.name not in packed and path.name not in provided
    )


def pack(folder: Path, names: list[str], archive: Path, release: str = "") -> None:
    """Write the zip, whole or not at all, with a file that says which release of the assignment this is."""
    unfinished_archive = archive.with_name(f".{archive.name}.unfinished")
    with zipfile.ZipFile(unfinished_archive, "w", zipfile.ZIP_DEFLATED, strict_timestamps=False) as file:
        for name in names:
            file.write(folder / name, name)
        if release:
            file.writestr(RELEASE, release)
    os.replace(unfinished_archive, archive)


def checks_text(folder: Path, packed: list[str]) -> str:
    """How many public checks passed when pytest ran last, as it has recorded; "" if it has never run all of them."""
    file = folder / LAST_RUN
    try:
        run = json.loads(file.read_text(encoding="utf-8"))
        passed, count = int(run["passed"]), int(run["count"])
    except (OSError, ValueError, KeyError, TypeError):
        return "pytest has not run all public checks here yet: do it before you hand in."
    ran = file.stat().st_mtime
    moment = time.localtime(ran)
    day = "today" if moment[:3] == time.localtime()[:3] else time.strftime("on %Y-%m-%d", moment)
    changed = sorted(name for name in packed if (folder / name).stat().st_mtime > ran)
    since = f"; changed since: {', '.join(changed)}" if changed else ""
    return f"{passed} of {count} public checks pass (run {day} {time.strftime('%H:%M', moment)}{since})."


def points_text(points: float) -> str:
    return f"{points:g} point{'' if points == 1 else 's'}"


def _list(word: str, tasks: list[Task]) -> str:
    return f"{word}{'s' if len(tasks) > 1 else ''} " + ", ".join(task.number for task in tasks)


def main(arguments: list[str] | None = None) -> int:
    """Pack and report. Returns 0 when the zip was written, complete or not, and 2 when it was not."""
    if isinstance(sys.stdout, io.TextIOWrapper):  # letters that a file or a pipe on Windows has not are spelt out
        sys.stdout.reconfigure(errors="backslashreplace")
    parser = argparse.ArgumentParser(description="Pack what you hand in into submission.zip.")
    parser.add_argument("--folder", type=Path, default=HERE, help="your work (default: the folder of this file)")
    parser.add_argument("--out", type=Path, help="the zip to write (default: submission.zip in that folder)")
    options = parser.parse_args(arguments)
    folder = options.folder
    archive = options.out or folder / "submission.zip"
    try:
        assignment = read_assignment(folder)
        items = examine(folder, assignment.tasks)
        packed = list(dict.fromkeys(item.file for item in items if item.packed))
        if not packed:
            raise SubmitError(f"none of the files to hand in is in {folder}")
        helpers = own_helpers(folder, packed, assignment.provided)
        pack(folder, packed + helpers, archive, assignment.release)
    except (SubmitError, OSError) as error:
        print(f"submit.py: nothing packed: {error}", file=sys.stderr)
        return 2
    for item in items:
        mark, text = ("ok ", "") if not item.problem else ("-> ", f" {item.problem}; you lose {points_text(item.lost)}")
        print(f"  {mark} {item.file}{text}")
    for name in helpers:
        print(f"  ok  {name} (your own module)")
    for name in left_out(folder, packed + helpers, assignment.provided):
        if not (name == REPORT and assignment.report):
            print(f"      {name} is not packed: nothing that you hand in imports it, and it is not graded")
    size = archive.stat().st_size
    print(f"\n{archive}: {len(packed) + len(helpers)} files, {size / 1024:,.0f} KiB")
    if size > LARGEST_ZIP:
        print(f"It is larger than the {LARGEST_ZIP / 2**20:.0f} MiB that the grader opens: what is so large in it?")
    lost, total = sum(item.lost for item in items), sum(task.points for task in assignment.tasks)
    print(f"Code: at most {total - lost:g} of {total:g} points can be earned as it is.")
    print(f"      {checks_text(folder, packed + helpers)}")
    print("      Points come from hidden checks, too: they look closer.")
    if assignment.report:
        made = f": {REPORT_MAKER} makes it" if (folder / REPORT_MAKER).is_file() else ""
        print(f"Report: {points_text(assignment.report)} more. It is no part of this zip{made}.")
    print("You can hand in again later." if lost else "Nothing is missing. Upload the zip as it is.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
