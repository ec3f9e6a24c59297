"""class.html: the class at a glance, in one file that opens from disk and loads nothing."""

from __future__ import annotations

import csv
import html
import io
import statistics
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from tqdm import tqdm

from autograder.classroom import analysis, charts, similarity
from autograder.classroom.analysis import Graded, Item
from autograder.classroom.layouts import Export, Submission
from autograder.classroom.parcel import pack
from autograder.classroom.results_folder import GRADED, Record, Store
from autograder.classroom.similarity import Pair
from autograder.classroom.trees import UnreadableError
from autograder.grading.grade import PROVIDED
from autograder.grading.report import STYLE as REPORT_STYLE
from autograder.grading.report import number
from autograder.grading.results import write_atomically
from autograder.tasks import Points

SHOWN_MISTAKES, SHOWN_PAIRS, SHOWN_SLOWEST, SHOWN_LEADERS = 25, 40, 10, 20
SHOWN_NAMES = 3
SHOWN_HARDEST, HARD = 15, 0.5
STYLE = """
body { max-width: 64rem; }
h2 { margin: 0 0 .6rem; }
nav { margin: .6rem 0 1.2rem; display: flex; flex-wrap: wrap; gap: .3rem 1rem; }
a { color: var(--good); }
.figures { display: flex; flex-wrap: wrap; gap: .5rem 2rem; margin: 1rem 0; }
.figures div { min-width: 6rem; } .figures b { display: block; font-size: 1.5rem; font-weight: 600; line-height: 1.2; }
.figures span, .note, caption { color: var(--soft); font-size: .9rem; }
.chart { display: block; width: 100%; max-width: 55rem; margin: .5rem auto 1rem; background: #fff;
  border-radius: .35rem; }
.wide { overflow-x: auto; }
table { border-collapse: collapse; width: 100%; font-size: .9rem; }
th, td { text-align: left; vertical-align: top; padding: .3rem .9rem .3rem 0; border-bottom: 1px solid var(--line); }
th { color: var(--soft); font-weight: 500; white-space: nowrap; }
td.n, th.n { text-align: right; font-variant-numeric: tabular-nums; white-space: nowrap; }
tr:last-child td { border-bottom: 0; } table.narrow { width: auto; }
td.text { overflow-wrap: anywhere; min-width: 14rem; }
.rate { display: inline-block; width: 5rem; height: .5rem; border-radius: .25rem; background: var(--line);
  overflow: hidden; margin-right: .4rem; }
.rate i { display: block; height: 100%; background: var(--good); }
.late, .odd { color: var(--bad); }
section > details { border: 0; margin-top: .6rem; } summary { color: var(--good); }
"""


@dataclass(frozen=True)
class Class:
    """Everything that the page shows.

    Attributes:
        export: who handed in what.
        points: the checks.
        graded: results of what was graded.
        records: slug -> how its grading went.
        notes: slug -> what the instructor should know.
        pairs: submissions that are alike; None where they were not compared.
    """

    export: Export
    points: Points
    graded: Sequence[Graded]
    records: Mapping[str, Record]
    notes: Mapping[str, tuple[str, ...]]
    pairs: Sequence[Pair] | None = None

    @property
    def total(self) -> float:
        return sum(check.points for check in self.points.checks)


def write(
    folder: Path, export: Export, store: Store, points: Points, notes: Mapping[str, tuple[str, ...]], compare: bool
) -> None:
    """Write class.html, and similarity.csv if the submissions are to be compared."""
    records = {one.slug: record for one in export.submissions if (record := store.record(one.slug)) is not None}
    graded = [
        analysis.reduce(slug, store.document(slug))
        for slug, record in tqdm(records.items(), "summing up", unit=" submissions", dynamic_ncols=True)
        if record.status == GRADED
    ]
    pairs = _compare(export.submissions, points) if compare else None
    if pairs is not None:
        write_atomically(folder / "similarity.csv", _pairs_csv(pairs))
    write_atomically(folder / "class.html", page(Class(export, points, graded, records, notes, pairs)))


