"""Takes in a submission, a folder or a zip, without trusting it: copies what grading needs and nothing else.

It copies Python files, wherever they lie below the submission's folder, the trained model, and a few small files of
data that the code may read. No copy can shadow another module: a file with the name of a module of Python, of an
installed package or of the grader is set aside. What is not graded is named, with the reason: no file that was handed
in disappears in silence.
Nothing is extracted by an archive tool: every file is listed and read by files.py, and written by us under a name that
we have checked. The copies belong to the grader; other users may read them.
"""

from __future__ import annotations

import contextlib
import os
import pkgutil
import sys
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import cache
from pathlib import Path, PurePosixPath

from autograder import stamp, tasks
from autograder.grading.files import (
    COUNTED,
    MIB,
    RUBBISH,
    SHOWN_NAMES,
    SUBMISSION,
    Entry,
    SizeLimits,
    UnreadableError,
    listed,
    read_tree,
    shown,
    without_environments,
    zip_tree,
)
from autograder.grading.near_names import imported, near
from autograder.repository import STUDENT
from autograder.sandbox.interpreter import installed_packages

# The modules that students are given and do not hand in; see README.md, "What to hand in".
PROVIDED = STUDENT

MODEL_SUFFIX = ".safetensors"
# What code reads beside itself: settings, tables, small arrays. Not pictures, weights or reports.
DATA_SUFFIXES = frozenset([".json", ".toml", ".yaml", ".yml", ".ini", ".cfg", ".csv", ".tsv", ".txt", ".npy", ".npz"])
# Folders that hold no code of the submission's own. Their content is not even looked at.
IGNORED_FOLDERS = RUBBISH | {"data", "results", "venv", "env"}
# What else people pack their work into; only a zip is ever opened.
ARCHIVES = {".zip", ".rar", ".7z", ".tar", ".tgz"}
NESTED = 3  # zips in zips that are opened
OPENED = 10  # zips beside each other that are opened
LONGEST_NAME = 255 - len(".py")  # bytes of a module's or a folder's, on the usual file systems
# Why files are not graded, and what to do, in the order in which it is said.
REASONS = {
    "large": (
        f"Not graded, because a Python file may take {SUBMISSION.code_bytes // MIB} MiB and weights "
        f"{SUBMISSION.model_bytes // MIB} MiB",
        "Keep data out of your code, and save the weights alone.",
    ),
    "many": (
        f"Not graded, because a submission may have {SUBMISSION.files} Python files and "
        f"{SUBMISSION.total_bytes // MIB} MiB in all",
        "Hand in your own files, and no others.",
    ),
    "unreadable": ("Not graded, because they cannot be read", "Hand them in again."),
    "double": ("Not graded, because several files have the same name", "Hand in only one of each."),
    "deeper": (
        "Not graded, because files of the same names lie further up, and these were graded",
        "Hand in only those that you mean.",
    ),
    "archive": ("Not opened", "Hand in the files themselves, or one zip with nothing around it."),
    "notebook": ("Notebooks are not graded, only Python files are", "Hand in the .py files that are asked for."),
    "deep": (
        f"Not graded, because the folders lie more than {SUBMISSION.depth} deep",
        "Hand the files in without so many folders around them.",
    ),
    "hidden": ("Not graded, because the names begin with a dot", "Rename what should be graded, or move it up."),
    "folder": ("Not graded, because folders of these names hold no work", "Move what should be graded out of them."),
    "environment": (
        "Not graded, because it is a virtual environment or holds thousands of files",
        "Move your own files out of it.",
    ),
    "crowd": ("Only counted, because there are so many of them", ""),
    "odd": ("Not used, because they are not ordinary files", "Hand in the files themselves, not links to them."),
    "outside": (
        "Not graded, because they lie outside the folder that was",
        "Put all that you hand in into one folder.",
    ),
    "place": ("Not graded, because they do not lie beside the other files", "Move them there."),
    "spelling": ("Not used, because the file with the right spelling is there, too", ""),
    "taken": (
        "Not used, because their names are taken (by Python, by a library, by the grader) or are not module names",
        "Rename them if your code needs them.",
    ),
    "tests": ("Not used, because the grader has its own tests", ""),
    "data": (
        f"Your code cannot read these here, because it gets at most {SUBMISSION.data_files} files of data, of at most "
        f"{SUBMISSION.data_bytes >> 10} KiB each",
        "",
    ),
    "other": ("Not graded, because they are not files to hand in", ""),
}
# Python imports these by itself, or pytest does.
SPECIAL_MODULES = {"__init__", "__main__", "conftest", "sitecustomize", "usercustomize", "tests", "test"}
# The kit, and the checks' helpers: in a student's folder the local `pytest` imports these.
OWN_PACKAGES = {"autograder", "support"}


