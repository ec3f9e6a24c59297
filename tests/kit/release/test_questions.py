"""Files of questions: what is read, every complaint, what a course makes of them; then the real ones."""

import dataclasses
import math
import re
from pathlib import Path

import pytest

from autograder.release import numbers, questions
from autograder.release.starter import SourceError
from autograder.repository import ROOT
from autograder.tasks import Course, Question, Section
from autograder.writing import write_files

WRITTEN = """+++
kind = "W"
shows = ["areas"]
+++

# area of a disc

What is the area,
and why?

![A disc](figures/disc.png)

## Rubric

- 2: the formula,
  with its unit
- 1: the proof

## Answer

As {{answer: discs.md#area}} says.

### A remark

```python
## Rubric
```
"""
NUMERIC = """+++
kind = "N"
+++
# radius
How long?

## Cells

```python
given = 2
```

```python
radius = given * 3  # SOLUTION
def f(x):
    # BEGIN SOLUTION
    return x
    # END SOLUTION
```

## Tests

```python
def test_radius(radius):
    assert radius == 6
```

```python
def test_f(f):
    assert f(1) == 1
```
"""
DISCS = "# Discs\n\n## Area\n\n*Question 1: what is\nit?*\n\nPi.\n\n### Proof\n\nNo.\n\n## Else\n\nEnd.\n"


def folder_of(root: Path, files: dict[str, str]) -> Path:
    """A folder of questions with answers beside it."""
    write_files(root, {"written/discs.md": DISCS, **{f"questions/{name}.md": files[name] for name in files}})
    return root / "questions"


def course_of(*asked: Question) -> Course:
    return Course(Path("courses/x.toml"), "X", 7, (Section("discs", "1", "Discs"),), (), (), asked)


AREA = Question("area", "W", "2.1.1", 2.5, "discs")


def test_what_is_read(tmp_path):
    found = questions.read(folder_of(tmp_path, {"area": WRITTEN, "radius": NUMERIC}))
    area, radius = found["area"], found["radius"]
    assert list(found) == ["area", "radius"] and area.manual and not radius.manual
    assert (area.kind, area.title, area.shows) == ("W", "area of a disc", ("areas",))
    assert area.text == "What is the area,\nand why?\n\n![A disc](figures/disc.png)"
    assert area.rubric == ((2.0, "the formula,\n  with its unit"), (1.0, "the proof"))
    assert area.answer.startswith("As {{answer: discs.md#area}}") and "## Rubric" in area.answer
    assert radius.cells[0] == "given = 2\n" and radius.cells[1].startswith("radius = ") and len(radius.tests) == 2
    assert questions.read(tmp_path / "nowhere") == {}


def test_shares_become_points():
    area = questions.parse("area", WRITTEN, [])
    assert [points for points, _ in area.scaled(6)] == [4, 2]
    assert [points for points, _ in area.scaled(1)] == [0.666667, 0.333333]
    assert [points for points, _ in area.scaled(0)] == [0, 0]


