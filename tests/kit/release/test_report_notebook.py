"""report.ipynb and the PDFs: its source, the students' copy, the checks in it, its run and export; the handout."""

import inspect
import io
import json
import re
import subprocess
import sys
import types
import zipfile
from pathlib import Path

import nbformat
import pypdf
import pytest
from PIL import Image

from autograder.exits import Exit
from autograder.release import leaks, notebook, numbers, pdf, student
from autograder.release import typeset as typesetting
from autograder.release.starter import SourceError
from autograder.tasks import load

ROOT = Path(__file__).resolve().parents[3]
SOURCE = (ROOT / notebook.SOURCE).read_text(encoding="utf-8")
HANDOUT = (ROOT / "student" / "README.md").read_text(encoding="utf-8")
NUMERIC = ["n1", "n2", "n3", "n4", "n5"]
ESTIMATES = {
    "entropy": {"estimate": 3.766, "standard_error": 0.001, "exact": 3.7653},
    "degenerate": {
        **{"estimate": 2.8127, "standard_error": 0.001, "exact": 2.8124},
        **{"single_gaussian": 2.8122, "exact_minus_single": 0.0002},
    },
}


@pytest.fixture(scope="module")
def made() -> notebook.Notebooks:
    return student.notebooks()


def cells_of(files: dict[str, bytes]) -> list:
    return nbformat.reads(files[notebook.NOTEBOOK].decode(), as_version=4).cells


# The source


def test_every_question_of_the_handout_has_a_place():
    """In its order, and the written part's points are what the handout says."""
    questions = notebook.questions_of(SOURCE)
    asked = list(notebook.handout_questions(HANDOUT))
    assert asked == [f"R{i}" for i in range(1, 10)] + [f"W{i}" for i in range(1, 11)]
    assert [question.name.upper() for question in questions if question.manual] == asked
    assert [question.name for question in questions if not question.manual] == NUMERIC
    assert notebook.points_of(questions)["written"] == 100
    assert all(question.rubric for question in questions if question.manual)


def test_every_section_of_answers_is_used():
    """An answer that no question names would be lost in the report."""
    files = {file.name: file.read_text(encoding="utf-8") for file in (ROOT / "solution" / "written").glob("*.md")}
    del files["README.md"]
    named = {m.group(2) for m in notebook.PLACEHOLDER.finditer(SOURCE) if m.group(1) == "answer"}
    unused = [
        heading
        for name, text in files.items()
        for heading in re.findall(r"^## (.+)$", text, re.MULTILINE)
        if name not in named and f"{name}#{numbers.anchor(heading)}" not in named
    ]
    # A step that other answers use, and the reasons behind tasks 5.1 and 5.2: neither is asked for in the report.
    assert sorted(unused) == ["The estimator", "Two normals in one dimension"]


QUESTION = "```otter\n# BEGIN QUESTION\nname: w1\nmanual: true\npoints: 2\n```\n\n**Rubric**\n\n- 1: a\n- 1: b\n"


@pytest.mark.parametrize(
    ("old", "new", "complaint"),
    [
        ("- 1: b", "- 2: b", "adds up to 3, the question is worth 2"),
        ("points: 2", "", "needs a name and points"),
        ("points: 2", "points: many", "needs a name and points"),
        ("\n- 1: b\n", "\n- 1: b\n\n" + QUESTION, "two questions 'w1'"),
    ],
)
def test_complaints_about_questions(old, new, complaint):
    """Each with file and line."""
    notebook.questions_of(QUESTION)
    with pytest.raises(SourceError, match=complaint) as error:
        notebook.questions_of(QUESTION.replace(old, new))
    assert all(str(problem).startswith(f"{notebook.SOURCE}:") for problem in error.value.problems)


