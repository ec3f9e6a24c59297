"""Grades hostile submissions with the real grader and real workers, and judges what came of it.

A submission has nine files, one for each task of a small suite, and an attack in each of up to eight of them; the rest
is honest, so that every grading also shows that an attack costs its own task and no other. Everything that the grader
knows and a student must not is marked: the secret, the hidden tests, their inputs, the points, the metadata. Those
marks may turn up nowhere in what the grader writes, and nothing may be left behind.
"""

from __future__ import annotations

import contextlib
import json
import math
import os
import re
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import textwrap
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from autograder import tasks
from autograder.evidence.attacks.corpus import HERE, Attack
from autograder.evidence.attacks.starters import taken_over
from autograder.evidence.audit.laboratory import ALLOCATORS, PRELOAD
from autograder.grading import grade
from autograder.repository import ROOT, TESTS
from autograder.sandbox import layers
from autograder.sandbox.zygote import ZygoteSettings

PLACES = ("kl", "gmm", "AE", "ELBO", "utils", "VAE", "train", "tsne", "gmvae")  # the modules of the tasks
DRAWING = "AE"  # the one whose checks hand out a scratch folder
ATTACKS_AT_ONCE = len(PLACES) - 1
ALONE = ("zip_", "weights_huge")  # the whole submission is another, or refused
PUBLIC_POINTS, HIDDEN_POINTS, MODEL_POINTS = 1, 3, 10
CALL_SECONDS, TASK_SECONDS = 2.0, 4.0
# Seconds that a grading may take on a busy machine, of the small suite and of the assignment.
SLOWEST, SLOWEST_ASSIGNMENT = 60.0, 400.0
HIDDEN_INPUT = "7310.625"  # exact in float32
CONTROL_CHARACTERS = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2066-\u2069\ufeff]")
# How a worker may end -> words that tell a student so.
ENDS = {
    "answers": "",
    "timeout": "no answer within",
    "protocol": "protocol",
    "flood": "printed",
    "crash": "process ended",
}
# What a public row says of an attack that has not run.
UNTRIED = ("did not finish", "Missing file", "cannot be imported: ModuleNotFoundError")
HEADINGS = {"root": "as root", "user": "as an ordinary user", "docker": "as root, Docker's defaults"}
NOT_CONTAINED = "**not contained**"
WRITABLE = ("/tmp", "/var/tmp", "/dev/shm", "/dev/mqueue", "/run", "/")

STUB = """
def target(x, outpath=None):
    raise NotImplementedError("Task {number}: target")


"""
HONEST = """
def target(x, outpath=None):
    return 2 * x + 1
"""
SUITE = '''
"""{canary}"""

import numpy as np
import pytest

from autograder.door.diagnose import check_close, check_gradient

{draws}def test_target_{kind}(submission):
    """Twice the input, plus one ({kind})"""
    for shape in ((3,), (2, 5)):
        x = np.full(shape, {value}, dtype=np.float32)
        reply = submission.run("{module}.target", [x{path}], wrt=[0])
        check_close(reply.value, 2 * x + 1, what="target(x)", mistakes={{"the one is missing": 2 * x}})
        check_gradient(reply.gradients[0], np.full(shape, 2.0), of="target(x)", by="x")
'''


@dataclass
class Outcome:
    """What came of one attack.

    Attributes:
        name: the attack's.
        ended: "answers", "timeout", "crash", "protocol", "flood", or "" for an attack by files.
        attempts: what it tried -> how that was refused, as it told itself.
        shown: what a student sees of it.
        problems: what should not have happened, one sentence each.
    """

    name: str
    ended: str = ""
    attempts: dict[str, str] = field(default_factory=dict)
    shown: str = ""
    problems: list[str] = field(default_factory=list)

    def summary(self) -> str:
        """A few words for the table."""
        if self.problems:
            return NOT_CONTAINED
        words = [{"answers": "no points", "": "no points"}.get(self.ended, f"stopped: {self.ended}")]
        if self.attempts:
            words.insert(0, f"{len(self.attempts)} of {len(self.attempts)} refused")
        return ", ".join(words)


