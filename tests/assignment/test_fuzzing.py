"""The assignment's own readers of strangers' bytes, fed with damaged inputs as evidence/fuzzing.py does with the kit's.

`PYTHONPATH=tests python -m assignment.test_fuzzing` takes 100,000.
"""

import json
import sys
import tempfile
from pathlib import Path

import numpy as np
import pytest

from autograder.evidence import fuzzing
from autograder.evidence.fuzzing import Subject, fuzz
from support.trained_model import WeightsError, read_safetensors


def safetensors(**tensors):
    """A file of weights."""
    head, data = {}, b""
    for name, tensor in tensors.items():
        dtype = {"float32": "F32", "float64": "F64"}[tensor.dtype.name]
        head[name] = {"dtype": dtype, "shape": tensor.shape, "data_offsets": [len(data), len(data) + tensor.nbytes]}
        data += tensor.tobytes()
    return _with_length(json.dumps(head).encode()) + data


def _with_length(head):
    return len(head).to_bytes(8, "little") + head


def _relength(data):
    """A file whose first bytes fit its header."""
    end = data.rfind(b"}}") + 2
    return _with_length(data[8:end]) + data[end:]


def _read(data):
    with tempfile.NamedTemporaryFile() as file:
        file.write(data)
        file.flush()
        read_safetensors(Path(file.name))


WEIGHTS = Subject(
    _read,
    [
        safetensors(a=np.arange(6, dtype=np.float32).reshape(2, 3), b=np.ones(2), c=np.zeros((0, 4), np.float32)),
        safetensors(**{f"layer.{i}.weight": np.ones((3, i), np.float32) for i in range(9)}),
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
