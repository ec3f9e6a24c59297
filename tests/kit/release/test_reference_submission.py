"""dist/reference.zip: exactly the files that students hand in, without markers, the same bytes every time."""

import hashlib
import zipfile

import pytest

from autograder.release import reference
from autograder.release.archive import write_zip
from autograder.release.reference import hand_in, without_markers
from autograder.tasks import Check, Group, Points, Task

POINTS = Points(
    groups=(Group(1, "First"),),
    tasks=(
        Task("1.1", "One", "one.py", "one"),
        Task("1.2", "Two", "one.py", "two"),
        Task("1.3", "Model", "m.safetensors"),
    ),
    checks=(Check("model", "1.3", 1, "visible", "A", "weights"),),
)
SOURCE = b"def one():\n    # BEGIN SOLUTION\n    return 1  # END SOLUTION of a kind\n    # END SOLUTION\n"


@pytest.fixture
def course(tmp_path):
    (tmp_path / "one.py").write_bytes(SOURCE)
    (tmp_path / "provided.py").write_text("not handed in")
    (tmp_path / "weights").write_bytes(b"numbers")
    return tmp_path


def test_what_is_handed_in(course):
    files = hand_in(POINTS, course, course / "weights")
    assert files == {"one.py": b"def one():\n    return 1  # END SOLUTION of a kind\n", "m.safetensors": b"numbers"}


def test_other_lines_stay_as_they_are():
    source = b"a = 1\r\n\r\n# BEGIN SOLUTION\r\nb = '# END SOLUTION'\r\n  # END SOLUTION  \r\n\tc\n"
    assert without_markers(source) == b"a = 1\r\n\r\nb = '# END SOLUTION'\r\n\tc\n"


def test_a_missing_file_is_named(course):
    (course / "weights").unlink()
    with pytest.raises(FileNotFoundError, match="weights"):
        hand_in(POINTS, course, course / "weights")


def test_the_archive_is_reproducible_and_flat(course, tmp_path):
    files = hand_in(POINTS, course, course / "weights")
    digests = {write_zip(dict(order), tmp_path / "a.zip") for order in (files.items(), reversed(files.items()))}
    assert digests == {hashlib.sha256((tmp_path / "a.zip").read_bytes()).hexdigest()}
    with zipfile.ZipFile(tmp_path / "a.zip") as archive:
        assert archive.namelist() == ["m.safetensors", "one.py"]


def test_the_command(course, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(reference, "ROOT", tmp_path)
    monkeypatch.setattr(reference, "ARCHIVE", tmp_path / "dist" / "reference.zip")
    assert reference.main([]) == 0
    assert "SHA-256" in capsys.readouterr().out
    with zipfile.ZipFile(tmp_path / "dist" / "reference.zip") as archive:
        assert {"kl.py", "gmvae.py", "gmvae.safetensors"} <= set(archive.namelist())
        assert not any(b"# BEGIN SOLUTION" in archive.read(name) for name in archive.namelist())