def test_placeholders():
    """Questions, answers and points are put in; links between answers name the question that has the target."""
    handout = "- **R1, first.** What\n  is it?\n- **W1 (task 2).** Why?\n\nText\n"
    answers = {
        "a.md": "# A\n\n## Part one\n\n*Handout 0: what\nis it?*\n\nSee [b](b.md), [two](#x) and [web](https://e.org).\n"
        "### Deeper\n\nEnd.\n\n## Part two\n\nNo.\n",
        "b.md": "# B\n\nWhole.\n",
    }
    source = "{{question: R1}}\n{{answer: a.md#part-one}}\n{{question: W1}}\n{{answer: b.md}}\n{{points: r}}"
    assert notebook.fill_in(source, handout, answers, {"r": 3.5}).split("\n") == [
        *("## R1, first", "", "What", "is it?", "### Part one", ""),
        *("See b (W1), two and [web](https://e.org).", "#### Deeper", "", "End."),
        *("## W1 (task 2)", "", "Why?", "Whole.", "3.5"),
    ]


@pytest.mark.parametrize("placeholder", ["question: R7", "answer: c.md", "answer: a.md#no", "points: x", "odd: a"])
def test_unknown_placeholder(placeholder):
    """Named, with its line."""
    with pytest.raises(SourceError, match="nothing to put") as error:
        notebook.fill_in(f"\n\n{{{{{placeholder}}}}}", "- **R1, first.** What?\n", {"a.md": "# A\n"}, {})
    assert error.value.problems[0].line == 3


# The students' copy


def test_students_copy(made):
    """Every question with its points and a place for the answer, nothing run, and ids that do not change."""
    cells = cells_of(made.student)
    text = "\n".join(cell.source for cell in cells)
    assert len(re.findall("<!-- BEGIN QUESTION -->", text)) == len(re.findall("_Points:_", text)) == 24
    assert text.count("_Type your answer here") == 19
    assert [cell.id for cell in cells] == [f"cell-{i:03}" for i in range(len(cells))]
    assert not any(cell.get("outputs") for cell in cells)
    assert set(made.student) == {notebook.NOTEBOOK} | {f"report_checks/{name}.py" for name in NUMERIC}


def test_students_copy_is_in_sync(made):
    """student/ holds what is made now."""
    assert {name: (ROOT / "student" / name).read_bytes() for name in made.student} == made.student


def test_assign_gives_the_same_bytes_again(made):
    """Whatever Otter draws by chance is made constant."""
    points = notebook.points_of(notebook.questions_of(SOURCE))
    known = numbers.values(load(), points)
    answers = {file.name: file.read_text(encoding="utf-8") for file in (ROOT / "solution" / "written").glob("*.md")}
    assert notebook.assign(notebook.fill_in(SOURCE, HANDOUT, answers, points, known)) == made


def secrets() -> list[leaks.SecretLine]:
    prose, code = notebook.secret_lines(SOURCE)
    found = leaks.secret_prose(notebook.SOURCE, prose) + leaks.secret_code(notebook.SOURCE, code)
    for file in (ROOT / "solution" / "written").glob("*.md"):
        found += leaks.secret_prose(file.name, file.read_text(encoding="utf-8"))
    return found


def test_students_copy_is_free_of_solutions(made):
    """No line of an answer, a rubric or a solution's code; the copy with answers has them all over."""
    assert leaks.find_leaks(secrets(), made.student) == []
    leaked = {problem.text for problem in leaks.find_leaks(secrets(), made.answers)}
    for part in ("report.md line", "elbo.md line", "share = times / len(counts)", "- 1: the sum over dimensions"):
        assert any(part in text for text in leaked), part


def test_leak_behind_the_escapes_of_json():
    """Formulas and quotes are written differently in a notebook's file, and found nevertheless."""
    line = 'The "evidence" $\\log p(x)$ is never below the bound of the model.'
    content = json.dumps({"cells": [{"cell_type": "markdown", "source": ["# A\n", f"{line}\n"]}]}).encode()
    assert line.encode() not in content
    assert leaks.find_leaks(leaks.secret_prose("answers.md", line), {"a.ipynb": content})
    assert not leaks.find_leaks(leaks.secret_prose("answers.md", line), {"a.ipynb": b'{"cells": []}'})


def test_refused_source(made):
    """What otter assign cannot read is reported, not raised through."""
    with pytest.raises(SourceError, match="otter assign refuses"):
        notebook.assign("# Title\n\n```otter\n# BEGIN QUESTION\npoints: 2\n```\n\nNo name, no end.\n")


# The numeric checks


