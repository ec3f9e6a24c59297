"""Who handed in what: reads the exports of Gradescope, Canvas, Moodle and GitHub Classroom, and plain folders.

    gradescope  assignment_1_export/submission_2/...          names and times in submission_metadata.yml
    canvas      doejane_LATE_123_456_kl.py                    student's id, then the file's; LATE where it was
    moodle      Jane Doe_123_assignsubmission_file_/...       or all files in one folder, so called
    github      vae-submissions/vae-janedoe/...               clones, named after the assignment and the student
    plain       jane/... or jane.zip                          one folder or zip a student

Each may be the downloaded zip or the folder that it was unpacked to. A roster (the platform's CSV of students or of
grades) gives names, e-mail addresses and times that the export lacks.
"""

from __future__ import annotations

import contextlib
import re
import unicodedata
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path, PurePosixPath
from typing import Any

from autograder.classroom.roster import Roster, Student, iso_time, moment, read_roster, same
from autograder.classroom.trees import Entry, Tree, UnreadableError, open_zip, read_tree, zip_tree
from autograder.grading.intake import MIB
from autograder.sandbox.text import safe_text

LAYOUTS = ("gradescope", "canvas", "moodle", "github", "plain")
METADATA = ("submission_metadata.yml", "submission_metadata.yaml")
GRADESCOPE_FOLDER = re.compile(r"submission_\d+")
# As Canvas's content_zipper.rb writes them: name, LATE, user (a letter code in anonymous assignments), file's id.
CANVAS_FILE = re.compile(
    r"(?:(?P<name>[^/]*?)_)??(?:(?P<late>LATE)_)?(?P<user>\d+|anon_\w{5})_(?:(?P<attachment>\d+)_(?P<file>.+)"
    r"|(?P<entry>text|link)\.html)"
)
# As Moodle's assign/locallib.php writes them, with folders and without; "Participant" where marking is blind.
MOODLE_FILE = re.compile(r"(?P<name>[^/]+?)_(?P<user>\d+)_assignsubmission_(?P<kind>file|onlinetext)(?:_(?P<file>.*))?")
GITHUB_FOLDER = re.compile(r"(?P<assignment>.+)-submissions")
LARGEST_METADATA = 512 * MIB
LARGEST_EXPORT_IN_EXPORT = 4096 * MIB


@dataclass(frozen=True)
class Submission:
    """What was handed in, and by whom.

    Attributes:
        slug: its name in files; unique in the class.
        students: more than one for group work.
        entries: its files, paths counted from the submission's folder, in the order of their upload if that is known.
        late: whether the export or the due date says so.
        time: when it was handed in, ISO 8601; "" if nobody says.
        notes: what the instructor should know.
    """

    slug: str
    students: tuple[Student, ...]
    entries: tuple[Entry, ...] = ()
    late: bool = False
    time: str = ""
    notes: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        return ", ".join(student.name or student.id for student in self.students)


@dataclass
class Export:
    """A whole class.

    Attributes:
        layout: one of LAYOUTS.
        submissions: one for each student or group, the one that counts.
        absent: students of the roster who handed in nothing.
        notes: what could not be made sense of.
    """

    layout: str
    submissions: list[Submission] = field(default_factory=list)
    absent: list[Student] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


