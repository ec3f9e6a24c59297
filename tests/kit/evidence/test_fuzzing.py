"""What reads strangers' bytes, fed with damaged inputs: some hundreds of each kind, or thousands as slow tests.

`python -m autograder.evidence.fuzzing` takes 100,000 of each.
"""

import pytest

pytest.importorskip("resource", reason="the grader runs on Unix only")

from autograder.evidence import fuzzing
from autograder.evidence.fuzzing import Subject, fuzz

TARGETS = fuzzing.targets()


@pytest.mark.parametrize("name", TARGETS)
def test_damaged_inputs_are_read_or_refused(name):
    found = fuzz(name, TARGETS[name], range(300))
    assert not found.failures, found.failures[0]
    assert found.accepted


@pytest.mark.slow
@pytest.mark.parametrize("name", TARGETS)
def test_many_damaged_inputs_are_read_or_refused(name):
    found = fuzz(name, TARGETS[name], range(300, 5000))
    assert not found.failures, found.failures[0]


@pytest.mark.parametrize("name", TARGETS)
def test_the_examples_are_valid(name):
    target = TARGETS[name]
    for example in target.examples:
        target.read(example)
    assert len({fuzzing.damaged(name, target, number) for number in range(100)}) > 90
    assert fuzzing.damaged(name, target, 5) == fuzzing.damaged(name, target, 5)


def _stumbles(data):
    if b"x" not in data:
        raise KeyError("no x")
    return bytes(1 << 20)


def test_what_is_wrong_with_a_reader_is_found(capsys, tmp_path):
    """Else every reader would seem sound."""
    target = Subject(_stumbles, [b"xxxxx"], (ValueError,), most=1 << 10)
    found = fuzz("stumbling", target, range(200))
    kinds = {failure.what.split()[-1] for failure in found.failures}
    assert kinds == {"x'", "bytes"} and found.most >= 1 << 20
    assert fuzzing.main(["--inputs", "200", "--failures", str(tmp_path)], {"stumbling": target}) == 1
    assert "failures; at most 1.0 MiB of 0.0" in capsys.readouterr().out
    assert len(list(tmp_path.iterdir())) == 100