@dataclass(frozen=True)
class Intake:
    """What became of a submission.

    Attributes:
        folder: where the copies are.
        files: names of the submission's files that were copied, relative to `folder`.
        missing: expected files that the submission does not have, or that cannot be used.
        unusable: those of them that are there.
        left_out: files that students may miss: modules whose names are taken, links, archives, files to hand in that
            lie where nobody looks or are called almost right, a notebook in place of one. Not the folder tests/ and
            other notebooks, which students are given.
        notes: what the student should know, a sentence or two each; they name every file that is not graded.
        errors: why nothing can be graded at all; empty if something can.
        release: the release of the assignment from which it claims to come; nothing but a remark depends on it.
    """

    folder: Path
    files: tuple[str, ...] = ()
    missing: tuple[str, ...] = ()
    unusable: tuple[str, ...] = ()
    left_out: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    errors: tuple[str, ...] = ()
    release: stamp.Stamp | None = None

    def file(self, name: str) -> Path | None:
        """Where a file of the submission was copied to; None if it has none of this name."""
        return self.folder / name if name in self.files else None


class IntakeError(Exception):
    """The submission cannot be taken in; the message is for the student."""


@dataclass
class _Selection:
    """Files to copy by their new name, and what becomes of the others.

    Attributes:
        files: new name to file.
        data: the same for files that the code may read.
        notes: what else there is to say.
        aside: reason, a key of REASONS, to the files that are not graded for it.
        lost: files that students may miss, by the names that they have.
        unusable: new names of files that are there and cannot be used.
        modules: words after `import` in the files that are used.
    """

    files: dict[str, Entry] = field(default_factory=dict)
    data: dict[str, Entry] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    aside: dict[str, list[Entry]] = field(default_factory=dict)
    lost: list[str] = field(default_factory=list)
    unusable: list[str] = field(default_factory=list)
    modules: set[str] = field(default_factory=set)
    release: Entry | None = None

    def leave(self, reason: str, entry: Entry, missed: bool = False) -> None:
        """Set a file aside."""
        self.aside.setdefault(reason, []).append(entry)
        if missed:
            self.lost.append(entry.name)

    def drop(self, name: str, reason: str) -> None:
        """Use a file no more."""
        self.leave(reason, self.files.pop(name), missed=True)
        self.unusable.append(name)


def unpack(
    path: Path,
    into: Path,
    expected: Collection[str] | None = None,
    provided: Path | None = PROVIDED,
    limits: SizeLimits = SUBMISSION,
) -> Intake:
    """Copy what grading needs of the submission at `path`, a folder or a zip, to the empty folder `into`.

    Args:
        expected: names of the files to hand in; those of the default course if None.
        provided: a folder whose modules are added if the submission lacks them, or None.
    """
    if expected is None:
        expected = tasks.load().files
    nothing = Intake(folder=into, missing=tuple(sorted(expected)))
    try:
        lower = frozenset(map(str.lower, expected))
        found, said = _out_of_zips(read_tree(path, IGNORED_FOLDERS, limits, lower).entries, expected, limits)
        selection = _select(found, expected, _names_in(provided))
        selection.notes[:0] = said
        for name, content in _contents(selection, expected, limits):
            _write(into, name, content)
            selection.modules.update(imported(content) if name.endswith(".py") else ())
        for name, content in _data_contents(selection, limits):
            _write(into, name, content)
    except (IntakeError, UnreadableError) as error:
        return replace(nothing, errors=(str(error),))
    missing = tuple(sorted(set(expected) - set(selection.files)))
    _look_deeper(selection, expected)
    questions = _questions(selection, expected, _names_in(provided), missing)
    taken = replace(
        nothing,
        files=tuple(sorted(selection.files)),
        missing=missing,
        unusable=tuple(sorted(set(missing) & set(selection.unusable))),
        left_out=tuple(dict.fromkeys(selection.lost)),
        notes=(*questions, *_all_notes(selection)),
        release=_release(selection.release),
    )
    if not set(expected) & set(selection.files):
        return replace(taken, errors=(_nothing_to_grade(found, expected, taken.unusable),))
    if provided is not None:
        _add_provided(provided, into, expected, selection.files)
    return taken


