"""The assignment's secret: made once, private, taken from one place."""

import os
import shutil
import subprocess
import sys

import pytest

from autograder.grading import secret
from autograder.grading.secret import SECRET_FILE, SecretError, load_secret
from autograder.repository import ROOT

WHERE = secret.SECRET_FILE  # before any test replaces it


@pytest.fixture(autouse=True)
def secret_file(tmp_path, monkeypatch):
    monkeypatch.setattr(secret, "SECRET_FILE", tmp_path / "secret.txt")
    monkeypatch.delenv(secret.VARIABLE, raising=False)
    return tmp_path / "secret.txt"


def test_made_at_random_once(secret_file):
    first = load_secret()
    assert len(first) == 64
    assert secret_file.stat().st_mode & 0o777 == 0o600
    assert load_secret() == first
    secret_file.unlink()
    assert load_secret() != first


def test_a_new_one_for_a_new_term(secret_file):
    assert secret.renew(secret_file) is None
    first = secret_file.read_text()
    for number in ("", "-2", "-3"):
        old, made = secret_file.read_text(), 1_800_000_000
        os.utime(secret_file, (made, made))
        aside = secret.renew(secret_file)
        assert aside.name == f"secret-2027-01-15{number}.txt" and aside.read_text() == old
        assert aside.stat().st_mode & 0o777 == secret_file.stat().st_mode & 0o777 == 0o600
    assert len({path.read_text() for path in secret_file.parent.iterdir()}) == 4
    assert load_secret(secret_file.with_name("secret-2027-01-15.txt")) == first.strip()


def test_not_made_where_it_must_exist(secret_file):
    with pytest.raises(SecretError, match="secret.txt"):
        load_secret(create=False)
    assert not secret_file.exists()


def test_a_file_comes_before_the_variable_and_that_before_the_default(tmp_path, monkeypatch):
    default = load_secret()
    given = tmp_path / "given"
    given.write_text("  from the given file\n")
    monkeypatch.setenv(secret.VARIABLE, "from the variable")
    assert load_secret() == "from the variable"
    assert secret.VARIABLE not in os.environ, "no child may inherit it"
    monkeypatch.setenv(secret.VARIABLE, "from the variable")
    assert load_secret(given) == "from the given file"
    assert secret.VARIABLE not in os.environ
    assert load_secret() == default


@pytest.mark.parametrize("text", ["", "   \n", "too short"])
def test_a_secret_that_could_be_guessed(tmp_path, text):
    (tmp_path / "given").write_text(text)
    with pytest.raises(SecretError, match="fewer than 16"):
        load_secret(tmp_path / "given")


def test_a_missing_or_unreadable_file(tmp_path):
    with pytest.raises(SecretError, match="nowhere"):
        load_secret(tmp_path / "nowhere")
    (tmp_path / "given").write_bytes(b"\xff" * 40)
    with pytest.raises(SecretError, match="cannot be read"):
        load_secret(tmp_path / "given")


def test_git_ignores_it(tmp_path):
    assert WHERE == ROOT / "autograder" / "secret.txt"
    rules = (ROOT / ".gitignore").read_text(encoding="utf-8").splitlines()
    name = SECRET_FILE.relative_to(ROOT).as_posix()
    assert f"/{name}" in rules and not [rule for rule in rules if rule.startswith("!")]
    if shutil.which("git") is not None:
        shutil.copy(ROOT / ".gitignore", tmp_path)  # into a repository of its own: this folder may come from a ZIP
        subprocess.run(["git", "init", "-q"], cwd=tmp_path, check=True)
        for ignored in (name, "autograder/secret-2027-02-01.txt"):
            run = subprocess.run(["git", "check-ignore", "-q", ignored], cwd=tmp_path)
            assert run.returncode == 0


def test_gradescope_without_a_secret_is_a_set_up_problem(tmp_path):
    out = tmp_path / "results.json"
    command = [sys.executable, "-m", "autograder", "grade", str(tmp_path), "--out", str(out), "--gradescope"]
    run = subprocess.run(
        [*command, "--secret-file", str(tmp_path / "nowhere")], cwd=ROOT, capture_output=True, text=True
    )
    assert run.returncode == 1
    assert "Grader set-up problem" in out.read_text()
