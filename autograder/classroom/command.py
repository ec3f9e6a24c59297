"""`python -m autograder class SUBMISSIONS --out DIR`: grade a whole class and sum it up."""

from __future__ import annotations

import argparse
import os
import stat
import sys
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from zoneinfo import ZoneInfo

from autograder.classroom import class_list, deletion, difference_page, gradebook, progress, selfgrades, written
from autograder.classroom.cluster import ClusterError, reach
from autograder.classroom.deletion import Deletion
from autograder.classroom.difference import Earlier, higher
from autograder.classroom.exports import reading
from autograder.classroom.exports.joining import with_reports
from autograder.classroom.exports.submission import Export
from autograder.classroom.marks import FilledRow, Names, read_tables
from autograder.classroom.named import submissions_of
from autograder.classroom.origin import origin
from autograder.classroom.planning import Summary, jobs_of
from autograder.classroom.results_folder import (
    FAILED,
    UNGRADABLE,
    BusyError,
    Store,
    earlier_results,
    known_results,
)
from autograder.classroom.running import grade_all
from autograder.clock import moment
from autograder.exits import Exit
from autograder.grading.files import UnreadableError, listed
from autograder.grading.report import count, number
from autograder.grading.secret import SecretError, load_secret
from autograder.grading.session import Session
from autograder.release.notebook import NOTEBOOK
from autograder.release.selfgrade import FILE
from autograder.release.starter import SourceError
from autograder.sandbox import layers
from autograder.sandbox.text import wrapped
from autograder.tasks import Course, CourseError, chosen, course_option


@dataclass(frozen=True)
class ClassSettings:
    """What to grade, and how.

    Attributes:
        submissions: the export: folder or zip.
        out: the results' folder.
        session: see grading/session.py.
        workers: gradings at the same time on this machine.
        scheduler: address of a Dask scheduler to grade on instead, or None.
        platform, roster: see reading.read_export.
        due: as ISO 8601, or a date alone for the end of that day; "" for the course's own due date.
        form: of grades.csv, one of gradebook.FORMS; None for the one that fits, see gradebook.form_of.
        title: of the assignment, in grades.csv; None for the course's.
        similarity: whether to compare the submissions with each other.
        again: students who are graded again whatever is known, by name or number.
        against: an earlier results' folder, to compare with and to take over from; None for none.
        keep_higher: whether an earlier score counts if it was higher.
        anonymous: whether to write the page without names, too.
        delete: a student who is taken out of the results, see deletion.py; then nothing is graded.
        reports: the export in which reports were handed in, if that is another one.
        marks: lines of filled-in tables of the written part; None if none was named.
    """

    submissions: Path
    out: Path
    session: Session
    workers: int = 1
    scheduler: str | None = None
    platform: str | None = None
    roster: Path | None = None
    due: str = ""
    form: str | None = None
    title: str | None = None
    similarity: bool = True
    again: Sequence[str] = ()
    against: Path | None = None
    keep_higher: bool = False
    anonymous: bool = False
    delete: str | None = None
    reports: Path | None = None
    marks: Sequence[FilledRow] | None = None


