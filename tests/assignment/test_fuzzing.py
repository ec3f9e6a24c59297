"""The assignment's own readers of strangers' bytes, fed with damaged inputs as evidence/fuzzing.py does with the kit's.

`PYTHONPATH=tests python -m assignment.test_fuzzing` takes 100,000.
"""

import sys
import tempfile
from pathlib import Path

import numpy as np
import pytest

from autograder.evidence import fuzzing
from autograder.evidence.fuzzing import Subject, fuzz
from support.trained_model import WeightsError, read_safetensors
from tests.assignment.weights import safetensors, with_length


def _relength(data):
    """A file whose first bytes fit its header."""
    end = data.rfind(b"}}") + 2
    return with_length(data[8:end]) + data[end:]


def _read(data):
    with tempfile.NamedTemporaryFile() as file:
        file.write(data)
        file.flush()
        read_safetensors(Path(file.name))


WEIGHTS = Subject(
    _read,
    [
        safetensors({"a": np.arange(6, dtype=np.float32).reshape(2, 3), "b": np.ones(2), "c": np.zeros((0, 4), "f4")}),
        safetensors({f"layer.{i}.weight": np.ones((3, i), np.float32) for i in range(9)}),
    ],
    (WeightsError,),
    most=1 << 20,
    repaired=_relength,
)


def test_damaged_weights_are_read_or_refused():
    found = fuzz("weights", WEIGHTS, range(300))
    assert not found.failures, found.failures[0]
    assert found.accepted


@pytest.mark.slow
def test_many_damaged_weights_are_read_or_refused():
    assert not fuzz("weights", WEIGHTS, range(300, 5000)).failures


if __name__ == "__main__":
    sys.exit(fuzzing.main(sys.argv[1:], {"weights": WEIGHTS}))