def obstacles() -> str:
    """Why attacks must not be tried on this machine; "" if they may: nothing else would keep them in."""
    possible, missing = layers.available_layers()
    needed = [name for name in ("rlimits", "seccomp") if name not in possible]
    if "uid" not in possible and "landlock" not in possible:
        needed += ["landlock"]
    return "; ".join(f"{name}: {missing[name]}" for name in needed)


def group(attacks: Sequence[Attack]) -> list[list[Attack]]:
    """Attacks that fit into one submission: by code up to eight, at most one of them with a scratch folder; beside them
    one that makes weights, and one by other files; by itself what keeps others from being tried.
    """
    alone = [attack for attack in attacks if attack.name.startswith(ALONE)]
    weights = [attack for attack in attacks if attack.name.startswith("weights_") and attack not in alone]
    others = [attack for attack in attacks if attack.kind == "files" and attack not in alone + weights]
    code = sorted((attack for attack in attacks if attack.kind == "code"), key=lambda attack: not attack.scratch)
    scratch = [attack for attack in code if attack.scratch]
    needed = max(math.ceil(len(code) / ATTACKS_AT_ONCE), len(scratch), len(weights), len(others))
    dealt = [[*code[place::needed], *weights[place::needed], *others[place::needed]] for place in range(needed)]
    return dealt + [[attack] for attack in alone]


def try_attacks(attacks: Sequence[Attack], worn: Sequence[str] = layers.LAYERS) -> list[Outcome]:
    """Grade one submission that holds all these attacks, and judge.

    Args:
        worn: layers of the sandbox; fewer than all of them show what the attacks would do otherwise.
    """
    with _stage() as stage:
        return stage.run(attacks, worn)


def try_on_assignment(attacks: Sequence[Attack]) -> list[Outcome]:
    """Grade the assignment's own starters with an attack at the end of each, by the assignment's own checks.

    Every attack gets a submission of its own; all are graded by one process, their workers forked from one zygote.
    """
    with _stage() as stage:
        return stage.run_on_assignment(attacks)


@contextlib.contextmanager
def _stage() -> Iterator[_Stage]:
    """A folder with everything that a grading needs. Other users may enter it: the grader has to keep them out."""
    folder = Path(tempfile.mkdtemp(prefix="attacked-")).resolve()
    folder.chmod(0o711)
    try:
        yield _Stage(folder)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


