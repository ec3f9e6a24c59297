"""A loop without an end is ended in a student's folder, too, and pytest says what happened."""

import threading
import time
from pathlib import Path

import pytest

from autograder.door import fixtures
from autograder.door.submission import Lost
from autograder.door.time_limit import TimeIsUp, time_limit


def endless():
    while True:
        try:
            time.sleep(0.001)
        except Exception:
            continue


def test_a_loop_ends_and_what_comes_in_time_is_not_disturbed():
    with pytest.raises(TimeIsUp), time_limit(0.05):
        endless()
    with time_limit(0.05):
        pass
    time.sleep(0.1)
    assert not [thread for thread in threading.enumerate() if isinstance(thread, threading.Timer)]


def test_a_person_in_a_debugger_has_time():
    code = compile("import time\nfor _ in range(100): time.sleep(0.001)", "/lib/python3/pdb.py", "exec")
    with time_limit(0.02):
        exec(code)


def test_the_check_is_told_what_never_ended(monkeypatch):
    class Hangs:
        folder = Path("/nonexistent")

        def execute(self, header, arrays):
            endless()

        def close(self):
            pass

    monkeypatch.setattr(fixtures, "LOCAL_SECONDS", 0.05)
    with pytest.raises(Lost, match="line.fit: stopped, because there was no answer within 0.05 seconds") as lost:
        fixtures.TimeLimited(Hangs(), {}).execute({"called": "line.fit"}, [])
    assert lost.value.kind == "timeout"
