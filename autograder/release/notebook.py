"""Makes report.ipynb: the students' copy, and the one with answers, by `otter assign` from solution/report/report.md.

Questions come from the handout and answers from solution/written; the source names them by placeholders. What Otter
writes depends on time and chance in places (cell ids, versions); all of that is made constant here, so that the same
source gives the same bytes.
"""

from __future__ import annotations

import ast
import contextlib
import functools
import io
import logging
import re
import tempfile
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from autograder.release.numbers import anchor
from autograder.release.starter import BEGIN, END, Problem, SourceError

if TYPE_CHECKING:
    from nbformat import NotebookNode

SOURCE = "solution/report/report.md"
NOTEBOOK, CHECKS = "report.ipynb", "report_checks"

PLACEHOLDER = re.compile(r"\{\{(\w+): ?([^{}\n]+)\}\}")
# An item of the handout's lists of questions: "- **W1 (task 4.4).** Text, which goes on\n  in indented lines."
QUESTION = re.compile(r"^- \*\*(([RW]\d+)\b[^*]*?)\.\*\* (.*(?:\n(?:  .*)?)*)", re.MULTILINE)
LINE_MARK = "# SOLUTION"  # at the end of a line of code, where Otter puts `...`
BLOCK = re.compile(r"^```otter\n(.*?)^```$", re.DOTALL | re.MULTILINE)
CHECK = re.compile(r"^```python\n(def test_\w+\(.*?)^```$", re.DOTALL | re.MULTILINE)
HEADING = re.compile(r"^(#+) (.+)$", re.MULTILINE)
LINK = re.compile(r"(?<!!)\[([^\]]+)\]\(([^)\s]+)\)")
# The line that restates a question at the head of its answer.
RESTATED = re.compile(r"\A\s*\*(?:Handout|Task|Question|Used)\b[^*]*\*[^\n]*(?:\n[^\n]+)*\n*")


@dataclass(frozen=True)
class Question:
    """A question as the source configures it."""

    name: str
    points: float
    manual: bool
    line: int
    rubric: tuple[float, ...] = ()


@dataclass(frozen=True)
class Notebooks:
    """What otter assign makes, each a mapping of relative paths to contents.

    Attributes:
        student: the notebook for students, and the checks that it calls.
        answers: the same with answers.
    """

    student: dict[str, bytes]
    answers: dict[str, bytes]


def questions_of(source: str) -> list[Question]:
    """The questions that the source declares, with the points of their rubrics.

    Raises:
        SourceError: a block is not what otter assign can read, or a name occurs twice.
    """
    import yaml

    found: list[Question] = []
    problems = []
    for match in BLOCK.finditer(source):
        if not match.group(1).startswith("# BEGIN QUESTION"):
            continue
        line = source.count("\n", 0, match.start()) + 1
        try:
            config = yaml.safe_load(match.group(1))
            name, points = config["name"], float(config["points"])
        except (yaml.YAMLError, KeyError, TypeError, ValueError) as error:
            problems.append(Problem(SOURCE, line, f"a question needs a name and points: {error}"))
            continue
        if name in {question.name for question in found}:
            problems.append(Problem(SOURCE, line, f"there are two questions {name!r}"))
        body = source[match.end() :].partition("# END QUESTION")[0]
        rubric = re.search(r"^\*\*Rubric\*\*\n\n((?:- .*\n|  .*\n)+)", body, re.MULTILINE)
        items = re.findall(r"^- ([\d.]+): ", rubric.group(1), re.MULTILINE) if rubric else []
        manual = bool(config.get("manual"))
        if manual and sum(map(float, items)) != points:
            text = f"the rubric of {name} adds up to {sum(map(float, items)):g}, the question is worth {points:g}"
            problems.append(Problem(SOURCE, line, text))
        found.append(Question(name, points, manual, line, tuple(map(float, items))))
    if problems:
        raise SourceError(problems)
    return found


def points_of(questions: Iterable[Question]) -> dict[str, float]:
    """Points by the letter of the questions' names, and those of all as "written"."""
    points: dict[str, float] = {"written": 0.0}
    for question in questions:
        points["written"] += question.points
        points[question.name[0]] = points.get(question.name[0], 0.0) + question.points
    return points


def handout_questions(handout: str) -> dict[str, tuple[str, str]]:
    """Number of each question in the handout to its heading and its text."""
    return {
        match.group(2): (match.group(1), re.sub(r"\n  ", "\n", match.group(3)).strip())
        for match in QUESTION.finditer(handout)
    }


