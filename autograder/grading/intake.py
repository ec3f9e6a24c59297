"""Takes in a submission, a folder or a zip, without trusting it: copies what grading needs and nothing else.

Copied are Python files, wherever they lie below the submission's folder, and the trained model. What is copied can
shadow nothing: a file that has the name of a module of Python, of an installed package or of the grader is set aside.
Nothing is extracted by an archive tool: every file is opened, read up to a limit, and written by us under a name that
we have checked. The copies belong to the grader; other users may read them.
"""

from __future__ import annotations

import contextlib
import os
import pkgutil
import re
import stat
import sys
import zipfile
import zlib
from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from functools import cache, partial
from pathlib import Path, PurePosixPath

from autograder import tasks
from autograder.repository import STUDENT
from autograder.sandbox.interpreter import installed_packages

# The modules that students are given and do not hand in; see README.md, "What to hand in".
PROVIDED = STUDENT

MIB = 1 << 20
MODEL_SUFFIX = ".safetensors"
# Folders that hold no code of the submission's own. Their content is not even looked at.
IGNORED_FOLDERS = {"__pycache__", "__macosx", "data", "results", "venv", "env", "node_modules", "site-packages"}
# Python imports these by itself, or pytest does.
SPECIAL_MODULES = {"__init__", "__main__", "conftest", "sitecustomize", "usercustomize", "tests", "test"}
# The kit, and the checks' helpers: in a student's folder the local `pytest` imports these.
OWN_PACKAGES = {"autograder", "support"}
CENTRAL_ENTRY = b"PK\x01\x02"  # begins each entry of a zip's table of contents
SHOWN_NAMES = 5


@dataclass(frozen=True)
class IntakeLimits:
    """The largest submission that is taken in."""

    archive_bytes: int = 256 * MIB
    entries: int = 20_000
    files: int = 200
    depth: int = 8
    code_bytes: int = 1 * MIB
    model_bytes: int = 32 * MIB
    total_bytes: int = 48 * MIB
    ratio: int = 200  # of a file's size to what it takes in the archive; code compresses to a third


@dataclass(frozen=True)
class Intake:
    """What became of a submission.

    Attributes:
        folder: where the copies are.
        files: names of the submission's files that were copied, relative to `folder`.
        missing: expected files that the submission does not have.
        notes: what the student should know, one sentence each.
        errors: why nothing can be graded at all; empty if something can.
    """

    folder: Path
    files: tuple[str, ...] = ()
    missing: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    errors: tuple[str, ...] = ()


class IntakeError(Exception):
    """The submission cannot be taken in; the message is for the student."""


@dataclass(frozen=True)
class _Entry:
    """A regular file of the submission: where it lies in it, and how to read at most so many bytes of it."""

    path: PurePosixPath
    read: Callable[[int], bytes]


@dataclass
class _Selection:
    """Files to copy by their new name, and what to tell about the others."""

    files: dict[str, _Entry] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    set_aside: list[str] = field(default_factory=list)
    notebooks: list[str] = field(default_factory=list)


def unpack(
    path: Path,
    into: Path,
    expected: Collection[str] | None = None,
    provided: Path | None = PROVIDED,
    limits: IntakeLimits = IntakeLimits(),
) -> Intake:
    """Copy what grading needs of the submission at `path`, a folder or a zip, to the empty folder `into`.

    Args:
        expected: names of the files to hand in; those of points.toml where None.
        provided: a folder whose modules are added where the submission lacks them, or None.
        limits: see IntakeLimits.
    """
    if expected is None:
        expected = tasks.load(total=None).files
    try:
        with contextlib.ExitStack() as stack:
            entries, notes = _open(path, limits, stack)
            selection = _select(entries, expected, _modules_of(provided))
            selection.notes[:0] = notes
            _copy(selection, into, limits)
    except IntakeError as error:
        return Intake(folder=into, missing=tuple(sorted(expected)), errors=(str(error),))
    missing = tuple(sorted(set(expected) - set(selection.files)))
    if provided is not None:
        _add_provided(provided, into, expected, selection.files)
    return Intake(folder=into, files=tuple(sorted(selection.files)), missing=missing, notes=_all_notes(selection))


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


def _open(path: Path, limits: IntakeLimits, stack: contextlib.ExitStack) -> tuple[list[_Entry], list[str]]:
    """(the submission's regular files, notes on what else there is)."""
    if path.is_dir():
        return _folder_entries(path, limits)
    if not path.exists():
        raise IntakeError(f"There is no submission at {_shown(path.name)}.")
    if not stat.S_ISREG(path.stat().st_mode):
        raise IntakeError(f"{_shown(path.name)} is neither a folder nor a file.")
    return _zip_entries(path, limits, stack)