def code_of(archive: bytes, expected: Collection[str], limits: SizeLimits = SUBMISSION) -> dict[str, bytes]:
    """The Python files of a submission, a zip, that would be graded; none if it would be refused."""
    try:
        found = zip_tree(archive, "", IGNORED_FOLDERS, limits).entries
        selection = _select(_out_of_zips(found, expected, limits)[0], expected, ())
        return {name: content for name, content in _contents(selection, expected, limits) if name.endswith(".py")}
    except (IntakeError, UnreadableError):
        return {}


def matters(path: PurePosixPath, expected: Collection[str]) -> bool:
    """Whether something is done or said about a file: code, a notebook, data, or a file to hand in (lower case)."""
    known = path.suffix.lower() in (".py", ".ipynb") or is_data(path)
    named = path.name.lower() in expected or path.name == stamp.HANDED_IN
    return not path.name.startswith(".") and (known or named)


def is_data(path: PurePosixPath) -> bool:
    """Whether a file, by its name, is one that code may read."""
    return path.suffix.lower() in DATA_SUFFIXES and path.name != stamp.HANDED_IN


@cache
def reserved_modules() -> frozenset[str]:
    """Names that no module of a submission may have: Python's, installed packages', the grader's."""
    folders = [str(folder) for folder in installed_packages()]
    installed = {module.name for module in pkgutil.iter_modules(folders)}
    # Packages without an __init__.py are found by their folder's name alone.
    for folder in folders:
        installed |= {name for name in os.listdir(folder) if name.isidentifier()}
    return frozenset(
        sys.stdlib_module_names | set(sys.builtin_module_names) | installed | SPECIAL_MODULES | OWN_PACKAGES
    )


def _release(entry: Entry | None) -> stamp.Stamp | None:
    """What a submission's release.json claims; None if that cannot be read."""
    try:
        return None if entry is None else stamp.parse(entry.read(stamp.LARGEST + 1))
    except UnreadableError:
        return None


def _names_in(provided: Path | None) -> set[str]:
    """Names of the files that students are given in front, and of those that lie beside the list of tasks."""
    if provided is None:
        return set()
    beside = [path for path in (provided / stamp.TASKS).parent.glob("*") if path.suffix != ".py"]
    return {path.name for path in (*provided.iterdir(), *beside) if path.is_file()}


@dataclass
class _Room:
    """How many bytes the zips that are opened in a zip that was handed in may still take together."""

    left: int


def _out_of_zips(
    found: Sequence[Entry],
    expected: Collection[str],
    limits: SizeLimits,
    room: _Room | None = None,
    depth: int = NESTED,
) -> tuple[Sequence[Entry], list[str]]:
    """(files, notes): the files in the one zip that holds the code to grade, if no code lies outside it.

    Files to hand in that lie beside such a zip count as if they lay beside the code in it.

    Raises:
        IntakeError: several zips hold files to grade.
    """
    code = {name.lower() for name in expected if name.endswith(".py")} or set(map(str.lower, expected))
    zips = [entry for entry in found if entry.regular and entry.path.suffix.lower() == ".zip"]
    if not depth or not zips or any(entry.regular and entry.path.name.lower() in code for entry in found):
        return found, []
    room = room or _Room(limits.nested_bytes)
    candidates: list[tuple[Entry, Sequence[Entry], list[str]]] = []
    complaints = []
    for entry in zips[:OPENED]:
        try:
            inside, said = _inside(entry, expected, limits, room, depth)
        except UnreadableError as error:
            complaints.append(str(error))
            continue
        if any(inner.regular and inner.path.name.lower() in code for inner in inside):
            candidates.append((entry, inside, said))
        else:
            complaints += said
    if len(candidates) > 1:
        names = listed([entry.name for entry, *_ in candidates])
        raise IntakeError(f"More than one zip holds files to grade: {names}. Hand in one of them.")
    if not candidates:
        return found, complaints
    taken, inside, said = candidates[0]
    folder = min((e.path.parent for e in inside if e.path.name.lower() in code), key=lambda path: len(path.parts))
    places = {inner.path for inner in inside}
    others = [entry for entry in found if entry is not taken]
    beside = {id(entry): folder / entry.path.name for entry in others if _is_expected(entry, expected)}
    moved = [entry.at(beside.get(id(entry), entry.path)) for entry in others if beside.get(id(entry)) not in places]
    kept = [entry for entry in others if beside.get(id(entry)) in places]
    note = f"The files to grade were taken out of {shown(taken.name)}, which lies in what was handed in."
    if kept:
        note += f" It has files called {listed([entry.path.name for entry in kept])}, too, and these were taken."
    return [*inside, *moved], [*(said or [note]), *complaints]