def grade_class(settings: ClassSettings) -> Summary:
    """Grade what is not graded yet, and write results, grades.csv and class.html.

    Raises:
        UnreadableError, CourseError, ClusterError, BusyError: nothing can be graded; the message says why.
        OSError: the results cannot be written; what is written by then is kept.
        KeyboardInterrupt: what is finished by then is kept.
    """
    from autograder.classroom import page

    if settings.scheduler is not None:
        reach(settings.scheduler)  # before a large class is read
    course = settings.session.load()
    export = read_class(settings.submissions, course, settings.platform, settings.roster, settings.due, course.files)
    if settings.reports:
        export = with_reports(export, _read_reports(settings.reports, course, settings))
    title, points = settings.title or course.title, course.graded if settings.marks is None else course.total
    form, remarks = gradebook.form_of(export, settings.form, title, points)
    export.notes += [*remarks, *gradebook.remarks_on(course.late, export)]
    _refuse_open_folder(settings.submissions)
    again = submissions_of(export, settings.again)
    store, about = Store(settings.out, course), origin(settings.session, course)
    taken_out = _without(export, settings.delete, settings.out, settings.marks, store)
    people = class_list.members(taken_out.everybody if taken_out else export, {})
    earlier = Earlier(_earlier_results(settings, course), people) if settings.against else None
    marks = settings.marks
    if taken_out:
        export, marks = taken_out.export, _of_others(marks, taken_out)
    summary = Summary(export, deletion=taken_out)
    with store.locked():
        store.begin(about)
        if taken_out:
            deletion.remove(settings.out, taken_out)
            for one in taken_out.renamed.values():
                store.rename(one.slug, one.shown)
        print(*map(wrapped, export.summary()), sep="\n", flush=True)
        stores = [store, *([earlier.store] if earlier else ())]
        if taken_out:  # everybody else is as before, whatever has changed since
            summary.notes.update({one.slug: one.notes for one in export.submissions})
            summary.reused += [one.slug for one in export.submissions if store.record(one.slug)]
        else:
            jobs = list(jobs_of(course, about, store, lambda: known_results(stores), again, summary))
            grade_all(jobs, settings.session, settings.workers, settings.scheduler, store, earlier, summary)
        done = (*summary.graded, *summary.known, *summary.kept)
        records = {slug: record for slug in done if (record := store.record(slug))}
        summary.left_out += [slug for slug, record in records.items() if record.left_out]
        summary.ungradable += [slug for slug, record in records.items() if record.status == UNGRADABLE]
        summary.written = written.grade(export, course, settings.out, marks)
        by_hand = summary.written.points if summary.written and settings.marks is not None else None
        scores: Mapping[str, float | None] = {slug: record.score for slug, record in records.items()}
        if earlier and settings.keep_higher:
            scores = higher(scores, class_list.members(export, scores), earlier)
        elif taken_out and (last := class_list.read(settings.out)):
            counted = {_slug_now(one.slug, taken_out): one.score for one in last.people}
            scores = {slug: counted.get(slug, score) for slug, score in scores.items()}
        _compare(settings, store, earlier, scores, summary)
        gradebook.write(
            settings.out / "grades.csv", export, scores, points, form, title, by_hand, summary.remarks, course.late
        )
        links = [(f"{written.FOLDER}/index.html", "the written part")] if summary.written else []
        links += [(difference_page.PAGE, "what the new grading changes")] if earlier else []
        totals = summary.written.totals if summary.written and by_hand is not None else None
        page.write(store, summary, scores, settings.similarity, settings.anonymous, totals, links)
    return summary


def _without(
    export: Export, name: str | None, out: Path, marks: Sequence[FilledRow] | None, store: Store
) -> Deletion | None:
    """The class without the student of this name; None if there is none.

    Raises:
        UnreadableError: also if there are no results under this name, as where the roster gave another one, or if the
            grades of all others would lose the points of the written part.
    """
    if name is None:
        return None
    if marks is None and written.counted(out):
        raise UnreadableError("--delete: name the tables of the written part, too (--written), as in the last run")
    known = store.folders() | written.sheets_in(out)
    found = deletion.without(export, name, known)
    last = class_list.read(out)
    same = class_list.matched(last.people if last else [], class_list.members(export, {}))
    elsewhere = [now.slug for now, before in same.items() if before.slug in known]
    unknown = [slug for slug in (*found.folders, *found.renamed, *elsewhere) if slug not in known]
    if unknown:
        hint = "give the other options of the last run, such as --roster, too"
        hint += "; and whoever was deleted before must be deleted from the export and the roster first"
        raise UnreadableError(f"--delete: {out} has no results of {listed(list(dict.fromkeys(unknown)))}: {hint}")
    return found


def _slug_now(slug: str, taken_out: Deletion) -> str:
    """What a submission is called without the student who is taken out."""
    return taken_out.renamed[slug].slug if slug in taken_out.renamed else slug


def _of_others(marks: Sequence[FilledRow] | None, taken_out: Deletion) -> Sequence[FilledRow] | None:
    """The lines that are not about the student who is taken out, with the slugs that submissions have now."""
    if marks is None:
        return None
    names, left = Names(taken_out.before.submissions), []
    for row in marks:
        slug = names.written(row.cells)
        if slug in taken_out.renamed:
            row = replace(row, cells={**row.cells, "submission": _slug_now(slug, taken_out)})
        if slug not in taken_out.folders:
            left.append(row)
    return left


def _earlier_results(settings: ClassSettings, course: Course) -> Store:
    assert settings.against is not None
    if settings.against.resolve() == settings.out.resolve():
        raise UnreadableError("--against and --out are the same folder: name another one with --out (OUT=...)")
    return earlier_results(settings.against, course)


