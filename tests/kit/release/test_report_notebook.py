"""report.ipynb and the PDFs: its source, the students' copy, the checks in it, its run and export; the handout."""

import dataclasses
import inspect
import io
import json
import re
import shutil
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
from autograder.release import contents, leaks, measured, notebook, numbers, pdf, questions
from autograder.release import typeset as typesetting
from autograder.release.starter import SourceError
from autograder.repository import ROOT
from autograder.stamp import TASKS
from autograder.tasks import Course, Question, Section, load
from autograder.writing import write_files
from tests.kit.archives import write_zip

FILES = questions.read(ROOT / questions.FOLDER)
NUMERIC = sorted(name for name, file in FILES.items() if file.kind == "N")
RUN = json.loads((ROOT / measured.RUNS).read_text(encoding="utf-8"))["runs"][0]
ESTIMATES = {
    "entropy": {"estimate": 3.766, "standard_error": 0.001, "exact": 3.7653},
    "degenerate": {
        **{"estimate": 2.8127, "standard_error": 0.001, "exact": 2.8124},
        **{"single_gaussian": 2.8122, "exact_minus_single": 0.0002},
    },
}


def whole_course() -> Course:
    """The default course, asking every question there is for two points each, by kind in its first three sections."""
    course = load()
    asked = []
    for kind, section in zip("RWN", course.sections, strict=False):
        names = sorted(name for name, file in FILES.items() if file.kind == kind)
        asked += [Question(name, kind, f"{kind}{i}", 2.0, section.name) for i, name in enumerate(names, start=1)]
    return dataclasses.replace(course, questions=tuple(asked))


COURSE = whole_course()
LABELS = {question.name: question.label for question in COURSE.questions}


@pytest.fixture(scope="module")
def made() -> notebook.Notebooks:
    return notebook.make(ROOT, COURSE, numbers.values(COURSE))


def cells_of(files: dict[str, bytes]) -> list:
    return nbformat.reads(files[notebook.NOTEBOOK].decode(), as_version=4).cells


# The source

SMALL = {
    "area": """+++
kind = "W"
shows = ["disc-area", "balls"]
+++
# area of a disc
What, in {{section:discs}}?
## Rubric
- 1: the formula
- 2: the proof
## Answer
{{answer: discs.md#area}}

See [radius](discs.md#radius), [more](#x) and [web](https://e.org).
""",
    "radius": """+++
kind = "R"
shows = ["disc-area", "disc-radius"]
+++
# radius
How long?
## Rubric
- 1: a
- 1: b
- 1: c
- 1: d
## Answer
{{answer: discs.md#radius}}
""",
    "total": """+++
kind = "N"
+++
# a total
Add.
## Cells
```python
given = 2
```
```python
total = given + 1  # SOLUTION
```
## Tests
```python
def test_total(total):
    assert total == 3  # given and 1
```
""",
}
SMALL_FILES = {name: questions.parse(name, text, []) for name, text in SMALL.items()}
SMALL_HEAD = {
    "report.md": "<!-- not for\nstudents -->\n# Report\n\n{{points:written}}.\n",
    "R.md": "Items.\n",
    "W.md": "Words.\n",
    "N.md": "Numbers.\n",
    "results.md": "Results.\n",
}
SMALL_ANSWERS = {"discs.md": "# D\n\n## Area\n\nPi, {{metric:disc.area}}.\n\n## Radius\n\nr.\n"}
ASKED = (
    Question("total", "N", "3.1", 1, "sums"),
    Question("area", "W", "W1", 0.5, "discs"),
    Question("radius", "R", "R1", 6, "discs"),
)
SECTIONS = (Section("discs", "1", "Discs"), Section("empty", "2", "Nothing"), Section("sums", "3", "Sums"))


def small_course(*asked: str) -> Course:
    wanted = tuple(question for question in ASKED if question.name in asked)
    return Course(Path("courses/small.toml"), "Small", 7.5, SECTIONS, (), (), wanted)


def assembled(course: Course, parts=notebook.everything, head=None, answers=None) -> str:
    head, answers = head or SMALL_HEAD, answers or SMALL_ANSWERS
    return notebook.assemble(course, SMALL_FILES, head, answers, numbers.values(course), parts)


