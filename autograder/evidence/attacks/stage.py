"""Grades hostile submissions with the real grader and real workers, and has judge.py say what came of it.

A submission has an attack in each of up to eight parts of a small course (suite.py); the rest is honest, so that every
grading also shows that an attack costs its own part and no other. Everything that the grader knows and a student must
not is marked: the secret, the hidden tests, their inputs, the points, the metadata. No mark may turn up in
what the grader writes, and nothing may be left behind.

Attacks can also be tried by the second of two students, who are graded from one zygote. The first is an accomplice,
with the same attacks: what they leave while hidden checks run, the second's public checks may find, and would show.
"""

from __future__ import annotations

import contextlib
import json
import math
import os
import secrets
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

from autograder import tasks
from autograder.evidence.attacks import judge, suite
from autograder.evidence.attacks.corpus import Attack
from autograder.evidence.attacks.judge import AttackOutcome
from autograder.evidence.attacks.starters import taken_over
from autograder.evidence.audit.laboratory import ALLOCATORS, PRELOAD
from autograder.grading import grade
from autograder.repository import ROOT, SOLUTION
from autograder.sandbox import frames, layers
from autograder.sandbox.zygote import ZygoteSettings
from autograder.scratch import temporary_folder

ALONE = ("zip_", "weights_huge")  # they replace the whole submission, or have it refused
CALL_SECONDS, TASK_SECONDS = 4.0, 6.0
# Seconds that a grading may take on a busy machine, of the small course and of the assignment.
SLOWEST, SLOWEST_ASSIGNMENT = 60.0, 400.0
WRITABLE = ("/tmp", "/var/tmp", "/dev/shm", "/dev/mqueue", "/run", "/")


def obstacles() -> str:
    """Why attacks must not be tried on this machine; "" if they may: nothing else would keep them in."""
    possible, missing = layers.available_layers()
    needed = [name for name in ("rlimits", "seccomp") if name not in possible]
    if "uid" not in possible and "landlock" not in possible:
        needed += ["landlock"]
    return "; ".join(f"{name}: {missing[name]}" for name in needed)


def group(attacks: Sequence[Attack]) -> list[list[Attack]]:
    """Attacks that fit into one submission: by code up to eight, at most one of them with a scratch folder; beside them
    one that makes a model, and one by other files; an attack that keeps others from being tried comes alone.
    """
    alone = [attack for attack in attacks if attack.name.startswith(ALONE)]
    code, models, files = (
        [attack for attack in attacks if attack.kind == kind and attack not in alone]
        for kind in ("code", "models", "files")
    )
    code.sort(key=lambda attack: not attack.scratch)
    scratch = [attack for attack in code if attack.scratch]
    at_once = len(suite.parts()) - 1  # the drawing part is for attacks that need it
    needed = max(math.ceil(len(code) / at_once), len(scratch), len(models), len(files))
    dealt = [[*code[place::needed], *models[place::needed], *files[place::needed]] for place in range(needed)]
    return dealt + [[attack] for attack in alone]


def try_attacks(
    attacks: Sequence[Attack], worn: Sequence[str] = layers.LAYERS, students: int = 1
) -> list[AttackOutcome]:
    """Grade one submission that holds all these attacks, and judge.

    Args:
        worn: layers of the sandbox; fewer than all of them show what the attacks would do otherwise.
        students: how many hand it in; they are graded one after the other, from one zygote. The outcomes are the last
            one's, with what should not have happened to any of them.
    """
    with _stage() as stage:
        outcomes = stage.run(attacks, worn, students)
    if layers.LINUX and stage.usage and students == 1:
        for outcome in outcomes:
            outcome.usage = stage.usage
            outcome.problems += judge.excesses(stage.usage, honest_usage(tuple(worn)))
    return outcomes


@cache
def honest_usage(worn: tuple[str, ...]) -> Mapping[str, float]:
    """What the trusted process takes to grade honest code alone, under these layers: see grade_staged.own_usage."""
    with _stage() as stage:
        stage.run([], worn, 1)
    return stage.usage