def _compare(submissions: Sequence[Submission], points: Points) -> list[Pair]:
    expected = points.files
    starter = similarity.starter_hashes(PROVIDED)
    found = {}
    for submission in tqdm(submissions, "comparing", unit=" submissions", dynamic_ncols=True):
        try:
            content = pack(submission.entries, expected).content
        except UnreadableError:
            continue  # the page names it among those that failed
        found[submission.slug] = similarity.fingerprint(content, expected, starter)
    return similarity.pairs(found)


def _pairs_csv(pairs: Sequence[Pair]) -> str:
    buffer = io.StringIO()
    writer = csv.writer(buffer)
    writer.writerow(["first", "second", "shared", "of first", "of second", "identical", "mostly in"])
    for pair in pairs:
        shares = f"{pair.first_share:.3f}", f"{pair.second_share:.3f}"
        identical = "yes" if pair.identical else ""
        writer.writerow([pair.first, pair.second, pair.shared, *shares, identical, " ".join(pair.files)])
    return buffer.getvalue()


def page(about: Class) -> str:
    """The page as a string of HTML."""
    parts = {
        "scores": ("Scores", _scores(about)),
        "tasks": ("Tasks", charts.tasks(analysis.task_shares(about.graded, about.points)) if about.graded else ""),
        "checks": ("Checks", _checks(about)),
        "mistakes": ("Commonest mistakes", _mistakes(about)),
        "leaderboard": ("Training leaderboard", _leaderboard(about)),
        "attention": ("What needs a look", _attention(about)),
        "similar": ("Similar submissions", _similar(about)),
        "time": ("Grading time", _time(about)),
        "students": ("Everybody", _students(about)),
    }
    parts = {id: part for id, part in parts.items() if part[1]}
    links = "".join(f'<a href="#{id}">{title}</a>' for id, (title, _) in parts.items())
    sections = "\n".join(f'<section id="{id}"><h2>{title}</h2>{text}</section>' for id, (title, text) in parts.items())
    return (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        # Names and messages come from strangers; what slipped through the escaping could still do nothing.
        '<meta http-equiv="Content-Security-Policy" '
        "content=\"default-src 'none'; style-src 'unsafe-inline'; img-src data:\">\n"
        f"<title>Class report</title>\n<style>{REPORT_STYLE}{STYLE}</style>\n</head>\n<body>\n"
        f"<h1>Class report</h1>\n{_figures(about)}\n<nav>{links}</nav>\n{sections}\n</body>\n</html>\n"
    )


def _figures(about: Class) -> str:
    scores = [one.score for one in about.graded]
    failed = sum(record.status != GRADED for record in about.records.values())
    shown = [
        (str(len(about.export.submissions)), "submissions"),
        (str(len(scores)), "graded"),
        (str(failed), "failed"),
        (str(len(about.export.absent)), "on the roster without one") if about.export.absent else None,
        (str(sum(one.late for one in about.export.submissions)), "late"),
        (number(round(statistics.fmean(scores), 1)), f"mean of {number(about.total)}") if scores else None,
        (number(statistics.median(scores)), "median") if scores else None,
    ]
    boxes = "".join(f"<div><b>{value}</b><span>{what}</span></div>" for value, what in filter(None, shown))
    return f'<div class="figures">{boxes}</div>'


def _scores(about: Class) -> str:
    return charts.scores([one.score for one in about.graded], about.total) if about.graded else ""


def _checks(about: Class) -> str:
    if not about.graded:
        return ""
    found = analysis.analyse(about.graded, about.points)
    note = (
        '<p class="note">Discrimination: the correlation of passing a check with the score in all others. Near 1, the '
        "check tells strong submissions from weak ones; near 0 or below, or where everyone who tried fails, look at "
        "the check itself. These stand out, the hardest first:</p>"
    )
    order = {task.number: place for place, task in enumerate(about.points.tasks)}
    odd = [item for item in found if item.remark or (item.passed < HARD and item.attempted)]
    hardest = sorted(odd, key=lambda item: (item.remark == "everyone passes", item.passed, order[item.check.task]))
    listed = sorted(found, key=lambda item: (order[item.check.task], item.passed))
    chart = charts.checks(found) if any(item.discrimination is not None for item in found) else ""
    first = _items(hardest[:SHOWN_HARDEST]) if hardest else "<p>No check stands out.</p>"
    return f"{chart}{note}{first}<details><summary>All {len(found)} checks</summary>{_items(listed)}</details>"


