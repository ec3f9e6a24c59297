"""What is taken from a stranger's notebook and PDF, and how it is shown."""

import io
from pathlib import Path
from typing import Any

import pytest
from pypdf import PdfWriter

from autograder.classroom import answers, markup
from autograder.classroom.answers import LARGEST_PICTURE, Answers, Part
from autograder.classroom.exports.submission import HandedIn
from autograder.grading.files import read_tree
from autograder.writing import write_files
from tests.kit.archives import zipped
from tests.kit.written_course import PROMPT, TITLES, cell, document, heading, notebook, perfect, png


def read(folder: Path, files: dict[str, bytes | str], given: set[str] | None = None) -> Answers:
    write_files(folder, {"keep.txt": "", **files})
    return answers.read(HandedIn("jane", (), read_tree(folder).entries), TITLES, given or set())


def pdf(*titles: str) -> bytes:
    """A PDF with a page for each title, and its outline, as report.pdf has it."""
    writer = PdfWriter()
    top = None
    for place, title in enumerate(titles):
        writer.add_blank_page(100, 100)
        top = writer.add_outline_item(title=title, page_number=place, parent=top if place == 1 else None)
    buffer = io.BytesIO()
    writer.write(buffer)
    return buffer.getvalue()


def test_answers_lie_beside_their_questions(tmp_path: Path) -> None:
    given = {answers.bare("".join(heading(label)["source"])) for label in TITLES} | {PROMPT}
    found = read(tmp_path, {"work/report.ipynb": notebook(W1="Because.", N1="half = 1")}, given)
    assert found.parts["W1"] == (Part("text", "Because."),)
    assert found.parts["N1"] == (Part("code", "half = 1"), Part("code", "grader.check('N1')"))
    assert "N2" not in found.parts and not found.missing and found.problems == ()
    assert [(one.question, one.source) for one in found.cells] == [
        ("", "import otter\npass"),
        ("N1", "half = 1"),
        ("N1", "grader.check('N1')"),
    ]


def test_an_untouched_question_is_empty_and_a_changed_place_is_not(tmp_path: Path) -> None:
    given = {answers.bare("".join(heading(label)["source"])) for label in TITLES} | {PROMPT}
    blank = read(tmp_path / "blank", {"report.ipynb": notebook(W1=PROMPT + "  \n")}, given)
    assert blank.is_empty("W1") and not blank.is_empty("N1")  # that one is not in the notebook
    beside = read(tmp_path / "pdf", {"report.ipynb": notebook(W1=PROMPT), "report.pdf": pdf("W1, why")}, given)
    assert not beside.is_empty("W1")
    inside = {**heading("W1"), "source": [*heading("W1")["source"], "\n\nMy answer."]}
    assert (
        read(tmp_path / "inside", {"report.ipynb": document(inside)}, given).parts["W1"][0].content.endswith("answer.")
    )


@pytest.mark.parametrize(
    ("files", "notebook_name", "pdf_name", "problems"),
    [
        ({}, "", "", []),
        ({"report.pdf": pdf("A")}, "", "report.pdf", []),
        ({"submission.zip": zipped({"a/report.ipynb": perfect()})}, "report.ipynb", "", []),
        ({"report-1.pdf": pdf("A"), "report.pdf": pdf("A", "B")}, "", "report-1.pdf", ["report.pdf was left out"]),
        ({"homework 3.pdf": pdf("A")}, "", "homework 3.pdf", []),
        ({"a.pdf": pdf("A"), "b.pdf": pdf("B")}, "", "", ["a.pdf, b.pdf: which is the report? Call it report.pdf"]),
        ({"mine.ipynb": perfect(), "explore.ipynb": document(cell("x = 1"))}, "mine.ipynb", "", []),
        ({"explore.ipynb": document(cell("x = 1"))}, "", "", []),
        ({"report.pdf": b"<html>"}, "", "", ["report.pdf is not a PDF"]),
        ({"report.pdf": b""}, "", "", ["report.pdf is empty"]),
        ({"report.ipynb": b"[" * 100_000}, "", "", ["report.ipynb is not a notebook that can be read"]),
        ({"report.ipynb": b"\xff\xfe\0"}, "", "", ["report.ipynb is not a notebook that can be read"]),
        ({"report.ipynb": b'{"cells": 3}'}, "", "", ["report.ipynb is not a notebook that can be read"]),
        ({"work.zip": b"PK\3\4damaged"}, "", "", ["work.zip is neither a folder nor a readable zip"]),
    ],
)
def test_what_is_taken_as_the_report(
    tmp_path: Path, files: dict[str, bytes | str], notebook_name: str, pdf_name: str, problems: list[str]
) -> None:
    found = read(tmp_path, files)
    assert (found.notebook, found.pdf) == (notebook_name, pdf_name)
    assert len(found.problems) == len(problems)
    assert all(said.startswith(begin) for said, begin in zip(found.problems, problems, strict=True))
    assert found.nothing == (not (notebook_name or pdf_name or problems))


def test_what_is_too_large_is_not_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(answers, "LARGEST_NOTEBOOK", 1000)
    found = read(tmp_path, {"report.ipynb": b" " * 2000})
    assert found.missing and found.problems[0].startswith("report.ipynb was not read: it is larger than")


def test_pages_stand_in_the_outline_of_the_pdf(tmp_path: Path) -> None:
    found = read(tmp_path, {"report.pdf": pdf("Report", "W1, why", "other", "N2, what the run gave", "W1, again")})
    assert found.pages == {"W1": 2, "N2": 4}