def answer_code(files: dict[str, bytes], question: str) -> str:
    """The code of a question's cells, checks and displays left out."""
    code, inside = [], False
    for cell in cells_of(files):
        if "BEGIN QUESTION" in cell.source:
            inside = f"## {question.upper()}," in cell.source
        elif cell.cell_type == "code" and inside and "grader.check" not in cell.source:
            code.append(cell.source)
    return "\n".join(code)


def complaints(files: dict[str, bytes], question: str, more: str = "") -> list[str]:
    """Run a question's answer with more lines after it, then its checks; what they complain about."""
    import numpy

    space = {"np": numpy, "metrics": lambda *keys: ESTIMATES[keys[1]]}
    exec(answer_code(files, question) + "\n" + more, space)
    checks: dict = {}
    exec(files[f"{notebook.CHECKS}/{question}.py"].decode(), checks)
    found = []
    for check in [value for name, value in checks.items() if name.startswith("test_") and name != "test_case"]:
        wanted = inspect.signature(check.test_func).parameters
        try:
            check.test_func(**{name: space[name] for name in wanted})
        except Exception as error:
            found.append(f"{type(error).__name__}: {error}")
    return found


@pytest.mark.parametrize("question", NUMERIC)
def test_right_answers_pass(made, question):
    """The reference, and no answer at all."""
    assert complaints(made.answers, question) == []
    assert complaints(made.student, question)


def as_lengths(a: float, b: float, c: float) -> str:
    """An answer to N1 whose lengths are right."""
    kl = "lambda v, w: 0.5 * (v / w - 1 - np.log(v / w))"
    return f"variances = ({a}, {b}, {c}); kl = {kl}; direct = kl({a}, {c}); detour = kl({a}, {b}) + kl({b}, {c})"


WRONG = {
    "q not between p and r": ("n1", as_lengths(2.0, 3.0, 1.0), "holds for these"),
    "a negative variance": ("n1", "variances = (3.0, -2.0, 1.0)", "positive number"),
    "two variances": ("n1", "variances = (3.0, 1.0)", "three numbers"),
    "standard deviations": ("n1", as_lengths(9.0, 4.0, 1.0) + "; variances = (3.0, 2.0, 1.0)", "deviations"),
    "another way round": ("n1", "detour = 0.3333", "detour is not"),
    "only equal distributions": ("n2", "agree = lambda m, v, n, w: m == n and v == w", "directions are equal"),
    "equal means": ("n2", "agree = lambda m, v, n, w: m == n", "directions are different"),
    "always": ("n2", "agree = lambda *pair: True", "directions are different"),
    "no answer": ("n2", "agree = lambda *pair: None", "True or False"),
    "the variance": ("n3", "sum_sigma = 0.5", "derivative"),
    "the divergence's value": ("n3", "sum_smallest = 0.0", "value of the sum"),
    "the sum's place": ("n3", "kl_sigma = 0.7071", "not smallest there"),
    "the constant forgotten": ("n3", "kl_smallest = 0.5", "value of the divergence"),
    "mean for sum": ("n4", "f = log_likelihood; log_likelihood = lambda rate: f(rate) / 8", "a sum, missing"),
    "no factorials": (
        "n4",
        "log_likelihood = lambda rate: float(np.sum(counts * np.log(rate) - rate))",
        "a term",
    ),
    "no entropy": ("n4", "g = divergence; divergence = lambda rate: g(rate) + 1.494175", "off by a constant"),
    "reversed": ("n4", "g = divergence; divergence = lambda rate: 2 * g(rate)", "differ by a constant"),
    "another rate": ("n4", "most_likely = closest = 2.0", "more likely"),
    "different rates": ("n4", "closest = 2.0", "should agree"),
    "wrong sign": ("n5", "mixture_error = -mixture_error", "sign and order"),
    "variance for error": ("n5", "degenerate_error *= degenerate['standard_error']", "sign and order"),
    "far off": (
        "n5",
        "mixture = mixture | {'estimate': 3.78}; mixture_error = (3.78 - 3.7653) / 0.001",
        "more than five",
    ),
    "wishful": ("n5", "can_tell = True", "not the estimate"),
    "nothing run": ("n5", "mixture = {}", "numbers are missing"),
}


@pytest.mark.parametrize(("question", "change", "complaint"), WRONG.values(), ids=WRONG)
def test_wrong_answers_fail(made, question, change, complaint):
    """Each with a message that says what probably is wrong."""
    found = complaints(made.answers, question, change)
    assert any(complaint in text for text in found), found


