"""What a command and its descendants took, and what they leave behind."""

import os
import sys
import time
from pathlib import Path

import pytest

from autograder import measuring
from autograder.measuring import Usage
from tests.kit.processes import alive

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="processes are measured for what runs bash")
HOARD = "import time; hoard = bytearray({mib} << 20); time.sleep(0.5)"
CHILD = "import subprocess, sys; subprocess.run([sys.executable, '-c', {code!r}])"
DAEMON = """
import os, time
if os.fork() == 0:
    os.setsid()
    print(os.getpid(), flush=True)
    time.sleep(60)
time.sleep(0.5)
"""


def run(code: str, seconds: float = 30) -> Usage:
    return measuring.run([sys.executable, "-c", code], seconds)


def test_memory_of_all_processes_is_measured() -> None:
    usage = run(CHILD.format(code=HOARD.format(mib=150)))
    assert usage.status == 0
    assert usage.left == 0
    assert 150 < usage.peak_mib < 250


def test_processor_time_is_measured() -> None:
    usage = run("import time\nwhile time.process_time() < 0.6: pass")
    assert 0.4 < usage.cpu_seconds < 1.5


def test_a_command_that_does_not_end_is_ended_with_its_children(tmp_path: Path) -> None:
    began = time.monotonic()
    pid = tmp_path / "pid"
    child = f"import os, pathlib, time; pathlib.Path({str(pid)!r}).write_text(str(os.getpid())); time.sleep(60)"
    usage = run(CHILD.format(code=child), seconds=1)
    assert usage.status is None
    assert time.monotonic() - began < 10
    assert not alive(int(pid.read_text()))


def test_what_is_left_behind_is_counted_and_killed(tmp_path: Path) -> None:
    log = tmp_path / "log"
    with log.open("wb") as output:
        usage = measuring.run([sys.executable, "-c", DAEMON], stdout=output)
    assert usage.left == 1
    assert not alive(int(log.read_text()))


def test_the_environment_and_the_output_are_what_was_given(tmp_path: Path) -> None:
    with (tmp_path / "log").open("wb") as log:
        environment = {"PATH": os.environ["PATH"], "ONLY": "this"}
        command = [sys.executable, "-c", "import os, sys; print(sorted(os.environ), os.getcwd()); sys.exit(3)"]
        usage = measuring.run(command, env=environment, cwd=tmp_path, stdout=log)
    assert usage.status == 3
    said = (tmp_path / "log").read_text()
    assert "'ONLY', 'PATH'" in said
    assert str(tmp_path.resolve()) in said
