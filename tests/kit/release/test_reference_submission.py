"""dist/full/reference.zip: exactly the files that students hand in, without markers, the same bytes every time."""

import zipfile

import pytest

from autograder.release import reference
from autograder.release.reference import hand_in
from autograder.release.starter import without_markers
from autograder.tasks import load
from tests.kit.courses import TINY, write_tiny

EXAMPLE = "tests/corpus/reference/line.safetensors"


def test_what_is_handed_in():
    files = hand_in(load(TINY / "courses" / "full.toml"))
    assert files.keys() == {"line.py", "line.safetensors"}
    assert files["line.safetensors"] == (TINY / EXAMPLE).read_bytes()
    code = files["line.py"].decode()
    assert '"""Task 1.1: the height' in code and "    return slope * x + intercept\n" in code and "SOLUTION" not in code


def test_other_lines_stay_as_they_are():
    source = "a = 1\n\n# BEGIN SOLUTION\nb = '# END SOLUTION'\n  # END SOLUTION  \n\tc\n"
    assert without_markers(source) == "a = 1\n\nb = '# END SOLUTION'\n\tc\n"


def test_a_missing_file_is_named(tmp_path):
    course = load(write_tiny(tmp_path, {}) / "courses" / "full.toml")
    (tmp_path / EXAMPLE).unlink()
    with pytest.raises(FileNotFoundError, match=r"line\.safetensors"):
        hand_in(course)
    table = tmp_path / "tests" / "tasks.toml"
    table.write_text(table.read_text().replace(EXAMPLE, "another.safetensors"))
    with pytest.raises(FileNotFoundError, match=r"no example of line\.safetensors"):
        hand_in(load(course.path))


def test_the_command(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(reference, "ROOT", tmp_path)
    monkeypatch.setattr(reference, "dist", lambda course: tmp_path / course)
    assert reference.main([]) == 0
    assert "SHA-256" in capsys.readouterr().out
    with zipfile.ZipFile(tmp_path / "full" / "reference.zip") as archive:
        assert {"kl.py", "gmvae.py", "gmvae.safetensors"} <= set(archive.namelist())
        assert not any(b"# BEGIN SOLUTION" in archive.read(name) for name in archive.namelist())