def _items(found: Sequence[Item]) -> str:
    rows = []
    for item in found:
        kind = "hidden" if item.check.hidden_inputs else "public"
        remark = f' <span class="odd">{html.escape(item.remark)}</span>' if item.remark else ""
        rows.append(
            [
                _cell(item.check.task),
                f'<td class="text">{html.escape(item.check.title)} <span class="note">{kind}</span>{remark}</td>',
                _cell(number(item.check.points), "n"),
                f'<td class="n">{_rate(item.passed)}</td>',
                _cell(f"{100 * item.attempted:.0f} %", "n"),
                _cell("" if item.discrimination is None else f"{item.discrimination:.2f}", "n"),
            ]
        )
    return _table(("task", "check", "n:points", "n:pass", "n:tried", "n:discrimination"), rows)


def _mistakes(about: Class) -> str:
    names = _names(about.export)
    rows = [
        [
            _cell(len(mistake.slugs), "n"),
            _cell(mistake.task),
            f'<td class="text">{html.escape(_short(mistake.text, 400))}</td>',
            f"<td>{_people(mistake.slugs, names)}</td>",
        ]
        for mistake in analysis.mistakes(about.graded, about.points)[:SHOWN_MISTAKES]
    ]
    if not rows:
        return ""
    note = '<p class="note">What the checks said, by the number of submissions that read it; numbers may differ.</p>'
    return note + _table(("n:submissions", "task", "diagnosis", "whose"), rows)


def _leaderboard(about: Class) -> str:
    leaders = analysis.leaderboard(about.graded)
    names = _names(about.export)
    rows = [
        [_cell(place, "n"), f"<td>{_person(one.slug, names)}</td>", _cell(f"{one.elbo:.2f}", "n")]
        for place, one in enumerate(leaders[:SHOWN_LEADERS], start=1)
    ]
    if not rows:
        return ""
    more = f"; the first {SHOWN_LEADERS} of {len(leaders)}" if len(leaders) > SHOWN_LEADERS else ""
    note = f'<p class="note">Negative ELBO of the trained model in nats per image, lower is better{more}.</p>'
    return note + _table(("n:", "who", "n:negative ELBO"), rows, "narrow")


def _attention(about: Class) -> str:
    """Submissions that failed, could not be read, or came in an odd way."""
    names = _names(about.export)
    by_slug = {one.slug: one for one in about.graded}
    rows = []
    for submission in about.export.submissions:
        slug, record = submission.slug, about.records.get(submission.slug)
        said = []
        if record is None or record.status != GRADED:
            said.append(("not graded", record.problem if record else "no record"))
        if slug in by_slug and by_slug[slug].slow:
            said.append(("out of time", "slow or hanging code lost its task even with four times the time"))
        said += [("nothing could be graded", error) for error in by_slug[slug].errors] if slug in by_slug else []
        said += [("", note) for note in about.notes.get(slug, ())]
        if said:
            texts = "<br>".join(
                (f'<b class="odd">{what}</b>: ' if what else "") + html.escape(_short(text, 300)) for what, text in said
            )
            # Without results there is no report.
            file = "report.html" if slug in by_slug else "grader.log"
            rows.append(
                (
                    not any(what for what, _ in said),
                    f"<td>{_person(slug, names, file)}</td>",
                    f'<td class="text">{texts}</td>',
                )
            )
    listed = [list(row[1:]) for row in sorted(rows, key=lambda row: row[0])]
    odd = "".join(f'<p class="note">{html.escape(note)}</p>' for note in about.export.notes)
    return odd + (_table(("who", "what"), listed) if listed else "")


def _similar(about: Class) -> str:
    if about.pairs is None:
        return ""
    names = _names(about.export)
    note = (
        '<p class="note">Submissions that share more of what is neither in the starter files nor common to many, found '
        "by fingerprints of their code (winnowing). It is a hint where to look, not a finding: short tasks have few "
        "right answers. Judge only after reading both, and let no score depend on it. All pairs are in "
        "similarity.csv.</p>"
    )
    rows = [
        [
            f"<td>{_person(pair.first, names)}</td>",
            f"<td>{_person(pair.second, names)}</td>",
            _cell(pair.shared or "", "n"),
            _cell(f"{100 * pair.first_share:.0f} %", "n"),
            _cell(f"{100 * pair.second_share:.0f} %", "n"),
            _cell("identical code" if pair.identical else ", ".join(pair.files)),
        ]
        for pair in about.pairs[:SHOWN_PAIRS]
    ]
    head = ("one", "other", "n:passages", "n:of one's own", "n:of other's own", "mostly in")
    return note + (_table(head, rows) if rows else "<p>No two submissions share more than chance.</p>")