def try_on_assignment(attacks: Sequence[Attack]) -> list[AttackOutcome]:
    """Grade the assignment's own starters with an attack at the end of each, by the assignment's own checks.

    Every attack gets a submission of its own; all are graded by one process, their workers forked from one zygote.
    """
    with _stage() as stage:
        return stage.run_on_assignment(attacks)


@contextlib.contextmanager
def _stage() -> Iterator[_Stage]:
    """A folder with everything that a grading needs. Other users may enter it: the grader has to keep them out."""
    with temporary_folder("attacked", mode=0o711) as folder:
        yield _Stage(folder)


class _Stage:
    """One run of the grader.

    Args:
        folder: an empty folder.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.mark = f"HOSTILE-{secrets.token_hex(6)}"
        self.canaries = {name: f"CANARY{secrets.token_hex(8)}" for name in suite.SECRETS}
        self.printed: dict[str, str] = {}  # by the grader, to its stdout and stderr
        self.usage: dict[str, float] = {}  # of the grader's process; empty if it did not come to its end
        for name in ("results", "submission", "temporary"):
            (folder / name).mkdir()
            (folder / name).chmod(0o755)

    def run(self, attacks: Sequence[Attack], worn: Sequence[str], students: int) -> list[AttackOutcome]:
        """See `try_attacks`."""
        places = suite.places(attacks)
        suite.write(self.folder, self.canaries)
        gradings = [self._settings(attacks, places, worn, number) for number in range(1, students + 1)]
        problems = self._grade(gradings, {"layers": worn}, SLOWEST * students)
        problems += judge.leaks(self.printed, self.canaries)
        *before, last = (self._judge(attacks, places, Path(one["out"]), problems) for one in gradings)
        for outcomes in before:
            for outcome, earlier in zip(last, outcomes, strict=True):
                new = [problem for problem in earlier.problems if problem not in problems]
                outcome.problems += [f"of a student before: {problem}" for problem in new]
        return last

    def _settings(
        self, attacks: Sequence[Attack], places: Mapping[str, str], worn: Sequence[str], number: int
    ) -> dict[str, Any]:
        """Write a student's submission; the fields of its Grading."""
        folder = self.folder / (f"submission{number}" if number > 1 else "submission")
        folder.mkdir(mode=0o755, exist_ok=True)
        return {
            "submission": str(suite.write_submission(folder, attacks, places)),
            "out": str(self._results(str(number))),
            "course": str(self.folder / "courses" / "full.toml"),
            "provided": None,
            "private": [str(path) for path in self._private_files()],
            # As on Gradescope, if we are root.
            "gradescope": os.geteuid() == 0 and set(grade.REQUIRED_LAYERS) <= set(worn),
            "call_seconds": CALL_SECONDS,
            "task_seconds": TASK_SECONDS,
        }

    def _judge(
        self, attacks: Sequence[Attack], places: Mapping[str, str], results: Path, problems: Sequence[str]
    ) -> list[AttackOutcome]:
        """The outcomes of a grading of these attacks, with the problems that all of them have."""
        document, found = _read(results)
        document = document or {"tests": [], "score": 0, "extra_data": {}, "output": "", "leaderboard": []}
        common = [*problems, *found, *judge.leaks(judge.texts(results, document), self.canaries)]
        rows = {row["extra_data"]["id"]: row for row in document["tests"]}
        if not document["extra_data"].get("submission", {}).get("errors"):
            common += judge.harm(rows, set(places.values()))
        if common:
            common.append(f"the grader's log ends with: {self.printed['stderr'][-1500:]}")
        outcomes = []
        for attack in attacks:
            outcome = AttackOutcome(attack.name, problems=[*common])
            if attack.kind == "code":
                judge.judge_code(attack, places[attack.name], rows, self.mark, outcome)
            else:
                judge.judge_files(attack, rows, document, outcome)
            outcomes.append(outcome)
        return outcomes

    def run_on_assignment(self, attacks: Sequence[Attack]) -> list[AttackOutcome]:
        """See `try_on_assignment`."""
        (self.folder / "secret.txt").write_text(self.canaries["secret"])
        results = {attack.name: self._results(attack.name) for attack in attacks}
        gradings = []
        for turn, attack in enumerate(attacks):
            submission = self.folder / "submission" / attack.name
            submission.mkdir(mode=0o755)
            for name, text in taken_over(attack.text, turn).items():
                (submission / name).write_text(text)
            settings = {
                "submission": str(submission),
                "out": str(results[attack.name]),
                "course": str(tasks.course_file()),
                "provided": str(SOLUTION),  # modules that are given, none that has a task
                "private": [],
                "gradescope": False,
                "call_seconds": 20.0,
                "task_seconds": 60.0,
            }
            gradings.append(settings)
        zygote = {"preload": [*ZygoteSettings.preload, *tasks.load().imports, *PRELOAD], "environment": ALLOCATORS}
        common = self._grade(gradings, zygote, SLOWEST_ASSIGNMENT * len(attacks))
        common += judge.leaks(self.printed, self.canaries)
        return [self._judge_on_assignment(attack, results[attack.name], common) for attack in attacks]

    def _judge_on_assignment(self, attack: Attack, results: Path, common: Sequence[str]) -> AttackOutcome:
        document, problems = _read(results)
        outcome = AttackOutcome(attack.name, problems=[*common, *problems])
        if document is None:
            return outcome
        outcome.problems += judge.leaks(judge.texts(results, document), self.canaries)
        outcome.problems += judge.earnings({row["extra_data"]["id"]: row for row in document["tests"]})
        if document.get("execution_time", 0) > SLOWEST_ASSIGNMENT:
            outcome.problems.append(f"grading took more than {SLOWEST_ASSIGNMENT:g} seconds")
        return outcome

    def _results(self, name: str) -> Path:
        """Where a results.json will be written."""
        folder = self.folder / "results" / name
        folder.mkdir(mode=0o755, exist_ok=True)
        return folder / "results.json"

    def _private_files(self) -> list[Path]:
        names = ("tests/hidden", "courses/full.toml", "secret.txt", "metadata.json")
        return [self.folder / name for name in names]

    def _facts(self, settings: dict[str, Any], port: int, unix_socket: Path) -> dict[str, Any]:
        """What the attacker is told: everything but the secrets themselves and the hidden inputs."""
        tests = Path(settings["course"]).parents[1] / "tests"
        hidden = str(sorted((tests / "hidden").glob("test_*.py"))[0])
        return {
            "results": settings["out"],
            "tests": str(tests),
            "hidden": hidden,
            "grader_files": [hidden, *(str(path) for path in self._private_files()[1:]), settings["out"]],
            "canaries": [*self.canaries.values()],
            "mark": self.mark,
            "magic": frames.MAGIC.decode(),
            "port": port,
            "unix_socket": str(unix_socket),
        }

    def _grade(self, gradings: Sequence[dict[str, Any]], zygote: dict[str, Any], slowest: float) -> list[str]:
        """Run the grader in a process of its own, see that it ends, and that nothing of it stays; returns problems.

        Args:
            gradings: fields of Grading.
            zygote: fields of ZygoteSettings.
        """
        instructions = self.folder / "instructions.json"
        # The secrets are not on the grader's command line, and the file is gone before anything is graded.
        instructions.touch(mode=0o600)
        usage = self.folder / "results" / "usage.json"
        with _listeners(self.folder / "temporary" / "socket") as (port, unix_socket, arrived), _reaping() as orphans:
            told = {
                "gradings": [{"settings": s, "facts": self._facts(s, port, unix_socket)} for s in gradings],
                "zygote": zygote,
                "secret_file": str(self.folder / "secret.txt"),
                "usage": str(usage),
            }
            instructions.write_text(json.dumps(told))
            began = time.monotonic()
            grader = subprocess.Popen(
                [sys.executable, "-m", "autograder.evidence.attacks.grade_staged", str(instructions)],
                cwd=ROOT,
                env={**os.environ, "TMPDIR": str(self.folder / "temporary"), "CANARY": self.canaries["metadata"]},
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                start_new_session=True,
                text=True,
                errors="replace",
            )
            try:
                stdout, stderr = grader.communicate(timeout=slowest)
            except subprocess.TimeoutExpired:
                os.killpg(grader.pid, signal.SIGKILL)
                stdout, stderr = grader.communicate()
            seconds = time.monotonic() - began
            left = orphans()
            problems = [f"{count} messages arrived by {kind}" for kind, count in arrived().items() if count]
        self.printed = {"stdout": stdout, "stderr": stderr}
        if usage.exists():
            self.usage = json.loads(usage.read_text(encoding="utf-8"))
        if seconds >= slowest:
            problems.append(f"grading took more than {slowest:g} seconds")
        elif grader.returncode != 0:
            problems.append(f"the grader ended with {grader.returncode}: {stderr[-1500:]}")
        if left:
            problems.append(f"processes are left: {left}")
        return problems + self._left_files()

    def _left_files(self) -> list[str]:
        problems = []
        left = [path.name for path in (self.folder / "temporary").iterdir() if path.name != "socket"]
        if left:
            problems.append(f"temporary files are left: {left}")
        places = [*map(Path, WRITABLE), self.folder, self.folder / "results", ROOT, ROOT / "autograder", Path.home()]
        found = [path / name for path in places for name in (self.mark, "HOSTILE") if os.path.lexists(path / name)]
        if found:
            problems.append(f"files were written: {found}")
        return problems