class _Stage:
    """One run of the grader.

    Args:
        folder: an empty folder.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.mark = f"HOSTILE-{secrets.token_hex(6)}"
        self.canaries = {name: f"CANARY{secrets.token_hex(8)}" for name in ("tests", "points", "secret", "metadata")}
        for name in ("results", "submission", "temporary"):
            (folder / name).mkdir()
            (folder / name).chmod(0o755)

    def run(self, attacks: Sequence[Attack], worn: Sequence[str]) -> list[Outcome]:
        """See `try_attacks`."""
        places = _places(attacks)
        self._write_suite()
        handed_in = self._write_submission(attacks, places)
        outcomes = {attack.name: Outcome(attack.name) for attack in attacks}
        with _listeners(self.folder / "temporary" / "socket") as (port, unix_socket, arrived):
            results = self._results()
            facts = self._facts(results, port, str(unix_socket), self.folder / "tests")
            settings = self._own_settings(handed_in, results, worn)
            run = self._grade([{"settings": settings, "facts": facts}], {"layers": worn}, SLOWEST)
            common = [f"{count} messages arrived by {kind}" for kind, count in arrived().items() if count]
        common += run.problems + self._left_files()
        try:
            document = json.loads(results.read_text(encoding="utf-8"))
            common += _invalidities(document)
        except (OSError, ValueError) as error:
            common.append(f"no valid results.json: {error}\n{run.printed['stderr'][-2000:]}")
            document = {"tests": [], "score": 0, "extra_data": {}}
        common += self._leaks({**_texts(results, document), **run.printed})
        rows = {row["extra_data"]["id"]: row for row in document["tests"]}
        for attack in attacks:
            outcome = outcomes[attack.name]
            outcome.problems += common
            if attack.kind == "code":
                self._judge_code(attack, places[attack.name], rows, outcome)
            else:
                self._judge_files(attack, rows, document, outcome)
        hurt = [module for module in PLACES if module not in places.values()]
        hurt = [] if document["extra_data"].get("submission", {}).get("errors") else hurt
        for module in hurt:
            earned = sum(row["score"] for id, row in rows.items() if f"_{module}.py::" in id)
            if earned != PUBLIC_POINTS + HIDDEN_POINTS:
                for outcome in outcomes.values():
                    outcome.problems.append(
                        f"the honest {module}.py earned {earned} points: {run.printed['stderr'][-500:]}"
                    )
        return list(outcomes.values())

    def run_on_assignment(self, attacks: Sequence[Attack]) -> list[Outcome]:
        """See `try_on_assignment`."""
        (self.folder / "secret.txt").write_text(self.canaries["secret"])
        results = {attack.name: self._results(attack.name) for attack in attacks}
        with _listeners(self.folder / "temporary" / "socket") as (port, unix_socket, arrived):
            gradings = []
            for attack in attacks:
                submission = self.folder / "submission" / attack.name
                submission.mkdir(mode=0o755)
                for name, text in taken_over(attack.text).items():
                    (submission / name).write_text(text)
                _add_support(submission)
                facts = self._facts(results[attack.name], port, str(unix_socket), TESTS)
                settings = self._assignment_settings(submission, results[attack.name])
                gradings.append({"settings": settings, "facts": facts})
            preload = [*ZygoteSettings.preload, *PRELOAD]
            run = self._grade(
                gradings, {"preload": preload, "environment": ALLOCATORS}, SLOWEST_ASSIGNMENT * len(attacks)
            )
            common = [f"{count} messages arrived by {kind}" for kind, count in arrived().items() if count]
        common += run.problems + self._left_files() + self._leaks(run.printed)
        return [self._judge_on_assignment(attack, results[attack.name], common) for attack in attacks]

    def _judge_on_assignment(self, attack: Attack, results: Path, common: Sequence[str]) -> Outcome:
        outcome = Outcome(attack.name, problems=[*common])
        try:
            document = json.loads(results.read_text(encoding="utf-8"))
        except (OSError, ValueError) as error:
            outcome.problems.append(f"no valid results.json: {error}")
            return outcome
        outcome.problems += _invalidities(document) + self._leaks(_texts(results, document))
        if document.get("execution_time", 0) > SLOWEST_ASSIGNMENT:
            outcome.problems.append(f"grading took more than {SLOWEST_ASSIGNMENT:g} seconds")
        for row in document["tests"]:
            if row["score"]:
                outcome.problems.append(f"{row['extra_data']['id']} gave {row['score']} points")
            elif row["status"] == "passed" and row["max_score"]:
                outcome.problems.append(f"{row['extra_data']['id']} passed")
        return outcome

    def _write_suite(self) -> None:
        """A suite of one public and one hidden check a task, with the real conftest.py, executor and so on."""
        tests = self.folder / "tests"
        # Everybody may enter, as on an instructor's machine; the folder of the hidden tests is the grader's to close.
        tests.mkdir(mode=0o755)
        shutil.copy(TESTS / "conftest.py", tests)
        shutil.copytree(TESTS / "support", tests / "support")
        entries = []
        for number, module in enumerate(PLACES, start=1):
            draws = "@pytest.mark.draws\n" if module == DRAWING else ""
            outpath = ', submission.path(f"p{len(shape)}.png")' if module == DRAWING else ""
            for kind, value, worth in (("public", "1.5", PUBLIC_POINTS), ("hidden", HIDDEN_INPUT, HIDDEN_POINTS)):
                canary = self.canaries["tests"] if kind == "hidden" else "Public"
                source = SUITE.format(
                    canary=canary,
                    kind=kind,
                    value=value,
                    module=module,
                    draws=draws,
                    path=outpath,
                )
                name = f"test_task{number}_{module}.py"
                (tests / kind).mkdir(exist_ok=True)
                (tests / kind / name).write_text(source.lstrip())
                entries.append((f"{kind}/{name}::test_target_{kind}", f"{number}.1", worth, "pytest"))
        entries.append(("trained-model", "5.2", MODEL_POINTS, "weights"))
        lines = [f"# {self.canaries['points']}"]
        for number, module in enumerate(PLACES, start=1):
            lines += [
                f'[[group]]\nnumber = {number}\ntitle = "Part {number}"',
                f'[[task]]\nnumber = "{number}.1"\nname = "Part {number}"\nfile = "{module}.py"\nfunction = "target"',
            ]
        lines.append('[[task]]\nnumber = "5.2"\nname = "Model"\nfile = "gmvae.safetensors"')
        for id, task, worth, kind in entries:
            lines.append(
                f'[[check]]\nid = "{id}"\ntask = "{task}"\npoints = {worth}\nvisibility = "visible"\n'
                f'title = "{id.split("/")[0]}"\nkind = "{kind}"'
            )
        (self.folder / "points.toml").write_text("\n\n".join(lines))
        (self.folder / "secret.txt").write_text(self.canaries["secret"])
        (self.folder / "metadata.json").write_text(json.dumps({"student": self.canaries["metadata"]}))

    def _write_submission(self, attacks: Sequence[Attack], places: dict[str, str]) -> Path:
        """Honest files, attacks at the end of starters; returns what is handed in."""
        submission = self.folder / "submission"
        for module in PLACES:
            (submission / f"{module}.py").write_text(HONEST)
        _add_support(submission)
        for attack in attacks:
            if attack.kind == "code":
                module = places[attack.name]
                starter = STUB.format(number=f"{PLACES.index(module) + 1}.1")
                (submission / f"{module}.py").write_text(starter + attack.text)
        zips = [attack.builder()(submission) for attack in attacks if attack.kind == "files"]
        return next((archive for archive in zips if archive is not None), submission)

    def _results(self, name: str = "") -> Path:
        """Where a results.json is to go."""
        folder = self.folder / "results" / name
        folder.mkdir(mode=0o755, exist_ok=True)
        return folder / "results.json"

    def _assignment_settings(self, handed_in: Path, results: Path) -> dict[str, Any]:
        return {
            "submission": str(handed_in),
            "out": str(results),
            "tests": str(TESTS),
            "points_file": str(tasks.POINTS_FILE),
            # Modules that are given, none that has a task.
            "provided": str(ROOT / "solution"),
            "private": [],
            "gradescope": False,
            "call_seconds": 20.0,
            "task_seconds": 60.0,
        }

    def _own_settings(self, handed_in: Path, results: Path, worn: Sequence[str]) -> dict[str, Any]:
        """How the small suite is graded: as on Gradescope, if we are root."""
        return {
            "submission": str(handed_in),
            "out": str(results),
            "tests": str(self.folder / "tests"),
            "points_file": str(self.folder / "points.toml"),
            "provided": None,
            "private": [str(path) for path in self._private_files()],
            "gradescope": os.geteuid() == 0 and set(grade.REQUIRED_LAYERS) <= set(worn),
            "call_seconds": CALL_SECONDS,
            "task_seconds": TASK_SECONDS,
        }

    def _private_files(self) -> list[Path]:
        names = ("tests/hidden", "points.toml", "secret.txt", "metadata.json")
        return [self.folder / name for name in names]

    def _facts(self, results: Path, port: int, unix_socket: str, tests: Path) -> dict[str, Any]:
        """What the attacker is told: everything but the secrets themselves and the hidden inputs."""
        hidden = sorted((tests / "hidden").glob("*.py"))[0]
        return {
            "results": str(results),
            "tests": str(tests),
            "hidden": str(hidden),
            "grader_files": [str(hidden), *(str(path) for path in self._private_files()[1:]), str(results)],
            "canaries": [*self.canaries.values()],
            "mark": self.mark,
            "port": port,
            "unix_socket": unix_socket,
        }

    def _grade(self, gradings: Sequence[dict[str, Any]], zygote: dict[str, Any], slowest: float) -> _Run:
        """Run the grader in a process of its own, see that it ends, and that nothing of it stays.

        Args:
            gradings: with the keys "settings" and "facts".
            zygote: fields of ZygoteSettings.
        """
        instructions = self.folder / "instructions.json"
        # The secrets are not on the grader's command line, and the file is gone before anything is graded.
        instructions.touch(mode=0o600)
        told = {"gradings": gradings, "zygote": zygote, "secret_file": str(self.folder / "secret.txt")}
        instructions.write_text(json.dumps(told))
        with _reaping() as orphans:
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
        run = _Run({"stdout": stdout, "stderr": stderr})
        if seconds >= slowest:
            run.problems.append(f"grading took more than {slowest:g} seconds")
        elif grader.returncode != 0:
            run.problems.append(f"the grader ended with {grader.returncode}: {stderr[-1500:]}")
        if left:
            run.problems.append(f"processes are left: {left}")
        return run

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

    def _leaks(self, texts: Mapping[str, str]) -> list[str]:
        """What turned up in the grader's output that must not."""
        problems = []
        marks = {**self.canaries, "a hidden input": HIDDEN_INPUT.split(".")[0]}
        for where, text in texts.items():
            problems += [f"{what} is in {where}" for what, mark in marks.items() if mark in text]
            odd = sorted(set(CONTROL_CHARACTERS.findall(text)))
            if odd:
                problems.append(f"control characters in {where}: {odd!r}")
            if re.search(r"HOSTILE (module|code|pth|test)", text):
                problems.append(f"hostile files were executed: see {where}")
        if re.search(r"<script>document|<h1>100|<img src=x", texts.get("report.html", "")):
            problems.append("the submission's HTML is in the report")
        return problems

    def _judge_code(self, attack: Attack, module: str, rows: dict[str, Any], outcome: Outcome) -> None:
        mine = {id.split("/")[0]: row for id, row in rows.items() if f"_{module}.py::" in id}
        if set(mine) != {"public", "hidden"}:
            outcome.problems.append("its rows are missing")
            return
        if any(row["score"] or row["status"] == "passed" for row in mine.values()):
            outcome.problems.append(f"it earned points: {[row['score'] for row in mine.values()]}")
        outcome.shown = mine["public"]["output"]
        outcome.ended = _ended(outcome.shown)
        for what, result in re.findall(r"\[([^\[\]:]{1,40}): ([^\]]*)\]", outcome.shown):
            outcome.attempts[what] = result
            if result.startswith("DONE"):
                outcome.problems.append(f"it could {what}: {result}")
        if outcome.ended not in attack.ends:
            outcome.problems.append(f"it ended with {outcome.ended or 'nothing'}: {outcome.shown[:400]}")
        silent = "Not implemented" in outcome.shown and "Your code printed" not in outcome.shown
        if silent or any(words in outcome.shown for words in UNTRIED):
            outcome.problems.append(f"it did not run: {outcome.shown[:200]}")
        # What a hidden row says is ours: no print, no text of an exception, no place.
        hidden = mine["hidden"]["output"]
        signs = ("Your code printed", "[", "line ", "HOSTILE", self.mark)
        if any(word in hidden for word in signs) or len(hidden) > 400:
            outcome.problems.append(f"the hidden row shows too much: {hidden[:200]}")

    def _judge_files(self, attack: Attack, rows: dict[str, Any], document: dict[str, Any], outcome: Outcome) -> None:
        model = rows.get("trained-model")
        if model is None:
            outcome.problems.append("its row is missing")
            return
        outcome.shown = " ".join([document["output"], model["output"]])
        if model["score"] or document["leaderboard"]:
            outcome.problems.append(f"the weights earned {model['score']} points")
        if attack.row not in model["output"]:
            outcome.problems.append(f"the row of the weights says: {model['output'][:300]}")


