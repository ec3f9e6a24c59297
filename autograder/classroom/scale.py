"""`python -m autograder.classroom.scale --out DIR`: makes a class, grades it, and says how fast and how rightly.

The class has what a real one has, and worse: the reference solution, correct variants, mistakes (the audit's mutants),
work that stops half-way, untouched starter files, uploads that cannot be read, and hostile submissions. What each must
come out as is known beforehand: how many are lost or wrong is the outcome, besides throughput and memory.

Not part of the tests: 300 submissions take hours of processor time.
"""

from __future__ import annotations

import argparse
import itertools
import json
import os
import random
import shutil
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tqdm import tqdm

from autograder import points
from autograder.attacks import corpus as attacks
from autograder.attacks.stage import obstacles
from autograder.audit import corpus
from autograder.bench_grading import MemorySampler
from autograder.classroom.grading import ROOT, Options
from autograder.classroom.run import ClassSettings, Summary, grade_class
from autograder.classroom.store import Store
from autograder.points import Points
from autograder.reference_submission import hand_in
from autograder.release import write_zip
from autograder.results import write_atomically
from autograder.secret import load_secret
from autograder.starter import make_starter

# Shares of a class; what is left over are mistakes.
SHARES = {"variant": 0.24, "reference": 0.08, "partial": 0.12, "starter": 0.05, "hostile": 0.1, "unreadable": 0.03}
FIRST = (
    "Ada Ben Cleo Dan Eva Finn Gia Hugo Ida Jon Kira Leo Mia Noa Otto Pia Quim Rosa Sam Tea Uma Vik Wim Xia Yara Zoe"
)
LAST = "Abel Bohr Cantor Dirac Euler Fermi Gauss Hopper Ito Jordan Klein Lamarr Meitner Noether Oresme Pascal Ruiz Sato"
MODEL = "gmvae.safetensors"
LARGE_CLASS = 10_000
SAMPLE_SECONDS = 3.0


@dataclass(frozen=True)
class Member:
    """A made-up student.

    Attributes:
        name: also of the folder or zip.
        kind: one of SHARES, or "mutant".
        what: which mutant, variant, attack, ...
        build: writes the submission below a folder.
        judge: what is wrong with its results, one sentence each.
    """

    name: str
    kind: str
    what: str
    build: Callable[[Path], None]
    judge: Callable[[Mapping[str, Any]], list[str]]