def _folder_entries(folder: Path, limits: IntakeLimits) -> tuple[list[_Entry], list[str]]:
    entries: list[_Entry] = []
    odd: list[str] = []
    seen = 0
    for parent, names, files in os.walk(folder):
        names[:] = sorted(name for name in names if not _is_ignored_folder(name))
        relative = PurePosixPath(Path(parent).relative_to(folder).as_posix())
        if len(relative.parts) >= limits.depth:
            names.clear()
        if relative.parts and "pyvenv.cfg" in files:  # a virtual environment, whatever it is called
            names.clear()
            continue
        # os.walk does not follow links to folders, but does not say that they are links either.
        odd += [str(relative / name) for name in names if (Path(parent) / name).is_symlink()]
        for name in sorted(files):
            seen += 1
            if seen > limits.entries:
                raise IntakeError(f"The submission has more than {limits.entries} files.")
            file = Path(parent) / name
            # What a Windows program has zipped is unpacked by some into files with backslashes in their names.
            inside = name.replace("\\", "/")
            parts = (*relative.parts, *PurePosixPath(inside).parts)
            if not stat.S_ISREG(file.lstat().st_mode) or (inside != name and not _is_plain(inside)):
                if not name.startswith("."):
                    odd.append(str(relative / name))
            elif inside == name or (len(parts) <= limits.depth and not any(map(_is_ignored_folder, parts[:-1]))):
                entries.append(_Entry(PurePosixPath(*parts), partial(_read_file, file)))
    return entries, _odd_notes(odd)


def _read_file(file: Path, size: int) -> bytes:
    # Neither a link nor a pipe, even if it has become one since we looked.
    try:
        fd = os.open(file, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
        with open(fd, "rb") as stream:
            return stream.read(size)
    except OSError as error:
        raise IntakeError(f"{_shown(file.name)} cannot be read ({error.strerror}).") from None


def _zip_entries(path: Path, limits: IntakeLimits, stack: contextlib.ExitStack) -> tuple[list[_Entry], list[str]]:
    if path.stat().st_size > limits.archive_bytes:
        raise IntakeError(f"{_shown(path.name)} is larger than {limits.archive_bytes // MIB} MiB. Hand in no data.")
    if _count(path, CENTRAL_ENTRY) > limits.entries:
        raise IntakeError(f"{_shown(path.name)} holds more than {limits.entries} files.")
    try:
        archive = stack.enter_context(zipfile.ZipFile(path))
    except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError) as error:
        raise IntakeError(f"{_shown(path.name)} is not a readable zip file ({error}). Please make it again.") from None
    entries: list[_Entry] = []
    odd: list[str] = []
    for info in archive.infolist():
        # Windows programs write backslashes; zipfile cuts names at a NUL byte.
        name = info.filename.replace("\\", "/")
        if name.endswith("/"):
            continue
        kind = stat.S_IFMT(info.external_attr >> 16)
        parts = PurePosixPath(name).parts
        if not _is_plain(name) or kind not in (0, stat.S_IFREG):
            odd.append(name)
        elif len(parts) <= limits.depth and not any(map(_is_ignored_folder, parts[:-1])):
            entries.append(_Entry(PurePosixPath(*parts), partial(_read_member, archive, info, limits)))
    environments = {entry.path.parent for entry in entries if entry.path.name == "pyvenv.cfg"}
    kept = [entry for entry in entries if not environments & set(entry.path.parents)]
    return kept, _odd_notes(odd)


def _count(path: Path, needle: bytes) -> int:
    """How often `needle` occurs in a file."""
    count, tail = 0, b""
    with path.open("rb") as file:
        while chunk := file.read(MIB):
            count += (tail + chunk).count(needle)
            tail = chunk[1 - len(needle) :]
    return count


def _is_plain(name: str) -> bool:
    """Whether a name in an archive stays below the folder that it is unpacked to, on every system."""
    parts = name.split("/")
    return not (name.startswith("/") or ".." in parts or ":" in parts[0] or any(ord(letter) < 32 for letter in name))


def _read_member(archive: zipfile.ZipFile, info: zipfile.ZipInfo, limits: IntakeLimits, size: int) -> bytes:
    """At most `size` bytes of a file in the archive, whatever size the archive says it has."""
    if info.flag_bits & 1:
        raise IntakeError(f"{_shown(info.filename)} is encrypted. Please make the zip file without a password.")
    # Other methods are rare, and their decompressors take memory as the archive asks them to.
    if info.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        raise IntakeError(f"{_shown(info.filename)} is compressed in an unusual way. Please make an ordinary zip file.")
    try:
        with archive.open(info) as stream:
            content = stream.read(size)
    except (zipfile.BadZipFile, zlib.error, EOFError, OSError, ValueError, NotImplementedError) as error:
        raise IntakeError(
            f"{_shown(info.filename)} in the zip file is damaged ({error}). Please make it again."
        ) from None
    if len(content) > MIB and len(content) > limits.ratio * max(info.compress_size, 1):
        raise IntakeError(f"{_shown(info.filename)} is compressed more than any honest file.")
    return content


