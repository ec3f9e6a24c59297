"""The audit's whole submissions: packed as submissions.toml says, taken in completely, none of it the reference,
and each with full marks."""

import ast
import json
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from autograder import tasks
from autograder.evidence.audit import submissions
from autograder.evidence.audit.corpus import CorpusError
from autograder.evidence.audit.submissions import WholeSubmission, files_of, pack, whole_submissions
from autograder.grading import intake
from autograder.release.reference import examples
from autograder.repository import ROOT, SOLUTION, STUDENT

COURSE = tasks.load()
EXPECTED = COURSE.files
WEIGHTS = next(iter(examples(COURSE).values()))
each = pytest.mark.parametrize("submission", whole_submissions(), ids=lambda submission: submission.name)


def test_they_are_six_and_differ_in_what_they_say() -> None:
    assert len(whole_submissions()) >= 6
    assert len({submission.about for submission in whole_submissions()}) == len(whole_submissions())


@each
def test_nothing_is_missing_when_taken_in(submission: WholeSubmission, tmp_path: Path) -> None:
    archive = pack(submission, tmp_path / "new folder" / "submission.zip")
    into = tmp_path / "into"
    into.mkdir()
    taken = intake.unpack(archive, into)
    assert not taken.errors and not taken.missing
    assert {path.name for path in into.iterdir()} >= EXPECTED
    assert (into / WEIGHTS.name).read_bytes() == WEIGHTS.read_bytes()


@each
def test_no_function_is_the_references(submission: WholeSubmission) -> None:
    """What a student writes: not what the starter provides."""
    files = {name.lower(): content for name, content in files_of(submission).items()}
    for name in EXPECTED - {WEIGHTS.name}:
        provided = _definitions((STUDENT / name).read_bytes())
        reference = _definitions((SOLUTION / name).read_bytes())
        for function, body in _definitions(files[name.lower()]).items():
            copied = body == reference.get(function) != provided.get(function)
            # A gap of one or two lines can hardly be filled otherwise.
            assert not copied or body.count("\n") < 4, f"{submission.name}/{name}: {function}"
            assert "NotImplementedError" not in body, f"{submission.name}/{name}: {function} has no variant"


@pytest.mark.slow
def test_each_earns_full_marks(tmp_path: Path) -> None:
    """As zips, by the command for one submission, which the audit calls."""
    out = tmp_path / "report.json"
    options = ["--parts", "submissions", "--processes", "1", "--out", str(out)]
    command = [sys.executable, "-m", "autograder", "audit", *options]
    finished = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=1500)
    assert finished.returncode == 0, finished.stdout + finished.stderr
    assert json.loads(out.read_text())["submissions"]["scores"] == {
        found.id: COURSE.graded for found in whole_submissions()
    }


def test_special_features_are_really_there() -> None:
    by_name = {submission.name: files_of(submission) for submission in whole_submissions()}
    windows = {name: content for name, content in by_name["windows"].items() if name.endswith(".py")}
    assert all(content.count(b"\r\n") == content.count(b"\n") > 1 for content in windows.values())
    assert all(content.startswith(b"\xef\xbb\xbf") for content in windows.values())
    assert "vae.py" in windows and "VAE.py" not in windows and "utils.py" in windows
    assert {"Experiments.ipynb", "Report final (2).pdf"} <= set(by_name["windows"])
    tabs = {name: content for name, content in by_name["tabs"].items() if name.endswith(".py")}
    assert all(b"\n\t" in content and b"\n    " not in content for content in tabs.values())
    assert b"print(" in tabs["train.py"]
    spanish = by_name["spanish"]
    assert "TAMAÑO" in spanish["ayuda.py"].decode("utf-8") and "Λ" in spanish["gmm.py"].decode("utf-8")
    assert {"LÉEME.txt", "plotting.py", "tests/test_kl.py"} <= set(spanish)
    assert b"import *" in by_name["terse"]["AE.py"] and b"lambda" in by_name["terse"]["ELBO.py"]
    assert {"my_helpers.py", "my_figures.py"} <= set(by_name["typed_classes"])
    distributions = by_name["distributions"]
    assert {"README.md", "distribution_tools.py", "nets.py", "tests/test_mine.py"} <= set(distributions)
    assert b"torch.distributions" in distributions["kl.py"] and b"__main__" in distributions["gmm.py"]


def test_layouts(tmp_path: Path) -> None:
    for layout, top in (({}, ""), ({"top": "a/b/"}, "a/b/"), ({"top": "a/", "backslashes": True}, "a\\")):
        archive = pack(WholeSubmission("x", "", 0, **layout), tmp_path / "x.zip")
        with zipfile.ZipFile(archive) as file:
            assert {f"{top}kl.py", f"{top}gmvae.safetensors"} <= {info.orig_filename for info in file.infolist()}
    with zipfile.ZipFile(pack(WholeSubmission("x", "", 0, top="a/", macosx=True), tmp_path / "x.zip")) as file:
        assert {"a/kl.py", "__MACOSX/a/._kl.py", "a/.DS_Store"} <= set(file.namelist())
        assert "a/plotting.py" not in file.namelist()


def test_what_is_wrong_with_the_table_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(submissions, "FOLDER", tmp_path)
    assert whole_submissions() == ()  # an assignment need not have any
    table = tmp_path / "submissions.toml"
    table.write_text('[[submission]]\nname = "a"\nabout = "b"\nvariant = 0\n')
    assert [submission.id for submission in whole_submissions()] == ["a"]
    (tmp_path / "other").mkdir()
    with pytest.raises(CorpusError, match="no table for the folder other"):
        whole_submissions()
    table.write_text('[[submission]]\nname = "a"\nabout = "b"\nvariant = 0\ncolour = "blue"\n')
    with pytest.raises(CorpusError, match="colour"):
        whole_submissions()


def _definitions(source: bytes) -> dict[str, str]:
    """Functions and methods by their names, without comments, docstrings, type hints and layout."""
    found = {}
    for node in ast.walk(ast.parse(source)):
        if not isinstance(node, ast.FunctionDef):
            continue
        is_docstring = isinstance(node.body[0], ast.Expr) and isinstance(node.body[0].value, ast.Constant)
        body = node.body[1:] if is_docstring else node.body
        found[node.name] = "\n".join(ast.unparse(statement) for statement in body)
    return found