class Maker:
    """Makes members of a class out of the reference solution."""

    def __init__(self, entries: Points) -> None:
        self.entries = entries
        self.reference = hand_in(entries)
        self.code = {name: content.decode() for name, content in self.reference.items() if name.endswith(".py")}
        self.starter = {
            name: make_starter((ROOT / "solution" / name).read_text(encoding="utf-8"), name).text for name in self.code
        }
        self.total = sum(check.points for check in entries.checks)

    def members(self, number: int, seed: int = 0) -> list[Member]:
        """A class; the same for the same numbers."""
        chooser = random.Random(seed)
        changes = corpus.load()
        hostile = [] if obstacles() else [attack for attack in attacks.load() if attack.name != "zip_bomb"]
        kinds: dict[str, tuple[Callable[[str, str, Any], Member], Sequence[Any]]] = {
            "mutant": (self._changed, changes.mutants),
            "variant": (self._changed, changes.variants),
            "hostile": (self._hostile, hostile),
            "partial": (self._partial, range(1, len(self.order()))),
            "unreadable": (self._unreadable, ("broken zip", "report only", "empty")),
        }
        counts = {kind: round(share * number) for kind, share in SHARES.items()}
        counts["mutant"] = number - sum(counts.values())
        names = self._names(chooser)
        made = []
        for kind, count in counts.items():
            make, choice = kinds.get(kind, (self._plain, (kind,)))
            pool = list(choice)
            chooser.shuffle(pool)
            if not pool:
                raise SystemExit(f"scale: there is nothing to make a {kind} submission of: {obstacles()}")
            made += [make(next(names), kind, what) for what in itertools.islice(itertools.cycle(pool), count)]
        chooser.shuffle(made)
        return made

    def order(self) -> list[str]:
        """The files to hand in, by the tasks' order."""
        return list(dict.fromkeys(task.file for task in self.entries.tasks if task.file in self.code))

    def _names(self, chooser: random.Random) -> Iterator[str]:
        pairs = [f"{first} {last}" for first in FIRST.split() for last in LAST.split()]
        chooser.shuffle(pairs)
        for round_ in itertools.count():
            for pair in pairs:
                yield pair + (f" {'I' * (round_ + 1)}" if round_ else "")

    def _plain(self, name: str, kind: str, what: str) -> Member:
        """The reference, or the starter."""
        whole = kind == "reference"
        files = self.reference if whole else {name: text.encode() for name, text in self.starter.items()}
        score = self.total if whole else 0
        return Member(name, kind, what, lambda folder: _write(folder / name, files), lambda doc: _scores(doc, score))

    def _partial(self, name: str, kind: str, finished: int) -> Member:
        done = self.order()[:finished]
        files = {file: (self.code if file in done else self.starter)[file].encode() for file in self.code}

        def judge(document: Mapping[str, Any]) -> list[str]:
            return self._whole(document, [task.number for task in self.entries.tasks if task.file in done])

        return Member(name, kind, f"the first {finished} files", lambda folder: _write(folder / name, files), judge)

    def _changed(self, name: str, kind: str, change: corpus.Change) -> Member:
        changed = self.reference | {change.file: change.apply(self.code[change.file]).encode()}

        def judge(document: Mapping[str, Any]) -> list[str]:
            if kind == "variant":
                return _scores(document, self.total)
            rows = _rows(document)
            passed = [id for id in getattr(change, "checks", ()) if id in rows and rows[id]["status"] == "passed"]
            return [f"{id} passed" for id in passed]

        def build(folder: Path) -> None:
            write_zip(changed, folder / f"{name}.zip", top="")

        return Member(name, kind, change.id, build, judge)

    def _hostile(self, name: str, kind: str, attack: attacks.Attack) -> Member:
        """An attack in one module's starter, or by files; all else is the reference's."""
        order = self.order()
        module = order[sum(map(ord, attack.name)) % len(order)]
        by_code = attack.kind == "code"
        support = {path.name: path.read_bytes() for path in (attacks.HERE / "support").glob("*.py")}
        files = {**self.reference, **support, "known_facts.py": f"FACTS = {_facts()!r}\n".encode()}
        if by_code:
            files[module] = f"{self.starter[module]}\n\n{attack.text}".encode()
        else:
            del files[MODEL]

        def build(folder: Path) -> None:
            _write(folder / name, files)
            if not by_code and attack.builder()(folder / name) is not None:
                shutil.rmtree(folder / name)  # it has made a zip beside it

        def judge(document: Mapping[str, Any]) -> list[str]:
            earned = {row["number"]: 0.0 for row in document["tests"]}
            for row in document["tests"]:
                earned[row["number"]] += row["score"]
            own = [task.number for task in self.entries.tasks if task.file == (module if by_code else MODEL)]
            if not by_code:
                return [f"task {task} earned {earned[task]:g}" for task in own if earned[task]]
            touched = corpus.checks_reading(module, self.code | {module: files[module].decode()}, self.entries)
            tasks = {check.task for check in self.entries.checks if check.id in touched}
            rest = [task.number for task in self.entries.tasks if task.number not in tasks]
            return [f"task {task} earned {earned[task]:g}" for task in own if earned[task]] + self._whole(
                document, rest
            )

        return Member(name, kind, attack.name, build, judge)

    def _unreadable(self, name: str, kind: str, what: str) -> Member:
        def build(folder: Path) -> None:
            if what == "broken zip":
                (folder / f"{name}.zip").write_bytes(b"PK\x03\x04" + bytes(1000))
                return
            _write(folder / name, {"report.pdf": b"%PDF-1.4"} if what == "report only" else {"kl.py": b""})

        return Member(name, kind, what, build, lambda document: _scores(document, 0))

    def _whole(self, document: Mapping[str, Any], tasks: Sequence[str]) -> list[str]:
        """Rows of these tasks that lack points."""
        return [
            f"{row['extra_data']['id']} lost points: {row['output'][:80]}"
            for row in document["tests"]
            if row["number"] in tasks and row["score"] < row["max_score"]
        ]


def _facts() -> dict[str, Any]:
    """What the attacks are told; the paths of tests and secret are real, there is no such process or port."""
    tests = ROOT / "tests"
    hidden = sorted((tests / "hidden").glob("*.py"))[0]
    return {
        "results": "/nonexistent/results.json",
        "tests": str(tests),
        "hidden": str(hidden),
        "grader_files": [str(hidden), str(points.POINTS_FILE), str(ROOT / "autograder" / "secret.txt")],
        "canaries": [],
        "mark": "HOSTILE-class",
        "port": 9,
        "unix_socket": "/nonexistent/socket",
        "grader": 2**22 + 1,
    }


def _write(folder: Path, files: Mapping[str, bytes]) -> None:
    folder.mkdir()
    for name, content in files.items():
        (folder / name).write_bytes(content)


def _rows(document: Mapping[str, Any]) -> dict[str, Mapping[str, Any]]:
    return {row["extra_data"]["id"]: row for row in document["tests"]}


def _scores(document: Mapping[str, Any], score: float) -> list[str]:
    if document["score"] == score:
        return []
    lost = [id for id, row in _rows(document).items() if row["score"] < row["max_score"]]
    return [f"scored {document['score']:g}, not {score:g}" + (f": {', '.join(lost[:5])}" if score else "")]