def _inside(
    entry: Entry, expected: Collection[str], limits: SizeLimits, room: _Room, depth: int
) -> tuple[Sequence[Entry], list[str]]:
    """What is in a zip, or in the one in it that holds files to grade. UnreadableError if it cannot be opened."""
    archive = entry.opened(room.left)
    room.left -= entry.size if entry.place is None else 0
    lower = frozenset(map(str.lower, expected))
    entries = zip_tree(archive, entry.name, IGNORED_FOLDERS, limits, lower).entries
    named = [replace(inner, name=f"{entry.name}/{inner.name}") for inner in entries]
    return _out_of_zips(named, expected, limits, room, depth - 1)


def _is_expected(entry: Entry, expected: Collection[str]) -> bool:
    return entry.regular and entry.path.name.lower() in {name.lower() for name in expected}


def _select(found: Collection[Entry], expected: Collection[str], provided: Collection[str]) -> _Selection:
    """Which files are copied, and as what; each of the others is set aside for a reason."""
    selection = _Selection()
    lower = set(map(str.lower, expected))
    found = without_environments(found, lower)
    # Repair the case of names first: the folder to grade is found by them.
    modules = [name for name in provided if name.endswith(".py")]
    canonical = {name.lower(): name for name in (*expected, *modules)}
    entries = [entry for entry in found if entry.regular and matters(entry.path, canonical)]
    present, looked_at = {entry.path for entry in entries}, set(map(id, entries))
    looked_into = {entry.path.parent for entry in entries}
    top = _top_folder(entries, lower)
    named: dict[str, list[Entry]] = {}
    if top.parts:
        selection.notes.append(f"The folder {shown(str(top))} of your submission was graded.")
    for entry in found:
        if entry.is_folder:
            reason = "crowd" if entry.path in looked_into else _why_closed(entry.path)
            selection.leave(reason, entry, missed=bool(entry.inside))
        elif not entry.regular:
            selection.leave("odd", entry, missed=not entry.path.name.startswith("."))
        elif entry.path.name.startswith("."):
            selection.leave("hidden", entry)
        elif ARCHIVES.intersection(map(str.lower, entry.path.suffixes)):
            selection.leave("archive", entry, missed=True)
        elif id(entry) not in looked_at:
            selection.leave("other", entry)
    for entry in entries:
        if top not in entry.path.parents and top.parts:
            extra = entry.path.suffix.lower() == ".ipynb" or is_data(entry.path)
            selection.leave("outside", entry, missed=not extra)
            continue
        path = entry.path.relative_to(top)
        name = str(path)
        if name == stamp.HANDED_IN:
            selection.release = entry
            continue
        if path.suffix.lower() == ".ipynb":
            selection.leave("notebook", entry)
            continue
        if len(path.parts) == 1 and name.lower() in canonical and name != canonical[name.lower()]:
            right = canonical[name.lower()]
            if top / right in present:
                selection.leave("spelling", entry, missed=True)
                continue
            path, name = PurePosixPath(right), right
        if is_data(path) and name not in expected:
            reason = _why_no_data(path, provided)
            if reason:
                selection.leave(reason, entry)
            else:
                selection.data[name] = entry
            continue
        if path.suffix not in (".py", MODEL_SUFFIX) or (path.suffix == MODEL_SUFFIX and name not in expected):
            selection.leave("place" if path.name.lower() in lower else "other", entry, path.name.lower() in lower)
            continue
        if name not in expected and name not in provided and not _may_be_helper(path):
            # What lies in tests/ came with the starter.
            selection.leave("tests" if path.parts[0] == "tests" else "taken", entry, missed=path.parts[0] != "tests")
            continue
        named.setdefault(name, []).append(entry)
    for name, same in named.items():
        selection.files[name] = same[0]
        if len(same) > 1:
            for other in same[1:]:
                selection.leave("double", other, missed=True)
            selection.drop(name, "double")
        elif same[0].path.name != PurePosixPath(name).name:
            spelt = shown(same[0].path.name)
            selection.notes.append(f"{spelt} was taken as {name}: upper and lower case matter in file names.")
    return selection