def read_export(
    path: Path, expected: Iterable[str] = (), layout: str | None = None, roster: Path | None = None, due: str = ""
) -> Export:
    """Read an export.

    Args:
        path: folder or zip.
        expected: names of the files to hand in; tell a single submission from a class.
        layout: one of LAYOUTS; found out where None.
        roster: a CSV of students, or None.
        due: ISO 8601; what was handed in later is late, where the export says when that was.

    Raises:
        UnreadableError: it cannot be read, or holds no submissions.
    """
    tree = read_tree(path)
    people = read_roster(roster.read_bytes(), str(roster)) if roster else []
    for entry in _class_lists(tree):
        with contextlib.suppress(UnreadableError):  # some other table
            people += read_roster(entry.read(8 * MIB), str(entry.path))
    found = _read_tree(tree, layout, people)
    if found is None:
        names = {name.lower() for name in expected}
        if any(entry.path.name.lower() in names for entry in tree.entries if len(entry.path.parts) == 1):
            raise UnreadableError(
                f"{path} holds the files of one submission: use `make grade`, or name the folder above it"
            )
        export, submissions, notes = "plain", *_plain(_without_wrapping(tree))
    else:
        export, submissions, notes = found
    submissions = [_with_roster(submission, people) for submission in submissions]
    submissions = [_with_due_date(submission, due) for submission in submissions]
    submissions = _with_slugs(_latest(submissions))
    if not submissions:
        raise UnreadableError(f"there are no submissions in {path} (taken as a {export} export)")
    present = {student.key for submission in submissions for student in submission.students}
    absent = [student for student, _ in people if not _matches_any(student, submissions) and student.key not in present]
    return Export(export, submissions, list({student.key: student for student in absent}.values()), notes)


Found = tuple[list[Submission], list[str]]  # submissions, notes
Read = tuple[str, list[Submission], list[str]]


def _read_tree(tree: Tree, layout: str | None, people: Roster) -> Read | None:
    """(layout, submissions, notes); None for a plain folder."""
    if layout == "plain":
        return None
    readers: dict[str, Callable[[Tree], Found | None]] = {
        "gradescope": _gradescope,
        "moodle": _moodle,
        "canvas": _canvas,
        "github": partial(_github, people=people),
    }
    for name, reader in readers.items():
        if layout not in (None, name):
            continue
        for candidate in _levels(tree):
            read = reader(candidate)
            if read is not None:
                return name, *read
    if layout is not None:
        raise UnreadableError(f"{tree.name} does not look like a {layout} export; leave --layout out, or correct it")
    return _several(tree, people)


def _levels(tree: Tree) -> Iterator[Tree]:
    """The tree, and without folders around everything, as zips of folders have them."""
    yield tree
    while len(tree.tops()) == 1 and all(len(entry.path.parts) > 1 for entry in tree.entries):
        tree = tree.below(PurePosixPath(tree.tops()[0]))
        yield tree


def _without_wrapping(tree: Tree) -> Tree:
    """The first level that holds several folders or zips and nothing else; the tree itself if there is none."""
    for level in _levels(tree):
        loose = [entry for entry in level.entries if len(entry.path.parts) == 1]
        if len(level.tops()) > 1 and all(entry.path.suffix.lower() in (".zip", ".csv") for entry in loose):
            return level
    return tree


def _several(tree: Tree, people: Roster) -> Read | None:
    """A folder with downloads of several sections or days in it, zips or folders, each an export by itself."""
    parts: list[Read] = []
    for top in tree.tops():
        part = _inner_tree(tree, top)
        # A lone zip of a student may be anything; only what is certainly an export counts as one.
        found = part and next(
            (
                (name, *read)
                for name, reader in (("gradescope", _gradescope), ("moodle", _moodle), ("canvas", _canvas))
                for candidate in _levels(part)
                if (read := reader(candidate)) is not None
            ),
            None,
        )
        if not found:
            return None
        parts.append(found)
    if not parts or len({part[0] for part in parts}) > 1:
        return None
    submissions = [submission for _, found, _ in parts for submission in found]
    return parts[0][0], submissions, [note for *_, notes in parts for note in notes]


def _inner_tree(tree: Tree, top: str) -> Tree | None:
    entry = next((entry for entry in tree.entries if entry.path == PurePosixPath(top)), None)
    if entry is None:
        return tree.below(PurePosixPath(top))
    if entry.path.suffix.lower() != ".zip" or entry.size > LARGEST_EXPORT_IN_EXPORT:
        return None
    archive = open_zip(entry.read(LARGEST_EXPORT_IN_EXPORT))
    return zip_tree(archive, entry.path.stem) if archive is not None else None


