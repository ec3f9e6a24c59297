"""`python -m autograder bench`: speed and memory of grading, here and now: whole gradings, a class, one call over
the boundary. Prints a table, writes bench.json, and says what got worse since the committed one.

Never part of the tests: the numbers depend on the machine and on what else it does. Hence ratios: what is compared is
measured in turn, in one run, and each figure says how far its runs lie apart. `--against COMMIT` measures the same
there, too.
"""

from __future__ import annotations

import argparse
import io
import json
import subprocess
import sys
import tarfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import Any

from autograder import measuring
from autograder.evidence.bench.figures import Figures, figure, in_page, joined, machine, ratio, regressions, table
from autograder.exits import Exit
from autograder.release.archive import write_zip, zip_files
from autograder.repository import DEFAULT_COURSE, EXECUTOR, ROOT, student_folder
from autograder.scratch import temporary_folder
from autograder.writing import make_place, write_atomically

# Measures this tree and, if one is given, another one; what of it is ours is measured in turn with what is theirs.
Bench = Callable[[argparse.Namespace, Path | None], Figures]
BENCH = ROOT / "bench.json"
PAGES = (ROOT / "README.md",)  # what quotes the table


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="python -m autograder bench", description="Measure the grading.")
    return measure(parser, BENCHES, arguments)


def measure(parser: argparse.ArgumentParser, benches: Mapping[str, Bench], arguments: list[str]) -> int:
    """A command that measures what it is asked for, prints a table, and keeps in bench.json what others measured.

    Args:
        parser: knows the benches' own options.
        benches: name in bench.json to function of the options.
    """
    names = ", ".join(benches)
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"what to measure (default: all): {names}")
    parser.add_argument("--runs", type=int, default=3, help="of each whole program (default %(default)s)")
    parser.add_argument("--students", type=int, default=12, help="of a class (default %(default)s)")
    parser.add_argument("--against", metavar="COMMIT", help="measure this commit in the same run, and state the ratios")
    parser.add_argument("--out", type=Path, default=BENCH, help="default: bench.json in the repository")
    options = parser.parse_args(arguments)
    if unknown := set(options.names) - set(benches):
        parser.error(f"unknown: {', '.join(sorted(unknown))}; choose from {', '.join(benches)}")
    make_place(options.out)
    before = committed()
    document = json.loads(options.out.read_text(encoding="utf-8")) if options.out.exists() else before
    with checkout(options.against) if options.against else nullcontext() as other:
        for name in options.names or benches:
            print(f"measuring {name} ...", file=sys.stderr)
            document = joined(document, {name: benches[name](options, other)}, machine())
            write_atomically(options.out, json.dumps(document, indent=1) + "\n", mode=0o644)
    print(table(document))
    if options.out == BENCH:
        for page in PAGES:
            write_atomically(page, in_page(page.read_text(encoding="utf-8"), document), mode=0o644)
    print("\n".join(["", *(regressions(document, before) or ["nothing got worse than in the committed bench.json"])]))
    return Exit.DONE


def committed() -> dict[str, Any]:
    """The bench.json of the last commit; nothing where there is none."""
    shown = subprocess.run(["git", "show", "HEAD:bench.json"], cwd=ROOT, capture_output=True, text=True, check=False)
    return json.loads(shown.stdout) if shown.returncode == 0 else {}


@contextmanager
def checkout(commit: str) -> Iterator[Path]:
    """A folder with the files of a commit."""
    packed = subprocess.run(["git", "archive", commit], cwd=ROOT, capture_output=True, check=False)
    if packed.returncode != 0:
        raise SystemExit(f"bench: {packed.stderr.decode(errors='replace').strip()}")
    with temporary_folder("bench") as folder, tarfile.open(fileobj=io.BytesIO(packed.stdout)) as archive:
        archive.extractall(folder, filter="data")
        yield folder


