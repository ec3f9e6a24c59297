"""The written part of a class: sheets to grade by, the table that takes the points, and the way back.

    OUT/written/index.html     everybody, and the way through the answers, student by student or question by question
                NAME.html      a student's answers beside questions and rubrics
                NAME.pdf       the student's PDF
                written.csv    a line for each student and question, to be filled in
                record.json    what became of the numeric checks, and what the sheets were made of

A table that lies there is never written to again: what it lacks, as for students who came late, goes into a new one.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import math
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from tqdm import tqdm

from autograder.classroom import answers as reading
from autograder.classroom import rechecks, sheets
from autograder.classroom.answers import Answers, bare, joined
from autograder.classroom.exports.submission import Export, HandedIn
from autograder.classroom.marks import TABLE, FilledRow, Mark, Names, named_anew, rows_of, taken
from autograder.classroom.parcel import pack
from autograder.classroom.rechecks import Recheck, Rechecked
from autograder.classroom.spreadsheets import TableError, meant
from autograder.grading.files import UnreadableError
from autograder.grading.report import count, number
from autograder.release import questions
from autograder.release.notebook import NOTEBOOK
from autograder.release.selfgrade import Asked, items
from autograder.repository import EXECUTOR, student_folder
from autograder.sandbox.text import wrapped
from autograder.stamp import stamp_in
from autograder.tables import csv_text
from autograder.tasks import Course
from autograder.writing import write_atomically

FOLDER, RECORD = "written", "record.json"
# People fill in points and remark.
COLUMNS = (
    *("student", "SID", "submission", "question", "title", "worth"),
    *("points", "remark", "answer", "check", "rubric", "report"),
)
SHOWN = 12  # names in one sentence


@dataclass
class Written:
    """The written part of a class.

    Attributes:
        course: its questions.
        export: who handed in.
        asked: the questions, in the course's order.
        answers, verdicts: slug to what was handed in, and to the verdict of each numeric check.
        marks: slug to what people have written, by question.
        complaints: what was handed in, or filled in, and does not count, a sentence each.
        notes: what else there is to say.
    """

    course: Course
    export: Export
    asked: Sequence[Asked]
    answers: Mapping[str, Answers]
    verdicts: Mapping[str, Mapping[str, Rechecked]] = field(default_factory=dict)
    marks: Mapping[str, Mapping[str, Mark]] = field(default_factory=dict)
    complaints: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    def open(self, slug: str) -> list[str]:
        """Numbers of the questions that have no points yet."""
        marks = self.marks.get(slug, {})
        return [item.label for item in self.asked if marks.get(item.label, Mark()).points is None]

    def total(self, slug: str) -> float | None:
        """A student's points; None while a question has none."""
        if self.open(slug):
            return None
        points = round(math.fsum(mark.points or 0.0 for mark in self.marks[slug].values()), 6)
        return int(points) if points.is_integer() else points

    @property
    def points(self) -> dict[str, float]:
        """`Student.key` -> points, of the students who have them."""
        totals = self.totals
        known = [(one, total) for one in self.export.submissions if (total := totals[one.slug]) is not None]
        return {student.key: total for one, total in known for student in one.students}

    @property
    def totals(self) -> dict[str, float | None]:
        """Points of every submission."""
        return {one.slug: self.total(one.slug) for one in self.export.submissions}


def asked_by(course: Course) -> list[Asked]:
    """The questions of a course.

    Raises:
        SourceError: one is not in order.
    """
    labels = {question.label for question in course.questions}
    return [item for item in items(course) if item.label in labels]


def _compare(written: Written, lost: Collection[tuple[str, str]]) -> None:
    """Say what lacks points, what was graded for another report, and where a person differs from a check."""
    for one in written.export.submissions:
        found, marks = written.answers[one.slug], written.marks.get(one.slug, {})
        missing = [label for label in written.open(one.slug) if (one.slug, label) not in lost]
        if len(missing) == len(written.asked):
            written.complaints.append(f"{one.slug}: not graded yet: all {len(missing)} questions")
        elif missing:
            written.complaints.append(f"{one.slug}: missing: {_listed(missing)}")
        now = report_id(found)
        old = [label for label, mark in marks.items() if mark.points is not None and mark.report not in ("", now)]
        if old:
            what = "the report that is there now is another one: look at it, then empty these cells under 'report'"
            written.complaints.append(f"{one.slug}: graded for an earlier report: {_listed(old)}; {what}")
        for item in written.asked:
            verdict = written.verdicts.get(one.slug, {}).get(item.label)
            earned = verdict.points(item.points) if verdict else None
            given = marks.get(item.label, Mark()).points
            if earned is not None and given is not None and abs(earned - given) > 0.005:
                said = f"{number(given)} points by hand, {number(earned)} by the check that was run again"
                written.notes.append(f"{one.slug}: {item.label}: {said}")


