"""How checks find the code under test, their random numbers and their settings: a plugin of pytest. No torch here.

The conftest.py of an assignment loads it and tells it about the assignment:

    config.tests_folder: Path                                           where conftest.py lies
    config.course_tasks: list[dict]                                     see `Course.described` in tasks.py
    config.other_tasks: list[str]                                       names of tasks that the course leaves out

A check has its task's name as a marker. It gets two more, made from the number: task4_1 and task4.

Three groups of tests use it: "public" (directly in tests/ of a student's folder), "hidden", and tests of the project.
Another plugin, such as the autograder's, may set more attributes:

    config.submission_factory(draws: bool) -> Submission     draws: with a scratch folder
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
from typing import Any, TypeGuard

import hypothesis
import numpy as np
import pytest
from hypothesis import HealthCheck, Phase

from autograder.door import library_use
from autograder.door.calls import MADE_BY, Calls, case_of, no_calls
from autograder.door.cases import Case, read_cases
from autograder.door.diagnose import CheckFailed
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
# Which the door needs, besides Python's own modules.
LIBRARIES = {"hypothesis", "matplotlib", "numpy", "pytest", "scipy", "torch"}
DRAWS = "draws: the check needs a scratch folder to write pictures to"
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
    if not hasattr(config, "submission_factory"):
        refuse_taken_names(config)


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
        DRAWS,
    ]


def group_of(path: Path) -> str:
    """ "public", "hidden" or "project", by the folder of a test file."""
    return {"hidden": "hidden", "public": "public", "tests": "public"}.get(path.parent.name, "project")


def task_of(item: pytest.Function) -> str:
    """The marker of the task that a check belongs to, "" if it has none."""
    names = (task["name"] for task in course_tasks(item.config))
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
    """Makes submissions that run in this process."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def __call__(self, draws: bool) -> Submission:
        os.environ["MPLBACKEND"] = "Agg"  # checks draw into files, never on a screen
        from autograder.door.executor import Executor

        scratch = tempfile.TemporaryDirectory(prefix="checks-", ignore_cleanup_errors=True) if draws else None
        executor = Executor(self.folder, Path(scratch.name) if scratch else None)
        executor.execute = only_packages(executor.folder)(executor.execute)  # type: ignore[method-assign]
        # The folder is deleted with the executor.
        executor.scratch_folder = scratch  # type: ignore[attr-defined]
        return Submission(TimeLimited(executor))


class TimeLimited:
    """A backend whose calls end, as they do where code is graded."""

    def __init__(self, backend: Any) -> None:
        self.execute_for_ever, self.close = backend.execute, backend.close

    def execute(self, header: Header, arrays: Arrays) -> tuple[Header, Arrays]:
        """See `submission.Backend`; Lost after LOCAL_SECONDS."""
        try:
            with time_limit(LOCAL_SECONDS):
                return self.execute_for_ever(header, arrays)
        except TimeIsUp:
            why = f"stopped, because there was no answer within {LOCAL_SECONDS} seconds. Does a loop never end?"
            raise Lost("timeout", MADE_BY.sub("", str(header.get("called", ""))), why, in_public=True) from None


def make_submission(request: pytest.FixtureRequest) -> Submission:
    """A new submission for the check that asks."""
    factory: Callable[[bool], Submission] | None = getattr(request.config, "submission_factory", None)
    if factory is None:
        factory = InProcess(implementation(request.config))
    made = factory(request.node.get_closest_marker("draws") is not None)
    made.calls = request.config.stash[CALLS]
    return made


@pytest.fixture(scope="module")
def shared_submissions() -> Iterator[dict[bool, Submission]]:
    """The submissions that the checks of one file share: one with a scratch folder, one without."""
    shared: dict[bool, Submission] = {}
    yield shared
    for submission in shared.values():
        submission.close()


@pytest.fixture
def submission(request: pytest.FixtureRequest, shared_submissions: dict[bool, Submission]) -> Submission:
    """The code under test, shared by the checks of this file, its random generators seeded for this check."""
    draws = request.node.get_closest_marker("draws") is not None
    if draws not in shared_submissions:
        shared_submissions[draws] = make_submission(request)
    shared_submissions[draws].forget()  # the objects of the check before
    shared_submissions[draws].seed(derived_seed(request.config, check_id(request.node) + "|worker") % 2**63)
    return shared_submissions[draws]


@pytest.fixture
def fresh_submission(request: pytest.FixtureRequest) -> Iterator[Submission]:
    """The code under test, for this check alone: what it replaces there (see `stand_in`) stays there."""
    alone = make_submission(request)
    alone.seed(derived_seed(request.config, check_id(request.node) + "|worker") % 2**63)
    yield alone
    alone.close()


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
