"""The commands of docs/class.md, word by word, as `make class` passes them on; a stand-in for the grader judges.

Those of the written part, of another grading and of a cluster have tests of their own beside their parts.
"""

import re

import pytest

from autograder.classroom import command
from autograder.exits import Exit
from tests.kit import documented
from tests.kit.archives import write_zip
from tests.kit.classroom import test_cluster, test_regrade, test_written_documented
from tests.kit.classroom.test_class import RIGHT, course, graded, quick  # noqa: F401
from tests.kit.classroom.test_selfgrades import filled

PAGE = documented.page("class.md")
ROSTER = re.search(r"^```\n(Name,SID.*?)^```$", PAGE, re.M | re.S)
# Where else a section's commands are run.
ELSEWHERE = {
    "Grading again": test_regrade.test_the_page_s_commands_grade_again,
    "The written part": test_written_documented.test_the_commands_of_the_page,
    "On a cluster": test_cluster.test_the_documented_commands_grade_although_a_worker_is_killed,
}


def commands() -> dict[str, list[str]]:
    """Title of each section -> its commands; "" for what stands above the first."""
    found = {}
    for section in PAGE.split("\n## "):
        title = section.partition("\n")[0] if found else ""
        found[title] = documented.commands(section)
    return {title: lines for title, lines in found.items() if lines}


def test_every_command_is_run_by_a_test() -> None:
    assert commands().keys() == {"", "The class page", "Self-grades", "What is stored", *ELSEWHERE}


def test_a_class_is_graded_shown_and_loses_a_student(course, quick, monkeypatch, capsys) -> None:  # noqa: F811
    course.is_the_commands(monkeypatch)
    monkeypatch.chdir(course.folder)
    tasks = [f"{name}/{task}.py" for name in ("Jane Doe", "John Roe") for task in ("task1", "task2")]
    write_zip(course.folder / "submissions.zip", dict.fromkeys(tasks, RIGHT))
    (course.folder / "roster.csv").write_text(ROSTER[1])
    known = commands()
    grades = course.folder / "grades"
    (first, whole), (page,), (delete,) = (known[title] for title in ("", "The class page", "What is stored"))
    for lines in ((first, delete), (whole, page, f'{delete[:-1]} --roster roster.csv"')):
        for line in lines:
            assert command.main(documented.passed_on(line)) == Exit.DONE, line
        assert re.search(r"^deleted: grades/students/jane-doe(-00123)?$", capsys.readouterr().out, re.M)
        assert graded(grades / "grades.csv").keys() == {"John Roe"}
        for path in grades.rglob("*"):
            assert not re.search("jane|00123", f"{path.name} {path.read_text() if path.is_file() else ''}", re.I), path
    assert (grades / "class-anonymous.html").exists() and len(quick) == 1
    # By another name than the roster gave, nobody is deleted, and that is said.
    assert command.main(documented.passed_on(page)) == Exit.DONE
    assert command.main(documented.passed_on(delete)) == Exit.NOTHING
    assert "such as --roster" in " ".join(capsys.readouterr().err.split())


def test_self_grades_are_summed_up(tmp_path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    first, second = commands()["Self-grades"]
    write_zip(tmp_path / "export.zip", {"Jane Doe.csv": filled()})
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder" / "selfgrade_1234.csv").write_text(filled(0.5))
    (tmp_path / "roster.csv").write_text("Student,ID,SIS User ID,SIS Login ID,Section\nJane Doe,1234,,,red\n")
    assert command.main(documented.passed_on(first)) == Exit.DONE
    assert graded(tmp_path / "grades" / "grades.csv") == {"Jane Doe": ("40", "Graded")}
    assert command.main(documented.passed_on(second)) == Exit.DONE
    assert (
        '"1234"' in (tmp_path / "grades" / "grades.csv").read_text()
        and '"20"' in (tmp_path / "grades" / "grades.csv").read_text().splitlines()[-1]
    )


@pytest.mark.parametrize("option", [["--delete", "x"], ["--again", "x"], ["--against", "x"], ["--anonymous"]])
def test_self_grades_take_no_options_of_gradings(option, tmp_path, capsys) -> None:
    with pytest.raises(SystemExit):
        command.main(["--selfgrades", str(tmp_path), "--out", str(tmp_path), *option])
    assert option[0] in capsys.readouterr().err
