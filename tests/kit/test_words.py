"""The kit knows nothing of what is taught: no word of the subject and no name of this assignment is in its sources."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from autograder.repository import ROOT
from autograder.tasks import load

SUBJECT = {"vae", "elbo", "gmvae", "gmm", "mnist", "latent", "latents", "kl", "tsne", "t-sne"}
SUBJECT |= {"autoencoder", "autoencoders", "variational", "posterior", "posteriors", "gaussian", "gaussians", "entropy"}


def forbidden() -> re.Pattern[str]:
    """Whole words: those of the subject, in any case; file and function names of the tasks."""
    tasks = load().tasks
    names = {task.file for task in tasks} - {""} | {task.name for task in tasks if "_" in task.name}
    names |= {name.split(".")[-1] for task in tasks for name in task.functions}
    words = "|".join(re.escape(word) for word in sorted(names, key=len, reverse=True))
    return re.compile(rf"(?<![\w.])(?:{words})(?!\w)|(?<![A-Za-z])(?i:{'|'.join(sorted(SUBJECT))})(?![A-Za-z])")


def found(folder: Path) -> Iterator[str]:
    """Every forbidden word in the files below a folder and in their names: "sandbox/worker.py:12: vae"."""
    pattern = forbidden()
    for path in sorted(folder.rglob("*")):
        if path.is_file() and "__pycache__" not in path.parts and not re.fullmatch(r"secret.*\.txt", path.name):
            lines = [path.name, *path.read_text(encoding="utf-8", errors="replace").splitlines()]
            for number, line in enumerate(lines):
                for match in pattern.finditer(line):
                    yield f"{path.relative_to(folder).as_posix()}:{number}: {match.group()}"


def test_the_kit_knows_nothing_of_the_subject():
    assert list(found(ROOT / "autograder")) == []


@pytest.mark.parametrize("text", ["# the VAE\n", "latents = 3", 'FILE = "gmm.py"\n', "import tsne_latents\n", "x_kl\n"])
def test_a_planted_word_is_seen(tmp_path, text):
    (tmp_path / "module.py").write_text(text)
    assert len(list(found(tmp_path))) == 1