def _read(results: Path) -> tuple[dict[str, Any] | None, list[str]]:
    """A results.json, None if it is not one, and what is wrong with it."""
    try:
        document = json.loads(results.read_text(encoding="utf-8"))
        return document, judge.invalidities(document)
    except (OSError, ValueError) as error:
        return None, [f"no valid results.json: {error}"]


@contextlib.contextmanager
def _reaping() -> Iterator[Any]:
    """Make orphans of our processes our children, so that none can hide; yields what lists and kills them."""
    known = set(layers.children_of(os.getpid()))
    layers.become_subreaper()

    def orphans() -> list[str]:
        left = []
        for pid in set(layers.children_of(os.getpid())) - known:
            with contextlib.suppress(OSError):
                left.append(Path(f"/proc/{pid}/status").read_text().splitlines()[0])
                os.kill(pid, signal.SIGKILL)
            with contextlib.suppress(ChildProcessError):
                os.waitpid(pid, 0)
        return left

    try:
        yield orphans
    finally:
        layers.prctl(layers.PR_SET_CHILD_SUBREAPER, 0)


@contextlib.contextmanager
def _listeners(path: Path) -> Iterator[Any]:
    """Somebody to talk to, by TCP and UDP on one port and by two Unix sockets. Yields port, path and a counter."""
    with contextlib.ExitStack() as stack:
        tcp = stack.enter_context(socket.create_server(("127.0.0.1", 0)))
        port = tcp.getsockname()[1]
        udp = stack.enter_context(socket.socket(socket.AF_INET, socket.SOCK_DGRAM))
        udp.bind(("127.0.0.1", port))
        ends = {"TCP": tcp, "UDP": udp}
        for name, address in {"Unix": str(path), "abstract": f"\0{path}"}.items():
            ends[name] = stack.enter_context(socket.socket(socket.AF_UNIX, socket.SOCK_STREAM))
            ends[name].bind(address)
            ends[name].listen()
        path.chmod(0o777)
        for end in ends.values():
            end.setblocking(False)

        def arrived() -> dict[str, int]:
            counts = {}
            for name, end in ends.items():
                try:
                    counts[name] = 1 if (end.recv(100) if name == "UDP" else end.accept()) else 0
                except BlockingIOError:
                    counts[name] = 0
            return counts

        yield port, path, arrived
