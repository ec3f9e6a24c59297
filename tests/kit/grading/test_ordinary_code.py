"""Habits of ordinary code that cost nothing, and what is said of those that cannot work where code is graded."""

import pytest

from autograder.sandbox.layers import LAYERS
from tests.kit.courses import SmallCourse

PUBLIC = """
    import pytest
    from autograder.door.diagnose import check

    pytestmark = pytest.mark.task{n}

    def test_one(submission):
        '''one {n}'''
        check(submission.call("task{n}.one") == 1, "one() should be 1.")

    def test_twice(submission):
        '''twice {n}'''
        check(submission.call("task{n}.twice", 3) == 6, "twice(3) should be 6.")
"""
HABITS = """
    import json, logging, os
    from pathlib import Path
    import torch
    from torch.utils.data import DataLoader, TensorDataset

    os.makedirs("results", exist_ok=True)
    logging.basicConfig(filename="train.log", level=logging.INFO)
    settings = json.load(open("config.json"))
    assert settings == json.loads((Path(__file__).parent / "config.json").read_text())
    torch.set_num_threads(64)
    torch.set_num_interop_threads(2)
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")

    def one():
        logging.info("trained")
        model = torch.compile(torch.nn.Linear(1, 1).to(device))
        torch.save(model.state_dict(), "results/model.pt")
        model.load_state_dict(torch.load("results/model.pt"))
        loader = DataLoader(TensorDataset(torch.ones(1)), num_workers=2, persistent_workers=True, pin_memory=False)
        return settings["one"] * len(list(loader))

    @torch.compile
    def twice(x):
        torch.jit.trace(torch.nn.Linear(1, 1), torch.ones(1))
        return 2 * x
"""
REFUSED = """
    import subprocess
    from pathlib import Path

    def one():
        (Path(__file__).parent / "log.txt").write_text("trained")

    def twice(x):
        return subprocess.run(["true"]).returncode
"""
ON_A_GPU = """
    import torch

    def one():
        return torch.ones(1).cuda()

    def twice(x):
        open("large", "wb", 0).write(bytes(100 << 20))
        return open("large2", "wb", 0).write(b"x")
"""


@pytest.mark.slow
def test_habits_of_ordinary_code(tmp_path):
    course = SmallCourse(tmp_path, {"public": PUBLIC})
    submission = course.submission(task1=HABITS, task2=REFUSED, task3=ON_A_GPU)
    (submission / "config.json").write_text('{"one": 1}')
    document = course.grade(submission)
    rows = {(row["number"], row["name"].split()[-2]): row for row in document["tests"]}
    assert [row["score"] for row in document["tests"] if row["number"] == "1.1"] == [5, 5], document["tests"]
    written, process = rows["2.1", "one"]["output"], rows["2.1", "twice"]["output"]
    assert "PermissionError" in written and "it may write files only into the folder that it runs in" in written
    assert "start no processes" in process and "OSError" in process
    assert "Code is graded without a GPU" in rows["3.1", "one"]["output"]
    assert "64 MiB in 256 files" in rows["3.1", "twice"]["output"]


WRITES = """
    import os

    def one():
        open("log.txt", "w").write("trained")

    def twice(x):
        os.makedirs("results")
"""


@pytest.mark.slow
def test_where_no_file_can_be_made_the_rows_say_so(tmp_path):
    course = SmallCourse(tmp_path, {"public": PUBLIC})
    without = [layer for layer in LAYERS if layer not in ("mounts", "landlock")]
    document = course.grade(course.submission(task1=WRITES), zygote={"layers": without})
    for row in document["tests"][:2]:
        assert "it may write only files that a check names" in row["output"], row
        assert "folder that it runs in" not in row["output"]
    assert "No file can be made here: 'log.txt'" in document["tests"][0]["output"]
