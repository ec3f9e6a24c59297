"""Reads the questions that a course can ask: one file each, solution/questions/NAME.md.

    +++
    kind = "W"                          R report item, W written question, N numeric check
    shows = ["areas"]                   parts of the assignment's program whose pictures stand under it
    +++
    # area of a disc

    The question, as handout and notebook show it.

    ## Rubric

    - 2: one thing that is judged       shares: a course's points for the question are divided in proportion to them
    - 1: another

    ## Answer

    {{answer: discs.md#area}}           a section of solution/written/discs.md; or the answer itself

A numeric check has, instead of rubric and answer, `## Cells`, blocks of Python with Otter's marks of a solution, and
`## Tests`, blocks of Python with a test function each.
"""

from __future__ import annotations

import ast
import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from autograder.release.numbers import anchor, put_in, worth
from autograder.release.starter import BEGIN, END, Problem, SourceError
from autograder.repository import parse_toml
from autograder.tasks import Course

FOLDER = "solution/questions"
# The sections that a question of each kind has.
SECTIONS = {"R": ("Rubric", "Answer"), "W": ("Rubric", "Answer"), "N": ("Cells", "Tests")}
LINE_MARK = "# SOLUTION"  # at the end of a line of code, where Otter puts `...`

FRONT = re.compile(r"\A\+\+\+\n(.*?)^\+\+\+\n", re.DOTALL | re.MULTILINE)
ITEM = re.compile(r"^- ([^:\n]*): (.*(?:\n  .*)*)$", re.MULTILINE)
PYTHON = re.compile(r"^```python\n(.*?)^```$", re.DOTALL | re.MULTILINE)
ANSWER = re.compile(r"\{\{answer: ([^{}\n]+?)\}\}")
PICTURE = re.compile(r"^!\[[^\]]*\]\(([^)\s]+)\)\n?", re.MULTILINE)  # in a paragraph of its own
HEADING = re.compile(r"^(#+) (.+)$", re.MULTILINE)
# The line that restates a question at the head of its answer.
RESTATED = re.compile(r"\A\s*\*(?:Handout|Task|Question|Used)\b[^*]*\*[^\n]*(?:\n[^\n]+)*\n*")


@dataclass(frozen=True)
class QuestionFile:
    """A question, whatever course asks it.

    Attributes:
        name: the same in every course: the file's.
        kind: a key of SECTIONS.
        title: without numbers.
        text: the question, in Markdown.
        shows: parts of the assignment's program whose results stand under it.
        rubric: share of the points and what is judged, for each item; empty for a numeric check.
        answer: Markdown, with {{answer: ...}} for sections of written answers; "" for a numeric check.
        cells: blocks of code of a numeric check, with Otter's marks.
        tests: a test function each.
        source: the whole file.
    """

    name: str
    kind: str
    title: str
    text: str
    shows: tuple[str, ...] = ()
    rubric: tuple[tuple[float, str], ...] = ()
    answer: str = ""
    cells: tuple[str, ...] = ()
    tests: tuple[str, ...] = ()
    source: str = ""

    @property
    def path(self) -> str:
        """What to call the file in messages."""
        return f"{FOLDER}/{self.name}.md"

    @property
    def manual(self) -> bool:
        """Whether a person judges it."""
        return "Rubric" in SECTIONS[self.kind]

    @property
    def judges_run(self) -> bool:
        """Whether it is a numeric check that needs results of the student's run."""
        return bool(self.shows) and not self.manual

    def scaled(self, points: float) -> list[tuple[float, str]]:
        """The rubric with points instead of shares; they add up to `points`, but for the sixth decimal."""
        whole = sum(share for share, _ in self.rubric)
        return [(round(points * share / whole, 6), text) for share, text in self.rubric]


