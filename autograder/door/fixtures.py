"""How checks find the code under test, their random numbers and their settings: a plugin of pytest. No torch here.

The conftest.py of an assignment loads it and tells it about the assignment:

    config.tests_folder: Path                                           where conftest.py lies
    config.course_tasks: list[dict]                                     see `Course.described` in tasks.py
    config.other_tasks: list[str]                                       names of tasks that the course leaves out

A check has its task's name as a marker. It gets two more, made from the number: task4_1 and task4.

Three groups of tests use it: "public" (directly in tests/ of a student's folder), "hidden", and tests of the project.
Another plugin, such as the autograder's, may set more attributes:

    config.submission_factory() -> Submission
    config.assignment_secret: str                                       seeds the random inputs of every hidden check
    config.handed_in(name: str) -> Path | None                          where a file of the submission lies
"""

import functools
import hashlib
import os
import sys
import tempfile
from collections.abc import Callable, Generator, Iterable, Iterator
from pathlib import Path
from traceback import extract_tb
from typing import Any, TypeGuard

import hypothesis
import numpy as np
import pytest
from hypothesis import HealthCheck, Phase

from autograder.door import library_use
from autograder.door.calls import MADE_BY, Calls, case_of, no_calls
from autograder.door.cases import Case, read_cases
from autograder.door.diagnose import CheckFailed
from autograder.door.imports import import_under_way
from autograder.door.packages import only_packages
from autograder.door.shown import lines
from autograder.door.submission import (
    Arrays,
    Header,
    Lost,
    NotImplementedYet,
    Submission,
    SubmissionError,
    not_imported,
)
from autograder.door.terminal import RUN, Told, wrapped
from autograder.door.time_limit import TimeIsUp, time_limit

LOCAL_SECONDS = 60  # that a call may take in a student's folder, on a slow computer; it has less where it is graded
CALLS = pytest.StashKey[Calls]()  # of code under test, in the check that runs
LOST = pytest.StashKey[dict[str, Lost]]()  # modules whose import did not come to an end
# Which the door needs, besides Python's own modules.
LIBRARIES = {"hypothesis", "matplotlib", "numpy", "pytest", "scipy", "torch"}
# Our checks seed everything from their own name, so hypothesis's complaint about fixtures does not apply.
SUPPRESSED = [HealthCheck.function_scoped_fixture, HealthCheck.too_slow, HealthCheck.data_too_large]
COMMON: dict[str, Any] = {
    "deadline": None,
    "report_multiple_bugs": False,
    "suppress_health_check": SUPPRESSED,
    "max_examples": 30,
}
hypothesis.settings.register_profile(
    "local", **COMMON, print_blob=False, phases=(Phase.explicit, Phase.reuse, Phase.generate, Phase.shrink)
)
# Grading: the same examples for every submission (see pytest_collection_modifyitems), no time spent on shrinking them.
hypothesis.settings.register_profile(
    "grading", **COMMON, database=None, derandomize=True, print_blob=False, phases=(Phase.explicit, Phase.generate)
)


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--impl", help="what to test: solution, student, or a folder (default: the folder beside tests/)")


@pytest.hookimpl(trylast=True)  # after conftest.py
def pytest_configure(config: pytest.Config) -> None:
    for line in marker_lines(course_tasks(config)):
        config.addinivalue_line("markers", line)
    for name in getattr(config, "other_tasks", ()):
        config.addinivalue_line("markers", f"{name}: a task that this course does not ask for")
    if not config.getoption("--hypothesis-profile", None):
        hypothesis.settings.load_profile("grading" if hasattr(config, "submission_factory") else "local")
    config.remarks = functools.partial(remarks, config)  # type: ignore[attr-defined]
    config.stash[NOT_IMPORTED] = set()
    config.stash[CALLS] = no_calls()
    config.stash[LOST] = {}
    if not hasattr(config, "submission_factory"):
        refuse_taken_names(config)
        # On small arrays more threads than one wait for each other, most of all where something else runs, too.
        os.environ.setdefault("OMP_NUM_THREADS", "1")


def refuse_taken_names(config: pytest.Config) -> None:
    """UsageError if a file beside the code under test would be imported instead of a library."""
    for path in sorted(implementation(config).glob("*.py")):
        if path.stem in sys.stdlib_module_names | LIBRARIES:
            raise pytest.UsageError(f"{path.name} takes the place of a module of Python or of a library: rename it")


def course_tasks(config: pytest.Config) -> list[dict[str, Any]]:
    return config.course_tasks  # type: ignore[attr-defined]


def number_markers(task: dict[str, Any]) -> list[str]:
    """ "task4_1" and "task4" of a task with the number "4.1": the longest first."""
    parts = task["number"].split(".")
    return ["task" + "_".join(parts[:length]) for length in range(len(parts), 0, -1)]


def marker_lines(tasks: list[dict[str, Any]]) -> list[str]:
    """Every marker with what it selects."""
    sections = dict.fromkeys(section for task in tasks for section in number_markers(task)[1:])
    return [
        *(f"{task['name']}: task {task['number']}, {task['title']}" for task in tasks),
        *(f"{number_markers(task)[0]}: the same as {task['name']}" for task in tasks),
        *(f"{section}: every task of section {section.removeprefix('task').replace('_', '.')}" for section in sections),
    ]