@pytest.mark.parametrize(
    ("name", "old", "new", "line", "complaint"),
    [
        ("area", "+++\nkind", "kind", 1, "the file begins with +++"),
        ("area", '"W"', '"X"', 2, "the kind must be one of R, W, N, not 'X'"),
        ("area", 'kind = "W"\n', "", 1, "the kind must be one of R, W, N, not None"),
        ("area", 'kind = "W"', "kind = ", 2, "between the lines +++ stands TOML"),
        ("area", "shows = ", "show = ", 3, "show is not a setting of a question"),
        ("area", '["areas"]', '"areas"', 3, "shows is a list of names"),
        ("area", "# area of a disc", "", 5, "the question begins with its title"),
        ("area", "# area of a disc", "Text\n\n# area", 5, "the question begins with its title"),
        ("radius", "How long?\n", "", 4, "there is no question under the title"),
        ("area", "## Rubric\n\n", "Text\n\n", 1, "needs a section ## Rubric"),
        ("area", "## Answer", "## Remark", 19, "has no section ## Remark"),
        ("area", "## Answer", "## Remark", 1, "needs a section ## Answer"),
        ("radius", "## Cells", "## Answer", 1, "needs a section ## Cells"),
        ("radius", "## Cells", "## Answer", 7, "a question of kind N has no section ## Answer"),
        ("radius", "## Tests", "## Cells", 21, "there are two sections ## Cells"),
        ("area", "- 2:", "- two:", 15, "the share 'two' is not a number"),
        ("area", "- 2:", "- -2:", 15, "the share '-2' is not a number"),
        ("area", "- 2:", "- nan:", 15, "the share 'nan' is not a number"),
        ("area", "- 1: the proof", "the proof", 17, "a rubric is a list"),
        ("area", "- 2: the formula,\n  with its unit\n- 1: the proof\n", "", 13, "no item with a share above 0"),
        ("area", "#area", "#volume", 21, "solution/written has no discs.md#volume"),
        ("area", "discs.md#area", "balls.md", 21, "solution/written has no balls.md"),
        ("radius", "```python\ngiven = 2\n```", "given = 2", 9, "in ## Cells stand blocks of Python only"),
        ("radius", "def test_f(f):", "def f(f):", 29, "whose name begins with test_"),
        ("radius", "    assert f(1) == 1", "    assert f(1) == ", 30, "this is not valid Python"),
    ],
)
def test_complaints(tmp_path, name, old, new, line, complaint):
    """Each with file and line."""
    text = {"area": WRITTEN, "radius": NUMERIC}[name]
    assert old in text
    folder = folder_of(tmp_path, {name: text.replace(old, new, 1)})
    with pytest.raises(SourceError) as error:
        questions.read(folder)
    found = [str(problem) for problem in error.value.problems]
    assert any(
        problem.startswith(f"solution/questions/{name}.md:{line}: ") and complaint in problem for problem in found
    ), found


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        (lambda text: re.sub("(?s)## Answer.*", "## Answer\n", text), "there is no answer here"),
        (lambda text: NUMERIC.replace("  # SOLUTION", "").replace("# BEGIN SOLUTION", "#"), "nothing is left"),
        (lambda text: re.sub("(?s)## Tests.*", "## Tests\n", NUMERIC), "## Tests has no block of Python"),
    ],
)
def test_empty_sections(tmp_path, change, complaint):
    with pytest.raises(SourceError, match=complaint):
        questions.read(folder_of(tmp_path, {"area": change(WRITTEN)}))


def test_all_problems_of_all_files(tmp_path):
    """One look shows everything; a name must do as Otter's, and as a file's on every system."""
    bad = WRITTEN.replace("- 1:", "- one:").replace("#area", "#volume")
    with pytest.raises(SourceError) as error:
        questions.read(folder_of(tmp_path, {"Area": bad, "b-c": WRITTEN.replace('"W"', '"w"')}))
    text = str(error.value)
    assert text.count("the name of a question") == 2 and "'one'" in text and "not 'w'" in text


def test_questions_that_no_file_holds():
    (problem,) = questions.course_problems(course_of(AREA, dataclasses.replace(AREA, name="b")), {"b": None})
    assert str(problem) == "courses/x.toml:1: solution/questions has no question 'area'"


def test_item_of_the_handout():
    """Numbers are put in, and every paragraph stays within the item."""
    problems = []
    text = WRITTEN.replace("and why?", "see {{question:arc}}, why?")
    area = questions.filled(questions.parse("area", text, []), {"question:arc": "W3"}, problems)
    assert problems == []
    assert questions.handout_item(area, "W2", 2.5) == (
        "- **W2, area of a disc** (2.5 points). What is the area,\n  see W3, why?\n\n  ![A disc](figures/disc.png)\n"
    )
    assert "(1 point). " in questions.handout_item(area, "W2", 1)


