"""A course with another dataset: no text that its students read speaks of MNIST, and its programs run on its images."""

import io
import json
import re
import subprocess
import sys
import tokenize
import zipfile
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from autograder.exits import Exit
from autograder.release import student
from autograder.release.contents import generate, solved
from autograder.repository import STUDENT
from autograder.tasks import CourseError, load
from autograder.writing import write_files
from tests.assignment.idx_files import write_data
from tests.kit.courses import copy_sources

DATASET = """
[dataset]
name = "Fashion-MNIST"
folder = "data/FashionMNIST"
images = "articles of clothing"
things = "articles"
"""
USUAL = re.compile(r"MNIST|[Dd]igit|\b[Ss]ixes\b")
# Numerals, and names.
STILL_TRUE = re.compile(
    r"Fashion-?MNIST|the MNIST family|MNIST's test images|DIGIT_COLOURS|gmvae_digits|letters, digits"
    r"|(?:four|first|last|loses|cost|keeps the|more|float32's) digits?"
)


@pytest.fixture(scope="module")
def root(tmp_path_factory) -> Path:
    """The repository with the courses 000 to 002 on other images, and all of the default one but the trained model."""
    root = copy_sources(tmp_path_factory.mktemp("clothes"))
    for name in ("000", "001", "002", "004", "full"):
        file = root / "courses" / f"{name}.toml"
        head, section, sections = file.read_text().partition("[[section]]")
        file.write_text(f"{head}{DATASET}\n{section}{sections}")
    write_data(root / "data" / "FashionMNIST")
    return root


def without_trained_model(root: Path) -> Path:
    """The default course without the one task that needs MNIST, and its page without the words on that."""
    course, page = root / "courses" / "full.toml", root / "solution" / "handout" / "full.md"
    usual = load()  # the copy holds together only without the task
    rest = usual.total - sum(task.points for task in usual.tasks if task.name == "trained_gmvae")
    text = re.sub(r' +\{ name = "trained_gmvae", .*\n', "", course.read_text())
    course.write_text(re.sub(r"^total = .*$", f"total = {rest:g}", text, flags=re.MULTILINE))
    page.write_text(
        re.sub(
            r" The last step is the trained model,\s+`gmvae.safetensors`, which.*?writes\.",
            "",
            page.read_text(),
            flags=re.S,
        )
    )
    return course


def texts(files: Mapping[str, bytes]) -> Iterator[tuple[str, str]]:
    """What people read of some files, each with its place: of code comments and strings, of a notebook its cells."""
    for name, content in files.items():
        if name.endswith(".py"):
            for token in tokenize.tokenize(io.BytesIO(content).readline):
                if tokenize.tok_name[token.type] in ("COMMENT", "STRING", "FSTRING_MIDDLE"):
                    yield f"{name}:{token.start[0]}", token.string
        elif name.endswith(".ipynb"):
            yield from ((name, "".join(cell["source"])) for cell in json.loads(content)["cells"])
        elif name.endswith((".md", ".html", ".j2", ".json", ".toml", ".txt")):
            yield name, content.decode()


def of_mnist(files: Mapping[str, bytes]) -> list[str]:
    """Every line of these texts that is about MNIST."""
    return [
        f"{place}: {line.strip()}"
        for place, text in texts(files)
        for line in text.splitlines()
        if USUAL.search(STILL_TRUE.sub("", line))
    ]


slow = pytest.mark.slow


@pytest.mark.parametrize("name", [*(pytest.param(name, marks=slow) for name in ("000", "001", "002")), "full"])
def test_no_text_is_about_mnist(root, name):
    course = load(without_trained_model(root) if name == "full" else root / "courses" / f"{name}.toml")
    files = generate(root, course).files
    assert of_mnist(files) == []
    handout = files["README.md"].decode()
    assert "articles" in handout and "Fashion-MNIST is in the folder `data/`" in handout
    assert {name for name in files if name.startswith("figures/")} <= {"figures/one_six.png"}


def test_the_search_sees_the_usual_texts():
    names = ("README.md", "report.ipynb", "tests/support/trained_model.py")
    for name in names:
        assert of_mnist({name: (STUDENT / name).read_bytes()}), name


def test_the_trained_model_is_judged_on_mnist(root):
    file = root / "courses" / "004.toml"
    line = 1 + file.read_text().split("trained_gmvae")[0].count("\n")
    with pytest.raises(CourseError) as caught:
        load(file)
    said = "trained_gmvae is judged on MNIST, but the course's dataset is Fashion-MNIST"
    assert str(caught.value).endswith(f"004.toml:{line}: {said}")


@slow
def test_a_release_with_another_dataset_runs(root, tmp_path):
    course = without_trained_model(root)
    assert student.student(["--course", str(course)], root) == Exit.DONE
    assert student.release(["--course", str(course)], root) == Exit.DONE
    with zipfile.ZipFile(root / "dist" / "full" / "student.zip") as file:
        file.extractall(tmp_path)
    folder = tmp_path / "vae-assignment"
    packed = sorted(path.relative_to(folder).as_posix() for path in (folder / "data").rglob("*") if path.is_file())
    assert packed == sorted(f"data/FashionMNIST/{file.name}" for file in (root / "data" / "FashionMNIST").iterdir())
    write_files(folder, solved(load(course)))
    command = [sys.executable, "main.py", "--quick", "--vae-iterations", "4", "--gmvae-iterations", "3"]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    results = folder / "results" / "quick"
    page = {"index.html": (results / "index.html").read_bytes()}
    assert of_mnist(page) == [] and b"200 articles sampled from the GMVAE" in page["index.html"]
    assert b"VAEs on the 120 test images" in page["index.html"] and b"97.5" not in page["index.html"]