def _listed(labels: Sequence[str]) -> str:
    more = f" and {len(labels) - SHOWN} more" if len(labels) > SHOWN else ""
    return ", ".join(labels[:SHOWN]) + more


def report_id(found: Answers) -> str:
    """The same for the same report; a spreadsheet does not take it for a number."""
    return "none" if found.nothing else "r" + hashlib.sha256(found.content).hexdigest()[:8]


def grade(export: Export, course: Course, out: Path, rows: Sequence[FilledRow] | None = None) -> Written | None:
    """Read the answers, run the numeric checks again, take in what people have filled in, and write sheets and table.

    Args:
        rows: of filled-in tables; None if none was named.

    Returns:
        None if the course asks no questions that people grade here, or nobody handed in a report.

    Raises:
        SourceError: a question is not in order.
        UnreadableError: there are tables, and no questions.
    """
    asked = asked_by(course) if course.grading != "self" else []
    if rows is not None and not asked:
        raise UnreadableError(f"--written: {course.path.name} asks no questions that people grade")
    labels, given = {item.label for item in asked}, given_cells(course)
    bar = tqdm(export.submissions if asked else [], "reports", unit=" submissions", dynamic_ncols=True, leave=False)
    record = _record(out / FOLDER)
    pages = record.setdefault("pages", {})
    found = {one.slug: reading.read(one, labels, given, pages) for one in bar}
    if rows is None and all(answers.nothing for answers in found.values()) and not (out / FOLDER).is_dir():
        return None
    written = Written(course, export, asked, found)
    for one in export.submissions:
        written.complaints += [f"{one.slug}: {problem}" for problem in found[one.slug].problems]
    if rows is None and record.get("counted"):
        written.notes.append("the last run added points of these tables, this one does not: add --written")
    record["counted"] = rows is not None
    folder = out / FOLDER
    folder.mkdir(parents=True, exist_ok=True)
    folder.chmod(0o700)  # no code of a student's must read it
    try:
        written.verdicts = _verdicts(written, record)
        if rows is not None:
            marks = taken(rows, asked, export.submissions)
            written.marks = marks.of
            written.complaints += marks.complaints
            written.notes += marks.notes
            _compare(written, marks.lost)
        sheets.write(folder, written, record.setdefault("sheets", {}))
    finally:
        write_atomically(folder / RECORD, json.dumps(record, indent=1) + "\n")
    _write_table(folder, written)
    return written


def counted(out: Path) -> bool:
    """Whether the last run into a results' folder added points that people have filled in."""
    return bool(_record(out / FOLDER).get("counted"))


def sheets_in(out: Path) -> set[str]:
    """Slugs of all sheets in a results' folder."""
    return {path.stem for path in (out / FOLDER).glob("*.html")} - {"index"}


def forget(out: Path, before: Sequence[HandedIn], gone: Collection[str], renamed: Mapping[str, HandedIn]) -> None:
    """Delete sheets, PDFs, records and lines in tables, and put new names of others into the tables.

    Lines of others stay as people have written them. What `grade` writes anew, it has to write.

    Args:
        before: the class with the student.
        gone: slugs of what only the student handed in.
        renamed: slug of what others handed in too -> what is left of it.
    """
    folder = out / FOLDER
    if not folder.is_dir():
        return
    names = Names(before)

    def anew(cells: Mapping[str, str]) -> Mapping[str, str] | None:
        slug = names.written(cells)
        if slug not in renamed:
            return None if slug in gone else {}
        left = renamed[slug]
        answer = cells.get("answer", "").replace(f"{slug}.html#", f"{left.slug}.html#")
        return {**_who(left), "submission": left.slug, "answer": answer}

    for file in folder.glob("*.csv"):
        with contextlib.suppress(TableError):  # then it is no table of ours
            content = named_anew(file, anew)
            if content != file.read_bytes():
                write_atomically(file, content)
    record = _record(folder)
    record.pop("pages", None)  # read again where it is needed
    checks = record.get("checks", {})
    checks |= {left.slug: checks.pop(slug) for slug, left in renamed.items() if slug in checks}
    for slug in (*gone, *renamed):
        record.get("sheets", {}).pop(slug, None)
        for kind in ("html", "pdf"):
            (folder / f"{slug}.{kind}").unlink(missing_ok=True)
    for slug in gone:
        checks.pop(slug, None)
    (folder / "index.html").unlink(missing_ok=True)
    write_atomically(folder / RECORD, json.dumps(record, indent=1) + "\n")