def read(folder: Path) -> dict[str, QuestionFile]:
    """Every question of a folder by its name.

    Args:
        folder: solution/questions; the answers that its files name are in solution/written.

    Raises:
        SourceError: naming every problem, with file and line.
    """
    problems: list[Problem] = []
    answers = written_answers(folder.parent / "written")
    found = {}
    for path in sorted(folder.glob("*.md")):
        question = parse(path.stem, path.read_text(encoding="utf-8"), problems)
        if question is not None:
            found[question.name] = question
            problems += _missing_answers(question, answers)
    if problems:
        raise SourceError(problems)
    return found


def written_answers(folder: Path) -> dict[str, str]:
    """Name of each file of solution/written to its text."""
    return {path.name: path.read_text(encoding="utf-8") for path in sorted(folder.glob("*.md"))}


def parse(name: str, source: str, problems: list[Problem]) -> QuestionFile | None:
    """A question from the text of its file; None if it is not one.

    Args:
        problems: what is wrong with it is added here.
    """
    reader = _Reader(name, source)
    question = reader.question()
    problems += reader.problems
    return None if reader.problems else question


class _Reader:
    """A question's file, cut into its sections, and what is wrong with it."""

    def __init__(self, name: str, source: str) -> None:
        self.name, self.source, self.problems = name, source, list[Problem]()
        self.titles: dict[str, int] = {}  # of its sections, with their lines
        self.bodies: dict[str, tuple[int, str]] = {}  # line of the first line, text

    def complain(self, line: int, text: str) -> None:
        self.problems.append(Problem(f"{FOLDER}/{self.name}.md", line, text))

    def question(self) -> QuestionFile | None:
        if not (self.name.isidentifier() and self.name.islower()):
            self.complain(1, "the name of a question consists of lower-case letters, digits and underscores")
        front = FRONT.match(self.source)
        if front is None:
            self.complain(1, 'the file begins with +++, kind = "W", and +++, alone on their lines')
            return None
        kind, shows = self._settings(front.group(1))
        if kind is None:
            return None
        title, text = self._cut(front.group(0).count("\n"))
        for wanted in SECTIONS[kind]:
            if wanted not in self.titles:
                self.complain(1, f"a question of kind {kind} needs a section ## {wanted}")
        for section, line in self.titles.items():
            if section not in SECTIONS[kind]:
                self.complain(line, f"a question of kind {kind} has no section ## {section}")
        if "Answer" in self.bodies and not self.bodies["Answer"][1].strip():
            self.complain(self.titles["Answer"], "there is no answer here")
        return QuestionFile(
            self.name,
            kind,
            title,
            text,
            shows,
            rubric=self._rubric(),
            answer=self.bodies.get("Answer", (1, ""))[1].strip("\n"),
            cells=self._cells(),
            tests=self._tests(),
            source=self.source,
        )

    def _settings(self, front: str) -> tuple[str | None, tuple[str, ...]]:
        """Kind and shows."""
        try:
            settings = parse_toml("\n" + front, self.name)  # a line more, so that the lines are those of the file
        except ValueError as error:
            line = re.search(r"at line (\d+)", str(error))
            self.complain(int(line.group(1)) if line else 1, f"between the lines +++ stands TOML: {error}")
            return None, ()
        for key in sorted(set(settings) - {"kind", "shows"}):
            self.complain(self._line_of(key), f"{key} is not a setting of a question; the settings are kind and shows")
        kind, shows = settings.get("kind"), settings.get("shows", [])
        if not isinstance(kind, str) or kind not in SECTIONS:
            self.complain(self._line_of("kind"), f"the kind must be one of {', '.join(SECTIONS)}, not {kind!r}")
            kind = None
        if not isinstance(shows, list) or not all(isinstance(part, str) for part in shows):
            self.complain(self._line_of("shows"), 'shows is a list of names: shows = ["areas"]')
            shows = []
        return kind, tuple(shows)

    def _line_of(self, key: str) -> int:
        """The first line that begins with `key`, or 1."""
        lines = enumerate(self.source.splitlines(), start=1)
        return next((number for number, line in lines if line.startswith(key)), 1)

    def _cut(self, first: int) -> tuple[str, str]:
        """Fill in titles and bodies; return the question's title and text.

        Args:
            first: number of lines before the title.
        """
        places: list[tuple[str, int]] = []  # the question itself, with the line of its title, then each section
        fenced = False
        lines = self.source.splitlines()
        for number, line in enumerate(lines[first:], start=first + 1):
            fenced ^= line.startswith("```")
            if fenced:
                continue
            if line.startswith("## ") or (line.startswith("# ") and not places):
                places.append((line.lstrip("#").strip(), number))
        if not places or not lines[places[0][1] - 1].startswith("# ") or any(lines[first : places[0][1] - 1]):
            self.complain(first + 1, "the question begins with its title: # Title")
            return "", ""
        ends = [number - 1 for _, number in places[1:]] + [len(lines)]
        texts = [(number + 1, "\n".join(lines[number:end])) for (_, number), end in zip(places, ends, strict=True)]
        for (section, number), body in zip(places[1:], texts[1:], strict=True):
            if section in self.titles:
                self.complain(number, f"there are two sections ## {section}")
            self.titles[section], self.bodies[section] = number, body
        text = texts[0][1].strip("\n")
        if not text:
            self.complain(places[0][1], "there is no question under the title")
        return places[0][0], text

    def _rubric(self) -> tuple[tuple[float, str], ...]:
        """Shares and texts of the rubric's items."""
        if "Rubric" not in self.bodies:
            return ()
        first, body = self.bodies["Rubric"]
        items = []
        for match in ITEM.finditer(body):
            line = first + body.count("\n", 0, match.start())
            try:
                share = float(match.group(1))
            except ValueError:
                share = math.nan
            if not (math.isfinite(share) and share >= 0):
                self.complain(line, f"the share {match.group(1)!r} is not a number of at least 0")
            items.append((share, match.group(2)))
        for offset, line_text in enumerate(ITEM.sub(lambda match: "\n" * match.group(0).count("\n"), body).split("\n")):
            if line_text.strip():
                self.complain(first + offset, 'a rubric is a list, "- 2: what is judged", and nothing else')
        if not any(share for share, _ in items):
            self.complain(self.titles["Rubric"], "the rubric has no item with a share above 0")
        return tuple(items)

    def _blocks(self, section: str) -> list[tuple[int, str]]:
        """The blocks of Python of a section, each with the line of its first line."""
        first, body = self.bodies.get(section, (1, ""))
        blocks = [(first + body.count("\n", 0, m.start()) + 1, m.group(1)) for m in PYTHON.finditer(body)]
        if section in self.titles and not blocks:
            self.complain(self.titles[section], f"## {section} has no block of Python: ```python")
        for offset, line in enumerate(PYTHON.sub(lambda match: "\n" * match.group(0).count("\n"), body).split("\n")):
            if line.strip():
                self.complain(first + offset, f"in ## {section} stand blocks of Python only")
        return blocks

    def _cells(self) -> tuple[str, ...]:
        blocks = [block for _, block in self._blocks("Cells")]
        if blocks and not any(has_solution(block) for block in blocks):
            self.complain(self.titles["Cells"], f"no line is marked {LINE_MARK}: nothing is left for students to write")
        return tuple(blocks)

    def _tests(self) -> tuple[str, ...]:
        blocks = self._blocks("Tests")
        for line, block in blocks:
            try:
                body = ast.parse(block).body
            except SyntaxError as error:
                self.complain(line + (error.lineno or 1) - 1, f"this is not valid Python: {error.msg}")
                continue
            function = body[0] if len(body) == 1 else None
            if not isinstance(function, ast.FunctionDef) or not function.name.startswith("test_"):
                self.complain(line, "a block of ## Tests is one function, whose name begins with test_")
        return tuple(block for _, block in blocks)


