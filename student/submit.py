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
import textwrap
import time
import zipfile
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, fields
from itertools import accumulate
from pathlib import Path

HERE = Path(__file__).resolve().parent
TASKS = Path("lab", "tasks.json")
RELEASE = "release.json"
WEIGHTS_SUFFIX = ".safetensors"
GIT_LFS = b"version https://git-lfs"  # begins what git keeps in place of a large file
LARGEST_WEIGHTS, LARGEST_ZIP = 32 * 2**20, 48 * 2**20  # bytes; the grader takes no more
LARGEST_RESULT = 2**18
REPORT = "report.ipynb"
REPORT_MAKER = Path("export_report").with_suffix(".py")  # a course without questions has none, and must not name it
LAST_RUN = Path(".pytest_cache", "v", "assignment", "public_checks")  # what pytest keeps of its last run
LINES, COLUMNS = 23, 79  # of what is printed, so that a small window shows all of it
MOST_NAMES = 5  # in one sentence


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
        results: what a run of yours has written and checks of the report judge: small files, handed in if they are
            there.
        release: which release of the assignment this is, as JSON, "" if it has none: it tells the grader whether your
            checks are older.
    """

    tasks: list[Task]
    provided: set[str]
    report: float
    results: tuple[str, ...]
    release: str


@dataclass(frozen=True)
class Item:
    """What is known of a file to hand in.

    Attributes:
        file: its name.
        packed: whether it goes into the zip.
        problem: what is wrong with it, "" if nothing is.
        lost: points that cannot be earned as it is.
        open: tasks in it that are still to be written.
    """

    file: str
    packed: bool
    problem: str = ""
    lost: float = 0.0
    open: tuple[Task, ...] = ()


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
            tuple(document.get("results", [])),
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
            if file.endswith(WEIGHTS_SUFFIX):
                remedy = "run run_gmvae.py"
            if close := [name for name in sorted(names.values()) if name not in by_file and is_near(name, file)]:
                remedy = f"if {close[0]} is it, rename it to {file}"
            items.append(Item(file, False, f"missing: {remedy}", points))
        elif found != file:
            items.append(Item(file, False, f"missing: rename {found} to {file}", points))
        elif file.endswith(WEIGHTS_SUFFIX):
            problem = weights_problem(folder / file)
            items.append(Item(file, not problem, problem, points if problem else 0.0))
        else:
            items.append(_examine_code(folder / file, its_tasks))
    return items


def is_near(name: str, file: str) -> bool:
    """Whether a file is called almost as asked: "net (1).py", "Copy of net.py", "net.py.txt" for "net.py"."""
    words, asked = (set(re.findall(r"[^\W\d_]+", text.lower())) for text in (name, file))
    return asked <= (words | {"py"} if "ipynb" in words else words)


def _examine_code(file: Path, tasks: list[Task]) -> Item:
    points = sum(task.points for task in tasks)
    try:
        tree = ast.parse(file.read_bytes(), filename=file.name)
    except (SyntaxError, ValueError) as error:
        line = f"line {error.lineno}: " if isinstance(error, SyntaxError) and error.lineno else ""
        return Item(file.name, True, f"{line}not valid Python: nothing in this file can be graded", points)
    except OSError as error:
        raise SubmitError(f"{file} cannot be read: {error}") from None
    open_numbers = unfinished(tree)
    left = tuple(task for task in tasks if task.number in open_numbers)
    problem = f"not implemented: {_list('Task', left)}" if left else ""
    return Item(file.name, True, problem, sum(task.points for task in left), left)


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


def is_small(file: Path) -> bool:
    """Whether a result of your run is there, and not too large to be handed in."""
    return file.is_file() and file.stat().st_size <= LARGEST_RESULT


def pack(folder: Path, names: list[str], archive: Path, release: str = "") -> None:
    """Write the zip, whole or not at all, with a file that says which release of the assignment this is."""
    unfinished_archive = archive.with_name(f".{archive.name}.unfinished")
    with zipfile.ZipFile(unfinished_archive, "w", zipfile.ZIP_DEFLATED, strict_timestamps=False) as file:
        for name in names:
            file.write(folder / name, Path(name).name)
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
        return "pytest has not run all public ones yet"
    ran = file.stat().st_mtime
    moment = time.localtime(ran)
    day = "today" if moment[:3] == time.localtime()[:3] else time.strftime("on %Y-%m-%d", moment)
    changed = sorted(name for name in packed if (folder / name).stat().st_mtime > ran)
    since = f"; changed since: {few(changed)}" if changed else ""
    return f"{passed} of {count} public checks pass (run {day} {time.strftime('%H:%M', moment)}{since})"


def points_text(points: float) -> str:
    return f"{points:g} point{'' if points == 1 else 's'}"


def few(names: list[str]) -> str:
    """The first names of a list, and how many more there are."""
    more = f" and {len(names) - MOST_NAMES} more" if len(names) > MOST_NAMES else ""
    return ", ".join(names[:MOST_NAMES]) + more


def _list(word: str, tasks: Sequence[Task]) -> str:
    return f"{word}{'s' if len(tasks) > 1 else ''} " + ", ".join(task.number for task in tasks)


def wrapped(head: str, text: str) -> list[str]:
    """A text with something in front of it, in lines that begin below each other."""
    lines = textwrap.TextWrapper(COLUMNS, head, " " * len(head), break_long_words=False, break_on_hyphens=False)
    return lines.wrap(text)


def lost_lines(lost: list[Item], room: int | None = None) -> list[str]:
    """What each file that is missing or unfinished would cost, as lines.

    Args:
        room: how many lines there may be; if None, as many as there are tasks, each with its title.
    """
    rows = [(item.lost, f"{item.file} {item.problem}") for item in lost]
    if room is None:
        each = [
            [(task.points, f"{item.file} not implemented: Task {task.number}, {task.title}") for task in item.open]
            or [(item.lost, f"{item.file} {item.problem}")]
            for item in lost
        ]
        rows = [row for of_one in each for row in of_one]
    width = max((len(f"{points:g}") for points, _ in rows), default=0)
    texts = [wrapped(f"  {points:>{width}g}  ", text) for points, text in rows]
    if room is not None and sum(map(len, texts)) > room:
        ends = list(accumulate(map(len, texts)))
        fitting = sum(end < room for end in ends)  # the last line says how many more there are
        more = f"{points_text(sum(points for points, _ in rows[fitting:]))} in {len(rows) - fitting} more files"
        texts = [*texts[:fitting], [f"  {more}: python submit.py --all"]]
    return [line for lines in texts for line in lines]


def attainable(assignment: Assignment, items: list[Item]) -> float:
    """Points that can be earned as it is. What is judged over all files needs one with something in it."""
    total = sum(task.points for task in assignment.tasks)
    in_files = sum(task.points for task in assignment.tasks if task.file)
    lost = sum(item.lost for item in items)
    return total - lost if lost < in_files - 1e-9 else 0.0


def next_step(assignment: Assignment, lost: list[Item]) -> str:
    """The first thing that is missing, in the order of the tasks."""
    left = [task for item in lost for task in item.open]
    if left:
        first = min(left, key=assignment.tasks.index)
        return f"Task {first.number} in {first.file}; pytest -m {first.name}"
    return f"{lost[0].file} {lost[0].problem}"


def screen(
    folder: Path, archive: Path, assignment: Assignment, items: list[Item], packed: list[str], everything: bool
) -> list[str]:
    """What is in the zip, what is missing with its points, and what comes next, as lines for a terminal.

    Args:
        packed: all that is in the zip.
        everything: also what a small window has no room for.
    """
    size, lost = archive.stat().st_size, [item for item in items if item.problem]
    shown = archive.relative_to(Path.cwd()) if archive.is_relative_to(Path.cwd()) else archive
    above = [f"{shown}: {len(packed)} file{'s'[: len(packed) != 1]}, {size / 1024:,.0f} KiB"]
    if size > LARGEST_ZIP:
        large = f"larger than the {LARGEST_ZIP / 2**20:.0f} MiB that the grader opens: what is so large in it?"
        above += wrapped("  ", large)
    said, files = {item.file for item in lost}, {item.file for item in items}
    whole = [name + _remark(name, files, assignment.results) for name in packed if name not in said]
    if whole:
        above += wrapped("  ok  ", ", ".join(whole))
    above += left_out_lines(folder, assignment, packed, everything)
    if lost:
        above.append("Missing or unfinished, with the points that it costs:")
    below, total = [""], sum(task.points for task in assignment.tasks)
    again = "; you can hand in again later" if lost else ""
    below += wrapped("Code:    ", f"at most {attainable(assignment, items):g} of {total:g} points as it is{again}")
    code = [name for name in packed if name not in assignment.results]
    below += wrapped("Checks:  ", f"{checks_text(folder, code)}; hidden ones count, too")
    if assignment.report:
        made = f": python {REPORT_MAKER}" if (folder / REPORT_MAKER).is_file() else ""
        below += wrapped("Report:  ", f"{points_text(assignment.report)} more, not in this zip{made}")
    then = next_step(assignment, lost) if lost else "nothing is missing: upload the zip as it is"
    below += wrapped("Next:    ", then)
    room = None if everything else max(2, LINES - len(above) - len(below))
    return [*above, *lost_lines(lost, room), *below]


def _remark(name: str, files: Collection[str], results: Sequence[str]) -> str:
    """What to say of a file in the zip that nobody has asked for."""
    return "" if name in files else " (of your run)" if name in results else " (your own module)"


def left_out_lines(folder: Path, assignment: Assignment, packed: list[str], everything: bool) -> list[str]:
    """What is not in the zip although it might be meant to be, as lines."""
    lines = []
    stray = left_out(folder, packed, assignment.provided | ({REPORT} if assignment.report else set()))
    if stray:
        names = ", ".join(stray) if everything else few(stray)
        lines += wrapped("  no  ", f"{names}: nothing that you hand in imports {'it' if len(stray) == 1 else 'them'}")
    for name in assignment.results:
        if name not in packed:
            why = "too large" if (folder / name).is_file() else "missing"
            lines += wrapped("  no  ", f"{name} is {why}: the report needs it, main.py writes it")
    return lines


def main(arguments: list[str] | None = None) -> int:
    """Pack and report. Returns 0 when the zip was written, complete or not, and 2 when it was not."""
    if isinstance(sys.stdout, io.TextIOWrapper):  # letters that a file or a pipe on Windows has not are spelt out
        sys.stdout.reconfigure(errors="backslashreplace")
    parser = argparse.ArgumentParser(description="Pack what you hand in into submission.zip.")
    parser.add_argument("--folder", type=Path, default=HERE, help="your work (default: the folder of this file)")
    parser.add_argument("--out", type=Path, help="the zip to write (default: submission.zip in that folder)")
    parser.add_argument("--all", action="store_true", help="name every task and file, on more than one screen")
    options = parser.parse_args(arguments)
    folder = options.folder.absolute()
    archive = options.out.absolute() if options.out else folder / "submission.zip"
    try:
        assignment = read_assignment(folder)
        items = examine(folder, assignment.tasks)
        packed = list(dict.fromkeys(item.file for item in items if item.packed))
        if not packed:
            raise SubmitError(f"none of the files to hand in is in {folder}")
        packed += own_helpers(folder, packed, assignment.provided)
        packed += [name for name in assignment.results if is_small(folder / name)]
        pack(folder, packed, archive, assignment.release)
    except (SubmitError, OSError) as error:
        print(f"submit.py: nothing packed: {error}", file=sys.stderr)
        return 2
    print("\n".join(screen(folder, archive, assignment, items, packed, options.all)))
    return 0


if __name__ == "__main__":
    sys.exit(main())