def test_source_of_a_small_course():
    """Head, sections, labels, points, rubrics in points, what is shown, answers: all of it, in its order."""
    answers = {"discs.md": SMALL_ANSWERS["discs.md"].replace("Pi", "Pi, {{question:radius}}")}
    text = assembled(small_course("area", "radius", "total"), lambda part: part != "balls", answers=answers)
    assert re.sub(r"```otter\n(.*?)\n```", r"<\1>", text, flags=re.DOTALL).split("\n\n") == [
        *("# Report", "7.5 points.", "Items.", "Words.", "Numbers.", "Results.", "## 1. Discs"),
        "<# BEGIN QUESTION\nname: area\nmanual: true\npoints: 0.5>",
        *("### W1, area of a disc", "What, in 1?", '```python tags=["only-output"]\nshow("disc-area")\n```'),
        *("<# BEGIN PROMPT>", "**Discussed with:** (people, and any other source)", notebook.UNANSWERED),
        *("<# END PROMPT>", "<# BEGIN SOLUTION>", "**Rubric**", "- 0.17: the formula\n- 0.33: the proof"),
        *("#### Area", "Pi, R1, {{metric:disc.area}}.", "See radius (R1), more and [web](https://e.org)."),
        *("<# END SOLUTION>", "<# END QUESTION>"),
        "<# BEGIN QUESTION\nname: radius\nmanual: true\npoints: 6>",
        *("### R1, radius", "How long?", "*Further results of your run stand under W1.*"),
        '```python tags=["only-output"]\nshow("disc-radius")\n```',
        *("<# BEGIN PROMPT>", "**Discussed with:** (people, and any other source)", notebook.UNANSWERED),
        *("<# END PROMPT>", "<# BEGIN SOLUTION>", "**Rubric**", "- 1.5: a\n- 1.5: b\n- 1.5: c\n- 1.5: d"),
        *("#### Radius", "r.", "<# END SOLUTION>", "<# END QUESTION>", "## 3. Sums"),
        "<# BEGIN QUESTION\nname: total\nexport: true\npoints: 1>",
        *("### 3.1, a total", "Add.", "```python\ngiven = 2\n```", "<# BEGIN SOLUTION>"),
        *("```python\ntotal = given + 1  # SOLUTION\n```", "<# END SOLUTION>", "<# BEGIN TESTS>"),
        "```python\ndef test_total(total):\n    for value in [total]:\n"
        '        assert value is not ..., "still to be written"\n    assert total == 3  # given and 1\n```',
        *("<# END TESTS>", "<# END QUESTION>\n"),
    ]


def test_head_speaks_of_nothing_that_the_course_lacks():
    """A kind's paragraph comes with the kind, results with a part that the course has."""
    assert "Items." not in assembled(small_course("total", "area"))
    assert "Results." in assembled(small_course("area"))
    assert "show" not in assembled(small_course("area"), lambda part: False)
    assert "Results." not in assembled(small_course("area"), lambda part: False)
    only_numbers = assembled(small_course("total"))
    assert "Numbers." in only_numbers and "Words." not in only_numbers and "Discs" not in only_numbers


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        (lambda head, answers: head.pop("W.md"), "solution/report/W.md:1: this file is missing"),
        (lambda head, answers: head.update({"W.md": "\n{{task:x}}"}), "solution/report/W.md:2: {{task:x}}"),
        (lambda head, answers: answers.clear(), "solution/questions/area.md:11: solution/written has no discs.md#area"),
        (
            lambda head, answers: answers.update({"discs.md": "# D\n\n## Area\n\n{{section:cones}}\n"}),
            "solution/written/discs.md:5: {{section:cones}}: the course has no such thing",
        ),
    ],
)
def test_complaints_about_the_source(change, complaint):
    """Each with file and line."""
    head, answers = dict(SMALL_HEAD), dict(SMALL_ANSWERS)
    change(head, answers)
    known = {"section:discs": "1", "points:written": "1 point"}
    with pytest.raises(SourceError) as error:
        notebook.assemble(small_course("area"), SMALL_FILES, head, answers, known)
    assert any(str(problem).startswith(complaint) for problem in error.value.problems), str(error.value)


def test_placeholder_of_a_question():
    """With file and line; an unused section of the answers may speak of anything."""
    course = small_course("area")
    files = {"area": questions.parse("area", SMALL["area"].replace("{{section:discs}}", "{{task:cone}}"), [])}
    answers = {"discs.md": SMALL_ANSWERS["discs.md"] + "\n{{task:cone}}"}
    with pytest.raises(SourceError) as error:
        notebook.assemble(course, files, SMALL_HEAD, answers, numbers.values(course))
    (problem,) = error.value.problems
    assert str(problem).startswith("solution/questions/area.md:6: {{task:cone}}")