# Gradescope


def _gradescope(tree: Tree) -> Found | None:
    listing = next((entry for entry in tree.entries if str(entry.path) in METADATA), None)
    folders = [top for top in tree.tops() if GRADESCOPE_FOLDER.fullmatch(top)]
    if listing is None and not folders:
        return None
    notes = [] if listing else ["submission_metadata.yml is missing: students are called by their submission's number"]
    metadata = _read_metadata(listing.read(LARGEST_METADATA)) if listing else {}
    submissions = []
    for folder in [*folders, *(name for name in metadata if name not in folders)]:
        about = metadata.get(folder, {})
        submitters = about.get("submitters")
        students = tuple(
            Student(name=_text(person, "name"), sid=_text(person, "sid"), email=_text(person, "email"))
            for person in (submitters if isinstance(submitters, list) else ())
            if isinstance(person, dict)
        )
        own = tree.below(PurePosixPath(folder))
        submissions.append(
            Submission(
                slug="",
                students=students or (Student(name=folder, id=folder),),
                entries=own.entries,
                time=iso_time(about.get("created_at")),
                notes=() if own.entries else ("the export has no files of this submission",),
            )
        )
    return submissions, notes


def _read_metadata(content: bytes) -> dict[str, dict[str, Any]]:
    """Folder -> what is known of it, keys without Ruby's colons. Results and history, nearly all of it, are left out.

    Raises:
        UnreadableError: it is no YAML as Gradescope writes it.
    """
    import yaml

    class Loader(yaml.SafeLoader):
        """Ruby's own types are read as what they consist of; nothing is ever constructed from them."""

    def plain(loader: yaml.SafeLoader, suffix: str, node: yaml.Node) -> Any:
        if isinstance(node, yaml.MappingNode):
            return loader.construct_mapping(node, deep=True)
        return loader.construct_sequence(node) if isinstance(node, yaml.SequenceNode) else str(node.value)

    Loader.add_multi_constructor("!", plain)
    kept, keep = [], False
    for line in content.decode("utf-8", "replace").splitlines(keepends=True):
        key = re.match(r"  :?(\w+):", line)
        if key:
            keep = key[1] in ("submitters", "created_at")
        elif line[:1] not in (" ", "\n", "\r", ""):
            keep = not line.startswith(("---", "..."))
        if keep:
            kept.append(line)
    try:
        document = yaml.load("".join(kept), Loader)
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        raise UnreadableError(f"submission_metadata.yml cannot be read: {error}") from None
    if not isinstance(document, dict):
        raise UnreadableError("submission_metadata.yml cannot be read: it lists no submissions")
    return {str(folder): _without_colons(about) for folder, about in document.items() if isinstance(about, dict)}


def _without_colons(value: Any) -> Any:
    if isinstance(value, dict):
        return {str(key).lstrip(":"): _without_colons(inner) for key, inner in value.items()}
    return [_without_colons(inner) for inner in value] if isinstance(value, list) else value


def _text(document: Mapping[str, Any], key: str) -> str:
    value = document.get(key)
    return "" if value is None else safe_text(str(value), 200)


# Canvas


def _canvas(tree: Tree) -> Found | None:
    matches = [(entry, CANVAS_FILE.fullmatch(entry.path.name)) for entry in tree.entries if len(entry.path.parts) == 1]
    if not any(match for _, match in matches):
        return None
    by_user: dict[str, list[tuple[int, Entry, re.Match[str]]]] = defaultdict(list)
    notes = []
    for entry, match in matches:
        if match is None:
            if entry.path.suffix.lower() != ".csv":
                notes.append(f"{entry.path} is not named as Canvas names files, and belongs to nobody")
            continue
        by_user[match["user"]].append((int(match["attachment"] or 0), entry, match))
    submissions = []
    for user, files in by_user.items():
        files.sort(key=lambda file: file[0])
        first = files[0][2]
        submissions.append(
            Submission(
                slug="",
                students=(Student(name=safe_text(first["name"] or user, 200), id=user),),
                entries=tuple(entry.at(match["file"] or f"{match['entry']}.html") for _, entry, match in files),
                late=any(match["late"] for *_, match in files),
            )
        )
    return submissions, notes