def usage(tree: Path, *command: str) -> measuring.Usage:
    """What a command takes, run by this Python in a tree."""
    used = measuring.run([sys.executable, *command], cwd=tree, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    if used.status != 0:
        raise SystemExit(f"bench: python {' '.join(command)} ended with status {used.status}")
    return used


def in_turn(runs: int, *measured: Callable[[], Any]) -> list[list[Any]]:
    """Call functions in turn, so many times; what each has returned."""
    rounds = [[function() for function in measured] for _ in range(runs)]
    return [list(results) for results in zip(*rounds, strict=True)]


def reference_submission(tree: Path) -> Path:
    """A tree's reference submission, made anew, wherever that tree puts it."""
    usage(tree, "-m", "autograder", "reference-submission")
    return max((tree / "dist").rglob("reference.zip"), key=lambda path: path.stat().st_mtime)


def grading(options: argparse.Namespace, other: Path | None) -> Figures:
    """Whole gradings, public and hidden, each as a process of its own: of the reference submission and of a starter.

    Returns:
        wall-clock time; processor time of all its processes; largest memory of all of them, shared pages counted once.
    """
    trees = [ROOT, *([other] if other else [])]

    def graded(tree: Path, submission: Path) -> Callable[[], measuring.Usage]:
        def grade() -> measuring.Usage:
            with temporary_folder("bench") as folder:
                return usage(tree, "-m", "autograder", "grade", str(submission), "--out", str(folder / "results.json"))

        return grade

    reference, starter, *theirs = in_turn(
        options.runs,
        *(
            graded(tree, place)
            for tree in trees
            for place in (reference_submission(tree), student_folder(DEFAULT_COURSE, tree))
        ),
    )
    figures = {}
    for name, ours in (("reference", reference), ("starter", starter)):
        figures[f"{name}, wall time"] = figure([used.seconds for used in ours], "s")
        figures[f"{name}, processor time"] = figure([used.cpu_seconds for used in ours], "s")
        figures[f"{name}, peak memory"] = figure([used.peak_mib for used in ours], "MiB")
    cpu = [[used.cpu_seconds for used in each] for each in (reference, starter, *theirs)]
    figures["processor time, starter / reference"] = ratio(cpu[1], cpu[0])
    if other:
        figures[f"reference, processor time / at {options.against}"] = ratio(cpu[0], cpu[2])
        figures[f"starter, processor time / at {options.against}"] = ratio(cpu[1], cpu[3])
    return figures


def a_class(options: argparse.Namespace, other: Path | None) -> Figures:
    """A class of copies of the reference submission, no two of them the same, by a worker for each core and by one."""
    cores = machine()["cores"]

    def graded(tree: Path, submission: Path, workers: int) -> Callable[[], float]:
        def grade() -> float:
            with temporary_folder("bench") as folder:
                copies(submission, folder / "class", options.students)
                command = ("-m", "autograder", "class", str(folder / "class"), "--out", str(folder / "grades"))
                return usage(tree, *command, "--workers", str(workers)).seconds

        return grade

    reference = reference_submission(ROOT)
    ours, alone, *theirs = in_turn(
        options.runs,
        graded(ROOT, reference, cores),
        graded(ROOT, reference, 1),
        *([graded(other, reference_submission(other), cores)] if other else []),
    )
    figures = {
        f"{options.students} students, wall time": figure(ours, "s"),
        "wall time, a worker for each core / one": ratio(ours, alone),
    }
    if other:
        figures[f"wall time / at {options.against}"] = ratio(ours, theirs[0])
    return figures


def copies(submission: Path, folder: Path, students: int) -> None:
    """Write a zip for each student, with a comment of its own in every Python file."""
    given = zip_files(submission)
    for student in range(students):
        comment = f"\n# student {student}\n".encode()
        files = {name: content + comment if name.endswith(".py") else content for name, content in given.items()}
        write_zip(files, folder / f"student{student}.zip")


def boundary(options: argparse.Namespace, other: Path | None) -> Figures:
    """Round trips over the boundary, sandbox included: a function that returns its argument, of 4 kB and of 2 MB."""
    import numpy as np

    from autograder.door.submission import Submission
    from autograder.sandbox.zygote import Zygote, ZygoteSettings, workspace

    times: dict[str, list[float]] = {}
    with workspace() as folder, Zygote(ZygoteSettings(executor=EXECUTOR)) as zygote:
        code = folder / "submission"
        code.mkdir()
        (code / "echo.py").write_text("def same(x):\n    return x\n")
        for path in (code, code / "echo.py"):
            path.chmod(0o755)
        with zygote.start_worker(code) as worker:
            submission = Submission(worker)
            for name, shape, calls in (("a call", (100, 10), 2000), ("a call with 2 MB", (100, 500, 10), 100)):
                array = np.zeros(shape, dtype=np.float32)
                for _ in range(calls):
                    start = time.perf_counter()
                    submission.call("echo.same", array)
                    times.setdefault(name, []).append((time.perf_counter() - start) * 1e3)
    return {name: figure(runs, "ms") for name, runs in times.items()}


BENCHES = {"grading": grading, "class": a_class, "boundary": boundary}