def test_course_with_an_unknown_question(tmp_path):
    """Refused before anything is made."""
    course = dataclasses.replace(COURSE, questions=(dataclasses.replace(COURSE.questions[0], name="zebra"),))
    with pytest.raises(SourceError, match="no question 'zebra'"):
        notebook.make(ROOT, course, {})


# The students' copy


def test_students_copy(made):
    """Every question with its points and a place for the answer, nothing run, and ids that do not change."""
    cells = cells_of(made.student)
    text = "\n".join(cell.source for cell in cells)
    number = len(COURSE.questions)
    assert len(re.findall("<!-- BEGIN QUESTION -->", text)) == len(re.findall("_Points:_ 2", text)) == number
    assert re.findall(r"^### ([^\s,]+), ", text, re.MULTILINE) == list(LABELS.values())
    places = [cell.source for cell in cells if cell.source.strip() == notebook.PROMPT]
    assert len(places) == text.count("_Type your answer here") == number - len(NUMERIC)
    assert [cell.id for cell in cells] == [f"cell-{i:03}" for i in range(len(cells))]
    assert not any(cell.get("outputs") for cell in cells)
    assert set(made.student) == {notebook.NOTEBOOK} | {f"report_checks/{name}.py" for name in NUMERIC}
    assert "**Student ID:**" in cells[0].source and "{{" not in text


def test_answers_replace_the_places_for_them(made):
    text = "\n".join(cell.source for cell in cells_of(made.answers))
    assert notebook.UNANSWERED not in text and "**Discussed with:**" not in text
    assert text.count("**Rubric**") == len(COURSE.questions) - len(NUMERIC)


def test_assign_gives_the_same_bytes_again(made):
    """Whatever Otter draws by chance is made constant."""
    head = {path.name: path.read_text(encoding="utf-8") for path in (ROOT / notebook.FOLDER).glob("*.md")}
    answers = questions.written_answers(ROOT / "solution" / "written")
    assert notebook.assign(notebook.assemble(COURSE, FILES, head, answers, numbers.values(COURSE))) == made


def test_otter_takes_half_points_and_none():
    """Of a written question and of a numeric check; labels may be any."""
    asked = [dataclasses.replace(question, points=points) for question, points in zip(ASKED, (0, 0, 2.5), strict=True)]
    course = dataclasses.replace(small_course(), questions=tuple(asked))
    small = notebook.assign(assembled(course, head=SMALL_HEAD | {"report.md": REPORT_HEAD}))
    text = "\n".join(cell.source for cell in cells_of(small.student))
    assert re.findall(r"_Points:_ (\S+)", text) == ["0", "2.5", "0"]
    assert "total = ..." in text and set(small.student) == {notebook.NOTEBOOK, "report_checks/total.py"}


REPORT_HEAD = (ROOT / notebook.SOURCE).read_text(encoding="utf-8")


def secrets() -> list[leaks.SecretLine]:
    found = []
    for file in FILES.values():
        prose, code = questions.secret_lines(file.source)
        found += [*leaks.secret_prose(file.path, prose), *leaks.secret_code(file.path, code)]
    for file in (ROOT / "solution" / "written").glob("*.md"):
        found += leaks.secret_prose(file.name, file.read_text(encoding="utf-8"))
    return found


def test_students_copy_is_free_of_solutions(made):
    """No line of an answer, a rubric or a solution's code; the copy with answers has them all over."""
    assert leaks.find_leaks(secrets(), made.student) == []
    leaked = {problem.text for problem in leaks.find_leaks(secrets(), made.answers)}
    for part in ("kl_zero.md line", "elbo.md line", "share = times / len(counts)"):
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
            inside = f"### {LABELS[question]}," in cell.source
        elif cell.cell_type == "code" and inside and "grader.check" not in cell.source:
            code.append(cell.source)
    return "\n".join(code)


def complaints(files: dict[str, bytes], question: str, more: str = "") -> list[str]:
    """Run a question's answer with more lines after it, then its checks; what they complain about."""
    import numpy

    space = {"np": numpy, "metrics": lambda *keys: ESTIMATES[keys[1]]}
    code = answer_code(files, question).replace("from lab.report.notebook import metrics\n", "")
    exec(code + "\n" + more, space)
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
    """The reference; of no answer at all every test says that it is still to be written."""
    assert complaints(made.answers, question) == []
    untouched = complaints(made.student, question)
    assert untouched and all("still to be written" in text for text in untouched), untouched


