"""No check that is worth points passes for an answer that needs no knowledge."""

import multiprocessing
from collections.abc import Iterator
from multiprocessing.pool import Pool

import pytest

from autograder import tasks
from autograder.evidence.attacks import trivial
from autograder.grading.grade import prepare_process

pytestmark = pytest.mark.slow
SECONDS = 120  # for one answer, on a busy machine


@pytest.fixture(scope="module")
def process() -> Iterator[Pool]:
    """One process, in which torch is imported once; at the end it is killed, whatever it is doing."""
    with multiprocessing.get_context("spawn").Pool(1, prepare_process) as pool:
        yield pool


@pytest.mark.parametrize("answer", trivial.ANSWERS.values(), ids=trivial.ANSWERS)
def test_a_trivial_answer_to_every_task_earns_nothing(process: Pool, answer: str) -> None:
    passed = process.apply_async(trivial.outcomes, [answer]).get(SECONDS)
    checks = [check for check in tasks.load().checks if check.by_pytest]
    assert set(passed) == {check.id for check in checks}
    assert [check.id for check in checks if passed[check.id] and check.points] == []