def _time(about: Class) -> str:
    records = {slug: record for slug, record in about.records.items() if record.seconds}
    if not records:
        return ""
    names = _names(about.export)
    slowest = sorted(records, key=lambda slug: -records[slug].seconds)[:SHOWN_SLOWEST]
    rows = [
        [
            f"<td>{_person(slug, names, 'report.html' if records[slug].status == GRADED else 'grader.log')}</td>",
            _cell(f"{records[slug].seconds:.0f} s", "n"),
            _cell(f"{records[slug].cpu_seconds:.0f} s", "n"),
            _cell(f"{records[slug].peak_mib:.0f} MiB", "n"),
            _cell(records[slug].host),
        ]
        for slug in slowest
    ]
    chart = charts.seconds([record.seconds for record in records.values()])
    return chart + _table(("slowest", "n:wall clock", "n:processor", "n:largest process", "machine"), rows)


def _students(about: Class) -> str:
    by_slug = {one.slug: one for one in about.graded}
    groups = [group.number for group in about.points.groups]
    rows = []
    for submission in about.export.submissions:
        one = by_slug.get(submission.slug)
        late = ' <span class="late">late</span>' if submission.late else ""
        cells = [f'<td><a href="students/{submission.slug}/report.html">{html.escape(submission.name)}</a>{late}</td>']
        if one is None:
            cells = [f"<td>{html.escape(submission.name)}{late}</td>", _cell("not graded", "n")]
            cells += [_cell("") for _ in groups]
        else:
            cells.append(_cell(number(one.score), "n"))
            cells += [_cell(number(_of_group(one, about.points, group)), "n") for group in groups]
        rows.append(cells)
    rows += [[_cell(student.name or student.id), _cell("nothing handed in", "n")] for student in about.export.absent]
    head = ["who", f"n:of {number(about.total)}"]
    head += [f"n:task {group}" for group in groups]
    return _table(head, rows)


def _of_group(one: Graded, points: Points, group: int) -> float:
    numbers = {task.number for task in points.tasks if task.group == group}
    return sum(one.shares.get(check.id, 0.0) * check.points for check in points.checks if check.task in numbers)


def _names(export: Export) -> dict[str, str]:
    return {submission.slug: submission.name for submission in export.submissions}


def _person(slug: str, names: Mapping[str, str], file: str = "report.html") -> str:
    return f'<a href="students/{slug}/{file}">{html.escape(_short(names.get(slug, slug), 60))}</a>'


def _people(slugs: Sequence[str], names: Mapping[str, str]) -> str:
    more = f" and {len(slugs) - SHOWN_NAMES} more" if len(slugs) > SHOWN_NAMES else ""
    return ", ".join(_person(slug, names) for slug in slugs[:SHOWN_NAMES]) + more


def _short(text: str, limit: int) -> str:
    return text if len(text) <= limit else text[: limit - 1] + "…"


def _rate(share: float) -> str:
    return f'<span class="rate"><i style="width:{100 * share:.1f}%"></i></span>{100 * share:.0f} %'


def _cell(text: object, kind: str = "") -> str:
    attribute = f' class="{kind}"' if kind else ""
    return f"<td{attribute}>{html.escape(str(text))}</td>"


def _table(head: Iterable[str], rows: Iterable[Sequence[str]], kind: str = "") -> str:
    """A table; headings that begin with "n:" are those of numbers."""
    titles = "".join(
        f'<th class="n">{html.escape(title[2:])}</th>' if title.startswith("n:") else f"<th>{html.escape(title)}</th>"
        for title in head
    )
    body = "\n".join(f"<tr>{''.join(row)}</tr>" for row in rows)
    table = f'<table class="{kind}"><thead><tr>{titles}</tr></thead><tbody>\n{body}\n</tbody></table>'
    return f'<div class="wide">{table}</div>'