def has_solution(block: str) -> bool:
    """Whether something in a block of code is marked as solution."""
    return any(line.rstrip().endswith(LINE_MARK) or line.strip().startswith(BEGIN) for line in block.splitlines())


def section(text: str, wanted: str) -> tuple[str, str] | None:
    """Heading and body of a section of a file of answers, without the restated question, deeper headings one deeper.

    Args:
        wanted: the anchor of its heading; "" for the whole file, which then needs no heading.

    Returns:
        None if there is no such section.
    """
    headings = list(HEADING.finditer(text))
    for index, match in enumerate(headings):
        if wanted in ("", anchor(match.group(2))):
            level = len(match.group(1))
            later = [other.start() for other in headings[index + 1 :] if len(other.group(1)) <= level]
            body = RESTATED.sub("", text[match.end() : later[0] if later else len(text)].strip("\n"))
            return match.group(2) if wanted else "", HEADING.sub(r"\1# \2", body).strip()
    return None


def _missing_answers(question: QuestionFile, answers: Mapping[str, str]) -> list[Problem]:
    """A problem for each written answer that a question names and that is not there."""
    problems = []
    for match in ANSWER.finditer(question.source):
        file, _, wanted = match.group(1).partition("#")
        if section(answers.get(file, ""), wanted) is None:
            line = question.source.count("\n", 0, match.start()) + 1
            problems.append(Problem(question.path, line, f"solution/written has no {match.group(1)}"))
    return problems


