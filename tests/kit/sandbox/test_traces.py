"""Files that do not tell that they were read, where workers have no mounts without access times."""

import os
import time

import pytest

pytest.importorskip("resource", reason="the grader runs on Unix only")

from autograder.sandbox import layers, traces

pytestmark = pytest.mark.skipif(not layers.LINUX, reason="Linux only")
DAY = 86_400


@pytest.fixture
def library(tmp_path, monkeypatch):
    """A folder with a package, none of which has been read since it was installed."""
    (tmp_path / "cache").mkdir()
    monkeypatch.setattr(traces, "cache_folder", lambda: tmp_path / "cache")
    package = tmp_path / "library" / "package"
    package.mkdir(parents=True)
    (package / "module.py").write_text("text")
    (package / "empty.py").write_text("")
    (package / "link.py").symlink_to("module.py")
    (package / "broken.py").symlink_to("nothing")
    return tmp_path / "library"


def use(library):
    """Read everything once, and return what its access times tell."""
    paths = [library, *sorted(library.rglob("*"))]
    before = [path.lstat().st_atime_ns for path in paths]
    for path in paths:
        os.listdir(path) if path.is_dir() else path.exists() and path.read_bytes()
    return [path.name for path, then in zip(paths, before, strict=True) if path.lstat().st_atime_ns != then]


def test_files_tell_that_they_were_read(library):
    """Else the tests below would show nothing."""
    if not use(library):
        pytest.skip("this file system notes no access times")


@pytest.mark.parametrize("owner", [True, False])
def test_what_is_silenced_does_not(library, monkeypatch, owner):
    if not owner:
        if os.geteuid() != 0:
            pytest.skip("needs root")
        monkeypatch.setattr(os, "geteuid", lambda: 12345)
    traces.silence([library])
    monkeypatch.undo()
    assert use(library) == []


def test_it_is_done_again_after_some_hours_and_for_new_packages(library, tmp_path, monkeypatch):
    walked = []
    monkeypatch.setattr(traces, "_silence_below", lambda folder, ours: walked.append(folder))
    traces.silence([library, library / "package"])
    traces.silence([library])
    assert walked == [library]
    later = time.time() + DAY / 3
    monkeypatch.setattr(time, "time", lambda: later)
    traces.silence([library])
    assert walked == [library] * 2
    os.utime(tmp_path / "cache" / "silenced", (later, later))
    (library / "other").mkdir()
    traces.silence([library])
    assert walked == [library] * 3


@pytest.mark.parametrize(
    ("accessed", "changed", "tells"),
    [(0, -1, False), (-1, 0, True), (0, 0, True), (DAY, 0, False), (-DAY, -2 * DAY, True)],
)
def test_which_files_tell(accessed, changed, tells):
    """Seconds from now of the last access and the last change."""
    now = 1_000_000
    found = os.stat_result((0o100644, 0, 0, 1, 0, 0, 9, now + accessed, now + changed, now + changed))
    assert traces.tells(found, now) == tells


def test_file_systems_of_images_are_only_read(library, monkeypatch):
    """Setting a time would copy the file."""
    how = []
    monkeypatch.setattr(traces, "_mounts", lambda: {"/": ("overlay", {"rw", "relatime"})})
    monkeypatch.setattr(traces, "_silence_below", lambda folder, ours: how.append(ours))
    traces.silence([library])
    assert how == [False]