def _look_deeper(selection: _Selection, expected: Collection[str]) -> None:
    """Name the files to hand in that lie further down, too, unless a package that is imported has them."""
    for name, entry in selection.files.items():
        path = PurePosixPath(name)
        twice = path.name != name and path.name in expected and path.name in selection.files
        if twice and path.parts[0] not in selection.modules:
            selection.leave("deeper", entry, missed=True)


def _questions(
    selection: _Selection, expected: Collection[str], provided: Collection[str], missing: Collection[str]
) -> list[str]:
    """What to ask about files that are called almost as those to hand in: left out, or helpers that nothing imports.
    Nothing else is said of them."""
    known = {*expected, *provided}
    candidates = [
        entry
        for name, entry in selection.files.items()
        for path in [PurePosixPath(name)]
        if path.name not in known and path.with_suffix("").parts[0] not in selection.modules
    ]
    for reason in ("taken", "notebook", "other"):
        candidates += selection.aside.get(reason, ())
    asked: dict[str, list[Entry]] = {}
    for entry in candidates[: SUBMISSION.files]:
        file = near(entry.path.name, known, missing)
        if file is not None and file in expected:
            asked.setdefault(file, []).append(entry)
    said = {id(entry) for entries in asked.values() for entry in entries}
    selection.lost += [entry.name for entries in asked.values() for entry in entries]
    for entries in selection.aside.values():
        entries[:] = [entry for entry in entries if id(entry) not in said]
    return [_question(file, [entry.name for entry in entries]) for file, entries in sorted(asked.items())]


def _question(file: str, names: Sequence[str]) -> str:
    were, which = ("was", "it") if len(names) == 1 else ("were", "one of them")
    notebooks = all(name.endswith(".ipynb") for name in names)
    todo = f"hand in its code as {file}: notebooks are not graded" if notebooks else "rename it and hand in again"
    return f"{listed(names)} {were} not graded as {file}. Is {which} your {file}? If so, {todo}."


def _why_no_data(path: PurePosixPath, provided: Collection[str]) -> str:
    """For which of REASONS code cannot read a file of data beside it, "" if it can."""
    if path.parts[0] == "tests":
        return "tests"
    named = all(folder.isidentifier() for folder in path.parts[:-1])
    code = path.with_suffix("").suffix == ".py"  # "net.py.txt", as some systems save a file that is handed in
    return "" if named and path.name not in provided and not code else "other"


def _why_closed(folder: PurePosixPath) -> str:
    """For which of REASONS a folder was not looked into."""
    if any(name.startswith(".") for name in folder.parts):
        return "hidden"
    if any(name.lower() in IGNORED_FOLDERS for name in folder.parts):
        return "folder"
    return "deep" if len(folder.parts) > SUBMISSION.depth else "environment"


def _top_folder(entries: list[Entry], expected: set[str]) -> PurePosixPath:
    """The folder whose files are meant: the top, unless the expected files lie in exactly one folder further down."""
    counts: dict[PurePosixPath, int] = {}
    for entry in entries:
        if entry.path.name.lower() in expected:
            counts[entry.path.parent] = counts.get(entry.path.parent, 0) + 1
    top = PurePosixPath(".")
    if not counts or top in counts:
        return top
    depth = min(len(folder.parts) for folder in counts)
    nearest = [folder for folder in counts if len(folder.parts) == depth]
    best = max(nearest, key=lambda folder: counts[folder])
    if sum(counts[folder] == counts[best] for folder in nearest) > 1:
        names = listed(sorted(map(str, nearest)))
        raise IntakeError(f"The files to grade lie in more than one folder: {names}. Hand in one of them.")
    return best


def _may_be_helper(path: PurePosixPath) -> bool:
    """Whether a file is a module of the student's own that shadows no other module."""
    modules = [*path.parts[:-1], path.stem]
    return (
        path.suffix == ".py"
        and all(name.isidentifier() and len(name.encode()) <= LONGEST_NAME for name in modules)
        and modules[0] not in reserved_modules()
    )