def section(text: str, wanted: str) -> tuple[str, str] | None:
    """Heading and body of a section of a file of answers, without the restated question, deeper headings one deeper.

    Args:
        wanted: the anchor of its heading; "" for the whole file, which then needs no heading.
    """
    headings = list(HEADING.finditer(text))
    for index, match in enumerate(headings):
        if wanted in ("", anchor(match.group(2))):
            level = len(match.group(1))
            later = [other.start() for other in headings[index + 1 :] if len(other.group(1)) <= level]
            body = RESTATED.sub("", text[match.end() : later[0] if later else len(text)].strip("\n"))
            return match.group(2) if wanted else "", HEADING.sub(r"\1# \2", body).strip()
    return None


def fill_in(
    source: str,
    handout: str,
    answers: Mapping[str, str],
    points: Mapping[str, float],
    known: Mapping[str, str] | None = None,
) -> str:
    """The source with every placeholder replaced.

    Args:
        handout: text with the questions.
        answers: name of each file of answers to its text.
        points: what {{points:...}} may ask for.
        known: the text for other placeholders, such as {{task:...}}; see numbers.py.

    Raises:
        SourceError: for a placeholder that asks for something that is not there.
    """
    asked = handout_questions(handout)
    problems = []
    # Answers link to one another: where the target answers a question of the report, its number says so.
    places: dict[str, str] = {}
    current = ""
    for match in PLACEHOLDER.finditer(source):
        kind, name = match.group(1), match.group(2)
        current = name if kind == "question" else current
        if kind == "answer":
            places.setdefault(name, current)

    def resolve_link(link: re.Match[str]) -> str:
        text, target = link.groups()
        if "://" in target:
            return link.group(0)
        number = places.get(target) or places.get(target.partition("#")[0])
        return f"{text} ({number})" if number else text

    def replace(match: re.Match[str]) -> str:
        kind, name = match.group(1), match.group(2).strip()
        value: str | None = None
        if kind == "question" and name in asked:
            value = "## {}\n\n{}".format(*asked[name])
        elif kind == "points" and name in points:
            value = f"{points[name]:g}"
        elif known is not None and f"{kind}:{name}" in known:
            value = known[f"{kind}:{name}"]
        elif kind == "answer":
            file, _, wanted = name.partition("#")
            found = section(answers.get(file, ""), wanted)
            if found is not None:
                value = (f"### {found[0]}\n\n" if found[0] else "") + LINK.sub(resolve_link, found[1])
        if value is None:
            line = source.count("\n", 0, match.start()) + 1
            problems.append(Problem(SOURCE, line, f"nothing to put for {match.group(0)}"))
            return ""
        return value

    text = PLACEHOLDER.sub(replace, source)
    if problems:
        raise SourceError(problems)
    return text


def assign(text: str) -> Notebooks:
    """Run `otter assign` on the source, its placeholders replaced.

    Raises:
        SourceError: when Otter refuses it.
    """
    # The imports take a second; most commands of this package never come here.
    import jupytext
    import nbformat

    quiet = contextlib.redirect_stdout(io.StringIO())
    with quiet:
        from otter.assign import main as otter_assign
    text = re.sub(r"\A<!--.*?-->\n*", "", text, flags=re.DOTALL)
    master = jupytext.reads(text, "md")
    master.metadata = {
        "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
        "language_info": {"name": "python"},
    }
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        nbformat.write(number_cells(master), folder / NOTEBOOK)
        try:
            with quiet:
                otter_assign(str(folder / NOTEBOOK), str(folder / "made"), no_pdfs=True, no_run_tests=True)
        except Exception as error:
            raise SourceError([Problem(SOURCE, 1, f"otter assign refuses it: {error}")]) from error
        finally:
            # Otter switches its own loggers to INFO.
            logging.getLogger("otter").setLevel(logging.WARNING)
        checks = CHECK.findall(text)
        student = collect(folder / "made" / "student", checks)
        answers = collect(folder / "made" / "autograder", checks, without_prompts)
    return Notebooks(student, answers)