@dataclass
class _Run:
    """A grader that has ended."""

    printed: dict[str, str]
    problems: list[str] = field(default_factory=list)


def _texts(results: Path, document: dict[str, Any]) -> dict[str, str]:
    """What a grading wrote, for people to read."""
    page = results.with_name("report.html")
    html = page.read_text(encoding="utf-8") if page.exists() else ""
    return {"results.json": "\n".join(_strings(document)), "report.html": html}


def _add_support(submission: Path) -> None:
    for name in ("known.py", "wire.py"):
        shutil.copy(HERE / "support" / name, submission)


def _places(attacks: Sequence[Attack]) -> dict[str, str]:
    """attack -> module that it is put into; the drawing one only if it has to, or nothing else is free."""
    free = [module for module in PLACES if module != DRAWING]
    return {a.name: DRAWING if a.scratch else free.pop(0) for a in attacks if a.kind == "code"}


def _strings(tree: Any) -> Iterator[str]:
    """Every text in a JSON value, keys included."""
    if isinstance(tree, str):
        yield tree
    elif isinstance(tree, dict):
        for key, value in tree.items():
            yield key
            yield from _strings(value)
    elif isinstance(tree, list):
        for value in tree:
            yield from _strings(value)


def _ended(shown: str) -> str:
    """How a worker ended, from what the public row tells the student."""
    lost = re.search(r"was stopped while it ran a check of this task: (.*)", shown)
    if lost is None:
        return "answers"
    return next((kind for kind, words in ENDS.items() if words and words in lost.group(1)), "")


