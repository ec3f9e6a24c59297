"""A student's answers to the questions of a course: cells of the notebook, and pages of the PDF.

Both are a stranger's. Nothing of them runs here, and everything is bounded: bytes, cells, pictures, letters. The PDF is
read by `pages.py` in a process of its own, since its reader may take any time and memory.
"""

from __future__ import annotations

import base64
import binascii
import contextlib
import hashlib
import io
import json
import re
import subprocess
import sys
import warnings
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice
from pathlib import PurePosixPath
from typing import Any, Literal

from autograder.classroom.exports.submission import HandedIn, unpacked
from autograder.classroom.parcel import version
from autograder.grading.files import MIB, Entry, UnreadableError, listed, shown
from autograder.release.notebook import NOTEBOOK
from autograder.sandbox.text import safe_text
from autograder.stamp import HANDED_IN

PDF = PurePosixPath(NOTEBOOK).with_suffix(".pdf").name
RESULTS = "results"  # the folder in which students have what their run gave
LARGEST_NOTEBOOK, LARGEST_PDF, LARGEST_RESULT = 32 * MIB, 32 * MIB, MIB // 4
MOST_FILES, MOST_GUESSED, MOST_RESULTS, MOST_CELLS, MOST_OUTPUTS = 2_000, 10, 20, 2_000, 50
LONGEST_TEXT, LONGEST_OUTPUT, LONGEST_CODE = 20_000, 4_000, 100_000  # letters
LARGEST_PICTURE, MOST_PICTURES, MOST_PIXELS = 4 * MIB, 100, 40_000_000
PICTURES = {"image/png": "PNG", "image/jpeg": "JPEG"}
PAGE_SECONDS = 20
# What heads a question: "### W4, a title", after Otter's mark in a notebook that still has it.
BEGIN, END = "<!-- BEGIN QUESTION -->", "<!-- END QUESTION -->"
HEADING = re.compile(r"^### ([^\s,]{1,20}), ", re.MULTILINE)


@dataclass(frozen=True)
class Part:
    """A piece of an answer.

    Attributes:
        kind: "text" is Markdown, "picture" the address of one, all in it; "note" is said by us.
        content: it, bounded.
    """

    kind: Literal["text", "code", "output", "picture", "note"]
    content: str


@dataclass(frozen=True)
class Cell:
    """A cell of code.

    Attributes:
        question: number of the question that it stands under; "" if it stands under none.
        source: as it is, but for what only notebooks know.
    """

    question: str
    source: str


@dataclass(frozen=True)
class Answers:
    """What a student handed in besides code.

    Attributes:
        notebook, pdf: their names, "" if there is none.
        parts: number of each question that the notebook has to its answer; empty where nothing was answered.
        cells: its code, in order.
        pdf_content: the PDF.
        pages: number of each question that the PDF's outline has to its page, counted from 1.
        results: name to content of small files that the student's run gave.
        problems: what was handed in and cannot be used, a sentence each.
        content: all that is graded by hand; the same bytes for the same answers.
    """

    notebook: str = ""
    pdf: str = ""
    parts: Mapping[str, tuple[Part, ...]] = field(default_factory=dict)
    cells: tuple[Cell, ...] = ()
    pdf_content: bytes = b""
    pages: Mapping[str, int] = field(default_factory=dict)
    results: Mapping[str, bytes] = field(default_factory=dict)
    problems: tuple[str, ...] = ()
    content: bytes = b""

    @property
    def missing(self) -> bool:
        """Whether there is nothing to read."""
        return not (self.notebook or self.pdf)

    @property
    def nothing(self) -> bool:
        """Whether no report was handed in, not even one that cannot be read."""
        return self.missing and not self.problems

    def is_empty(self, question: str) -> bool:
        """Whether a question is certainly not answered: the notebook has its place, untouched, and there is no PDF."""
        return not self.pdf and self.parts.get(question) == ()


def read(
    submission: HandedIn,
    labels: Collection[str],
    given: Collection[str] = (),
    known: dict[str, list[tuple[str, int]]] | None = None,
) -> Answers:
    """The answers in a submission's files, those in zips included.

    Args:
        labels: numbers of the course's questions.
        given: sources of the cells that students are given, as `bare` gives them: no answers.
        known: hash of a PDF to its outline; those that are read are added.
    """
    problems: list[str] = []
    files = list(islice(unpacked(submission.entries, problems), MOST_FILES))
    heads = [f"### {label}," for label in labels]
    notebook = _newest(files, NOTEBOOK, problems, lambda file: _holds(file, heads))
    pdf = _newest(files, PDF, problems)
    content = _content(notebook, LARGEST_NOTEBOOK, problems)
    pdf_content = _content(pdf, LARGEST_PDF, problems)
    cells = _cells(content, notebook.path.name if notebook else "", problems)
    if pdf_content and not pdf_content.startswith(b"%PDF-"):
        problems.append(f"{shown(pdf.path.name if pdf else '')} is not a PDF")
        pdf_content = b""
    placed = list(_placed(cells or [], labels))
    parts: dict[str, tuple[Part, ...]] = {}
    room = [MOST_PICTURES]
    for label, cell in placed:
        if label:
            parts[label] = (*parts.get(label, ()), *_parts(cell, given, room))
    return Answers(
        notebook=safe_text(notebook.path.name, 80) if notebook and cells is not None else "",
        pdf=safe_text(pdf.path.name, 80) if pdf and pdf_content else "",
        parts=parts,
        cells=tuple(Cell(label, _plain_python(cell)) for label, cell in placed if cell.get("cell_type") == "code"),
        pdf_content=pdf_content,
        pages=page_numbers(pdf_content, labels, {} if known is None else known) if pdf_content else {},
        results=dict(islice(_results(files), MOST_RESULTS)),
        problems=tuple(problems),
        content=b"\0".join((content, pdf_content)),
    )


