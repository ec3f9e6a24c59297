"""What Gradescope's script and Otter's bridge make of odd submissions: no link is followed, nothing is waited for."""

import json
import os

import pytest

from autograder import tasks
from autograder.exits import Exit
from autograder.gradescope import otter, rehearsal, run
from autograder.grading import grade
from autograder.grading.intake import unpack
from autograder.grading.results import Results
from autograder.writing import write_files
from tests.kit.archives import write_zip


@pytest.fixture
def graded(tmp_path, monkeypatch):
    """Grades FOLDER/submission, without workers and without taking anybody's rights; returns results.json."""
    monkeypatch.setattr(run, "load_secret", lambda *_, **__: "not much of a secret")
    monkeypatch.setattr(grade, "prepare_process", lambda: None)
    monkeypatch.setattr(grade, "make_private", lambda paths: None)
    (tmp_path / "results").mkdir()
    (tmp_path / "submission").mkdir()

    def grade_it() -> dict:
        assert run.run(tmp_path) == Exit.DONE
        return json.loads((tmp_path / "results" / "results.json").read_text())

    return grade_it


def test_a_link_to_a_zip_is_not_followed(tmp_path, graded):
    asked = next(name for name in sorted(tasks.load().files) if name.endswith(".py"))
    write_zip(tmp_path / "secret.zip", {asked: "secret = 1"})
    (tmp_path / "submission" / "x.zip").symlink_to(tmp_path / "secret.zip")
    document = graded()
    (row,) = document["tests"]
    assert row["max_score"] == tasks.load().graded and rehearsal.validate(document) == []
    assert "Not used, because they are not ordinary files: x.zip." in document["output"]


def test_a_rehearsal_starts_workers(tmp_path, monkeypatch):
    """Of nothing, nothing would be graded."""
    seen = []
    monkeypatch.setattr(run, "load_secret", lambda *_, **__: "not much of a secret")
    monkeypatch.setattr(grade, "prepare_process", lambda: None)
    monkeypatch.setattr(grade, "grade", lambda grading: seen.append(grading) or Results({}))
    (tmp_path / "submission").mkdir()
    for _ in range(2):
        assert run.rehearse(tmp_path) == Exit.DONE
    (tmp_path / "into").mkdir()
    taken = unpack(seen[0].submission, tmp_path / "into", tasks.load().files, None)
    assert len(taken.files) == 1 and not taken.errors


def test_otters_copy_waits_for_no_pipe_and_follows_no_link(tmp_path):
    source = tmp_path / "source"
    write_files(source, {"x.py": b"x", "sub/y.py": b"y", "driver.ipynb": b"added by Otter"})
    os.mkfifo(source / "pipe.py")
    os.mkfifo(source / "sub" / "pipe.py")
    (source / "link.py").symlink_to(tmp_path / "nowhere")
    (source / "folder").symlink_to(tmp_path)
    run.copy_submission(source, tmp_path / "copy")
    found = {str(path.relative_to(tmp_path / "copy")) for path in (tmp_path / "copy").rglob("*")}
    assert found == {"x.py", "sub", "sub/y.py", "pipe.py", "sub/pipe.py", "link.py", "folder"}
    assert (tmp_path / "copy" / "folder").is_symlink() and (tmp_path / "copy" / "pipe.py").is_fifo()


def test_otters_cases_find_the_only_row(monkeypatch):
    row = {"status": "failed", "score": 0, "output": "There is nothing to grade.", "max_score": 100}
    monkeypatch.setattr(otter, "graded", lambda folder: {otter.NOTHING: row})
    assert otter.earned("any") == 0 and otter.missed("any", 7) == 7
    for ask in (otter.require, otter.require_some):
        with pytest.raises(AssertionError, match="nothing to grade"):
            ask("any")