def grade_members(
    members: Sequence[Member], folder: Path, secret: str, workers: int, scheduler: str | None
) -> tuple[Summary, Store]:
    """Write the submissions of a class and grade them."""
    submissions = folder / "submissions"
    shutil.rmtree(submissions, ignore_errors=True)
    submissions.mkdir(parents=True, mode=0o700)
    for member in tqdm(members, "making the class", unit=" students", dynamic_ncols=True):
        member.build(submissions)
    settings = ClassSettings(submissions, folder / "out", Options(secret=secret), workers, scheduler, layout="plain")
    return grade_class(settings), Store(settings.out, settings.options.entries())


def judge(members: Sequence[Member], summary: Summary, store: Store) -> dict[str, list[str]]:
    """Name of each member whose results are lost or wrong -> why."""
    slugs = {submission.students[0].id: submission.slug for submission in summary.export.submissions}
    problems = {}
    for member in members:
        slug = slugs.get(member.name)
        record = store.record(slug) if slug else None
        if slug is None or record is None:
            found = ["lost"]
        elif record.score is None:
            found = [f"not graded: {record.problem}"]
        else:
            found = member.judge(store.document(slug))
        if found:
            problems[f"{member.name} ({member.kind}: {member.what})"] = found
    return problems


def measure(
    members: Sequence[Member], folder: Path, secret: str, workers: int, scheduler: str | None = None
) -> dict[str, Any]:
    """Grade a class and say what came of it, in numbers."""
    sampler = MemorySampler(os.getpid(), SAMPLE_SECONDS)
    sampler.start()
    summary, store = grade_members(members, folder, secret, workers, scheduler)
    sampler.stop()
    records = [store.record(submission.slug) for submission in summary.export.submissions]
    cpu = [record.cpu_seconds for record in records if record is not None]
    wall = sorted(record.seconds for record in records if record is not None)
    graded = len(summary.graded)
    return {
        "students": len(members),
        "kinds": dict(Counter(member.kind for member in members)),
        "workers": workers,
        "graded_now": graded,
        "graded_before": len(summary.reused),
        "failed": len(summary.failed),
        "graded_again_for_time": sum(record.again for record in records if record is not None),
        "seconds": round(summary.seconds, 1),
        "gradings_an_hour": round(3600 * graded / summary.seconds, 1) if summary.seconds else 0.0,
        "cpu_seconds_a_grading": round(sum(cpu) / max(1, len(cpu)), 1),
        "seconds_a_grading": {"median": wall[len(wall) // 2], "largest": wall[-1]} if wall else {},
        "peak_mib": round(sampler.peak / 2**20),
        "lost_or_wrong": judge(members, summary, store),
    }


def main(arguments: Sequence[str]) -> int:
    """Measure, print, write scale.json. Returns 0 if nothing was lost or wrong."""
    parser = argparse.ArgumentParser(prog="python -m autograder.classroom.scale", description=__doc__.split("\n")[0])
    parser.add_argument("--out", type=Path, required=True, metavar="DIR", help="for submissions and results")
    parser.add_argument("--students", type=int, default=300)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--scheduler", metavar="ADDRESS", help="a Dask cluster instead")
    parser.add_argument("--seed", type=int, default=0, help="of the class")
    parser.add_argument("--ratio", type=int, default=0, metavar="N", help="first N students with 1 and with 2 workers")
    options = parser.parse_args(arguments)
    options.out.mkdir(parents=True, exist_ok=True)
    secret = load_secret()
    members = Maker(points.load()).members(options.students, options.seed)
    found: dict[str, Any] = {"processors": os.cpu_count()}
    began = time.time()
    if options.ratio:
        found["ratio"] = _ratio(members[: options.ratio], options.out, secret)
    found["class"] = measure(members, options.out / "class", secret, options.workers, options.scheduler)
    found["large_class"] = extrapolate(found["class"])
    found["hours"] = round((time.time() - began) / 3600, 2)
    text = json.dumps(found, indent=1)
    write_atomically(options.out / "scale.json", text + "\n")
    print(text)
    return 1 if found["class"]["lost_or_wrong"] or found["class"]["failed"] else 0


def _ratio(members: Sequence[Member], folder: Path, secret: str) -> dict[str, Any]:
    """Throughput of two workers over that of one, the same submissions graded from nothing each time."""
    rates = {}
    for workers in (1, 2):
        place = folder / f"workers-{workers}"
        shutil.rmtree(place, ignore_errors=True)
        rates[workers] = measure(members, place, secret, workers)["gradings_an_hour"]
    return {"an_hour_with_1": rates[1], "an_hour_with_2": rates[2], "ratio": round(rates[2] / rates[1], 2)}


def extrapolate(found: Mapping[str, Any]) -> dict[str, float]:
    """What a class of LARGE_CLASS takes, from the processor time that a grading took here."""
    hours = LARGE_CLASS * found["cpu_seconds_a_grading"] / 3600
    return {"students": LARGE_CLASS, "core_hours": round(hours, 1)} | {
        f"hours_on_{cores}_cores": round(hours / cores, 2) for cores in (2, 32, 128)
    }


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