def group_of(path: Path) -> str:
    """ "public", "hidden" or "project", by the folder of a test file."""
    return {"hidden": "hidden", "public": "public", "tests": "public"}.get(path.parent.name, "project")


def task_of(item: pytest.Function) -> str:
    """The marker of the task that a check belongs to, of this course or of another; "" if it has none."""
    names = [task["name"] for task in course_tasks(item.config)]
    names += getattr(item.config, "other_tasks", ())
    return next((name for name in names if item.get_closest_marker(name)), "")


def check_id(item: pytest.Function) -> str:
    """The name of a check wherever its file lies, e.g. "public/test_disc.py::test_never_negative"."""
    return f"{group_of(item.path)}/{item.path.name}::{item.nodeid.split('::', 1)[1]}"


def derived_seed(config: pytest.Config, name: str) -> int:
    """A 128-bit number from the assignment's secret and a name: the same in every run, unknown without the secret.

    What begins with public/ needs no secret: a public check looks at the same wherever it runs.
    """
    secret = "" if name.startswith("public/") else getattr(config, "assignment_secret", "practice")
    return int.from_bytes(hashlib.sha256(f"{secret}|{name}".encode()).digest()[:16], "big")


def pytest_runtest_setup(item: pytest.Item) -> None:
    item.config.stash[CALLS].clear()


@pytest.hookimpl(tryfirst=True)  # before -m selects
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Function]) -> None:
    numbered = {task["name"]: number_markers(task) for task in course_tasks(config)}
    for item in items:
        for marker in numbered.get(task_of(item), []):
            item.add_marker(marker)
        ours = group_of(item.path) != "project" and hasattr(item.obj, "hypothesis")
        if ours and hasattr(config, "assignment_secret"):
            hypothesis.seed(derived_seed(config, check_id(item).split("[")[0]))(item.obj)


def implementation(config: pytest.Config) -> Path:
    """The folder of the code under test, as --impl says."""
    here: Path = config.tests_folder.parent  # type: ignore[attr-defined]
    choice = config.getoption("--impl")
    if choice is None:
        choice = "solution" if (here / "solution").is_dir() else "."
    folder = here / choice if choice in ("solution", "student", ".") else Path(choice)
    if not folder.is_dir():
        raise pytest.UsageError(f"--impl {choice}: there is no folder {folder}")
    return folder.resolve()


def sources(config: pytest.Config) -> Callable[[str], bytes | None]:
    """A function of a file's name: what the code under test has there; None if there is no such file."""

    def source(name: str) -> bytes | None:
        path = implementation(config) / name
        return path.read_bytes() if path.is_file() else None

    return source


class InProcess:
    """Makes submissions that run in this process.

    Args:
        folder: where their code lies.
        lost: see TimeLimited.
    """

    def __init__(self, folder: Path, lost: dict[str, Lost]) -> None:
        self.folder, self.lost = folder, lost

    def __call__(self) -> Submission:
        os.environ["MPLBACKEND"] = "Agg"  # checks draw into files, never on a screen
        from autograder.door.executor import Executor

        scratch = tempfile.TemporaryDirectory(prefix="checks-", ignore_cleanup_errors=True)
        executor = Executor(self.folder, Path(scratch.name))
        executor.execute = only_packages(executor.folder)(executor.execute)  # type: ignore[method-assign]
        # The folder is deleted with the executor.
        executor.scratch_folder = scratch  # type: ignore[attr-defined]
        return Submission(TimeLimited(executor, self.lost))


class TimeLimited:
    """An executor whose calls end, as they do where code is graded.

    Args:
        executor: see there.
        lost: modules that are not imported again in this process, since that did not come to an end.
    """

    def __init__(self, executor: Any, lost: dict[str, Lost]) -> None:
        self.execute_for_ever, self.close = executor.execute, executor.close
        self._folder, self._lost = executor.folder, lost

    def execute(self, header: Header, arrays: Arrays) -> tuple[Header, Arrays]:
        """See `submission.Backend`; Lost after LOCAL_SECONDS."""
        try:
            with time_limit(LOCAL_SECONDS):
                reply, returned = self.execute_for_ever(header, arrays)
        except TimeIsUp as error:
            raise self._stopped(error, MADE_BY.sub("", str(header.get("called", "")))) from None
        failure = reply.get("error", {})
        if failure.get("type") == "LostModule" and failure["message"] in self._lost:
            raise self._lost[failure["message"]].again()
        return reply, returned

    def _stopped(self, error: TimeIsUp, called: str) -> Lost:
        """What to raise when a call was stopped; a module that was being imported is not imported again."""
        frames = [(frame.filename, frame.lineno or 0, frame.name) for frame in extract_tb(error.__traceback__)]
        imported = import_under_way(reversed(frames), self._folder)
        stopped = "stopped while it was imported" if imported else "stopped"
        why = f"{stopped}, because there was no answer within {LOCAL_SECONDS} seconds. Does a loop never end?"
        lost = Lost("timeout", called, why, in_public=True, imported=imported)
        if imported:
            self._lost[imported.module] = lost.again()
            self.execute_for_ever({"op": "import", "module": imported.module, "without": [imported.module]}, [])
        return lost


