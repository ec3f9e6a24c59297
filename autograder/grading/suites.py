"""The pytest plugin that turns the suites' outcomes into rows, and gives every check a submission behind the boundary.

The suites run in this trusted process, unchanged; only the backend of the `submission` fixtures differs from a
student's local run. All public checks run before any hidden one, and each file of checks has a worker of its own: where
rows show what the code printed, no code has yet seen what a hidden check sends. guard.py says what becomes of code that
hangs or dies. Checks that their task had no time left for run once more, public ones before the hidden checks begin.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Generator, Sequence
from pathlib import Path
from typing import Any

import pytest

from autograder.door.calls import Calls
from autograder.door.fixtures import CALLS
from autograder.exits import raise_if_interrupted
from autograder.grading.guard import Budget, Guarded, PutOff, Watch, Worker
from autograder.grading.intake import Intake
from autograder.grading.messages import SENTENCES, Explainer, Explanation, NotRun, steady
from autograder.grading.results import Results
from autograder.grading.session import Session
from autograder.sandbox.zygote import ZygoteDied
from autograder.tasks import Check, Course, compare
from autograder.writing import WriteError

SHOWN_PRINT = 600  # characters of what the code printed that a failed public check shows


class GradingError(Exception):
    """The grader itself is broken or wrongly set up; no submission is to blame."""


def cut(text: str) -> str:
    """The last SHOWN_PRINT characters of a longer text, after "…": whole lines, unless one alone is longer."""
    end = text[-SHOWN_PRINT:]
    _, newline, lines = end.partition("\n")
    return f"…\n{lines}" if newline and text[-SHOWN_PRINT - 1] != "\n" else f"…{end}"


def _file_name(id: str) -> str:
    """ "test_disc.py" of the check "hidden/test_disc.py::test_x"."""
    return id.partition("::")[0].rpartition("/")[2]


def check_id(item: pytest.Item, tests: Path) -> str:
    """The id of a check: its place below the tests' folder, and what pytest adds to it."""
    return f"{item.path.relative_to(tests).as_posix()}::{item.nodeid.split('::', 1)[1]}"