def test_a_picture_stands_in_the_handout_once():
    """Under the first question that shows it."""
    area, seen = questions.parse("area", WRITTEN, []), {"figures/ball.png"}
    first, second = (questions.handout_item(area, label, 2, seen) for label in ("W1", "W2"))
    assert "\n\n  ![A disc](figures/disc.png)\n" in first and seen == {"figures/ball.png", "figures/disc.png"}
    assert second == "- **W2, area of a disc** (2 points). What is the area,\n  and why?\n"


def test_unknown_placeholder():
    """Named, with its line; those of answers are for whoever has the answers."""
    problems = []
    question = questions.parse("area", WRITTEN.replace("and why?", "and {{task:ball}}?"), problems)
    assert problems == [] and questions.filled(question, {}, problems).answer == question.answer
    assert [str(problem) for problem in problems] == [
        "solution/questions/area.md:9: {{task:ball}}: the course has no such task or section"
    ]


def test_sections_of_answers():
    assert questions.section(DISCS, "area") == ("Area", "Pi.\n\n#### Proof\n\nNo.")
    assert questions.section(DISCS, "proof") == ("Proof", "No.")
    assert questions.section(DISCS, "") == ("", questions.HEADING.sub(r"\1# \2", DISCS[9:]).strip())
    assert questions.section(DISCS, "volume") is None and questions.section("", "") is None


def test_what_is_secret():
    """Rubric, answer and the marked lines of code, each with its line in the file."""
    prose, code = questions.secret_lines(WRITTEN)
    lines = dict(enumerate(prose.split("\n"), start=1))
    shown = {number for number, line in lines.items() if line}
    assert code == [] and min(shown) == 15 and lines[21].startswith("As {{answer") and lines[8] == lines[13] == ""
    prose, code = questions.secret_lines(NUMERIC)
    assert prose.strip() == "" and code == [(14, "radius = given * 3  "), (17, "    return x")]


# The real ones


@pytest.fixture(scope="module")
def real() -> dict[str, questions.QuestionFile]:
    return questions.read(ROOT / questions.FOLDER)


def test_real_questions(real):
    """Every answer is there, and the points of each rubric add up, whatever a course gives."""
    titles = [question.title for question in real.values()]
    assert len(real) > 30 and len(set(titles)) == len(titles)
    for question in filter(lambda question: question.manual, real.values()):
        for points in (1, 1.5, 7):
            assert math.isclose(sum(worth for worth, _ in question.scaled(points)), points, abs_tol=1e-5)


def test_real_questions_refer_to_no_other(real):
    """A course may lack it: neither a placeholder nor a number of a task or question is in a question's file."""
    for question in real.values():
        assert {kind for kind, _ in numbers.PLACEHOLDER.findall(question.source)} <= {"dataset"}, question.name
        found = re.findall(r"\b(?:[RWN][1-9]\d?|[Tt]asks? \d|section \d|handout)\b", question.text)
        assert found == [], question.name


def test_every_section_of_answers_is_used(real):
    """An answer that no question names would be lost in the report."""
    files = questions.written_answers(ROOT / "solution" / "written")
    del files["README.md"]
    named = {match.group(1) for question in real.values() for match in questions.ANSWER.finditer(question.answer)}
    unused = set()
    for name, text in files.items():
        sections = [(len(m.group(1)), m.group(2)) for m in questions.HEADING.finditer(text)]
        used = name in named
        for index, (level, heading) in enumerate(sections):
            deeper = []
            for below, other in sections[index + 1 :]:
                if below <= level:
                    break
                deeper.append(other)
            places = {f"{name}#{numbers.anchor(title)}" for title in (heading, *deeper)}
            if level == 2 and not used and not places & named:
                unused.add(heading)
    # A step that other answers use, and the reasons behind two tasks.
    assert unused == {"The estimator", "Two normals in one dimension"}