def _compare(
    settings: ClassSettings,
    store: Store,
    earlier: Earlier | None,
    scores: Mapping[str, float | None],
    summary: Summary,
) -> None:
    """Write what differs from earlier results, and who is in the class, for those who will compare with this."""
    people = class_list.members(summary.export, scores)
    last = class_list.read(settings.out)
    kept_higher = settings.keep_higher or bool(summary.deletion and last and last.kept_higher)
    if last and last.kept_higher and not kept_higher:
        lost = "the last run into this folder kept higher scores, this one does not: add --against and --keep-higher"
        summary.changes.append(wrapped(lost))
    if earlier is not None:
        difference_page.sum_up(store, earlier, people, settings.keep_higher, summary)
    class_list.write(settings.out, class_list.ClassList(people, store.origin, kept_higher))


def _refuse_open_folder(path: Path) -> None:
    """Without Landlock, code could read whatever is open to all users; the class must not be.

    Raises:
        UnreadableError: it is.
    """
    if layers.landlock_abi() or os.geteuid() != 0:
        # With our own user id everything of ours is open without Landlock: the grader warns of that itself.
        return
    path = path.resolve()
    if all(folder.stat().st_mode & stat.S_IXOTH for folder in path.parents) and path.stat().st_mode & stat.S_IROTH:
        raise UnreadableError(
            f"this kernel has no Landlock, so students' code could read {path} with everybody's submissions; "
            f"close it first: chmod go= {path}"
        )


def main(arguments: Sequence[str]) -> int:
    """The subcommand."""
    parser = _parser()
    options = parser.parse_args(arguments)
    graded_only = {"again": "--again", "against": "--against", "anonymous": "--anonymous"}
    idle = [option for name, option in graded_only.items() if getattr(options, name)]
    if bool(options.submissions) == bool(options.selfgrades):
        parser.error("say what to grade: an export of submissions, or --selfgrades FOLDER")
    if options.keep_higher and not options.against:
        parser.error("--keep-higher needs earlier results: add --against FOLDER")
    if options.selfgrades and (options.reports or options.written):
        parser.error("--reports and --written are for what people grade, not for self-grades")
    if options.selfgrades and options.delete:
        parser.error("self-grades keep nothing: instead of --delete, delete the student's table, and run this again")
    if options.selfgrades and idle:
        parser.error(f"{listed(idle)}: nothing is graded here but by students themselves")
    try:
        course = chosen(options.course)
        if options.selfgrades:
            return _sum_up(options, course)
        if course.ungraded and course.questions and course.grading != "self":
            if idle:
                raise UnreadableError(f"{listed(idle)}: no code is graded in this course")
            return _written_alone(options, course)
        if course.ungraded:
            hint = " but self-grades: add --selfgrades FOLDER" if course.grading == "self" else ""
            print(f"{course.ungraded}: there is nothing to grade{hint}", file=sys.stderr)
            return Exit.NOTHING
        settings = _settings(options, course)
        summary = grade_class(settings)
    except (UnreadableError, CourseError, SourceError, ClusterError, BusyError, SecretError) as error:
        print(*map(wrapped, f"class: {error}".splitlines()), sep="\n", file=sys.stderr)
        return Exit.NOTHING if isinstance(error, UnreadableError) else Exit.FAILED
    except KeyboardInterrupt:
        print(f"interrupted: what is finished is kept in {options.out}; the same command goes on", file=sys.stderr)
        return Exit.INTERRUPTED
    export = summary.export
    ungradable = sorted(set(summary.ungradable))
    took = f"graded in {progress.duration(summary.seconds)}" if summary.graded else "graded"
    always = ("graded", "graded before", UNGRADABLE, FAILED)
    ways = [f"{n} {took if way == 'graded' else way}" for way, n in summary.ways.items() if n or way in always]
    print(wrapped(f"{count(len(export.submissions), 'submission')}: {', '.join(ways)}"))
    store = Store(settings.out, settings.session.load())
    for status, slugs in ((UNGRADABLE, ungradable), (FAILED, summary.failed)):
        for slug in slugs:
            record = store.record(slug)
            problem = (record.remark or record.problem) if record else "no record"
            print(wrapped(f"  {status}: {slug}: {problem}"))
    for line in summary.changes:
        print(line)
    print(f"{options.out / 'class.html'}\n{options.out / 'grades.csv'}")
    for slug in sorted(set(summary.left_out)):
        print(f"  something was left out; the report says what: {slug}")
    part = summary.written
    if part is None and course.questions and course.grading != "self":
        print(wrapped(f"no reports: the written part, {number(course.written)} points, is not graded here"))
    if part:
        print(*written.summary(part, settings.out, ungradable, settings.marks is not None), sep="\n")
    if summary.deletion:
        _say_what_is_left(options, summary.deletion)
    if summary.failed:
        return Exit.FAILED
    lost = ungradable or summary.left_out or export.unread or (part and part.complaints)
    return Exit.LEFT_OUT if lost else Exit.DONE