# The first cell on Colab


@pytest.mark.parametrize("way", ["drive", "address", "upload"])
def test_first_cell_on_colab(made, tmp_path, monkeypatch, way):
    """The folder is taken from the Drive, else unpacked from the address or the upload, and the packages come after."""
    drive_folder = tmp_path / "drive" / "vae-assignment"
    archive = tmp_path / "student.zip"
    with zipfile.ZipFile(archive, "w") as file:
        for name in ("main.py", "report_checks/n1.py", "report.ipynb"):
            content = made.student.get(name, b"")
            file.writestr(f"vae-assignment/{name}", content)
    if way == "drive":
        with zipfile.ZipFile(archive) as file:
            file.extractall(drive_folder.parent)
    steps = []
    colab = types.ModuleType("google.colab")
    colab.drive = types.SimpleNamespace(mount=lambda place: steps.append(f"mount {place}"))
    colab.files = types.SimpleNamespace(upload=lambda: steps.append("upload") or {str(archive): b""})
    monkeypatch.setitem(sys.modules, "google.colab", colab)
    monkeypatch.setitem(sys.modules, "google", types.SimpleNamespace(colab=colab))
    monkeypatch.syspath_prepend(ROOT / "solution")
    monkeypatch.chdir(tmp_path)

    from IPython.core.inputtransformer2 import TransformerManager

    first, second = (
        cell.source for cell in cells_of(made.student) if re.search("google.colab|import otter", cell.source)
    )
    source = first.replace("/content/drive/MyDrive/vae-assignment", drive_folder.as_posix())
    if way == "address":
        source = source.replace('COURSE_ZIP = ""', f'COURSE_ZIP = "{archive.as_uri()}"')
    shell = types.SimpleNamespace(
        run_line_magic=lambda name, line: steps.append(f"{name} in {Path.cwd().name}: {line}")
    )
    space = {"get_ipython": lambda: shell}
    exec(TransformerManager().transform_cell(source), space)
    exec(second, space)
    for source in (first, second):  # once there, running it again changes nothing
        before = len(steps)
        exec(TransformerManager().transform_cell(source), space)
        assert len(steps) == before
    assert steps[0] == "mount /content/drive" and ("upload" in steps) == (way == "upload")
    assert steps[-1].startswith("pip in vae-assignment: install -q") and "otter-grader" in steps[-1]
    assert Path.cwd() == drive_folder and space["grader"]


# Pictures and numbers of the run


@pytest.fixture
def results(tmp_path) -> Path:
    """Results as main.py leaves them, of every part that the report shows; the pictures are grey."""
    folder = tmp_path / "results"
    parts = {part for shown in re.findall(r"^show\((.+)\)$", SOURCE, re.MULTILINE) for part in json.loads(f"[{shown}]")}
    assert len(parts) > 10
    for part in parts:
        (folder / part).mkdir(parents=True)
        Image.new("L", (720, 600), 128).save(folder / part / "picture.png")
        table = {"title": "A table", "columns": ["P", "a|b"], "rows": [["N(0, 1)", 0.25]], "caption": ""}
        figures = [{"file": "picture.png", "title": f"Picture of {part}", "caption": "What?"}]
        (folder / part / "part.json").write_text(json.dumps({"figures": figures, "tables": [table]}))
    settings = {"vae_iterations": 5000, "gmvae_iterations": 20000}
    (folder / "metrics.json").write_text(json.dumps({"seed": 0, "settings": settings, "gmm": ESTIMATES}))
    return folder


