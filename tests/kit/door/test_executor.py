"""What checks put beside the code under test: models and functions that record what they are fed."""

import numpy as np
import pytest

from autograder.door import submission as door
from autograder.door.submission import Submission

SCALE = """
from torch import nn

class Scale(nn.Module):
    def __init__(self, factor, offset):
        super().__init__()
        self.factor, self.offset, self.records = factor, offset, []

    def forward(self, x):
        self.records.append({"x": x, "training": self.training})
        return self.factor * x + self.offset
"""
FACTOR = np.array([2.0, 3.0], dtype=np.float32)


@pytest.fixture
def submission(tmp_path):
    """A submission with one function, which feeds whatever it is given."""
    from autograder.door.executor import Executor

    (tmp_path / "feeding.py").write_text("def feed(what, *values):\n    return what(*values)\n")
    submission = Submission(Executor(tmp_path))
    yield submission
    submission.close()


@pytest.mark.parametrize("training", [True, False])
def test_a_model_made_from_text_records_what_it_is_fed(submission, training):
    model, x = submission.build(SCALE, "Scale", (FACTOR, 0.5), training), np.ones(2, dtype=np.float32)
    assert submission.call("feeding.feed", model, x).tolist() == [2.5, 3.5]
    (record,) = model.records()
    assert record["x"].tolist() == [1, 1] and record["training"] is training


def test_a_function_records_its_calls(submission):
    recorder = submission.recorder()
    assert submission.call("feeding.feed", recorder, 1, "two") is None
    submission.call("feeding.feed", recorder)
    assert recorder.records() == [[1, "two"], []]


def test_records_have_no_end_but_their_size(submission, monkeypatch):
    """Right code may feed a model as often as it likes, such as the whole data after every step."""
    model = submission.build(SCALE, "Scale", (FACTOR, 0.5))
    for number in range(200):
        submission.call("feeding.feed", model, np.full(2, number, dtype=np.float32))
    assert [record["x"][0] for record in model.records()] == list(range(200))
    monkeypatch.setattr(door, "MAX_RECORDED", 200 * 2 * 8)  # their numbers alone
    with pytest.raises(door.SubmissionError, match="0 MiB") as caught:
        model.records()
    assert caught.value.stage == "limit"
