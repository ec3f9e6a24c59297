"""Makes report.ipynb: the students' copy, and the one with answers, by `otter assign`.

Its source is put together from what heads it and the questions that the course asks, each section's under a heading:

    solution/report/report.md       what every notebook begins with
    solution/report/KIND.md         what a course with questions of this kind needs to know, and its cells
    solution/report/results.md      the same for a course with questions that show results of the assignment's program
    solution/questions/NAME.md      a question; see questions.py

What Otter writes depends on time and chance in places (cell ids, versions); all of that is made constant here, so that
the same source gives the same bytes.
"""

from __future__ import annotations

import ast
import contextlib
import functools
import io
import json
import logging
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from autograder.release import questions
from autograder.release.measured import Metrics, fill
from autograder.release.numbers import PLACEHOLDER, put_in
from autograder.release.questions import ANSWER, LINE_MARK, QuestionFile, has_solution
from autograder.release.starter import BEGIN, END, Problem, SourceError
from autograder.scratch import temporary_folder
from autograder.tasks import Course, Question

if TYPE_CHECKING:
    from nbformat import NotebookNode

FOLDER = "solution/report"
HEAD, RESULTS = "report.md", "results.md"
SOURCE = f"{FOLDER}/{HEAD}"
NOTEBOOK, CHECKS = "report.ipynb", "report_checks"

CHECK = re.compile(r"^```python\n(def test_\w+\(.*?)^```$", re.DOTALL | re.MULTILINE)
LINK = re.compile(r"(?<!!)\[([^\]]+)\]\(([^)\s]+)\)")
COMMENT = re.compile(r"\A<!--.*?-->\n*", re.DOTALL)
# What a student finds where an answer belongs; Otter's own would lack the first line.
UNANSWERED = "_Type your answer here, replacing this text._"
PROMPT = f"**Discussed with:** (people, and any other source)\n\n{UNANSWERED}"


@dataclass(frozen=True)
class Notebooks:
    """What otter assign makes, each a mapping of relative paths to contents.

    Attributes:
        student: the notebook for students, and the checks that it calls.
        answers: the same with answers.
    """

    student: dict[str, bytes]
    answers: dict[str, bytes]


def everything(part: str) -> bool:
    """For a program that has every part."""
    return True


def assemble(
    course: Course,
    files: Mapping[str, QuestionFile],
    head: Mapping[str, str],
    answers: Mapping[str, str],
    known: Mapping[str, str],
    parts: Callable[[str], bool] = everything,
    metrics: Metrics | None = None,
) -> str:
    """The source for `otter assign`: the head, then the course's questions, each section's under a heading.

    Args:
        files: see `questions.read`; every question of the course is there.
        head: name of each file of solution/report to its text.
        answers: name of each file of solution/written to its text.
        known: the text for placeholders; see `numbers.values`.
        parts: whether the course's program has a part of this name, whose results can be shown.
        metrics: the numbers of the run that the answers are shown with; None leaves their placeholders as they are.

    Raises:
        SourceError: for a placeholder that names nothing of the course, and for a head that is missing.
    """
    problems: list[Problem] = []
    asked = {question.name: questions.filled(files[question.name], known, problems) for question in course.questions}
    shown = {name: tuple(filter(parts, file.shows)) for name, file in asked.items()}
    wanted = [HEAD, *(f"{kind}.md" for kind in questions.SECTIONS if any(q.kind == kind for q in course.questions))]
    texts = []
    for name in [*wanted, *([RESULTS] if any(shown.values()) else [])]:
        if name in head:
            texts.append(COMMENT.sub("", put_in(head[name], f"{FOLDER}/{name}", known, problems)).strip("\n"))
        else:
            problems.append(Problem(f"{FOLDER}/{name}", 1, "this file is missing: the notebook begins with it"))
    places = _places(course, asked)
    stands: dict[str, str] = {}  # part to the label of the question under which its results stand
    for section in course.sections:
        _, here = course.asked_in(section)
        if here:
            texts.append(f"## {section.heading}")
        for question in here:
            file = asked[question.name]
            elsewhere = [stands[part] for part in shown[question.name] if part in stands]
            fresh = [part for part in shown[question.name] if part not in stands]
            stands |= {part: question.label for part in fresh}
            texts.append(_cells(question, file, fresh, list(dict.fromkeys(elsewhere))))
            if file.manual:
                solution = _solution(question, file, places, answers, known, metrics, problems)
            else:
                solution = _code(file)
            texts += [solution, _otter("# END QUESTION")]
    if problems:
        raise SourceError(problems)
    return "\n\n".join(texts) + "\n"


def _otter(*lines: str) -> str:
    """A block of instructions for Otter."""
    return "\n".join(["```otter", *lines, "```"])


def _cells(question: Question, file: QuestionFile, shown: list[str], elsewhere: list[str]) -> str:
    """What a student reads before the answer.

    Args:
        shown: parts whose results stand under this question.
        elsewhere: labels of questions under which further results stand that belong here too.
    """
    way = "manual: true" if file.manual else "export: true"
    texts = [
        _otter("# BEGIN QUESTION", f"name: {question.name}", way, f"points: {round(question.points, 6):g}"),
        f"### {question.label}, {file.title}\n\n{file.text}",
    ]
    if elsewhere:
        results = "Further results" if shown else "The results"
        texts.append(f"*{results} of your run stand under {' and '.join(elsewhere)}.*")
    if shown:
        names = ", ".join(map(json.dumps, shown))
        texts.append(f'```python tags=["only-output"]\nshow({names})\n```')
    return "\n\n".join(texts)