def test_what_is_shown(results, capsys, monkeypatch):
    """Pictures and tables of a part; a clear message for what is missing; what the results come from."""
    monkeypatch.syspath_prepend(ROOT / "solution")
    from lab.report import notebook as shown

    displayed = []
    monkeypatch.setattr(shown, "display", lambda *things: displayed.extend(things))
    shown.show("gmvae", results=results)
    title, picture, table = displayed
    assert title.data == "*Picture of gmvae*" and picture.data == (results / "gmvae" / "picture.png").read_bytes()
    assert "| P | a\\|b |" in table.data and "| N(0, 1) | 0.2500 |" in table.data
    displayed.clear()
    (results / "gmvae" / "picture.png").unlink()
    shown.show("gmvae", "tsne", results=results)
    assert [thing.data for thing in displayed if "Missing" in thing.data] == [
        "**Missing: results/gmvae/picture.png.** Run `python main.py gmvae` first, then this cell again.",
        "**Missing: results/tsne.** Run `python main.py tsne` first, then this cell again.",
    ]
    displayed.clear()
    assert shown.metrics("gmm", "entropy", results=results) == ESTIMATES["entropy"] and not displayed
    assert shown.metrics("gmm", "entropy", "estimate", results=results) == {}
    assert shown.metrics("vae", results=results / "nowhere") == {}
    assert "vae in results/metrics.json" in displayed[-1].data and len(displayed) == 2
    full = {"seed": 3, "settings": {"vae_iterations": 5000, "gmvae_iterations": 20000}}
    assert "cut short" not in shown.run_description(full) and "seed 3" in shown.run_description(full)
    assert "cut short" in shown.run_description(
        {"seed": 3, "settings": {"vae_iterations": 60, "gmvae_iterations": 100}}
    )
    assert "python main.py" in shown.run_description(None)


# PDF


def outline(reader: pypdf.PdfReader) -> list[str]:
    """Titles of the bookmarks, nested ones included."""

    def flat(entries):
        for entry in entries:
            yield from flat(entry) if isinstance(entry, list) else [entry.title]

    return list(flat(reader.outline))


def test_typesetting(tmp_path):
    """Formulas, pages of marks, a picture's size; a link to nowhere and a formula that is none do no harm."""
    Image.new("L", (650, 650), 128).save(tmp_path / "p.png")
    text = "# One\n\n$x^2 \\lVert y \\rVert \\odot z$ and [gone](#gone), [file](a.md), [One](#one), $\\nonsense{x}$.\n"
    text += "\n![](p.png)\n"
    text += typesetting.NEW_PAGE + typesetting.mark("second") + "\n## Two\n\n1\\. (b) and\n"
    made = typesetting.typeset(text, tmp_path, "A title")
    assert made.pages == {"second": 2} and len(made.warnings) == 1 and "nonsense" in made.warnings[0]
    read = pypdf.PdfReader(io.BytesIO(made.content))
    assert read.metadata.title == "A title" and outline(read) == ["One", "Two"]
    first = read.pages[0].extract_text()
    assert "gone, file, One" in first and "‖" in first.replace("∥", "‖")
    assert len(read.pages[0].get("/Annots", [])) == 1  # the link that leads somewhere
    with pytest.raises(typesetting.TypesetError, match="nowhere.png"):
        typesetting.typeset("![](nowhere.png)", tmp_path, "A title")


def test_handout_pdf():
    """All headings, all pictures, formulas without complaint, links that lead somewhere, page numbers."""
    made = pdf.handout_pdf()
    text = (ROOT / "student" / "README.md").read_text(encoding="utf-8")
    read = pypdf.PdfReader(io.BytesIO(made.content))
    headings = re.findall(r"^#+ (.+)$", re.sub(r"```.*?```", "", text, flags=re.DOTALL), re.MULTILINE)
    assert made.warnings == []
    assert outline(read) == [heading.replace("`", "") for heading in headings] and len(headings) >= 40
    assert sum(len(page.images) for page in read.pages) == len(re.findall(r"!\[", text)) == 3
    pages = [page.extract_text() for page in read.pages]
    assert all(f"{i} / {len(pages)}" in page for i, page in enumerate(pages, start=1))
    assert not any("$" in page for page in pages)
    links = [note.get_object() for page in read.pages for note in page.get("/Annots", [])]
    assert len(links) > 10 and all("/A" in link or "/Dest" in link for link in links)


def export(folder: Path, *arguments: str) -> subprocess.CompletedProcess:
    command = [sys.executable, "export_report.py", *arguments]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=600)