def as_lengths(a: float, b: float, c: float) -> str:
    """An answer to `triangle_lengths` whose lengths are right."""
    kl = "lambda v, w: 0.5 * (v / w - 1 - np.log(v / w))"
    return f"variances = ({a}, {b}, {c}); kl = {kl}; direct = kl({a}, {c}); detour = kl({a}, {b}) + kl({b}, {c})"


WRONG = {
    "q not between p and r": ("triangle_lengths", as_lengths(2.0, 3.0, 1.0), "holds for these"),
    "a negative variance": ("triangle_lengths", "variances = (3.0, -2.0, 1.0)", "positive number"),
    "two variances": ("triangle_lengths", "variances = (3.0, 1.0)", "three numbers"),
    "standard deviations": (
        "triangle_lengths",
        as_lengths(9.0, 4.0, 1.0) + "; variances = (3.0, 2.0, 1.0)",
        "deviations",
    ),
    "another way round": ("triangle_lengths", "detour = 0.3333", "detour is not"),
    "only equal distributions": ("agreement", "agree = lambda m, v, n, w: m == n and v == w", "directions are equal"),
    "equal means": ("agreement", "agree = lambda m, v, n, w: m == n", "directions are different"),
    "always": ("agreement", "agree = lambda *pair: True", "directions are different"),
    "no answer": ("agreement", "agree = lambda *pair: None", "True or False"),
    "the variance": ("two_minima", "sum_sigma = 0.5", "derivative"),
    "the divergence's value": ("two_minima", "sum_smallest = 0.0", "value of the sum"),
    "the sum's place": ("two_minima", "kl_sigma = 0.7071", "not smallest there"),
    "the constant forgotten": ("two_minima", "kl_smallest = 0.5", "value of the divergence"),
    "mean for sum": (
        "likelihood_rate",
        "f = log_likelihood; log_likelihood = lambda rate: f(rate) / 8",
        "a sum, missing",
    ),
    "no factorials": (
        "likelihood_rate",
        "log_likelihood = lambda rate: float(np.sum(counts * np.log(rate) - rate))",
        "a term",
    ),
    "no entropy": (
        "likelihood_rate",
        "g = divergence; divergence = lambda rate: g(rate) + 1.494175",
        "off by a constant",
    ),
    "reversed": ("likelihood_rate", "g = divergence; divergence = lambda rate: 2 * g(rate)", "differ by a constant"),
    "another rate": ("likelihood_rate", "most_likely = closest = 2.0", "more likely"),
    "different rates": ("likelihood_rate", "closest = 2.0", "should agree"),
    "wrong sign": ("error_bars", "mixture_error = -mixture_error", "sign and order"),
    "variance for error": ("error_bars", "degenerate_error *= degenerate['standard_error']", "sign and order"),
    "far off": (
        "error_bars",
        "mixture = mixture | {'estimate': 3.78}; mixture_error = (3.78 - 3.7653) / 0.001",
        "more than five",
    ),
    "wishful": ("error_bars", "can_tell = True", "not the estimate"),
    "nothing run": ("error_bars", "mixture = {}", "numbers are missing"),
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
    names = ("main.py", "export_report.py", "report_checks/agreement.py", "report.ipynb")
    files = {f"vae-assignment/{name}": made.student.get(name, b"") for name in names}
    archive = write_zip(tmp_path / "student.zip", files)
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
    parts = {part for file in FILES.values() for part in file.shows}
    assert len(parts) > 10
    for part in parts:
        (folder / part).mkdir(parents=True)
        Image.new("L", (720, 600), 128).save(folder / part / "picture.png")
        table = {"title": "A table", "columns": ["P", "a|b"], "rows": [["N(0, 1)", 0.25]], "caption": ""}
        figures = [{"file": "picture.png", "title": f"Picture of {part}", "caption": "What?"}]
        (folder / part / "part.json").write_text(json.dumps({"figures": figures, "tables": [table]}))
    settings = {"vae_iterations": 5000, "gmvae_iterations": 20000}
    (folder / "metrics.json").write_text(json.dumps({**RUN, "settings": settings}))
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
    shown.show("gmvae", "train-vae", results=results)
    assert [thing.data for thing in displayed if "Missing" in thing.data] == [
        "**Missing: results/gmvae/picture.png.** Run `python main.py gmvae` first, then this cell again.",
        "**Missing: results/train-vae.** Run `python main.py train-vae` first, then this cell again.",
    ]
    displayed.clear()
    assert shown.metrics("gmm", "entropy", results=results) == RUN["gmm"]["entropy"] and not displayed
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
    course = load()
    made = pdf.handout_pdf(contents.generate(ROOT, course))
    text = contents.generate(ROOT, course).files["README.md"].decode()
    read = pypdf.PdfReader(io.BytesIO(made.content))
    headings = re.findall(r"^#+ (.+)$", re.sub(r"```.*?```", "", text, flags=re.DOTALL), re.MULTILINE)
    assert made.warnings == []
    assert outline(read) == [heading.replace("`", "") for heading in headings] and len(headings) >= 40
    assert sum(len(page.images) for page in read.pages) == len(re.findall(r"!\[", text)) >= 3
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
    assert [label for label, _, _ in printed] == list(LABELS.values())
    for label, first, _ in printed:
        assert re.match(rf"(?:\d\. .*\n)?{label}\b", pages[int(first) - 1].lstrip()), label
    starts = [int(first) for _, first, _ in printed]
    ends = [int(last or first) for _, first, last in printed]
    assert [end + 1 for end in ends] == [*starts[1:], len(pages) + 1] and len(set(starts)) == len(starts)
    return pages


def test_small_report(tmp_path, monkeypatch):
    """Labels of any kind, and sections."""
    monkeypatch.syspath_prepend(ROOT / "solution")
    monkeypatch.setitem(sys.modules, "lab.report.typeset", typesetting)
    import export_report

    cells = [
        "# Report",
        "## 2. Discs",
        "<!-- BEGIN QUESTION -->\n\n### 2.1.1, area\n\nWhat?",
        notebook.PROMPT,
        "<!-- END QUESTION -->\n\n<!-- BEGIN QUESTION -->\n\n### A.2, radius\n\nHow long?",
        "**Discussed with:** nobody\n\nTwo.",
    ]
    path = tmp_path / notebook.NOTEBOOK
    nbformat.write(nbformat.v4.new_notebook(cells=[nbformat.v4.new_markdown_cell(cell) for cell in cells]), path)
    (tmp_path / "lab").mkdir()
    shutil.copy(ROOT / "solution" / TASKS, tmp_path / "lab")
    made = export_report.export(path, execute=False)
    assert list(made.pages.items()) == [("2.1.1", (2, 2)), ("A.2", (3, 3))]
    assert made.unanswered == ["2.1.1"] and made.warnings == [] and made.errors == []
    pages = [page.extract_text() for page in pypdf.PdfReader(io.BytesIO(made.pdf)).pages]
    assert pages[1].split("\n")[:2] == ["2. Discs", "2.1.1, area"] and pages[2].startswith("A.2, radius")


@pytest.mark.slow
def test_reference_runs_and_exports(results, tmp_path):
    """From top to bottom in a fresh process: no error, all checks passed, one page start for each question."""
    folder = tmp_path / "finished"
    folder.mkdir()
    pdf.lay_out(folder, results, COURSE)
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
def test_untouched_copy_runs_without_results(tmp_path):
    """A student's first look: nothing stops, what is missing is said, no check passes, everything is unanswered."""
    folder = tmp_path / "untouched"
    write_files(folder, contents.generate(ROOT, COURSE).files)
    done = export(folder)
    assert done.returncode == 0, done.stderr
    assert "not answered yet: R1, R2," in done.stderr and "W10," in done.stderr
    text = "\n".join(check_pages(folder, done.stdout))
    assert "All test cases passed" not in text and text.count("results:") >= 5
    assert "\N{CROSS MARK}" not in text and text.count("still to be written") >= 5
    assert "There are no results yet" in text and "python main.py gmvae" in text


@pytest.mark.slow
def test_cell_that_fails(made, results, tmp_path):
    """The PDF is made nevertheless, the cell is named, and the exit status says that something is wrong."""
    folder = tmp_path / "failing"
    folder.mkdir()
    pdf.lay_out(folder, results, COURSE)
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


@pytest.mark.slow
def test_report_of_a_run_that_is_not_whole(tmp_path, capsys):
    """One sentence, not a line for each number that the answers need."""
    (tmp_path / "metrics.json").write_text('{"seed": 0, "settings": {"seed": 0}}')
    assert pdf.report(["--results", str(tmp_path)]) == Exit.NOTHING
    said = capsys.readouterr().err
    assert "numbers of the answers are missing" in said and "make run" in said
    assert len(said.splitlines()) == 2