def course_problems(course: Course, files: Mapping[str, QuestionFile]) -> list[Problem]:
    """A problem for each question that a course asks and that no file holds; where there is a file of any question,
    `tasks.load` has refused such a course."""
    missing = [asked.name for asked in course.questions if asked.name not in files]
    return [Problem(str(course.path), 1, f"{FOLDER} has no question {name!r}") for name in missing]


def filled(question: QuestionFile, known: Mapping[str, str], problems: list[Problem]) -> QuestionFile:
    """The question with its placeholders replaced, {{answer: ...}} excepted.

    Args:
        known: see `numbers.values`.
        problems: a placeholder that names nothing of the course is added here.
    """
    return parse(question.name, put_in(question.source, question.path, known, problems), problems) or question


def handout_item(question: QuestionFile, label: str, points: float, seen: set[str] | None = None) -> str:
    """The question as an item of a list in the handout: "- **W4, area of a disc** (3 points). What is ...".

    Args:
        question: with its placeholders still in it, or `filled`.
        label: its number in the course.
        seen: pictures that the handout shows already, which are left out here; those of this question are added.
    """
    pictures = set(PICTURE.findall(question.text))
    old = pictures & (seen or set())
    if seen is not None:
        seen |= pictures
    text = PICTURE.sub(lambda match: "" if match.group(1) in old else match.group(0), question.text).rstrip()
    lines = f"**{label}, {question.title}** ({worth(points)}). {text}".split("\n")
    return "\n".join([f"- {lines[0]}", *(f"  {line}" if line else "" for line in lines[1:])]) + "\n"


def secret_lines(source: str) -> tuple[str, list[tuple[int, str]]]:
    """What of a question's file is for instructors only.

    Returns:
        Rubric and answer, as a text in which every line stands where it stands in the file; numbered lines of code.
    """
    prose: list[str] = []
    code: list[tuple[int, str]] = []
    title, fenced, in_region = "", False, False
    for number, line in enumerate(source.splitlines(), start=1):
        fenced ^= line.startswith("```")
        if line.startswith("## ") and not fenced:
            title, line = line[3:].strip(), ""
        prose.append(line if title in ("Rubric", "Answer") else "")
        if title != "Cells":
            continue
        if line.strip().startswith((BEGIN, END)):
            in_region = line.strip().startswith(BEGIN)
        elif in_region or line.rstrip().endswith(LINE_MARK):
            code.append((number, line.rstrip().removesuffix(LINE_MARK)))
    return "\n".join(prose), code