@pytest.fixture(scope="module")
def shared_submission(pytestconfig: pytest.Config) -> Iterator[Submission]:
    """The submission that the checks of one file share."""
    factory: Callable[[], Submission] | None = getattr(pytestconfig, "submission_factory", None)
    shared = (factory or InProcess(implementation(pytestconfig), pytestconfig.stash[LOST]))()
    shared.calls = pytestconfig.stash[CALLS]
    yield shared
    shared.close()


@pytest.fixture
def submission(request: pytest.FixtureRequest, shared_submission: Submission) -> Submission:
    """The code under test, shared by the checks of this file, its random generators seeded for this check."""
    shared_submission.forget()  # the objects of the check before
    shared_submission.seed(derived_seed(request.config, check_id(request.node) + "|worker") % 2**63)
    return shared_submission


@pytest.fixture
def fresh_submission(submission: Submission) -> Iterator[Submission]:
    """The code under test, imported for this check alone: what it replaces there (see `stand_in`) is gone with it."""
    submission.forget(modules=True)
    yield submission
    submission.forget(modules=True)


@pytest.fixture
def handed_in(pytestconfig: pytest.Config) -> Callable[[str], Path | None]:
    """A function of a file's name: where that file of the code under test lies; None if there is none."""
    if hasattr(pytestconfig, "handed_in") or hasattr(pytestconfig, "submission_factory"):
        return getattr(pytestconfig, "handed_in", lambda name: None)
    folder = implementation(pytestconfig)
    return lambda name: folder / name if (folder / name).is_file() else None


@pytest.fixture
def asked_tasks(pytestconfig: pytest.Config) -> frozenset[str]:
    """Names of the tasks that the course asks for."""
    return frozenset(task["name"] for task in course_tasks(pytestconfig))


@pytest.fixture
def cases(request: pytest.FixtureRequest) -> Callable[[str], list[Case]]:
    """A function of a name: the stored cases of that name for this check's task, see cases.py."""
    return functools.partial(read_cases, request.path.parent / "cases" / f"{task_of(request.node)}.json")


@pytest.fixture
def rng(request: pytest.FixtureRequest) -> np.random.Generator:
    """Random numbers for this check's inputs: of a public check the same everywhere, of others for each secret."""
    return np.random.default_rng(derived_seed(request.config, check_id(request.node)))


# What students read at the end.

NOT_IMPORTED = pytest.StashKey[set[str]]()  # why files could not be imported, as far as it has been told
NOT_A_BUG_OF_THE_TEST = (CheckFailed, SubmissionError, Lost)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Function, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """A failed check shows its title and its message, not the source of the test; keep the outcome for the summary."""
    report = yield
    if group_of(item.path) == "project":
        return report
    error = call.excinfo.value if call.excinfo is not None else None
    calls: Calls = item.config.stash[CALLS]
    told: list[str] = []
    if is_stub(error):
        place = case_of(error, calls, sources(item.config)).get("function", "")
        told = [error.message, *([place] if place else [])]
    elif isinstance(error, NOT_A_BUG_OF_THE_TEST):
        message = str(error)
        if isinstance(error, SubmissionError) and error.stage == "import":
            before = item.config.stash[NOT_IMPORTED]
            message = f"{not_imported(error.where)}: see above." if message in before else message
            before.add(str(error))
        told = [*message.splitlines(), *lines(case_of(error, calls, sources(item.config))).splitlines()]
    elif report.failed and call.excinfo is not None:  # a mistake of the check's own, or a wrong option
        told = call.excinfo.exconly().splitlines()
    if told and isinstance(error, NOT_A_BUG_OF_THE_TEST):
        report.longrepr = "\n".join([*wrapped([title_of(item)]), "", *wrapped(told, before="  ")])
    if (report.when == "call" or not report.passed) and group_of(item.path) == "public":
        heading = [str(error)] if report.skipped else [] if told else [title_of(item)]
        item.config.stash[RUN].add(task_of(item), Told(item.name, report.outcome, (*heading, *told)))
    return report


def is_stub(error: BaseException | None) -> TypeGuard[NotImplementedYet]:
    return isinstance(error, NotImplementedYet)


def title_of(item: pytest.Function) -> str:
    """The first line of a check's docstring: its name for people."""
    return (item.obj.__doc__ or item.name).strip().splitlines()[0]


def remarks(config: pytest.Config, tasks: Iterable[dict[str, Any]]) -> Iterator[str]:
    """Where the code of these tasks uses a library that the course forbids there."""
    for task in (task for task in tasks if "forbids" in task):
        path = implementation(config) / task["file"]
        if path.is_file():
            text = library_use.remark(
                task["file"], path.read_bytes(), task["number"], task["functions"], task["forbids"]
            )
            yield from [text] if text else []