def _solution(
    question: Question,
    file: QuestionFile,
    places: Mapping[str, str],
    answers: Mapping[str, str],
    known: Mapping[str, str],
    metrics: Metrics | None,
    problems: list[Problem],
) -> str:
    """A place for the answer; rubric and answer, for instructors."""
    rubric = "\n".join(f"- {round(points, 2):g}: {text}" for points, text in file.scaled(question.points))
    answer = ANSWER.sub(lambda match: _answer(match, file, answers, known, metrics, problems), file.answer)
    answer = LINK.sub(lambda link: _resolved(link, places), answer)
    return "\n\n".join(
        [
            *(_otter("# BEGIN PROMPT"), PROMPT, _otter("# END PROMPT")),
            *(_otter(BEGIN), f"**Rubric**\n\n{rubric}", answer, _otter(END)),
        ]
    )


def _code(file: QuestionFile) -> str:
    """The cells of a numeric check, those that students get as they are first, and its tests."""
    blocks = [f"```python\n{block}```" for block in file.cells]
    given = 0
    while not has_solution(file.cells[given]):
        given += 1
    tests = [f"```python\n{asking(block)}```" for block in file.tests]
    wrapped = [_otter(BEGIN), *blocks[given:], _otter(END), _otter("# BEGIN TESTS"), *tests, _otter("# END TESTS")]
    return "\n\n".join([*blocks[:given], *wrapped])


def asking(test: str) -> str:
    """A test of a numeric check that first says so if one of its variables is still the `...` of the prompt."""
    function = ast.parse(test).body[-1]
    assert isinstance(function, ast.FunctionDef)
    names = ", ".join(argument.arg for argument in function.args.args)
    lines = test.splitlines(keepends=True)
    begin = function.body[0].end_lineno if ast.get_docstring(function) else function.lineno
    assert begin is not None
    guard = f'    for value in [{names}]:\n        assert value is not ..., "still to be written"\n'
    return "".join([*lines[:begin], guard, *lines[begin:]])


def _places(course: Course, files: Mapping[str, QuestionFile]) -> dict[str, str]:
    """Each place in solution/written that answers a question of the course, to that question's label."""
    places: dict[str, str] = {}
    for question in course.questions:
        for match in ANSWER.finditer(files[question.name].answer):
            places.setdefault(match.group(1), question.label)
    return places


def _resolved(link: re.Match[str], places: Mapping[str, str]) -> str:
    """A link between answers as text: with the label of the question that has its target, if one of the course has."""
    text, target = link.groups()
    if "://" in target:
        return link.group(0)
    label = places.get(target) or places.get(target.partition("#")[0])
    return f"{text} ({label})" if label else text


def _answer(
    wanted: re.Match[str],
    file: QuestionFile,
    answers: Mapping[str, str],
    known: Mapping[str, str],
    metrics: Metrics | None,
    problems: list[Problem],
) -> str:
    """The section of solution/written that {{answer: ...}} names, with its placeholders replaced."""
    name, _, heading = wanted.group(1).partition("#")
    text = answers.get(name, "")
    found = questions.section(text, heading)
    if found is None:
        line = file.source.count("\n", 0, file.source.index(wanted.group(0))) + 1
        problems.append(Problem(file.path, line, f"solution/written has no {wanted.group(1)}"))
        return ""
    kinds = {key.partition(":")[0] for key in known}

    def value(match: re.Match[str]) -> str:
        key = f"{match.group(1)}:{match.group(2)}"
        if key not in known and match.group(1) in kinds:
            line = text.count("\n", 0, text.index(match.group(0))) + 1
            problem = Problem(f"solution/written/{name}", line, f"{match.group(0)}: the course has no such thing")
            problems.extend([problem] if problem not in problems else [])
        return known.get(key, match.group(0))

    body = questions.HEADING.sub(r"#\1 \2", PLACEHOLDER.sub(value, found[1]))
    if metrics is not None:
        body = fill(body, metrics, f"solution/written/{name}, {found[0] or 'answer'}", problems)
    return (f"#### {found[0]}\n\n" if found[0] else "") + body


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
    master = jupytext.reads(text, "md")
    master.metadata = {
        "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
        "language_info": {"name": "python"},
    }
    with temporary_folder("notebook") as folder:
        nbformat.write(number_cells(master), folder / NOTEBOOK)
        logging.disable(logging.WARNING)  # a course without numeric checks is no reason to warn
        try:
            with quiet:
                otter_assign(str(folder / NOTEBOOK), str(folder / "made"), no_pdfs=True, no_run_tests=True)
        except Exception as error:
            raise SourceError([Problem(SOURCE, 1, f"otter assign refuses it: {error}")]) from error
        finally:
            logging.disable(logging.NOTSET)
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
    notebook.cells = [cell for cell in notebook.cells if UNANSWERED not in cell.source]
    for cell in notebook.cells:
        if cell.cell_type == "code":
            lines = [line for line in cell.source.splitlines() if not line.strip().startswith((BEGIN, END))]
            cell.source = "\n".join(line.removesuffix(LINE_MARK).rstrip() for line in lines)
    return notebook


@functools.lru_cache(maxsize=8)
def _assign_once(text: str) -> Notebooks:
    return assign(text)


def make(
    root: Path,
    course: Course,
    known: Mapping[str, str],
    parts: Callable[[str], bool] = everything,
    metrics: Metrics | None = None,
) -> Notebooks:
    """The notebooks of a course.

    Args:
        known, parts, metrics: see `assemble`.

    Raises:
        SourceError: with every problem found.
    """
    files = questions.read(root / questions.FOLDER)
    problems = questions.course_problems(course, files)
    if problems:
        raise SourceError(problems)
    head = {path.name: path.read_text(encoding="utf-8") for path in sorted((root / FOLDER).glob("*.md"))}
    answers = questions.written_answers(root / "solution" / "written")
    return _assign_once(assemble(course, files, head, answers, known, parts, metrics))