def _written_alone(options: argparse.Namespace, course: Course) -> int:
    """Grade what is written by hand, in a course that grades no code; the exit status."""
    marks: Sequence[FilledRow] | None = read_tables(options.written) if options.written else None
    if options.reports:
        raise UnreadableError("--reports: no code is graded in this course, so name the reports without it")
    export = read_class(options.submissions, course, options.export, options.roster, options.due, table=NOTEBOOK)
    title = options.title or course.title
    form, remarks = gradebook.form_of(export, options.form, title, course.total)
    export.notes += remarks
    store = Store(options.out, course)
    taken_out = _without(export, options.delete, options.out, marks, store)
    if taken_out:
        export, marks = taken_out.export, _of_others(marks, taken_out)
    with store.locked():
        if taken_out:
            deletion.remove(options.out, taken_out)
        print(*map(wrapped, export.summary()), sep="\n", flush=True)
        part = written.grade(export, course, options.out, marks)
        if part is None:
            raise UnreadableError(f"nobody has handed in a report: neither {NOTEBOOK} nor a PDF is there")
        gradebook.write(options.out / "grades.csv", export, part.totals, course.total, form, title)
    print(*written.summary(part, options.out, (), marks is not None), sep="\n")
    print(options.out / "grades.csv")
    if taken_out:
        _say_what_is_left(options, taken_out)
    return Exit.LEFT_OUT if export.unread or part.complaints else Exit.DONE


def _say_what_is_left(options: argparse.Namespace, deleted: Deletion) -> None:
    """What was deleted, and where the student is still named."""
    for name in deleted.folders:
        print(f"deleted: {options.out / 'students' / name}")
        if (options.out / written.FOLDER).is_dir():
            print(f"deleted: sheet, PDF and lines of tables in {options.out / written.FOLDER}")
    for kept in deleted.renamed.values():
        print(wrapped(f"the others of the group keep what was handed in; files and tables now call it {kept.slug}"))
    left = {
        "Still named in these files. Look, and delete it by hand:": deletion.remaining(options.out, deleted),
        "Not searched, since they are packed:": deletion.packed(options.out),
    }
    for what, paths in left.items():
        if paths:
            print(what, *(f"  {path}" for path in paths), sep="\n")
    inside = options.out.resolve()
    tables = [path for path in options.written or () if not path.resolve().is_relative_to(inside)]
    sources = [options.submissions, *filter(None, (options.reports, options.roster)), *tables]
    print(wrapped(f"The student may still be in {listed(list(map(str, sources)))}: delete that, too, or it comes back"))


def _sum_up(options: argparse.Namespace, course: Course) -> int:
    """Sum up self-grades; the exit status."""
    if course.grading != "self":
        raise UnreadableError(f'{course.path.name}: students do not grade themselves (grading = "{course.grading}")')
    export = read_class(options.selfgrades, course, options.export, options.roster, options.due, table=FILE)
    return selfgrades.sum_up(export, options.out, course, options.form, options.title)


def read_class(
    path: Path,
    course: Course,
    platform: str | None = None,
    roster: Path | None = None,
    due: str = "",
    expected: Collection[str] = (),
    table: str = "",
) -> Export:
    """A class as `reading.read_export` has it, with the course's clock and its due date if `due` is "".

    Raises:
        UnreadableError: also if `due` is not a time.
    """
    zone = ZoneInfo(course.timezone)
    try:
        end = moment(due, zone) if due else course.due
    except ValueError as error:
        raise UnreadableError(f"--due: {error}") from None
    export = reading.read_export(
        path, expected, platform, roster, end, table, zone=zone, grace_minutes=course.late.grace_minutes
    )
    if end is not None:
        whose = "--due" if due else course.path.name
        export.notes.insert(0, f"late is what came after {end.astimezone(zone):%Y-%m-%d %H:%M:%S %Z} ({whose}, {zone})")
    return export


