"""Where a course wants one PDF with everything, export_report.py puts the code behind the last question."""

import io
import json
import re
import subprocess
import sys
from pathlib import Path

import nbformat
import pypdf
import pytest

from autograder import stamp, tasks
from autograder.release import contents, typeset
from autograder.repository import ROOT
from autograder.writing import write_files

OWN = ("export_report.py", "lab/__init__.py", "lab/course.py", "lab/files.py", "lab/report/__init__.py")
QUESTION = "<!-- BEGIN QUESTION -->\n\n### {0}, a title\n\nWhy?\n"
LONG = "    total = " + " + ".join(f"number_{i}" for i in range(30))
CODE = f'''"""Docstring with a "quote", a \\\\ backslash and ``` three backticks."""\r
\tindented = {{"a": 1}}
{LONG}
DIGITS = "{"7" * 300}"
last = "Å €"
'''


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A student's folder with two questions, two files of code and a trained model."""
    write_files(tmp_path, contents.pdf_maker())
    for name in OWN:
        (tmp_path / name).write_bytes((ROOT / "solution" / name).read_bytes())
    cells = [nbformat.v4.new_markdown_cell(QUESTION.format(label)) for label in ("W1", "2.1b")]
    nbformat.write(nbformat.v4.new_notebook(cells=cells), tmp_path / "report.ipynb")
    (tmp_path / "second.py").write_text(CODE, encoding="utf-8-sig", newline="")
    (tmp_path / "first.py").write_bytes(b"# sm\xf8rrebr\xf8d in another encoding\n" + b"x = 1\n" * 120)
    (tmp_path / "model.safetensors").write_bytes(b"\0\xff")
    write_tasks(tmp_path, {"code_in_report": True})
    return tmp_path


def write_tasks(folder: Path, options: dict) -> None:
    """A course's tasks.json, but for the files, which occur in an order of their own, one of them twice."""
    document = json.loads(contents.task_list(tasks.chosen("000"), {}, []))
    files = ["second.py", "first.py", "second.py", "model.safetensors", ""]
    document["tasks"] = [task | {"file": file} for task, file in zip(document["tasks"], files, strict=False)]
    document["course"]["options"] = options
    write_files(folder, {stamp.TASKS: json.dumps(document)})


def export(folder: Path) -> tuple[subprocess.CompletedProcess[str], list[str]]:
    """The run, and the text of each page."""
    command = [sys.executable, "export_report.py", "--no-run"]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=120)
    pages = pypdf.PdfReader(folder / "report.pdf").pages if (folder / "report.pdf").is_file() else []
    return done, [page.extract_text() for page in pages]


def test_each_file_follows_the_last_question(folder):
    done, pages = export(folder)
    assert done.returncode == 0, done.stderr
    # The first file of the first task, once; 121 lines take two pages; a model is no code.
    assert done.stdout.startswith("pages: W1 1, 2.1b 2, second.py 3, first.py 4-5\n")
    assert len(pages) == 5 and pages[2].startswith("second.py") and pages[3].startswith("first.py")
    assert 'a "quote", a \\\\ backslash and ``` three' in pages[2] and "indented" in pages[2] and "Å €" in pages[2]
    assert "another encoding" in pages[3] and "121" in pages[4]


def test_long_lines_are_wrapped(folder):
    """Nothing leaves the page: neither a long line nor 300 digits without a space."""
    export(folder)
    page = pypdf.PdfReader(folder / "report.pdf").pages[2]
    places = []

    def visit(text, user_matrix, text_matrix, font, size):
        places.extend([user_matrix[4] + text_matrix[4]] if text.strip() else [])

    text = page.extract_text(visitor_text=visit)
    assert max(places) < float(page.mediabox.width) - 50
    assert "number_29" in text and re.sub(r"\s|\u200b", "", text).count("7" * 300) == 1
    lines = [line for line in text.splitlines() if "777" in line]
    assert len(lines) > 2 and max(map(len, lines)) < 110


def test_a_missing_file_is_said(folder):
    (folder / "first.py").unlink()
    done, pages = export(folder)
    assert done.returncode == 1 and "error: first.py is missing: the PDF lacks its code" in done.stderr
    assert "first.py 4\n" in done.stdout and "This file is missing." in pages[3]


@pytest.mark.parametrize("options", [{}, {"code_in_report": False}])
def test_no_code_unless_the_course_asks_for_it(folder, options):
    write_tasks(folder, options)
    done, pages = export(folder)
    assert done.returncode == 0 and "second.py" not in done.stdout and len(pages) == 2


def test_a_damaged_list_of_tasks_is_said(folder):
    write_files(folder, {stamp.TASKS: "{}"})
    done, pages = export(folder)
    assert done.returncode == 1 and "tasks.json is missing or damaged" in done.stderr and not pages


def test_listing():
    """Line numbers as an editor counts them; what Typst would read as its own stays text."""
    made = typeset.typeset(typeset.listing('a = "#b[*c*]"\f\n\n\n$d$\n'), ROOT, "A title")
    text = pypdf.PdfReader(io.BytesIO(made.content)).pages[0].extract_text()
    assert 'a = "#b[*c*]"' in text and "$d$" in text and "4" in text and "5" not in text


@pytest.mark.parametrize(("name", "wanted"), [("000", True), ("001", True), ("full", False), ("003", False)])
def test_the_courses_that_ask_for_one_pdf(name, wanted):
    course = tasks.chosen(name)
    assert bool(course.options.get("code_in_report")) == wanted
    page = (ROOT / "solution" / "handout" / f"{name}.md").read_text(encoding="utf-8")
    assert ("code of these files: {{files}}" in page) == wanted