@pytest.mark.parametrize("content", [b"%PDF-1.7\n", b"%PDF-1.7 trailer << /Root 1 0 R /Prev 0 >> startxref 0 %%EOF"])
def test_a_pdf_that_cannot_be_read_has_no_pages(tmp_path: Path, content: bytes) -> None:
    found = read(tmp_path, {"report.pdf": content})
    assert found.pdf and found.pages == {}


def shown(tmp_path: Path, *cells: dict[str, Any]) -> tuple[Part, ...]:
    return read(tmp_path, {"report.ipynb": document(heading("W1"), *cells)}).parts["W1"][1:]


def data(**bundle: Any) -> dict[str, Any]:
    return {"output_type": "display_data", "metadata": {}, "data": bundle}


def test_outputs_are_shown_without_their_html(tmp_path: Path) -> None:
    outputs = [
        {"output_type": "stream", "name": "stdout", "text": ["\x1b[31mred\x1b[0m\n", "two\u202e"]},
        data(**{"text/html": "<script>1</script>", "text/plain": "plain"}),
        data(**{"text/markdown": "| a |\n|---|\n| 1 |", "text/plain": "x"}),
        data(**{"image/png": png(), "text/plain": "<Figure>"}),
        data(**{"image/svg+xml": "<svg onload='x'/>"}),
        {"output_type": "error", "ename": "ValueError", "evalue": "no"},
        "nonsense",
    ]
    found = shown(tmp_path, cell("draw()", outputs=outputs))
    assert [part.kind for part in found] == ["code", "output", "output", "text", "picture", "note", "output"]
    assert [part.content for part in found[1:3]] == ["red\ntwo", "plain"]
    assert found[4].content == f"data:image/png;base64,{png()}"
    assert found[5].content == "a picture of another kind is not shown: image/svg+xml"
    assert found[6].content == "ValueError: no"


@pytest.mark.parametrize(
    "picture",
    [
        "bm8gcGljdHVyZQ==",
        "%%%",
        png()[:40],
        {"a": 1},
        "A" * int(1.5 * LARGEST_PICTURE),
        png(100_000, 5_000),
        'data:text/html,"><script>',
    ],
    ids=["text", "no base64", "cut", "no text", "large", "many pixels", "html"],
)
def test_pictures_that_are_not_shown(tmp_path: Path, picture: Any) -> None:
    attached = cell("![a](attachment:a.png)", "markdown", attachments={"a.png": {"image/png": picture}})
    assert [part.kind for part in shown(tmp_path, attached)] == ["text", "note"]


def test_there_is_an_end_to_pictures_outputs_and_letters(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(answers, "MOST_PICTURES", 2)
    monkeypatch.setattr(answers, "MOST_OUTPUTS", 4)
    outputs = [data(**{"image/png": png()})] * 6
    kinds = [(part.kind, part.content[:12]) for part in shown(tmp_path, cell("x = 1", outputs=outputs))]
    assert [kind for kind, _ in kinds] == ["code", "picture", "picture", "note", "note", "note"]
    assert kinds[-1][1] == "2 more outpu"
    (long,) = shown(tmp_path, cell("a" * 100_000, "markdown"))
    assert len(long.content) == answers.LONGEST_TEXT


# Markdown


HOSTILE = [
    "<script>alert(1)</script><img src=x onerror=alert(1)>",
    "[a](javascript:alert(1)) [b](data:text/html,x) [c](https://example.org/ 'x')",
    "![a](http://127.0.0.1/x.png) ![b](attachment:x.png)",
    '</div></section><div id="x" class="cell markdown">',
    "```{=html}\n<script>alert(2)</script>\n```",
    "`<b onclick=x>`{=html} <span style='position:fixed'>x</span> [x]{style=position:fixed onclick=x}",
    "$$\\href{javascript:alert(1)}{x}$$ $\\style{x}{y}$ $\\unicode{x}$",
    "<!-- hidden --> &lt;script&gt;",
    '<a href="javascript&colon;alert(1)">x</a>',
]


def test_nothing_of_a_text_runs_or_loads() -> None:
    for text, html in zip(HOSTILE, markup.rendered(HOSTILE), strict=True):
        tags = "".join(piece.partition(">")[0] for piece in str(html).split("<")[1:])
        for word in ("script", "img", "on", "style", "javascript", "data:", "iframe", "div", "section"):
            assert word not in tags, (text, html)


def test_formulas_and_tables_are_shown() -> None:
    formula, table = map(str, markup.rendered(["$\\frac{1}{2}$ **b**", "| a |\n|---|\n| 1 |"]))
    assert "<mfrac><mn>1</mn><mn>2</mn></mfrac>" in formula and "<strong>b</strong>" in formula
    assert "annotation" not in formula and "\\frac" not in formula
    assert "<td>1</td>" in table


def test_a_text_does_not_reach_into_the_next() -> None:
    first, second = map(str, markup.rendered(["```python\n<b>", "> quote"]))
    assert "quote" not in first and "<blockquote>" in second


def test_where_pandoc_does_not_answer_the_text_is_shown_as_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(markup, "SECONDS", 0.0)
    assert [str(one) for one in markup.rendered(["<b> $x$"])] == ["<pre>&lt;b&gt; $x$</pre>"]
    assert markup.rendered(["<" * (markup.LONGEST + 1)])[0].startswith("<pre>&lt;")
    assert markup.rendered([]) == []


def test_lines_of_texts_may_be_anything() -> None:
    assert answers.joined(["a", 1, None, "b"]) == "ab"
    assert answers.joined({"a": 1}) == answers.joined(None) == ""