def _read_reports(path: Path, course: Course, settings: ClassSettings) -> Export:
    """The export in which reports were handed in."""
    return read_class(path, course, settings.platform, settings.roster, settings.due, table=NOTEBOOK)


def _settings(options: argparse.Namespace, course: Course) -> ClassSettings:
    if options.workers < 1:
        raise UnreadableError("--workers: there must be at least one")
    return ClassSettings(
        submissions=options.submissions,
        out=options.out,
        session=Session.of(course, load_secret(options.secret_file), seconds=options.seconds),
        workers=options.workers,
        scheduler=options.scheduler,
        platform=options.export,
        roster=options.roster,
        due=options.due,
        form=options.form,
        title=options.title,
        similarity=options.similarity,
        again=options.again,
        against=options.against,
        keep_higher=options.keep_higher,
        anonymous=options.anonymous,
        delete=options.delete,
        reports=options.reports,
        marks=read_tables(options.written) if options.written else None,
    )


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m autograder class",
        description="Grade a whole class: an export of Gradescope, Canvas, Moodle, Brightspace, Blackboard or GitHub "
        "Classroom, or a folder with a folder, archive or file for each student. Finished submissions are not graded "
        "again. Reports become sheets and a table, by which people grade the written part. Where students grade "
        "themselves, sum up their tables.",
    )
    parser.add_argument("submissions", type=Path, nargs="?", help="the export: a folder or a zip")
    parser.add_argument(
        "--selfgrades", type=Path, metavar="FOLDER", help="instead: a folder, zip or export of filled-in selfgrade.csv"
    )
    parser.add_argument("--out", type=Path, required=True, metavar="DIR", help="the results' folder")
    parser.add_argument(
        "--workers",
        type=int,
        default=_processors(),
        metavar="N",
        help="gradings at the same time (default: %(default)s)",
    )
    course_option(parser)
    parser.add_argument("--scheduler", metavar="ADDRESS", help="grade on the Dask cluster with this scheduler instead")
    parser.add_argument("--export", choices=reading.PLATFORMS, metavar="KIND", help="%(choices)s (default: recognised)")
    parser.add_argument(
        "--roster",
        type=Path,
        metavar="CSV",
        help="list of students: the platform's, or your own",
    )
    parser.add_argument(
        "--due", default="", metavar="TIME", help="2026-11-20 (its end) or 2026-11-20T23:59 (default: the course's)"
    )
    parser.add_argument(
        "--form",
        choices=gradebook.FORMS,
        metavar="KIND",
        help="whose grades.csv to write: %(choices)s (default: the export's)",
    )
    parser.add_argument("--title", help="the assignment's name in grades.csv (default: the course's title)")
    parser.add_argument(
        "--reports",
        type=Path,
        metavar="EXPORT",
        help="the export in which reports were handed in, if apart from the code",
    )
    parser.add_argument(
        "--written",
        type=Path,
        action="append",
        metavar="FILE",
        help="a filled-in table of the written part, or a folder of such tables: add its points; may be repeated",
    )
    parser.add_argument(
        "--seconds", type=float, default=Session.seconds, help="limit of a grading (default: %(default)g)"
    )
    parser.add_argument("--secret-file", type=Path, metavar="FILE", help="the assignment's secret")
    parser.add_argument(
        "--again",
        action="append",
        default=[],
        metavar="NAME",
        help="grade a student again, by name, number, login or e-mail address; may be repeated",
    )
    parser.add_argument(
        "--against", type=Path, metavar="DIR", help="earlier results: say whose points change, and grade only what may"
    )
    parser.add_argument(
        "--keep-higher",
        action="store_true",
        help="with --against: nobody loses points; the earlier score counts if it is higher",
    )
    parser.add_argument(
        "--anonymous",
        action="store_true",
        help="also write class-anonymous.html, for a lecture: without names and code",
    )
    parser.add_argument(
        "--delete",
        metavar="NAME",
        help="delete a student from all results, by name, number, login, e-mail address or folder; grade nothing",
    )
    parser.add_argument(
        "--no-similarity", dest="similarity", action="store_false", help="leave the comparison of submissions out"
    )
    return parser


def _processors() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
