"""Files are replaced whole, whatever happens."""

import os
import signal
import subprocess
import sys
import time

from autograder.repository import ROOT
from autograder.writing import write_atomically


def test_the_file_is_private_and_replaced_in_one_step(tmp_path):
    path = tmp_path / "results.json"
    other = tmp_path / "other"
    other.write_text("not ours")
    path.symlink_to(other)  # as somebody might leave it there to have us write elsewhere
    write_atomically(path, "new\n")
    assert other.read_text() == "not ours"
    assert not path.is_symlink() and path.read_text() == "new\n"
    assert path.stat().st_mode & 0o777 == 0o600
    assert sorted(entry.name for entry in tmp_path.iterdir()) == ["other", "results.json"]


def test_a_writer_killed_at_any_moment_leaves_a_valid_file(tmp_path):
    path = tmp_path / "results.json"
    code = (
        "import sys; from pathlib import Path; from autograder.writing import write_atomically\n"
        "for n in range(10**9): write_atomically(Path(sys.argv[1]), str(n % 10) * 200_000)"
    )
    for delay in (0.01, 0.03, 0.07):
        writer = subprocess.Popen([sys.executable, "-c", code, str(path)], cwd=ROOT)
        while not path.exists():
            time.sleep(0.005)
        time.sleep(delay)
        os.kill(writer.pid, signal.SIGKILL)
        writer.wait()
        text = path.read_text()
        assert len(text) == 200_000 and len(set(text)) == 1
        path.unlink()
