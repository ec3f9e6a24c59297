"""`grade` is interrupted at random moments: valid results or a clear end, and nothing of ours left after the next run.

The tiny assignment is graded, by the real command in a process of its own. What a grading of the whole reference shows
under thirty such signals is in autograder/README.md.
"""

import json
import random
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from autograder.exits import Exit
from autograder.gradescope import rehearsal
from tests.kit.processes import alive, descendants, let_others_in, until, usual_environment
from tests.kit.test_own_assignment import Tree

SEED = 18
SIGNALS = ["INT", "TERM", "KILL"]
UNFINISHED = ("Grading was interrupted", "Grading did not finish")


class Place:
    """The tiny assignment, with a folder for temporary files that nobody else uses."""

    def __init__(self, folder: Path) -> None:
        self.tree = Tree(folder / "tree")
        self.tree.run("python -m autograder student")
        self.tree.run("python -m autograder reference-submission")
        self.submission = self.tree.folder / "dist" / "full" / "reference.zip"
        self.temporary, self.out = folder / "temporary", folder / "out"
        for name in (self.temporary, self.out, folder / "empty"):
            name.mkdir()
        self.empty = folder / "empty"
        let_others_in(self.temporary)
        began = time.monotonic()
        assert self.start(self.submission).wait(120) == Exit.DONE
        self.seconds = time.monotonic() - began

    def start(self, submission: Path) -> "subprocess.Popen[bytes]":
        """As a shell starts what runs in the background: with Ctrl-C ignored."""
        return subprocess.Popen(
            [sys.executable, "-m", "autograder", "grade", str(submission), "--out", str(self.out / "results.json")],
            cwd=self.tree.folder,
            env=usual_environment(TMPDIR=str(self.temporary)),
            stdout=subprocess.DEVNULL,
            stderr=(self.out / "stderr").open("wb"),
            preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_IGN),
        )

    def interrupt(self, name: str, seconds: float | None = None) -> None:
        """Interrupt a grading, look at what is there, and grade nothing afterwards.

        Args:
            seconds: when; None for as soon as there are results and a process that workers are forked from.
        """
        results = self.out / "results.json"
        results.unlink(missing_ok=True)
        process = self.start(self.submission)
        if seconds is None:
            until(lambda: results.exists() and descendants(process.pid), 60)
        else:
            time.sleep(seconds)
        started = descendants(process.pid)
        process.send_signal(getattr(signal, f"SIG{name}"))
        status = process.wait(60)
        said = (self.out / "stderr").read_text()
        if results.exists():  # else Python ended it before it could heed signals, or the grading had not begun
            document = json.loads(results.read_text())
            assert rehearsal.validate(document) == [] and document["score"] <= 7
            complete = not document["output"].startswith(UNFINISHED)
            # On a machine that is busy now and then, all may be over.
            assert status == (-signal.SIGKILL if name == "KILL" else Exit.INTERRUPTED) or complete
            assert not complete or document["score"] == 7
            assert name == "KILL" or complete or ("interrupted" in said and "Traceback" not in said), said
        until(lambda: not any(alive(pid) for pid in started), 60)
        assert self.start(self.empty).wait(60) == Exit.NOTHING
        assert list(self.temporary.iterdir()) == []
        assert {path.name for path in self.out.iterdir()} == {"results.json", "stderr"}


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Place:
    return Place(tmp_path_factory.mktemp("interrupted"))


def moments(name: str, number: int) -> Iterator[float]:
    """Shares of a grading's time, the same in every run; none before Python has begun or when nearly all is done."""
    chance = random.Random(f"{SEED} {name}")
    yield from (chance.uniform(0.1, 0.9) for _ in range(number))


@pytest.mark.parametrize("name", SIGNALS)
def test_interrupted_once(place: Place, name: str) -> None:
    place.interrupt(name)


@pytest.mark.slow
@pytest.mark.parametrize("name", SIGNALS)
def test_interrupted_at_random_moments(place: Place, name: str) -> None:
    for share in moments(name, 10):
        place.interrupt(name, share * place.seconds)


@pytest.mark.slow
def test_two_runs_at_once_leave_each_other_alone(place: Place) -> None:
    first = place.start(place.submission)
    until(lambda: list(place.temporary.iterdir()), 60)
    assert place.start(place.empty).wait(60) == Exit.NOTHING
    assert first.wait(120) == Exit.DONE
    assert list(place.temporary.iterdir()) == []
