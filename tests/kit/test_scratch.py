"""Temporary files and folders: gone at the end, swept up after those that died, never taken from those that live."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from autograder.repository import ROOT
from autograder.scratch import temporary_file, temporary_folder
from autograder.writing import WriteError, make_place, write_atomically

pytestmark = pytest.mark.skipif(os.name == "nt", reason="without locks nothing is swept up")

HOLDER = """
import sys, time
from pathlib import Path
sys.path.insert(0, sys.argv[1])
from autograder.scratch import temporary_file, temporary_folder
place = Path(sys.argv[2])
with temporary_folder("work", place) as folder, temporary_file(place, "out.json") as file:
    (folder / "inside").write_text("x")
    print("ready", flush=True)
    time.sleep(1000)
"""


@pytest.fixture
def holder(tmp_path):
    """A process that holds a folder and a file in tmp_path."""
    process = subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(ROOT), str(tmp_path)], stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None and process.stdout.readline() == "ready\n"
    yield process
    process.kill()
    process.wait()
    process.stdout.close()


def names(folder: Path) -> list[str]:
    return sorted(path.name.rpartition("-")[0] for path in folder.iterdir())


def test_they_are_gone_at_the_end(tmp_path):
    with temporary_folder("work", tmp_path, mode=0o711) as folder, temporary_file(tmp_path, "out.json") as file:
        assert folder.stat().st_mode & 0o777 == 0o711 and file.stat().st_mode & 0o777 == 0o600
        assert names(tmp_path) == [".out.json.autograder", "autograder-work"]
        (folder / "a").mkdir()
    assert names(tmp_path) == []
    with pytest.raises(KeyError), temporary_folder("work", tmp_path):
        raise KeyError
    assert names(tmp_path) == []


def test_the_living_keep_theirs_and_the_dead_are_swept_up(tmp_path, holder):
    kept = sorted(path.name for path in tmp_path.iterdir())
    write_atomically(tmp_path / "out.json", "1")
    with temporary_folder("work", tmp_path):
        pass
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted([*kept, "out.json"])
    holder.send_signal(signal.SIGKILL)
    holder.wait()
    with temporary_folder("other", tmp_path) as folder:  # whatever kind it is
        assert set(tmp_path.glob("autograder-*")) == {folder}
    write_atomically(tmp_path / "out.json", "2")
    assert [path.name for path in tmp_path.iterdir()] == ["out.json"]


def test_nothing_else_is_swept_up(tmp_path):
    """Names that are nearly ours, links, files in place of folders, and what belongs to other users."""
    others = [
        "autograder-12345678",
        "autograder-work-",
        "autograder-work-12345678x",
        "autograder-work-1234567",
        "my-autograder-work-12345678",
    ]
    for name in others:
        (tmp_path / name).mkdir()
    target = tmp_path / "target"
    target.mkdir()
    (target / "x").write_text("x")
    (tmp_path / "autograder-work-linked00").symlink_to(target)
    (tmp_path / "autograder-work-afile000").write_text("x")
    (tmp_path / ".out.json.original").write_text("x")
    theirs = tmp_path / "autograder-work-theirs00"
    theirs.mkdir()
    if os.geteuid() == 0:
        os.chown(theirs, 54321, 54321)
    before = {path.name for path in tmp_path.rglob("*")}
    with temporary_folder("work", tmp_path):
        pass
    write_atomically(tmp_path / "out.json", "1")
    gone = before - {path.name for path in tmp_path.rglob("*")}
    assert gone == (set() if os.geteuid() == 0 else {theirs.name})


@pytest.mark.parametrize("kind", ["folder", "pipe", "device"])
def test_only_files_and_links_are_ever_replaced(tmp_path, kind):
    place = tmp_path / "out.json"
    if kind == "device":
        place = Path("/dev/null")
    elif kind == "pipe":
        os.mkfifo(place)
    else:
        place.mkdir()
    before = place.stat().st_mode
    for write in (make_place, lambda path: write_atomically(path, "x")):
        with pytest.raises(OSError) as error:
            write(place)
        assert error.value.filename == str(place)
    assert place.stat().st_mode == before


def test_what_cannot_be_written_says_where_and_leaves_the_old_file(tmp_path):
    resource = pytest.importorskip("resource")
    path = tmp_path / "out.json"
    write_atomically(path, "old")
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    before = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (10, hard))
    try:
        with pytest.raises(WriteError) as error:
            write_atomically(path, "x" * 1000)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
        signal.signal(signal.SIGXFSZ, before)
    assert error.value.filename == str(path) and path.read_text() == "old"
    assert [entry.name for entry in tmp_path.iterdir()] == ["out.json"]