def _invalidities(document: dict[str, Any]) -> list[str]:
    """Where results.json is not what Gradescope specifies, or not complete."""
    import jsonschema

    schema = json.loads((ROOT / "autograder" / "gradescope" / "results.schema.json").read_text())
    problems = [error.message for error in jsonschema.Draft202012Validator(schema).iter_errors(document)]
    if "problem" in document.get("extra_data", {}):
        problems.append(f"the grader had a problem: {document['extra_data']['problem']}")
    total = sum(row["score"] for row in document.get("tests", []))
    if abs(total - document.get("score", -1)) > 1e-9 or any("FORGED" in row["name"] for row in document["tests"]):
        problems.append("results.json is not the grader's")
    return problems


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


def table(settings: dict[str, dict[str, str]], attacks: Sequence[Attack]) -> str:
    """Attacks and outcomes as a Markdown table.

    Args:
        settings: heading of a column -> attack -> outcome in words.
    """
    headings = " | ".join(HEADINGS[name] for name in settings)
    lines = [f"| attack | what it tries | {headings} |", "|---|---|" + "---|" * len(settings)]
    for goal in dict.fromkeys(attack.goal for attack in attacks):
        lines.append(f"| **{goal}** | |" + " |" * len(settings))
        for attack in attacks:
            if attack.goal == goal:
                cells = [found.get(attack.name, "not run") for found in settings.values()]
                lines.append(f"| {attack.name} | {attack.title.rstrip('.')} | " + " | ".join(cells) + " |")
    return "\n".join(lines)


def explain(outcome: Outcome) -> str:
    """An outcome for people who have to find out what went wrong."""
    shown = textwrap.indent(outcome.shown, "    ")
    return f"{outcome.name}: {outcome.summary()}\n" + "\n".join(f"  - {p}" for p in outcome.problems) + f"\n{shown}"