# Moodle


def _moodle(tree: Tree) -> Found | None:
    by_user: dict[tuple[str, str], list[Entry]] = defaultdict(list)
    notes = []
    for entry in tree.entries:
        match = MOODLE_FILE.fullmatch(entry.path.parts[0])
        if match is None:
            if entry.path.suffix.lower() != ".csv":
                notes.append(f"{entry.path} is not named as Moodle names files, and belongs to nobody")
            continue
        inside = PurePosixPath(*entry.path.parts[1:]) if len(entry.path.parts) > 1 else match["file"]
        if str(inside or "."):
            by_user[match["user"], match["name"]].append(entry.at(inside or match["kind"]))
    if not by_user:
        return None
    return [
        Submission(slug="", students=(Student(name=_moodle_name(name, user), id=user),), entries=tuple(entries))
        for (user, name), entries in by_user.items()
    ], notes


def _moodle_name(name: str, user: str) -> str:
    """The name in a folder's name; where marking is blind, everybody is called "Participant" (in some language)."""
    return safe_text(name if " " in name else f"{name} {user}", 200)


# GitHub Classroom


def _github(tree: Tree, people: Roster) -> Found | None:
    logins = {student.login for student, row in people if "github_username" in row and student.login}
    folders = sorted({entry.path.parts[0] for entry in tree.entries if len(entry.path.parts) > 1})
    named = GITHUB_FOLDER.fullmatch(tree.name)
    clones = {path.parts[0] for path in tree.repositories if len(path.parts) == 1}
    prefix = f"{named['assignment']}-" if named else ""
    ours = [folder for folder in folders if prefix and folder.startswith(prefix)]
    listed = [folder for folder in folders if any(_is_login(folder, login) for login in logins)]
    if not folders or not (ours or listed or len(clones) * 2 > len(folders)):
        return None
    if not ours:
        prefix = _common_prefix(folders)
    submissions = []
    for folder in folders:
        # A user name may have hyphens itself: those on the roster are known in full.
        known = [login for login in logins if _is_login(folder, login)]
        login = max(known, key=len) if known else folder.removeprefix(prefix)
        own = tree.below(PurePosixPath(folder))
        submissions.append(
            Submission(slug="", students=(Student(name=login, id=login, login=login),), entries=own.entries)
        )
    return submissions, []


def _is_login(folder: str, login: str) -> bool:
    return folder == login or folder.endswith(f"-{login}")


def _common_prefix(folders: Sequence[str]) -> str:
    """What all names begin with, up to a hyphen: the assignment's name; "" for a single folder, which tells nothing."""
    if len(folders) < 2:
        return ""
    first, last = min(folders), max(folders)
    length = next((i for i, (a, b) in enumerate(zip(first, last, strict=False)) if a != b), min(len(first), len(last)))
    return first[: first.rfind("-", 0, length) + 1]


# Plain


def _plain(tree: Tree) -> Found:
    """A folder or a zip a student; copies such as "jane (1).zip" belong to the same one."""
    by_name: dict[str, list[Entry]] = defaultdict(list)
    notes = []
    for entry in tree.entries:
        if len(entry.path.parts) > 1:
            by_name[entry.path.parts[0]].append(entry.below(PurePosixPath(entry.path.parts[0])))
        elif entry.path.suffix.lower() == ".zip":
            by_name[re.sub(r" ?\(\d+\)$", "", entry.path.stem)].append(entry)
        elif not entry.path.name.startswith(".") and entry.path.suffix.lower() != ".csv":
            notes.append(f"{entry.path} is neither a folder nor a zip, and belongs to nobody")
    return [
        Submission(slug="", students=(Student(name=safe_text(name, 200), id=name),), entries=tuple(entries))
        for name, entries in by_name.items()
    ], notes


