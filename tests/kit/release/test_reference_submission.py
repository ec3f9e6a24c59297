"""dist/full/reference.zip: exactly the files that students hand in, without markers, the same bytes every time."""

import zipfile

import pytest

from autograder.release import reference
from autograder.release.reference import hand_in
from autograder.release.starter import without_markers
from autograder.tasks import load
from autograder.writing import write_files

SOURCE = """def one():
    \"\"\"Task {{task:one}}: one.\"\"\"
    # BEGIN SOLUTION
    return 1  # END SOLUTION
    # END SOLUTION
"""
TREE = {
    "tests/tasks.toml": """[assignment]
examples = ["kept/m.safetensors"]
[[task]]
name = "one"
title = "One"
file = "one.py"
functions = ["one"]
[task.public]
test_one = 1
[[task]]
name = "model"
title = "Model"
file = "m.safetensors"
judge = "hidden.model:judge"
""",
    "tests/public/test_one.py": 'def test_one():\n    """One"""\n',
    "courses/full.toml": """title = "Ones"
total = 2
[[section]]
name = "ones"
title = "Ones"
task = [{ name = "one", points = 1 }, { name = "model", points = 1 }]
""",
    "solution/one.py": SOURCE,
    "solution/provided.py": "HANDED_IN = False\n",
    "kept/m.safetensors": "numbers",
}


@pytest.fixture
def root(tmp_path):
    write_files(tmp_path, TREE)
    return tmp_path


@pytest.fixture
def course(root):
    return load(root / "courses" / "full.toml")


def test_what_is_handed_in(course):
    files = hand_in(course)
    text = b'def one():\n    """Task 1.1: one."""\n    return 1  # END SOLUTION\n'
    assert files == {"one.py": text, "m.safetensors": b"numbers"}


def test_other_lines_stay_as_they_are():
    source = "a = 1\n\n# BEGIN SOLUTION\nb = '# END SOLUTION'\n  # END SOLUTION  \n\tc\n"
    assert without_markers(source) == "a = 1\n\nb = '# END SOLUTION'\n\tc\n"


def test_a_missing_file_is_named(course, root):
    (root / "kept" / "m.safetensors").unlink()
    with pytest.raises(FileNotFoundError, match="m.safetensors"):
        hand_in(course)
    (root / "tests" / "tasks.toml").write_text(TREE["tests/tasks.toml"].replace("kept/m.", "kept/n."))
    with pytest.raises(FileNotFoundError, match="no example of m.safetensors"):
        hand_in(load(course.path))


def test_the_command(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(reference, "ROOT", tmp_path)
    monkeypatch.setattr(reference, "dist", lambda course: tmp_path / course)
    assert reference.main([]) == 0
    assert "SHA-256" in capsys.readouterr().out
    with zipfile.ZipFile(tmp_path / "full" / "reference.zip") as archive:
        assert {"kl.py", "gmvae.py", "gmvae.safetensors"} <= set(archive.namelist())
        assert not any(b"# BEGIN SOLUTION" in archive.read(name) for name in archive.namelist())
