"""What one run of the suites on the reference solution shows: which checks execute which lines, because no other check
can notice a change there; and which laws they test, at which levels."""

from __future__ import annotations

import ast
import multiprocessing
from collections.abc import Generator, Mapping
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from tqdm import tqdm

from autograder.evidence.audit.corpus import Change
from autograder.grading.grade import prepare_process
from autograder.repository import SOLUTION, TESTS

if TYPE_CHECKING:
    from coverage import Coverage


@dataclass(frozen=True)
class Execution:
    """One run.

    Attributes:
        checks: file -> line, counted from 1 -> ids of the checks that execute it.
        levels: probability of a false alarm, of each law that was tested (autograder/door/laws.py).
    """

    checks: Mapping[str, Mapping[int, frozenset[str]]] = field(default_factory=dict)
    levels: tuple[float, ...] = ()


def executed() -> Execution:
    """Run both suites on the solution, without the grader around them.

    Raises:
        GradingError: the solution does not pass.
    """
    # A process of its own: neither PyTorch nor the solution may be imported into this one.
    spawn = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(1, mp_context=spawn, initializer=prepare_process) as process:
        return process.submit(_executed).result()


def executing(change: Change, execution: Execution) -> set[str]:
    """Ids of the checks that execute a function's body in the changed definition; every import runs its other lines."""
    text = (SOLUTION / change.file).read_text(encoding="utf-8")
    begin, end = change.lines_of_definition(text)
    bodies = [
        range(node.body[0].lineno, (node.end_lineno or 0) + 1)
        for node in ast.walk(ast.parse(text))
        if isinstance(node, ast.FunctionDef) and begin < node.lineno <= end
    ]
    lines = execution.checks[change.file].items()
    return {check for line, checks in lines if any(line in body for body in bodies) for check in checks}


def _executed() -> Execution:
    from coverage import Coverage

    from autograder.grading.suites import GradingError

    measured = Coverage(data_file=None, config_file=False, include=[f"{SOLUTION}/*.py"])
    measured.set_option("run:core", "ctrace")  # the other one reports a line only for the first check that executes it
    suites = [str(TESTS / folder) for folder in ("public", "hidden")]
    with measured.collect():
        status = pytest.main(
            [
                *suites,
                f"--impl={SOLUTION}",
                *("-p", "no:terminal", "-p", "no:cacheprovider", "-p", "_hypothesis_pytestplugin"),
            ],
            plugins=[_ByCheck(measured)],
        )
    if status != pytest.ExitCode.OK:
        raise GradingError("the solution does not pass its own checks: see `pytest tests/public tests/hidden`")
    from autograder.door import laws

    data = measured.get_data()
    checks = {
        Path(file).name: {
            line: frozenset(filter(None, contexts)) for line, contexts in data.contexts_by_lineno(file).items()
        }
        for file in data.measured_files()
    }
    return Execution(checks, tuple(level for _, level in laws.spent))


class _ByCheck:
    """The pytest plugin that tells coverage.py which check is running."""

    def __init__(self, measured: Coverage) -> None:
        self._measured = measured

    def pytest_collection_finish(self, session: pytest.Session) -> None:
        self._progress = tqdm(
            session.items, "execution", unit=" checks", dynamic_ncols=True, position=1, leave=False
        )  # below the bar of what goes on beside it

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_protocol(self, item: pytest.Item) -> Generator[None, Any, Any]:
        from autograder.grading.suites import check_id

        self._measured.switch_context(check_id(item, TESTS))
        result = yield
        self._measured.switch_context("")
        self._progress.update()
        return result

    def pytest_sessionfinish(self) -> None:
        self._progress.close()