# Rosters


def _class_lists(tree: Tree) -> list[Entry]:
    """CSV files that lie beside the submissions."""
    levels = list(_levels(tree))[:2]
    lists = [entry for level in levels for entry in level.entries if len(entry.path.parts) == 1]
    return [entry for entry in lists if entry.path.suffix.lower() == ".csv"]


def _with_roster(submission: Submission, people: Roster) -> Submission:
    """A submission with what the roster knows of its students."""
    students, late, time = [], submission.late, submission.time
    for student in submission.students:
        match = next(((known, row) for known, row in people if same(student, known)), None)
        if match is None:
            students.append(student)
            continue
        known, row = match
        students.append(
            Student(
                # A name out of a file name has lost its capitals and spaces.
                name=known.name or student.name,
                id=student.id or known.id,
                sid=student.sid or known.sid,
                email=student.email or known.email,
                login=student.login or known.login,
                section=student.section or known.section,
            )
        )
        late = late or bool(re.search(r"\blate\b|\boverdue\b", row["*status"], re.IGNORECASE))
        time = time or iso_time(row["*time"])
    return replace(submission, students=tuple(students), late=late, time=time)


def _matches_any(known: Student, submissions: Sequence[Submission]) -> bool:
    return any(same(student, known) for submission in submissions for student in submission.students)


# Duplicates, names


def _with_due_date(submission: Submission, due: str) -> Submission:
    if not due or not submission.time:
        return submission
    return replace(submission, late=submission.late or moment(submission.time) > moment(due))


def _latest(submissions: Sequence[Submission]) -> list[Submission]:
    """Of several submissions of a student the last one; a submission that counts for nobody any more is dropped."""
    order = sorted(range(len(submissions)), key=lambda place: (_moment(submissions[place]), place))
    owner: dict[str, int] = {}
    count: dict[str, int] = defaultdict(int)
    for place in order:
        for student in submissions[place].students:
            owner[student.key] = place
            count[student.key] += 1
    kept = []
    for place, submission in enumerate(submissions):
        students = tuple(student for student in submission.students if owner[student.key] == place)
        more = [
            f"{student.name or student.id} handed in {count[student.key]} times: this one, the last, counts"
            for student in students
            if count[student.key] > 1
        ]
        if students:
            kept.append(replace(submission, students=students, notes=(*submission.notes, *more)))
    return kept


def _moment(submission: Submission) -> float:
    return moment(submission.time) if submission.time else 0.0


def _with_slugs(submissions: Sequence[Submission]) -> list[Submission]:
    """Submissions with names for their files: readable, harmless, unique, the same in every run."""
    taken: set[str] = set()
    named = []
    for submission in sorted(submissions, key=lambda submission: (submission.name.casefold(), _identity(submission))):
        base = slug(submission.name)[:60].strip("-")
        own = slug(submission.students[0].id or submission.students[0].sid)[:30].strip("-")
        if own and own != base and not base.endswith(f"-{own}"):
            base = f"{base}-{own}".strip("-")
        base = base or "submission"
        choice, number = base, 2
        while choice in taken:
            choice, number = f"{base}-{number}", number + 1
        taken.add(choice)
        named.append(replace(submission, slug=choice))
    return named


def _identity(submission: Submission) -> tuple[str, ...]:
    return tuple(student.key for student in submission.students)


def slug(text: str) -> str:
    """Text as part of a file name: small letters, digits and hyphens."""
    plain = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode()
    return re.sub(r"[^a-z0-9]+", "-", plain.lower()).strip("-")
