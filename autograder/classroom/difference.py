"""Two gradings of a class side by side: who changes, by how much, in which row, and why.

Why is told from what both results follow from (origin.py): whatever has changed and can touch a row is named, in an
order from the most to the least particular. Where a row differs and nothing has changed, that is said, too.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from autograder.classroom import class_list
from autograder.classroom.class_list import ClassList, Member
from autograder.classroom.origin import Origin, read_origin
from autograder.classroom.results_folder import FAILED, GRADED, Record, Store, is_results
from autograder.grading.files import listed
from autograder.grading.report import number
from autograder.grading.results import NOTHING
from autograder.tasks import SUITES

# Why a row, or a score, differs; the order in which they are named.
POINTS, CHECK, ADDED, REMOVED = "points moved", "check changed", "check added", "check removed"
SUBMISSION, OURS, FAILED_NOW = "submission changed", "an earlier failure of ours", "a failure of ours"
SHARED, GRADER, LIBRARIES = "what checks share changed", "grader changed", "libraries changed"
COURSE, SECRET, LIMITS = "course changed", "secret changed", "limits changed"
LATE, NEW, TIME = "late rule", "not graded before", "time ran out in one of them"
OLD, NOTHING_KNOWN = "not known: the earlier results are of an older version", "nothing that is known"
ORDER = (
    SUBMISSION, OURS, FAILED_NOW, NEW, POINTS, ADDED, REMOVED, CHECK, SHARED, COURSE, SECRET, LIMITS, GRADER, LIBRARIES,
    LATE, TIME, OLD, NOTHING_KNOWN,
)  # fmt: skip


@dataclass(frozen=True)
class Side:
    """What one of the two gradings says of a student.

    Attributes:
        member: with the score that counts.
        record: of the submission's grading; None without one.
        rows: id of a check to its row in results.json; empty if it cannot be read.
        origin: what that followed from; None if that is not known.
    """

    member: Member
    record: Record | None
    rows: Mapping[str, Mapping[str, Any]]
    origin: Origin | None

    @property
    def graded(self) -> float | None:
        """The points that this grading gave."""
        return self.record.score if self.record else None


@dataclass(frozen=True)
class RowChange:
    """A check that gives a student other points than before.

    Attributes:
        task: its label.
        number: of its task.
        title: of the check.
        verdict: "passes now" or "fails now" if that has changed, else "".
        hidden: whether students may not know it.
        before, now: points; None where there is no such row.
        worth_before, worth: what it is worth.
        why: of ORDER.
    """

    task: str
    number: str
    title: str
    verdict: str
    hidden: bool
    before: float | None
    now: float | None
    worth_before: float | None
    worth: float | None
    why: tuple[str, ...]


@dataclass(frozen=True)
class ScoreChange:
    """A student for whom something differs.

    Attributes:
        before: points that counted until now; None if there were none.
        graded: points of the new grading.
        counts: points that count from now on.
        late_before, late: how late, in words.
        why: of ORDER: all that rows name, and what concerns the whole.
        remark: what else people must know.
    """

    member: Member
    before: float | None
    graded: float | None
    counts: float | None
    late_before: str
    late: str
    rows: tuple[RowChange, ...] = ()
    why: tuple[str, ...] = ()
    remark: str = ""

    @property
    def difference(self) -> float:
        return (self.counts or 0.0) - (self.before or 0.0)

    @property
    def raised(self) -> bool:
        """Whether an earlier score counts because it was higher."""
        return self.counts is not None and self.counts > (self.graded or 0.0)


class Earlier:
    """An earlier grading of a class, by student.

    Args:
        store: its folder.
        people: of the class that is graded now.

    Attributes:
        origin: what the results of its last run follow from; None if that is not known.
        gone: who was there, and is not any more.
    """

    def __init__(self, store: Store, people: Sequence[Member]) -> None:
        self.store = store
        known = class_list.read(store.folder)
        if known is None:  # of an older version: each submission as a member without a name
            known = ClassList([Member(slug, score=record.score) for slug, record in store.records().items()])
        self.origin = read_origin(store.folder / "graders", known.origin) if known.origin else None
        found = class_list.matched(known.people, people)
        self._members = {_who(one): before for one, before in found.items()}
        self.gone = [one for one in known.people if one not in found.values()]

    def member(self, one: Member) -> Member | None:
        """A student as in that grading; None if the student was not there."""
        return self._members.get(_who(one))


def _who(one: Member) -> Member:
    """A student, whatever the points are."""
    return replace(one, score=None)


def higher(scores: Mapping[str, float | None], people: Sequence[Member], earlier: Earlier) -> dict[str, float | None]:
    """Scores by slug, where the earlier one counts if it was higher; of a group, the highest of its members."""
    found = dict(scores)
    for one in people:
        before = earlier.member(one)
        if before is not None and before.score is not None:
            found[one.slug] = max(before.score, found.get(one.slug) or 0.0)
    return found


def changes(people: Sequence[Member], store: Store, earlier: Earlier) -> list[ScoreChange]:
    """Everybody for whom something differs: those who lose most first, then those who gain most.

    Args:
        people: of the new grading, with the scores that count.
    """
    origins: dict[tuple[int, str], Origin | None] = {}
    found = []
    for one in people:
        before = earlier.member(one)
        sides = [_side(member, place, origins) for member, place in ((before, earlier.store), (one, store)) if member]
        change = _change(sides[0], sides[1]) if before else _new(sides[0])
        if change is not None:
            found.append(change)
    found.sort(key=lambda change: (change.difference >= 0, -abs(change.difference), change.member.name.casefold()))
    return found


def _side(member: Member, store: Store, origins: dict[tuple[int, str], Origin | None]) -> Side:
    record = store.record(member.slug)
    rows: dict[str, Mapping[str, Any]] = {}
    if record is not None and record.status == GRADED and store.whole(member.slug, record):
        document = store.document(member.slug)
        if is_results(document):
            rows = {row["extra_data"]["id"]: row for row in document["tests"]}
    place = id(store), record.origin if record else ""
    if place not in origins:
        origins[place] = read_origin(store.folder / "graders", place[1]) if place[1] else None
    return Side(member, record, rows, origins[place])


def _new(now: Side) -> ScoreChange:
    return ScoreChange(now.member, None, now.graded, now.member.score, "", now.member.late, (), (NEW,), _remark(now))


def _change(before: Side, now: Side) -> ScoreChange | None:
    """What differs for a student; None if nothing does."""
    kept = bool(now.record and now.record.kept)
    rows = () if kept or not (before.rows and now.rows) else tuple(_row_changes(before, now))
    why = {reason for row in rows for reason in row.why}
    if before.member.late != now.member.late:
        why.add(LATE)
    if (before.graded is None) != (now.graded is None):
        if before.record is None or before.record.status == FAILED:
            why.add(OURS if before.record else NEW)
        elif now.record is None or now.record.status == FAILED:
            why.add(FAILED_NOW)
        else:
            why |= _touching(before, now, "")
    elif before.graded != now.graded and not rows:
        why |= _touching(before, now, "")
    if kept and (now.record and now.record.kept) != (before.record and before.record.kept):
        why.add(FAILED_NOW)
    if not why and before.member.score == now.member.score:
        return None
    return ScoreChange(
        now.member,
        before.member.score,
        now.graded,
        now.member.score,
        before.member.late,
        now.member.late,
        rows,
        tuple(reason for reason in ORDER if reason in why),
        _remark(now),
    )


def _remark(now: Side) -> str:
    """What people must know of a result, or why there is none."""
    return now.record.remark or now.record.problem if now.record else ""


def _row_changes(before: Side, now: Side) -> list[RowChange]:
    """The checks that give other points, in the order of the new course; those that are gone come last."""
    found = []
    for id in [*now.rows, *(id for id in before.rows if id not in now.rows)]:
        old, new = before.rows.get(id), now.rows.get(id)
        shown = new or old or {}
        if old and new and old["score"] == new["score"] and _share(old) == _share(new):
            continue
        if not (old and new) and not (shown["score"] or shown["max_score"]):
            continue
        why = _why(id, old, new, before, now)
        task = str(shown["extra_data"]["task"])
        passed = [_share(row) == 1 for row in (old, new) if row]
        found.append(
            RowChange(
                _label(task, now.origin, before.origin) or f"Task {shown.get('number', '')}",
                str(shown.get("number", "")),
                str(shown.get("name", "")),
                ("passes now" if passed[-1] else "fails now") if len(set(passed)) == 2 else "",
                shown.get("visibility") != "visible",
                old["score"] if old else None,
                new["score"] if new else None,
                old["max_score"] if old else None,
                new["max_score"] if new else None,
                tuple(reason for reason in ORDER if reason in why),
            )
        )
    return found


def _label(task: str, *origins: Origin | None) -> str:
    return next((one["weighed"]["tasks"][task][0] for one in origins if one and task in one["weighed"]["tasks"]), "")


def _share(row: Mapping[str, Any]) -> float:
    if row["extra_data"]["kind"] == "passed":
        return 1.0
    return round(row["score"] / row["max_score"], 4) if row["max_score"] else 0.0


def _why(
    id: str, old: Mapping[str, Any] | None, new: Mapping[str, Any] | None, before: Side, now: Side
) -> Collection[str]:
    if old is None or new is None:
        return {ADDED if old is None else REMOVED} if NOTHING not in (*before.rows, *now.rows) else {SUBMISSION}
    why = {POINTS} if old["max_score"] != new["max_score"] else set[str]()
    if _share(old) == _share(new):
        return why
    kinds = old["extra_data"]["kind"], new["extra_data"]["kind"]
    if kinds[0] in ("grader", "not_run"):
        return why | {OURS}
    if kinds[1] in ("grader", "not_run"):
        return why | {FAILED_NOW}
    found = _touching(before, now, id)
    return why | ({TIME} if found == {NOTHING_KNOWN} and "timeout" in kinds else found)


def _touching(before: Side, now: Side, id: str) -> set[str]:
    """All that has changed and can touch the verdict of a check; "" for any check. Never empty."""
    found = set()
    submissions = {side.record.submission for side in (before, now) if side.record and side.record.submission}
    if len(submissions) > 1:
        found.add(SUBMISSION)
    if before.origin is None or now.origin is None:
        return found or {OLD}
    if "" in {side.record.submission for side in (before, now) if side.record}:
        found.add(SUBMISSION)  # one of the two could not even be read
    old, new = before.origin["judged"], now.origin["judged"]
    own = {origin["weighed"]["checks"].get(id, {}).get("file") for origin in (before.origin, now.origin)}
    for name in changed_files(old["files"], new["files"]):
        place = name.split("/")
        if name in own or (not id and place[1] in SUITES):
            found.add(CHECK)
        elif place[0] == "autograder":
            found.add(GRADER)
        elif place[1] not in SUITES or not place[-1].startswith("test_"):
            found.add(SHARED)  # not the checks of other files
    parts = {"versions": LIBRARIES, "secret": SECRET, "limits": LIMITS, "course": COURSE}
    found |= {reason for part, reason in parts.items() if old[part] != new[part]}
    return found or {NOTHING_KNOWN}


def changed_files(old: Mapping[str, str], new: Mapping[str, str]) -> list[str]:
    """Names whose content differs, or which only one of the two has."""
    return sorted(name for name in old.keys() | new.keys() if old.get(name) != new.get(name))


def course_changes(old: Origin | None, new: Origin) -> list[str]:
    """What differs between what two gradings follow from: sentences for the instructor."""
    if old is None:
        return ["The earlier results are of an older version, which did not note what they follow from."]
    said = []
    files = changed_files(old["judged"]["files"], new["judged"]["files"])
    checks = [name for name in files if name.startswith(("tests/", "provided/"))]
    if checks:
        said.append(f"Checks and what they use: {listed(checks)}.")
    if len(checks) < len(files):
        said.append(f"The grader: {listed([name for name in files if name not in checks])}.")
    versions = [old["judged"]["versions"], new["judged"]["versions"]]
    for name in changed_files(*versions):
        said.append(f"{name}: {versions[0].get(name, 'none')} before, {versions[1].get(name, 'none')} now.")
    said += _moved(old["weighed"], new["weighed"])
    if old["judged"]["course"] != new["judged"]["course"]:
        said.append("The course: what it asks for, or how that is judged.")
    if old["judged"]["secret"] != new["judged"]["secret"]:
        said.append("The secret, and so all random inputs.")
    if old["judged"]["limits"] != new["judged"]["limits"]:
        said.append("Limits of time or memory.")
    if old["rules"] != new["rules"]:
        rules = zip(_rule(old["rules"]), _rule(new["rules"]), strict=True)
        said.append("The late rule: " + "; ".join(f"{was} before, {now} now" for was, now in rules if was != now) + ".")
    return said


def _moved(old: Mapping[str, Any], new: Mapping[str, Any]) -> list[str]:
    """Points that have moved, by task; where a task is worth the same, the checks between which they have."""
    said = []
    whole = [sum(check["points"] for check in weighed["checks"].values()) for weighed in (old, new)]
    if number(whole[0]) != number(whole[1]):
        said.append(f"All code together: {number(whole[0])} points before, {number(whole[1])} now.")
    for name in (*new["tasks"], *(name for name in old["tasks"] if name not in new["tasks"])):
        label = (new["tasks"].get(name) or old["tasks"][name])[0]
        was, is_ = (tasks[name][2] if name in tasks else None for tasks in (old["tasks"], new["tasks"]))
        if was is None or is_ is None:
            said.append(f"{label}: {'new' if was is None else 'no longer asked for'}.")
        elif was != is_:
            said.append(f"{label}: {number(was)} points before, {number(is_)} now.")
        elif _weights(old, name) != _weights(new, name):
            said.append(f"{label}: its points have moved between its checks.")
    return said


def _weights(weighed: Mapping[str, Any], task: str) -> dict[str, float]:
    return {id: round(check["points"], 6) for id, check in weighed["checks"].items() if check["task"] == task}


def _rule(rules: Mapping[str, Any]) -> list[str]:
    """The parts of a late rule, in words."""
    late = rules["late"]
    return [
        f"due {rules['due']}" if rules["due"] else "due when the platform says",
        f"the clock of {rules['timezone']}",
        "any number of days" if late["days"] is None else f"at most {number(late['days'])} days",
        f"{number(late['percent_a_day'])} % a day",
        f"{number(late['grace_minutes'])} minutes of grace",
    ]