class Grader:
    """The plugin.

    Args:
        course: its tasks and checks.
        session: how they are run.
        submitted: the submission.
        results: filled in as the checks end; a check without a row is not run.
        start_worker: makes a worker.
        makes_files: whether the code may make files there.
        deadline: time.monotonic() after which no check begins.
        save: called after every file of checks.
    """

    def __init__(
        self,
        course: Course,
        session: Session,
        submitted: Intake,
        results: Results,
        *,
        start_worker: Callable[[], Worker],
        makes_files: bool,
        deadline: float,
        save: Callable[[], None],
    ) -> None:
        self.problem: str | None = None  # why the grader cannot go on
        self.error: BaseException | None = None  # what stopped pytest itself
        self._course, self._session, self._submitted, self._results = course, session, submitted, results
        self._start_worker, self._deadline, self._save = start_worker, deadline, save
        self._explainer = Explainer(course, session.tests, session.memory_mib, makes_files)
        checks = [check for check in course.checks if check.by_pytest]
        self._checks = {check.id: check for check in checks if check.id in results.rows}
        self._left_out = {check.id for check in checks} - set(self._checks)
        self._not_asked = course.possible_checks - {check.id for check in checks}
        self._current: Check | None = None
        self._workers: list[Worker] = []  # of the present file
        self._printed: dict[int, int] = {}  # how much each worker had printed before this check
        self._watch = Watch(Budget(deadline, (), 0.0), session.call_seconds, submitted.folder)
        self._put_off: dict[pytest.Item, None] = {}  # in the order in which they were to run

    # Before conftest.py looks for these attributes.
    @pytest.hookimpl(tryfirst=True)
    def pytest_configure(self, config: pytest.Config) -> None:
        config.submission_factory = self._make_submission  # type: ignore[attr-defined]
        config.assignment_secret = self._session.secret  # type: ignore[attr-defined]
        config.handed_in = self._submitted.file  # type: ignore[attr-defined]
        config.course_tasks = self._course.described()  # type: ignore[attr-defined]
        config.other_tasks = self._course.others  # type: ignore[attr-defined]

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        if report.failed:
            raise GradingError(f"{report.nodeid} cannot be collected: {report.longreprtext}")

    @pytest.hookimpl(trylast=True)
    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        """Drop what is left out."""
        items[:] = [item for item in items if self.id_of(item) not in self._left_out | self._not_asked]

    @pytest.hookimpl(trylast=True)
    def pytest_collection_finish(self, session: pytest.Session) -> None:
        differences = compare(self._course, [*self._left_out, *map(self.id_of, session.items)])
        if differences:
            raise GradingError("tests/tasks.toml and the suites disagree:\n" + "\n".join(differences))
        # From here on nobody reads pytest's own tracebacks; quoting the sources for them takes a fifth of a grading.
        session.config.option.tbstyle = "no"
        self._watch.budget = Budget(self._deadline, map(self._task_of, session.items), self._session.task_seconds)

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtestloop(self, session: pytest.Session) -> bool:
        """Run every public check, then once more those that were put off, and then the hidden ones likewise."""
        budget = self._watch.budget
        for hidden in (False, True):
            budget.begin_first_turn()
            self._put_off = {}  # a public check that is put off twice does not come after hidden ones
            self._run(session, [item for item in session.items if self._hidden(item.path) == hidden])
            again = list(self._put_off)
            budget.begin_second_turn(map(self._task_of, again))
            self._run(session, again)
        return True

    @staticmethod
    def _run(session: pytest.Session, items: Sequence[pytest.Item]) -> None:
        """What pytest's own loop does with all items."""
        for item, following in zip(items, [*items[1:], None], strict=False):
            item.config.hook.pytest_runtest_protocol(item=item, nextitem=following)
            if session.shouldfail:
                raise session.Failed(session.shouldfail)
            if session.shouldstop:
                raise session.Interrupted(session.shouldstop)

    def _task_of(self, item: pytest.Item) -> str:
        return self._checks[self.id_of(item)].task

    @staticmethod
    def _hidden(file: Path) -> bool:
        return file.parent.name != "public"

    def pytest_internalerror(self, excinfo: pytest.ExceptionInfo[BaseException]) -> bool:
        self.error = excinfo.value
        return True  # nothing to print: `run_suites` raises it

    def id_of(self, item: pytest.Item) -> str:
        return check_id(item, self._session.tests)

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_protocol(self, item: pytest.Item, nextitem: pytest.Item | None) -> Generator[None, Any, Any]:
        self._current = self._watch.check = self._checks[self.id_of(item)]
        self._printed = {id(worker): len(worker.output) for worker in self._workers}
        result = yield
        self._watch.budget.finish(self._current.task)
        if nextitem is None or nextitem.path != item.path:
            self._end_workers()
            self._save()
        return result

    def runs(self, file: Path) -> bool:
        """Whether a file of checks has to be collected; not if all of its checks are left out."""
        prefix = f"{file.relative_to(self._session.tests).as_posix()}::"
        left_out = any(id.startswith(prefix) for id in self._left_out)
        return not left_out or any(id.startswith(prefix) for id in self._checks)

    def place(self, file: Path) -> tuple[bool, int, str]:
        """Sort key: public files come before hidden ones, and each where the first task with a check in it does."""
        names = list(dict.fromkeys(_file_name(id) for id in self._checks))
        place = names.index(file.name) if file.name in names else len(names)
        return self._hidden(file), place, file.name

    # Raising here, instead of leaving the item out, lets pytest tear down the module's fixtures in their order.
    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_setup(self, item: pytest.Item) -> None:
        assert self._current is not None
        raise_if_interrupted()
        if self.problem is not None:
            raise NotRun("grader", SENTENCES["grader"])
        if time.monotonic() >= self._deadline:
            raise NotRun("timeout", SENTENCES["time is up"])
        task = self._course.task(self._current.task)
        if task.file and task.file not in self._submitted.files:
            why = "unusable file" if task.file in self._submitted.unusable else "missing"
            raise NotRun("missing", SENTENCES[why].format(file=task.file))
        if self._watch.budget.left(task.name) <= 0:
            raise PutOff

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_runtest_makereport(self, item: pytest.Item, call: pytest.CallInfo[None]) -> Generator[None, Any, Any]:
        assert self._current is not None
        if call.excinfo is not None and call.when != "teardown":
            if isinstance(call.excinfo.value, PutOff):
                self._put_off[item] = None
            why = self._explain(call.excinfo, item.config.stash[CALLS])
            self._results.set(
                self._current.id,
                0.0,
                why.text,
                kind=why.kind,
                cause=why.cause,
                stub=why.stub,
                case=why.case,
                printed="" if self._current.hidden_inputs or why.kind == "grader" else self._what_was_printed(),
            )
        elif call.when == "call":
            self._results.set(self._current.id, 1.0)
        elif call.excinfo is not None and isinstance(call.excinfo.value, ZygoteDied):
            self.problem = str(call.excinfo.value)
        return (yield)

    def _explain(self, excinfo: pytest.ExceptionInfo[BaseException], calls: Calls) -> Explanation:
        assert self._current is not None
        if isinstance(excinfo.value, ZygoteDied):
            self.problem = str(excinfo.value)
            return Explanation("grader", SENTENCES["grader"])
        entry = excinfo.traceback[-1]
        place = f"{Path(entry.path).name}, line {entry.lineno + 1}"
        return self._explainer.explain(excinfo.value, self._current, place, calls, self._source)

    def _source(self, name: str) -> bytes | None:
        path = self._submitted.file(name)
        return None if path is None else path.read_bytes()

    def _what_was_printed(self) -> str:
        """What the code printed during this check: the last SHOWN_PRINT characters, from just before it went wrong, in
        whole lines."""
        printed = "".join(worker.output[self._printed.get(id(worker), 0) :] for worker in self._workers)
        printed = steady(printed).strip()
        return printed if len(printed) <= SHOWN_PRINT else cut(printed)

    def _make_submission(self) -> Any:
        """What the fixture `shared_submission` calls."""
        from autograder.door.submission import Submission

        def start() -> Worker:
            self._workers.append(self._start_worker())
            return self._workers[-1]

        return Submission(Guarded(start, self._watch))

    def _end_workers(self) -> None:
        while self._workers:
            try:
                self._workers.pop().close()
            except ZygoteDied as error:
                self.problem = str(error)