def check_pages(folder: Path, stdout: str) -> list[str]:
    """Every question begins on a page of its own, which is the one that was printed; returns the pages' texts."""
    pages = [page.extract_text() for page in pypdf.PdfReader(folder / "report.pdf").pages]
    printed = re.findall(r"\b([RWN]\d+) (\d+)(?:-(\d+))?", stdout)
    names = [question.name.upper() for question in notebook.questions_of(SOURCE)]
    assert [name for name, _, _ in printed] == names
    for name, first, _ in printed:
        assert re.match(rf"{name}\b", pages[int(first) - 1].lstrip()), name
    starts = [int(first) for _, first, _ in printed]
    ends = [int(last or first) for _, first, last in printed]
    assert [end + 1 for end in ends] == [*starts[1:], len(pages) + 1] and len(set(starts)) == len(starts)
    return pages


@pytest.mark.slow
def test_reference_runs_and_exports(results, tmp_path):
    """From top to bottom in a fresh process: no error, all checks passed, one page start for each question."""
    folder = tmp_path / "finished"
    folder.mkdir()
    pdf.lay_out(folder, results)
    done = export(folder, "--save")
    assert done.returncode == 0, done.stderr
    assert "not answered" not in done.stderr and "not converted" not in done.stderr
    text = "\n".join(check_pages(folder, done.stdout))
    for name in NUMERIC:
        assert f"{name} results: All test cases passed!" in text
    assert "seed 0, 5,000 iterations" in text and "Missing" not in text and "SOLUTION" not in text
    assert "cost(x, z)" not in text and 'show("gmvae")' not in text and "Rubric" in text
    saved = nbformat.read(folder / notebook.NOTEBOOK, as_version=4)
    assert sum(bool(cell.get("outputs")) for cell in saved.cells) > 15
    # What is saved can be exported without running it again.
    again = export(folder, "--no-run", "--out", "again.pdf")
    assert again.returncode == 0 and (folder / "again.pdf").stat().st_size > 100_000


@pytest.mark.slow
def test_untouched_copy_runs_without_results(made, tmp_path):
    """A student's first look: nothing stops, what is missing is said, no check passes, everything is unanswered."""
    folder = tmp_path / "untouched"
    folder.mkdir()
    pdf.lay_out(folder, tmp_path / "nowhere")
    for name, content in made.student.items():
        (folder / name).write_bytes(content)
    done = export(folder)
    assert done.returncode == 0, done.stderr
    assert "not answered yet: R1, R2," in done.stderr and "W10" in done.stderr
    text = "\n".join(check_pages(folder, done.stdout))
    assert "All test cases passed" not in text and text.count("results:") >= 5
    assert "\N{CROSS MARK}" not in text and "three numbers in parentheses" in text
    assert "There are no results yet" in text and "python main.py gmvae" in text


@pytest.mark.slow
def test_cell_that_fails(made, results, tmp_path):
    """The PDF is made nevertheless, the cell is named, and the exit status says that something is wrong."""
    folder = tmp_path / "failing"
    folder.mkdir()
    pdf.lay_out(folder, results)
    broken = nbformat.reads(made.answers[notebook.NOTEBOOK].decode(), as_version=4)
    for cell in broken.cells:
        if "variances = (3.0" in cell.source:
            cell.source = "variances = undefined_name"
    # On Colab a cell is how to start it, and saved with the others.
    broken.cells.append(nbformat.v4.new_code_cell(f"!{sys.executable} export_report.py"))
    nbformat.write(broken, folder / notebook.NOTEBOOK)
    done = export(folder)
    assert done.returncode == 1 and (folder / "report.pdf").is_file()
    assert "This cell makes the PDF." in pypdf.PdfReader(folder / "report.pdf").pages[-1].extract_text()
    assert "error: NameError" in done.stderr and "`variances = undefined_name`" in done.stderr


@pytest.mark.parametrize(
    ("content", "message"), [(None, "is missing"), ("{", "is no notebook"), ("[]", "is no notebook")]
)
def test_no_notebook(tmp_path, content, message):
    """A clear message instead of a traceback."""
    path = tmp_path / "report.ipynb"
    if content is not None:
        path.write_text(content)
    command = [sys.executable, str(ROOT / "student" / "export_report.py"), str(path)]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 1 and message in done.stderr and "Traceback" not in done.stderr


def test_report_needs_results(tmp_path, capsys):
    """`make report` before `make run` says so."""
    assert pdf.report(["--results", str(tmp_path)]) == Exit.NOTHING
    assert "make run" in capsys.readouterr().err
