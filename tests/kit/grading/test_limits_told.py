"""The numbers that students and instructors read of the limits are those that hold."""

import re

from autograder.door.fixtures import LOCAL_SECONDS
from autograder.door.one_process import MOST_THREADS
from autograder.grading.files import SUBMISSION
from autograder.grading.session import Session
from autograder.repository import ROOT
from autograder.sandbox.layers import MIB, Limits


def test_the_handout_says_what_holds():
    text = (ROOT / "solution" / "handout" / "common" / "while_graded.md").read_text(encoding="utf-8")
    limits = Limits()
    assert limits.call_seconds == Session.call_seconds and limits.memory_bytes == Session.memory_mib * MIB
    said = [limits.scratch_bytes >> 20, limits.scratch_files, SUBMISSION.data_files, SUBMISSION.data_bytes >> 10]
    said += [limits.threads, MOST_THREADS, limits.call_seconds, LOCAL_SECONDS, limits.memory_bytes >> 20]
    assert list(map(int, re.findall(r"\d+", text))) == [*said, limits.flood_bytes >> 20]