def _contents(selection: _Selection, expected: Collection[str], limits: SizeLimits) -> Iterator[tuple[str, bytes]]:
    """The files to copy: new name, content; first those to hand in, then those that lie further up.

    What is too large, too much or damaged is dropped. The sizes that a zip claims decide: no more is ever read.
    """
    count = total = 0
    for name in sorted(selection.files, key=lambda name: (name not in expected, name.count("/"))):
        entry = selection.files[name]
        if entry.size > (limits.model_bytes if name.endswith(MODEL_SUFFIX) else limits.code_bytes):
            selection.drop(name, "large")
            continue
        if count == limits.files or total + entry.size > limits.total_bytes:
            selection.drop(name, "many")
            continue
        count, total = count + 1, total + entry.size
        try:
            yield name, entry.read(entry.size)
        except UnreadableError as error:
            if "unreadable" not in selection.aside:  # the reason is the same for most
                selection.notes.append(str(error))
            selection.drop(name, "unreadable")


def _data_contents(selection: _Selection, limits: SizeLimits) -> Iterator[tuple[str, bytes]]:
    """The files of data to copy, as for `_contents`; what is too much, or cannot be read, is set aside."""
    left = limits.data_files
    for name, entry in list(selection.data.items()):
        content = None
        with contextlib.suppress(UnreadableError):
            content = entry.read(limits.data_bytes + 1) if left else None
        if content is None or len(content) > limits.data_bytes:
            selection.leave("data", selection.data.pop(name))
        else:
            left -= 1
            yield name, content


def _write(into: Path, name: str, content: bytes) -> None:
    """A new file below `into` that everybody may read and only we may write."""
    target = into / name
    for folder in reversed(target.relative_to(into).parents[:-1]):
        (into / folder).mkdir(exist_ok=True)
        (into / folder).chmod(0o755)
    with target.open("xb") as file:
        file.write(content)
    target.chmod(0o644)


def _add_provided(provided: Path, into: Path, expected: Collection[str], present: Collection[str]) -> None:
    """Copy the given modules that need not be handed in, unless they were."""
    for path in sorted(provided.glob("*.py")):
        if path.name not in expected and path.name not in present and path.stem not in reserved_modules():
            _write(into, path.name, path.read_bytes())


def _all_notes(selection: _Selection) -> Iterator[str]:
    """What to say about a submission's files: first what may have been meant to be graded."""
    yield from selection.notes
    lost = set(selection.lost)
    # The numbers of a run are for the report, and nothing is to be said of them here.
    data = [entry.name for name, entry in selection.data.items() if name != PurePosixPath(tasks.METRICS).name]
    if data:
        yield f"Your code can read these, and they are not graded: {listed(data)}."
    for reason, (why, remedy) in REASONS.items():
        if entries := selection.aside.get(reason):
            missed = any(entry.name in lost for entry in entries)
            yield f"{why}: {_described(entries)}.{f' {remedy}' if missed and remedy else ''}"


def _described(entries: Sequence[Entry]) -> str:
    """The first few of the files, those first that were asked for; folders with the number of files in them."""
    entries = sorted(entries, key=lambda entry: not entry.inside)
    names = [_described_folder(entry) if entry.is_folder else shown(entry.name) for entry in entries[:SHOWN_NAMES]]
    more = f" and {len(entries) - SHOWN_NAMES} more" if len(entries) > SHOWN_NAMES else ""
    return ", ".join(names) + more


def _described_folder(folder: Entry) -> str:
    """ "data/ (340 files)", or "data/work.py and 339 more in data/" if a file in it was asked for."""
    name = f"{shown(folder.name)}/"
    at_least = f"{folder.size} or more" if folder.size == COUNTED else str(folder.size)
    if not folder.inside:
        return name if not folder.size else f"{name} ({at_least} file{'s' if folder.size != 1 else ''})"
    files = listed([name + inner for inner in folder.inside])
    rest = folder.size - len(folder.inside)
    return f"{files} and {rest} more in {name}" if rest > 0 else files


def _nothing_to_grade(found: Collection[Entry], expected: Collection[str], unusable: Sequence[str]) -> str:
    if not found:
        return "The submission is empty: no file was handed in."
    if unusable:
        return f"There is nothing to grade: what is there of the files to hand in cannot be used ({listed(unusable)})."
    names = listed(sorted(expected))
    return f"There is nothing to grade: none of the files to hand in is there ({names})."
