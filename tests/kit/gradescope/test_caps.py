"""The stand-in's container: what it caps, what it measures, what it leaves behind."""

import os
import sys
import time
from pathlib import Path

import pytest

from autograder.gradescope import caps
from autograder.gradescope.caps import Caps, Group, Usage

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="the stand-in runs bash")
HOARD = "import time; hoard = bytearray({mib} << 20); time.sleep(0.5)"
CHILD = "import subprocess, sys; subprocess.run([sys.executable, '-c', {code!r}])"
DAEMON = "import os, time\nif os.fork() == 0:\n    os.setsid()\n    time.sleep(60)\n"


def run(tmp_path: Path, code: str, limits: Caps) -> Usage:
    with (tmp_path / "log").open("wb") as log:
        return caps.run([sys.executable, "-c", code], limits, dict(os.environ), tmp_path, log)


@pytest.fixture(params=["best", "fallback"])
def capped(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> bool:
    """Both with the groups that this machine offers and without any; whether something is capped."""
    if request.param == "fallback":
        monkeypatch.setattr(caps, "make_group", lambda limits: Group())
        return False
    group = caps.make_group(Caps())
    group.remove()
    return bool(group.kind)


def test_memory_of_all_processes_is_measured(tmp_path: Path, capped: bool) -> None:
    usage = run(tmp_path, CHILD.format(code=HOARD.format(mib=150)), Caps())
    assert usage.status == 0
    assert bool(usage.capped) == capped
    assert 150 < usage.peak_mib < 250


def test_processor_time_is_measured(tmp_path: Path, capped: bool) -> None:
    usage = run(tmp_path, "import time\nwhile time.process_time() < 0.6: pass", Caps(cpus=2))
    assert 0.4 < usage.cpu_seconds < 1.5


def test_a_command_that_does_not_end_is_ended(tmp_path: Path, capped: bool) -> None:
    began = time.monotonic()
    usage = run(tmp_path, "import time; time.sleep(60)", Caps(seconds=0.5))
    assert usage.status is None
    assert time.monotonic() - began < 10


def test_the_environment_and_the_output_are_what_was_given(tmp_path: Path) -> None:
    with (tmp_path / "log").open("wb") as log:
        environment = {"PATH": os.environ["PATH"], "ONLY": "this"}
        command = [sys.executable, "-c", "import os, sys; print(sorted(os.environ), os.getcwd()); sys.exit(3)"]
        usage = caps.run(command, Caps(), environment, tmp_path, log)
    assert usage.status == 3
    said = (tmp_path / "log").read_text()
    assert "'ONLY', 'PATH'" in said
    assert str(tmp_path.resolve()) in said


@pytest.mark.slow
def test_limits_hold_where_groups_can_be_made(tmp_path: Path) -> None:
    group = caps.make_group(Caps())
    group.remove()
    if not group.kind:
        pytest.skip("this machine lets us make no control groups")
    hoarder = run(tmp_path, HOARD.format(mib=400), Caps(memory_mib=100))
    assert hoarder.status != 0
    assert hoarder.peak_mib <= 100
    burner = run(tmp_path, "import time\nwhile time.process_time() < 0.5: pass", Caps(cpus=0.25))
    assert burner.seconds > 1.2
    daemon = run(tmp_path, DAEMON, Caps())
    assert daemon.left == 1