def _is_ignored_folder(name: str) -> bool:
    return name.startswith(".") or name.lower() in IGNORED_FOLDERS


def _odd_notes(names: list[str]) -> list[str]:
    """What is said about links, devices, and names that lead out of the submission."""
    return [f"Not used, for they are no ordinary files of the submission: {_listed(names)}."] if names else []


def _modules_of(provided: Path | None) -> set[str]:
    return {path.name for path in provided.glob("*.py")} if provided is not None else set()


def _select(entries: list[_Entry], expected: Collection[str], provided: Collection[str]) -> _Selection:
    """Which files are copied, and as what."""
    selection = _Selection()
    # Repair the case of names first: the folder to grade is found by them.
    canonical = {name.lower(): name for name in (*expected, *provided)}
    present = {entry.path for entry in entries}
    top = _top_folder(entries, set(map(str.lower, expected)))
    if top.parts:
        selection.notes.append(f"Graded is the folder {_shown(str(top))} of your submission.")
    for entry in sorted(entries, key=lambda entry: entry.path):
        if top not in entry.path.parents and top.parts:
            continue
        path = entry.path.relative_to(top)
        name = str(path)
        if path.name.startswith("."):
            continue
        if path.suffix.lower() == ".ipynb":
            selection.notebooks.append(name)
            continue
        if len(path.parts) == 1 and name.lower() in canonical and name != canonical[name.lower()]:
            right = canonical[name.lower()]
            if top / right in present:
                selection.set_aside.append(name)
                continue
            selection.notes.append(f"{_shown(name)} was taken as {right}: upper and lower case matter in file names.")
            path, name = PurePosixPath(right), right
        if path.suffix not in (".py", MODEL_SUFFIX) or (path.suffix == MODEL_SUFFIX and name not in expected):
            continue
        if name not in expected and name not in provided and not _may_be_helper(path):
            selection.set_aside.append(name)
            continue
        if name in selection.files:
            raise IntakeError(f"The submission has two files {_shown(name)}. Which one counts?")
        selection.files[name] = entry
    return selection


def _top_folder(entries: list[_Entry], expected: set[str]) -> PurePosixPath:
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
        names = _listed(sorted(map(str, nearest)))
        raise IntakeError(f"The files to grade lie in more than one folder: {names}. Hand in one of them.")
    return best


def _may_be_helper(path: PurePosixPath) -> bool:
    """Whether a file is a module of the student's own that shadows no other module."""
    modules = [*path.parts[:-1], path.stem]
    return (
        path.suffix == ".py" and all(name.isidentifier() for name in modules) and modules[0] not in reserved_modules()
    )


def _copy(selection: _Selection, into: Path, limits: IntakeLimits) -> None:
    if len(selection.files) > limits.files:
        raise IntakeError(f"The submission has more than {limits.files} Python files.")
    total = 0
    for name, entry in selection.files.items():
        bound = limits.model_bytes if name.endswith(MODEL_SUFFIX) else limits.code_bytes
        content = entry.read(bound + 1)
        if len(content) > bound:
            raise IntakeError(f"{_shown(name)} is larger than {bound // MIB} MiB.")
        total += len(content)
        if total > limits.total_bytes:
            raise IntakeError(f"The submission's files are larger than {limits.total_bytes // MIB} MiB together.")
        _write(into, name, content)


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


def _all_notes(selection: _Selection) -> tuple[str, ...]:
    notes = list(selection.notes)
    if selection.set_aside:
        notes.append(
            f"Not used, because their names are taken (by Python, by a library, by the grader) or are no module "
            f"names: {_listed(selection.set_aside)}."
        )
    if selection.notebooks:
        notes.append(f"Notebooks are not graded, only Python files are: {_listed(selection.notebooks)}.")
    return tuple(notes)


def _listed(names: list[str]) -> str:
    more = f" and {len(names) - SHOWN_NAMES} more" if len(names) > SHOWN_NAMES else ""
    return ", ".join(map(_shown, names[:SHOWN_NAMES])) + more


def _shown(name: str) -> str:
    """A name out of a submission, harmless and short."""
    return re.sub(r"[^\w./ ()+@-]", "?", name)[:80]