def _newest(
    files: Sequence[Entry], name: str, problems: list[str], fits: Callable[[Entry], bool] = lambda file: True
) -> Entry | None:
    """The newest file of this name, or else the only one of its kind that fits; what is left out goes to `problems`."""
    alike = [file for file in files if file.path.suffix.lower() == PurePosixPath(name).suffix and file.regular]
    named = [file for file in alike if version(file.path.name.lower())[0] == name]
    if named:
        named.sort(key=lambda file: (-len(file.path.parts), version(file.path.name)[1]))
        others = [file for file in named[:-1] if file.size != named[-1].size]
        problems += [f"{shown(file.name)} was left out: {shown(named[-1].name)} counts" for file in others]
        return named[-1]
    fitting = [file for file in alike[:MOST_GUESSED] if fits(file)]
    if len(fitting) > 1:
        problems.append(f"{listed([file.path.name for file in fitting])}: which is the report? Call it {name}")
    return fitting[0] if len(fitting) == 1 else None


def _holds(file: Entry, texts: Sequence[str]) -> bool:
    """Whether one of the texts is in a file."""
    try:
        content = file.read(LARGEST_NOTEBOOK)
    except UnreadableError:
        return False
    return any(text.encode() in content for text in texts)


def _content(entry: Entry | None, most: int, problems: list[str]) -> bytes:
    """What is in a file; b"", with a problem, if it cannot be used."""
    if entry is None:
        return b""
    try:
        content = entry.read(most + 1)
    except UnreadableError as error:
        problems.append(str(error).rstrip("."))
        return b""
    if len(content) > most:
        problems.append(f"{shown(entry.path.name)} was not read: it is larger than {most // MIB} MiB")
        return b""
    if not content:
        problems.append(f"{shown(entry.path.name)} is empty")
    return content


def _cells(content: bytes, name: str, problems: list[str]) -> list[Mapping[str, Any]] | None:
    """The cells of a notebook; None, with a problem if there is something, if it is none."""
    if not content:
        return None
    try:
        document = json.loads(content)
    except (ValueError, RecursionError):
        document = None
    cells = document.get("cells") if isinstance(document, dict) else None
    if not isinstance(cells, list):
        problems.append(f"{shown(name)} is not a notebook that can be read")
        return None
    if len(cells) > MOST_CELLS:
        problems.append(f"{shown(name)} has more than {MOST_CELLS:,} cells: the others were not read")
    return [cell for cell in cells[:MOST_CELLS] if isinstance(cell, dict)]


def joined(text: Any) -> str:
    """A text of a notebook, which may be written as a list of lines."""
    if isinstance(text, list):
        return "".join(line for line in text if isinstance(line, str))
    return text if isinstance(text, str) else ""


def bare(source: str) -> str:
    """A cell's source without Otter's marks, and without what editors add and take away at the ends of lines."""
    lines = source.replace(BEGIN, "").replace(END, "").splitlines()
    return "\n".join(line.rstrip() for line in lines).strip("\n")