def collect(
    folder: Path, checks: Iterable[str], change: Callable[[NotebookNode], NotebookNode] = lambda notebook: notebook
) -> dict[str, bytes]:
    """The notebook, changed, and the checks that Otter wrote into a folder, under the names that students get.

    Args:
        checks: the functions of the checks, as the source writes them.
    """
    import nbformat

    notebook = number_cells(change(nbformat.read(folder / NOTEBOOK, as_version=4)))
    files = {NOTEBOOK: (nbformat.writes(notebook).rstrip("\n") + "\n").encode()}
    for check in sorted((folder / "tests").glob("*.py")):
        text = as_written(check.read_text(encoding="utf-8"), checks)
        files[f"{CHECKS}/{check.name}"] = (text.strip("\n") + "\n").encode()
    return files


def as_written(text: str, functions: Iterable[str]) -> str:
    """A file of checks with the functions as the source has them: Otter's own copies have lost their comments, and look
    different on other versions of Python."""
    lines = text.splitlines()
    written = {ast.dump(ast.parse(function)): function.strip("\n") for function in functions}
    # From the last one on: the lines above keep their numbers.
    for node in reversed(ast.parse(text).body):
        if isinstance(node, ast.FunctionDef):
            decorators, node.decorator_list = node.decorator_list, []
            function = written[ast.dump(ast.Module(body=[node], type_ignores=[]))]
            lines[node.lineno - 1 : node.end_lineno] = function.splitlines()
            # Two empty lines above a function, as everywhere.
            lines.insert(decorators[0].lineno - 1, "")
    return "\n".join(lines)


def number_cells(notebook: NotebookNode) -> NotebookNode:
    """The notebook with ids that say where a cell stands, instead of random ones."""
    notebook.nbformat, notebook.nbformat_minor = 4, 5
    for index, cell in enumerate(notebook.cells):
        cell["id"] = f"cell-{index:03}"
    return notebook


def without_prompts(notebook: NotebookNode) -> NotebookNode:
    """The notebook with answers, without what Otter leaves in it: places for students' answers, and its marks."""
    notebook.cells = [cell for cell in notebook.cells if not cell.source.startswith("_Type your answer here")]
    for cell in notebook.cells:
        if cell.cell_type == "code":
            lines = [line for line in cell.source.splitlines() if not line.strip().startswith((BEGIN, END))]
            cell.source = "\n".join(line.removesuffix(LINE_MARK).rstrip() for line in lines)
    return notebook


def secret_lines(source: str) -> tuple[str, list[tuple[int, str]]]:
    """What of the source is for instructors only, beside the answers that it names.

    Returns:
        The prose, as a text in which every line stands where it stands in the source; numbered lines of code.
    """
    prose: list[str] = []
    code: list[tuple[int, str]] = []
    in_block = in_code = in_region = False
    marker = ""  # of the fence that we are in: what follows its three ticks
    for number, line in enumerate(source.splitlines(), start=1):
        shown = ""
        if line.startswith("```"):
            in_code = not in_code
            marker, in_region = line[3:] if in_code else "", False
        elif marker == "otter":
            in_block = line == BEGIN or (in_block and line != END)
        elif in_block and not in_code:
            shown = line
        elif in_block and line.strip().startswith((BEGIN, END)):
            in_region = line.strip().startswith(BEGIN)
        elif in_block and (in_region or line.endswith(LINE_MARK)):
            code.append((number, line.removesuffix(LINE_MARK)))
        prose.append(shown)
    return "\n".join(prose), code


@functools.lru_cache(maxsize=2)
def _assign_once(text: str) -> Notebooks:
    return assign(text)


def exists(root: Path) -> bool:
    """Whether the assignment has a report."""
    return (root / SOURCE).is_file()


def written_points(root: Path) -> dict[str, float]:
    """Points of the written part, as `points_of` has them; empty if there is none, or if it is not in order."""
    if not exists(root):
        return {}
    with contextlib.suppress(SourceError):  # `make` complains
        return points_of(questions_of((root / SOURCE).read_text(encoding="utf-8")))
    return {}


def make(root: Path, handout: str, known: Mapping[str, str]) -> Notebooks:
    """The notebooks of an assignment.

    Args:
        handout: the finished handout, for the questions.
        known: see numbers.py.

    Raises:
        SourceError: with every problem found.
    """
    source = (root / SOURCE).read_text(encoding="utf-8")
    answers = {file.name: file.read_text(encoding="utf-8") for file in (root / "solution" / "written").glob("*.md")}
    return _assign_once(fill_in(source, handout, answers, points_of(questions_of(source)), known))