def _who(one: HandedIn) -> dict[str, str]:
    """The cells that name its students."""
    return {"student": one.shown, "sid": ", ".join(filter(None, (student.sid for student in one.students)))}


def given_cells(course: Course) -> set[str]:
    """Sources of the cells of the notebook that students are given, as `answers.bare` gives them."""
    try:
        content = (student_folder(course.name, course.root) / NOTEBOOK).read_bytes()
        return {bare(joined(cell["source"])) for cell in json.loads(content)["cells"]}
    except (OSError, ValueError, LookupError, TypeError):
        return set()


def _record(folder: Path) -> dict[str, Any]:
    try:
        record = json.loads((folder / RECORD).read_text(encoding="utf-8"))
        return record if isinstance(record, dict) else {}
    except (OSError, ValueError):
        return {}


def _verdicts(written: Written, record: dict[str, Any]) -> dict[str, dict[str, Rechecked]]:
    """The verdicts of all notebooks: of those that are not known yet, the checks run.

    Args:
        record: of earlier runs, which is brought up to date.
    """
    from autograder.sandbox.zygote import Zygote, ZygoteDied, ZygoteSettings

    course, known = written.course, record.setdefault("checks", {})
    files = questions.read(course.root / questions.FOLDER)
    checks = [Recheck(one, files[one.name]) for one in course.questions if not files[one.name].manual]
    given = student_folder(course.name, course.root)
    ours = [(check.question.label, check.file.source) for check in checks], str(stamp_in(given))
    rules = repr((*ours, Path(rechecks.__file__).read_text(encoding="utf-8")))
    found: dict[str, dict[str, Rechecked]] = {}
    waiting: list[tuple[HandedIn, str]] = []
    for one in written.export.submissions if checks else ():
        answers = written.answers[one.slug]
        if not answers.notebook:
            continue
        try:
            code = pack(one.entries, course.files).content
        except UnreadableError:
            code = b""
        parts = (rules, repr(answers.cells), repr(sorted(answers.results.items())), code)
        hashes = [hashlib.sha256(part if isinstance(part, bytes) else part.encode()).digest() for part in parts]
        key = hashlib.sha256(b"".join(hashes)).hexdigest()
        if known.get(one.slug, {}).get("key") == key:
            found[one.slug] = {label: Rechecked(**it) for label, it in known[one.slug]["checks"].items()}
        else:
            waiting.append((one, key))
    if not waiting:
        return found
    lost = {check.question.label: Rechecked("grader", message="the sandbox could not be started") for check in checks}
    try:
        with Zygote(ZygoteSettings(executor=EXECUTOR, among_many=True)) as trunk:
            for one, key in tqdm(waiting, "numeric checks", unit=" notebooks", dynamic_ncols=True, leave=False):
                verdicts = rechecks.recheck(trunk, one, written.answers[one.slug], checks, course.files, given)
                found[one.slug] = verdicts
                if all(verdict.kind not in ("grader", "timeout") for verdict in verdicts.values()):
                    kept = {label: asdict(verdict) for label, verdict in verdicts.items()}
                    known[one.slug] = {"key": key, "checks": kept}
    except (ZygoteDied, OSError) as error:
        written.complaints.append(f"the numeric checks were not run again: {error}")
        found |= {one.slug: lost for one, _ in waiting if one.slug not in found}
    return found


