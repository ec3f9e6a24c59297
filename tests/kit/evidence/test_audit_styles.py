"""The audit's whole submissions: packed as styles.toml says, taken in completely, independent of the reference, and
each with full marks."""

import ast
import json
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from autograder import tasks
from autograder.evidence.audit import submissions as styles_module
from autograder.evidence.audit.corpus import CorpusError
from autograder.evidence.audit.submissions import STARTER, Style, files_of, pack, styles
from autograder.grading import intake
from autograder.release.reference import ROOT, SOLUTION, WEIGHTS

EXPECTED = tasks.load().files
each_style = pytest.mark.parametrize("style", styles(), ids=lambda style: style.name)


def test_they_are_six_and_differ_in_what_they_say() -> None:
    assert len(styles()) >= 6
    assert len({style.about for style in styles()}) == len(styles())


@each_style
def test_nothing_is_missing_when_taken_in(style: Style, tmp_path: Path) -> None:
    archive = pack(style, tmp_path / "new folder" / "submission.zip")
    into = tmp_path / "into"
    into.mkdir()
    taken = intake.unpack(archive, into)
    assert not taken.errors and not taken.missing
    assert {path.name for path in into.iterdir()} >= EXPECTED
    assert (into / WEIGHTS.name).read_bytes() == WEIGHTS.read_bytes()


@each_style
def test_no_function_is_the_references(style: Style) -> None:
    """What a student writes: not what the starter provides."""
    files = {name.lower(): content for name, content in files_of(style).items()}
    for name in EXPECTED - {WEIGHTS.name}:
        provided = _definitions((STARTER / name).read_bytes())
        reference = _definitions((SOLUTION / name).read_bytes())
        for function, body in _definitions(files[name.lower()]).items():
            copied = body == reference.get(function) != provided.get(function)
            # A gap of one or two lines can hardly be filled otherwise.
            assert not copied or body.count("\n") < 4, f"{style.name}/{name}: {function}"


@pytest.mark.slow
def test_each_earns_full_marks(tmp_path: Path) -> None:
    """As zips, by the command for one submission, which the audit calls."""
    out = tmp_path / "autograder/evidence/audit/report.json"
    command = [sys.executable, "-m", "autograder", "audit", "--parts", "styles", "--processes", "1", "--out", str(out)]
    finished = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=1500)
    assert finished.returncode == 0, finished.stdout + finished.stderr
    assert json.loads(out.read_text())["styles"]["scores"] == {style.id: 100 for style in styles()}


def test_special_features_are_really_there(tmp_path: Path) -> None:
    by_name = {style.name: files_of(style) for style in styles()}
    windows = by_name["windows"]
    assert all(b"\r\n" in content for name, content in windows.items() if name.endswith(".py"))
    assert not any(b"\n" in content.replace(b"\r\n", b"") for name, content in windows.items() if name.endswith(".py"))
    assert windows["kl.py"].startswith(b"\xef\xbb\xbf") and "vae.py" in windows and "VAE.py" not in windows
    assert b"\n\t" in by_name["tabs_and_plots"]["gmm.py"] and b"\n    " not in by_name["tabs_and_plots"]["gmm.py"]
    assert "TAMAÑO" in by_name["spanish"]["AE.py"].decode("utf-8")
    assert {"my_helpers.py"} <= set(by_name["typed_classes"]) and "tests/test_mine.py" in by_name["distributions"]


def test_layouts(tmp_path: Path) -> None:
    style = styles()[0]
    for layout, top in (({}, ""), ({"top": "a/b/"}, "a/b/"), ({"top": "a/", "backslashes": True}, "a\\")):
        archive = pack(Style(style.name, "", **layout), tmp_path / "x.zip")
        with zipfile.ZipFile(archive) as file:
            assert {f"{top}kl.py", f"{top}gmvae.safetensors"} <= {info.orig_filename for info in file.infolist()}
    with zipfile.ZipFile(pack(Style(style.name, "", top="a/", macosx=True), tmp_path / "x.zip")) as file:
        assert {"a/kl.py", "__MACOSX/a/._kl.py", "a/.DS_Store"} <= set(file.namelist())
    with zipfile.ZipFile(pack(Style(style.name, "", with_starter=True), tmp_path / "x.zip")) as file:
        assert {"plotting.py", "tests/test_kl.py"} <= set(file.namelist())


def test_what_is_wrong_with_styles_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(styles_module, "FOLDER", tmp_path)
    with pytest.raises(CorpusError, match="styles.toml"):
        styles()
    table = tmp_path / "styles.toml"
    table.write_text('[[style]]\nname = "a"\nabout = "b"\n')
    with pytest.raises(CorpusError, match="one table for each"):
        styles()
    (tmp_path / "a").mkdir()
    assert [style.id for style in styles()] == ["a"]
    with pytest.raises(CorpusError, match=r"a: AE\.py"):
        files_of(styles()[0])
    table.write_text('[[style]]\nname = "a"\nabout = "b"\ncolour = "blue"\n')
    with pytest.raises(CorpusError, match="colour"):
        styles()


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
