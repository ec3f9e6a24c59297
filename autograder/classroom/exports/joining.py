"""Reports that were handed in apart from the code: each student's files together."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from autograder.classroom.exports.counting import with_slugs
from autograder.classroom.exports.submission import Export
from autograder.classroom.roster import IDS, Student
from autograder.grading.files import shown


def with_reports(export: Export, reports: Export) -> Export:
    """The class with what was handed in elsewhere: each student's files together, and students who handed in there
    alone."""
    known = {key: place for place, one in enumerate(export.submissions) for key in _keys(one.students)}
    submissions = list(export.submissions)
    unread = [*export.unread, *reports.unread]
    for one in reports.submissions:
        places = {known[key] for key in _keys(one.students) if key in known}
        if one.doubt or len(places) > 1:
            unread.append(f"{shown(one.source)}: {one.doubt or 'belongs to students who handed in code apart'}")
        elif places:
            place = places.pop()
            mine = submissions[place]
            late = ("the report is late",) if one.late and not mine.late else ()
            submissions[place] = replace(
                mine, entries=(*mine.entries, *one.entries), notes=(*mine.notes, *one.notes, *late)
            )
        else:
            submissions.append(one)
    present = {key for one in submissions for key in _keys(one.students)}
    absent = [student for student in export.absent if not present.intersection(_keys([student]))]
    files = {what: count + reports.files.get(what, 0) for what, count in export.files.items()}
    return replace(export, submissions=with_slugs(submissions), absent=absent, unread=unread, files=files)


def _keys(students: Iterable[Student]) -> set[str]:
    """What students are known by, in whichever export: numbers and addresses; names where there are none."""
    found = set()
    for student in students:
        kinds = [kind for kind in (*IDS, "email") if getattr(student, kind)] or ["name"]
        found |= {f"{kind} {getattr(student, kind).casefold()}" for kind in kinds}
    return found