def _placed(cells: Sequence[Mapping[str, Any]], labels: Collection[str]) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Each cell with the number of the question that it stands under."""
    headings = [joined(cell.get("source")) if cell.get("cell_type") == "markdown" else "" for cell in cells]
    marked = any(BEGIN in heading for heading in headings)
    label = ""
    for cell, heading in zip(cells, headings, strict=True):
        text = heading.partition(BEGIN)[2] if marked else heading
        found = [match[1] for match in HEADING.finditer(text) if match[1] in labels]
        if found:
            label = found[-1]
        elif END in heading:
            label = ""
        yield label, cell


def _parts(cell: Mapping[str, Any], given: Collection[str], room: list[int]) -> Iterator[Part]:
    """What a cell shows of an answer.

    Args:
        room: how many more pictures there may be, which is counted down.
    """
    source = bare(joined(cell.get("source")))
    is_code = cell.get("cell_type") == "code"
    if source and source not in given:
        yield Part("code" if is_code else "text", _cut(source, LONGEST_TEXT))
    attachments = cell.get("attachments")
    for bundle in attachments.values() if isinstance(attachments, dict) else ():
        yield from _picture_parts(bundle, room)
    outputs = cell.get("outputs") if is_code else None
    outputs = outputs if isinstance(outputs, list) else []
    for output in outputs[:MOST_OUTPUTS]:
        yield from _output_parts(output if isinstance(output, dict) else {}, room)
    if len(outputs) > MOST_OUTPUTS:
        yield Part("note", f"{len(outputs) - MOST_OUTPUTS} more outputs are not shown")


def _output_parts(output: Mapping[str, Any], room: list[int]) -> Iterator[Part]:
    data = output.get("data")
    if output.get("output_type") == "stream":
        yield Part("output", _cut(joined(output.get("text")), LONGEST_OUTPUT))
    elif output.get("output_type") == "error":
        yield Part("output", _cut(f"{joined(output.get('ename'))}: {joined(output.get('evalue'))}", LONGEST_OUTPUT))
    elif isinstance(data, dict):
        pictures = list(_picture_parts(data, room))
        yield from pictures
        if not pictures:
            rich = joined(data.get("text/markdown"))
            text = rich or joined(data.get("text/plain"))
            yield Part("text" if rich else "output", _cut(text, LONGEST_OUTPUT))


def _picture_parts(bundle: Any, room: list[int]) -> Iterator[Part]:
    """The picture in a bundle of one thing in several formats."""
    bundle = bundle if isinstance(bundle, dict) else {}
    kind = next((kind for kind in PICTURES if kind in bundle), None)
    if kind is None:
        others = [str(key) for key in bundle if str(key).startswith("image/")]
        yield from (Part("note", f"a picture of another kind is not shown: {safe_text(key, 40)}") for key in others[:1])
    elif not room[0]:
        yield Part("note", "more pictures are not shown")
    else:
        room[0] -= 1
        yield picture(joined(bundle[kind]), kind)


def picture(text: str, kind: str) -> Part:
    """A picture as an address that holds it, if it is one of its kind, and neither its bytes nor its pixels are many.

    Args:
        text: in base64.
        kind: a key of PICTURES.
    """
    from PIL import Image

    if len(text) > 1.4 * LARGEST_PICTURE:
        return Part("note", f"a picture is not shown: it is larger than {LARGEST_PICTURE // MIB} MiB")
    try:
        content = base64.b64decode(text)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            with Image.open(io.BytesIO(content), formats=[PICTURES[kind]]) as opened:  # reads its head alone
                width, height = opened.size
    except (OSError, ValueError, binascii.Error, SyntaxError, Image.DecompressionBombError):
        return Part("note", f"a picture is not shown: it is damaged, or has more than {MOST_PIXELS:,} pixels")
    if width * height > MOST_PIXELS:
        return Part("note", f"a picture is not shown: it is damaged, or has more than {MOST_PIXELS:,} pixels")
    return Part("picture", f"data:{kind};base64,{base64.b64encode(content).decode()}")


def _cut(text: str, most: int) -> str:
    """The text without what cannot be seen, short enough to be shown."""
    return safe_text(text, most, strip=False)


def _plain_python(cell: Mapping[str, Any]) -> str:
    """A cell's code without the lines that only notebooks know: %magic and !commands."""
    source = joined(cell.get("source"))[:LONGEST_CODE]
    return re.sub(r"^([ \t]*)[%!].*$", r"\1pass", source, flags=re.MULTILINE)


def _results(files: Sequence[Entry]) -> Iterator[tuple[str, bytes]]:
    """Small files of JSON that may be results of the student's run."""
    for file in files:
        small = file.regular and file.size <= LARGEST_RESULT and file.path.name != HANDED_IN
        if small and file.path.suffix.lower() == ".json" and file.path.parent.name in ("", RESULTS):
            with contextlib.suppress(UnreadableError):
                yield file.path.name, file.read(LARGEST_RESULT)


def page_numbers(pdf: bytes, labels: Collection[str], known: dict[str, list[tuple[str, int]]]) -> dict[str, int]:
    """Number of each question to the page on which it begins, as the PDF's outline says; {} if it cannot be read.

    Args:
        known: see `read`.
    """
    key = hashlib.sha256(pdf).hexdigest()
    if key not in known:
        known[key] = outline(pdf)
    found: dict[str, int] = {}
    for title, page in known[key]:
        label = title.partition(",")[0]
        if label in labels:
            found.setdefault(label, page)
    return found


def outline(pdf: bytes) -> list[tuple[str, int]]:
    """Title and page of each entry of a PDF's outline; [] if it cannot be read."""
    command = [sys.executable, "-I", str(PurePosixPath(__file__).with_name("pages.py"))]
    try:
        done = subprocess.run(command, input=pdf, capture_output=True, timeout=PAGE_SECONDS, check=False)
        return json.loads(done.stdout) if done.returncode == 0 else []
    except (subprocess.TimeoutExpired, ValueError):
        return []