def _lines(written: Written) -> Iterator[tuple[tuple[str, str], list[Any]]]:
    """(submission and question, line of the table), question by question, as people grade."""
    course = written.course
    files = questions.read(course.root / questions.FOLDER)
    by_label = {question.label: files[question.name] for question in course.questions}
    for item in written.asked:
        scaled = by_label[item.label].scaled(item.points) if by_label[item.label].manual else []
        rubric = "; ".join(f"{number(points)}: {' '.join(text.split())}" for points, text in scaled)
        for one in written.export.submissions:
            found = written.answers[one.slug]
            verdict = written.verdicts.get(one.slug, {}).get(item.label)
            nothing = found.is_empty(item.label) or found.nothing
            points = verdict.points(item.points) if verdict else 0.0 if nothing else None
            yield (
                (one.slug, item.label),
                [
                    *_who(one).values(),
                    one.slug,
                    item.label,
                    item.title,
                    number(item.points),
                    "" if points is None else number(points),
                    "",
                    where(found, item.label, one.slug),
                    said(verdict) if verdict else "",
                    rubric,
                    report_id(found),
                ],
            )


def where(found: Answers, label: str, slug: str) -> str:
    """Where a person finds an answer; why there is none."""
    if found.missing:
        return "no report was handed in" if found.nothing else "no report that can be read"
    if found.is_empty(label):
        return "not answered"
    return f"{slug}.html#{label}"


def said(verdict: Rechecked) -> str:
    """A verdict in a line."""
    tests = f" ({verdict.passed} of {verdict.of} tests passed)" if verdict.judged and verdict.of > 1 else ""
    return f"{verdict.kind.replace('_', ' ')}{tests}{f': {verdict.message}' if verdict.message else ''}"


def _write_table(folder: Path, written: Written) -> None:
    """Write the lines that no table of the folder has, into a table of their own."""
    there: set[tuple[str, str]] = set()
    names = Names(written.export.submissions)
    tables = sorted(folder.glob("*.csv"))
    for file in tables:
        try:
            rows = rows_of(file)
        except (TableError, OSError) as error:
            written.complaints.append(f"{file}: {error}")
            continue
        for row in rows:
            item = meant(row.cells, written.asked)
            there.add((names.slug(row.cells) or "", item.label if item else ""))
    new = [line for key, line in _lines(written) if key not in there]
    if not new:
        return
    taken, place = {file.name for file in tables}, 1
    while (name := TABLE if place == 1 else TABLE.replace(".", f"-{place}.")) in taken:
        place += 1
    write_atomically(folder / name, "\ufeff" + csv_text([COLUMNS, *new]))
    if tables:
        of = f"{count(len(new), 'line')} of {count(len({line[2] for line in new}), 'student')}"
        written.notes.append(f"{folder / name} is new: {of}, who had not been in a table")


def summary(written: Written, out: Path, ungradable: Collection[str], named: bool) -> list[str]:
    """What to print: lines for a terminal.

    Args:
        ungradable: slugs of the submissions without code that can be graded; of all, if the course grades no code.
        named: whether filled-in tables were named.
    """
    export, found = written.export, written.answers
    said = [*written.complaints, *written.notes]
    reports = [one for one in export.submissions if not found[one.slug].missing]
    without = [one.slug for one in export.submissions if found[one.slug].nothing]
    alone = [one.slug for one in reports if one.slug in ungradable] if written.course.ungraded == "" else []
    worth = number(sum(item.points for item in written.asked))
    notebooks = sum(bool(found[one.slug].notebook) for one in reports)
    pdfs = sum(bool(found[one.slug].pdf) for one in reports)
    lines = [
        f"written part, {worth} points: {count(len(reports), 'report')} (notebooks: {notebooks}, PDFs: {pdfs}), "
        f"{count(len(written.asked), 'question')}"
    ]
    if named:
        done = sum(points is not None for points in written.totals.values())
        lines[0] += f"; {done} of {count(len(export.submissions), 'submission')} graded"
    lines += [f"  no report, 0 points in the table: {_listed(without)}"] if without else []
    lines += [f"  only a report, no code that can be graded: {_listed(alone)}"] if alone else []
    lines += [f"  {line}" for line in said]
    folder = out / FOLDER
    places = [f"{folder / 'index.html'}"]
    if not named:
        places += [f"{folder / TABLE}", f'  fill in the points; ARGS="--written {folder}" then adds them']
    return [*map(wrapped, lines), *places]