def same_examples_everywhere() -> None:
    """Keep hypothesis from drawing numbers that it finds in the sources of our own modules: which of them are loaded
    differs between one grading and a class, and where they lie decides whether it looks at them."""
    from hypothesis.internal.conjecture import providers

    providers.is_local_module_file = lambda path: False  # type: ignore[attr-defined,assignment]


def run_suites(grader: Grader, tests: Path, scratch: Path, stop_at_first_failure: bool = False) -> None:
    """Run every test file below tests/public, and then below tests/hidden, under the plugin, in the order of the tasks.

    Args:
        scratch: a temporary folder, for what pytest insists on writing.
        stop_at_first_failure: for callers that only want to know whether all checks pass.

    Raises:
        GradingError: pytest could not run the suites.
        WriteError: the results cannot be written.
        KeyboardInterrupt: somebody pressed Ctrl-C.
    """
    files = sorted(
        (path for folder in ("public", "hidden") for path in (tests / folder).glob("test_*.py")), key=grader.place
    )
    if not files:
        raise GradingError(f"there are no tests below {tests}")
    same_examples_everywhere()
    files = [file for file in files if grader.runs(file)]
    if not files:  # without names pytest would run whatever lies around
        return
    empty = scratch / "pytest.ini"
    empty.write_text("[pytest]\n")
    options = [
        # Use neither this repository's options nor those of a file beside the submission.
        f"--config-file={empty}",
        f"--rootdir={tests}",
        f"--confcutdir={tests}",
        f"--basetemp={scratch / 'pytest'}",
        "--import-mode=importlib",
        # Failures are reported from the exceptions; rewritten asserts would only leave bytecode and take time.
        "--assert=plain",
        "--capture=sys",
        "--override-ini=filterwarnings=ignore",
    ]
    for plugin in (
        *("cacheprovider", "doctest", "junitxml", "pastebin", "faulthandler", "stepwise", "terminal"),
        # They collect garbage, for a tenth of a second, to give warnings that nobody sees here.
        *("unraisableexception", "threadexception"),
    ):
        options += ["-p", f"no:{plugin}"]
    options += ["-p", "_hypothesis_pytestplugin"]
    if stop_at_first_failure:
        options.append("--exitfirst")
    status = pytest.main([*options, *map(str, files)], plugins=[grader])
    if status == pytest.ExitCode.INTERRUPTED:
        raise KeyboardInterrupt
    if isinstance(grader.error, WriteError):
        raise grader.error
    if grader.error is not None:
        raise (
            grader.error if isinstance(grader.error, GradingError) else GradingError("pytest stopped")
        ) from grader.error
    if status not in (pytest.ExitCode.OK, pytest.ExitCode.TESTS_FAILED):
        raise GradingError(f"pytest ended with {pytest.ExitCode(status).name}")
