"""The made-up class: every kind of member can be made and read again, and is judged by what it must come out as."""

from pathlib import Path

import pytest

from autograder import points
from autograder.attacks.stage import obstacles
from autograder.classroom import layouts, scale
from autograder.results import Results

POINTS = points.load()
ALL = {check.id for check in POINTS.checks}


@pytest.fixture(scope="module")
def members() -> list[scale.Member]:
    if obstacles():
        pytest.skip(f"no hostile submissions here: {obstacles()}")
    return scale.Maker(POINTS).members(60)


def document(passed: set[str]) -> dict:
    results = Results.of(POINTS)
    for check in POINTS.checks:
        results.set(check.id, float(check.id in passed), "" if check.id in passed else "it is wrong")
    return results.document()


def of_tasks(numbers: set[str]) -> set[str]:
    return {check.id for check in POINTS.checks if check.task in numbers}


def test_a_class_has_all_kinds_and_is_the_same_again(members: list[scale.Member]) -> None:
    assert len(members) == len({member.name for member in members}) == 60
    assert {member.kind for member in members} == {*scale.SHARES, "mutant"}
    again = scale.Maker(POINTS).members(60)
    assert [(member.name, member.what) for member in members] == [(member.name, member.what) for member in again]


def test_every_member_is_found_in_the_folder(members: list[scale.Member], tmp_path: Path) -> None:
    for member in members:
        member.build(tmp_path)
    export = layouts.read_export(tmp_path, layout="plain")
    assert {submission.students[0].id for submission in export.submissions} == {member.name for member in members}


def test_full_marks_are_right_for_correct_work_only(members: list[scale.Member]) -> None:
    wrong = {member.name for member in members if member.judge(document(ALL))}
    assert wrong == {member.name for member in members if member.kind not in ("variant", "reference", "partial")}


def test_no_points_are_right_for_no_work_only(members: list[scale.Member]) -> None:
    for member in members:
        found = member.judge(document(set()))
        if member.kind in ("starter", "unreadable", "mutant"):
            assert not found, member
        elif member.kind != "hostile":
            assert found, member


def test_a_hostile_member_may_lose_the_points_of_the_file_it_is_in_and_no_others(members: list[scale.Member]) -> None:
    files = {task.file for task in POINTS.tasks}
    for member in members:
        if member.kind == "hostile":
            without = {
                file: ALL - of_tasks({task.number for task in POINTS.tasks if task.file == file}) for file in files
            }
            assert [not member.judge(document(passed)) for passed in without.values()].count(True) == 1, member


def test_a_large_class_is_foreseen_from_processor_time() -> None:
    foreseen = scale.extrapolate({"cpu_seconds_a_grading": 36.0})
    assert foreseen["core_hours"] == 100
    assert foreseen["hours_on_2_cores"] == 50
