"""Every change that docs/instructors.md describes, made as the page says, in a copy: what is missing is named, and what
students get shows it.

The edits are read from the page: `FORMS` are the forms of words that stand for one. A change of the page that these
tests cannot follow, or that no longer works, fails here.
"""

import json
import re
import shutil
import subprocess
import sys
import textwrap
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from autograder.evidence.audit import corpus
from autograder.release import new_course, student
from autograder.release.contents import Release, generate
from autograder.release.numbers import worth
from autograder.release.starter import SourceError, without_markers
from autograder.stamp import TASKS
from autograder.tasks import CourseError, TaskRecord, load
from autograder.writing import write_files
from tests.kit.courses import copy_sources
from tests.kit.documented import code, page, section

PAGE = page("instructors.md")
COURSE, HANDOUT = "courses/spring.toml", "solution/handout/spring.md"


# The page


def paragraphs(text: str) -> dict[str, str]:
    """What follows each bold beginning, "**Drop a task.** ...", in one line."""
    found = re.findall(r"^(?:\d+\. )?\*\*(.+?)\.\*\* (.+?)(?=\n\n|\n\d+\. |\Z)", text, re.MULTILINE | re.DOTALL)
    return {title: " ".join(words.split()) for title, words in found}


CHANGES = paragraphs(section(PAGE, "Change it"))
STEPS = paragraphs(section(PAGE, "Write a task"))
QUESTION = "solution/questions/{}.md".format(*re.findall(r'name = "(\w+)"', CHANGES["Add a written question"]))


# The edits


class Copy:
    """What a course is made of, copied, and edits of its files; paths are below the root."""

    def __init__(self, root: Path) -> None:
        self.root, self.file = root, COURSE

    def read(self, path: str) -> str:
        return (self.root / path).read_text(encoding="utf-8")

    def write(self, path: str, text: str) -> None:
        (self.root / path).write_text(text, encoding="utf-8")

    def append(self, path: str, text: str) -> None:
        self.write(path, f"{self.read(path).rstrip()}\n\n\n{textwrap.dedent(text).strip()}\n")

    def replace(self, path: str, old: str, new: str) -> None:
        text = self.read(path)
        assert text.count(old) == 1, f"{path} has {text.count(old)} times {old!r}"
        self.write(path, text.replace(old, new))

    def line(self, wanted: str) -> str:
        """The one line of the current file with `wanted` in it."""
        found = [line for line in self.read(self.file).splitlines(keepends=True) if wanted in line]
        assert len(found) == 1, f"{self.file} has {len(found)} lines with {wanted}"
        return found[0]

    # One for each form of words below.

    def turn_to(self, path: str) -> None:
        self.file = path

    def put_in_place(self, item: str, before: str) -> None:
        (name,) = re.findall(r'name = "(\w+)"', item)
        (old,) = re.findall(r"\{.*?\}", self.line(f'"{name}"'))
        assert f"points = {before} }}" in old, f"{name} is not worth {before} points"
        self.replace(self.file, old, item)

    def set_total(self, total: str) -> None:
        self.turn_to(COURSE)
        self.write(COURSE, re.sub(r"^total = .*$", f"total = {total}", self.read(COURSE), flags=re.MULTILINE))

    def change_total(self, amount: str) -> None:
        (total,) = re.findall(r"^total = (.*)$", self.read(COURSE), re.MULTILINE)
        self.set_total(f"{float(total) + float(amount):g}")

    def delete_line(self, wanted: str) -> None:
        self.replace(self.file, self.line(wanted), "")

    def insert_below(self, item: str, name: str) -> None:
        above = self.line(f'"{name}"')
        self.replace(self.file, above, f"{above}    {item}\n")

    def delete_section(self, name: str) -> None:
        text = self.read(COURSE)
        (found,) = re.findall(rf'^\[\[section\]\]\nname = "{name}"\n.*?^\]\n', text, re.MULTILINE | re.DOTALL)
        self.replace(COURSE, found, "")

    def add_to_section(self, item: str, name: str) -> None:
        before, found, after = self.read(COURSE).partition(f'name = "{name}"\n')
        assert found, f"{COURSE} has no section {name}"
        self.write(COURSE, before + found + after.replace(" = [\n", f" = [\n    {item}\n", 1))

    def same_with(self, name: str, link: str, less: str) -> None:
        self.delete_section(name)
        self.turn_to(HANDOUT)
        self.delete_line(link)
        self.change_total(f"-{less}")


CODE, NUMBER = r"`([^`]+)`", r"([\d.]*\d)"
FORMS: dict[str, Callable[..., None]] = {
    rf"In {CODE},": Copy.turn_to,
    rf"{CODE} in place of {NUMBER}": Copy.put_in_place,
    rf"`total = {NUMBER}`": Copy.set_total,
    rf"raise `total` by {NUMBER}": Copy.change_total,
    rf"[Dd]elete the line {CODE}": Copy.delete_line,
    rf"[Dd]elete the line with {CODE}": Copy.delete_line,
    rf"write {CODE} below the line of {CODE}": Copy.insert_below,
    rf"delete the section called {CODE}, from its `\[\[section]]` to the `]` below its questions": Copy.delete_section,
    rf"add a line such as {CODE} to the section {CODE}": Copy.add_to_section,
    rf"The same with the section {CODE} and {CODE}; the total is {NUMBER} less": Copy.same_with,
}
# Code in the text of a change that is mentioned, not written or deleted; names of tasks are, too.
MENTIONED = {"total", "002", *load().known}


def follow(copy: Copy, words: str) -> None:
    """Make the edits that some words of the page ask for, in their order."""
    found = [(match, act) for form, act in FORMS.items() for match in re.finditer(form, words)]
    found.sort(key=lambda one: one[0].start())
    assert found, f"nothing to do: {words}"
    rest = words
    for match, act in found:
        rest = rest.replace(match.group(0), "")
        act(copy, *match.groups())
    unknown = {text for text in re.findall(CODE, rest) if text not in MENTIONED and not (copy.root / text).exists()}
    assert not unknown, f"these tests do not know what to do with {unknown}: {words}"


# What comes of it


@pytest.fixture
def copy(tmp_path: Path) -> Copy:
    """A copy with the course that `make new-course NAME=spring` writes."""
    copy_sources(tmp_path)
    for name in (COURSE, HANDOUT, QUESTION):  # of somebody who has followed the page before
        (tmp_path / name).unlink(missing_ok=True)
    (name,) = set(re.findall(r"^make new-course NAME=(\w+)", section(PAGE, "Your own course"), re.MULTILINE))
    assert new_course.main([name], tmp_path) == 0
    assert (tmp_path / COURSE).is_file() and (tmp_path / HANDOUT).is_file()
    return Copy(tmp_path)


def made(copy: Copy) -> Release:
    """What `make student COURSE=spring` makes; it is what the course says."""
    course = load(copy.root / COURSE)
    release = generate(copy.root, course)
    handout, listed = release.files["README.md"].decode(), json.loads(release.files[TASKS])
    assert worth(course.total) in handout
    assert {row["name"]: row["points"] for row in (*listed["tasks"], *listed["questions"])} == {
        item.name: item.points for item in course.items
    }
    headings = [section.heading for section in course.sections]
    assert [section["heading"] for section in listed["sections"]] == headings
    assert [heading for heading in headings if f"\n## {heading}\n" not in handout] == []
    notebook = "\n".join("".join(cell["source"]) for cell in json.loads(release.files["report.ipynb"])["cells"])
    for task in course.tasks:
        of_task = [check.points for check in course.checks if check.task == task.name]
        assert sum(of_task) == pytest.approx(task.points), f"rows of {task.name}"
        _, heading, text = handout.partition(f"\n### {task.number} ")
        assert heading and worth(task.points) in text.partition("\n### ")[0], f"handout of {task.name}"
    for question in course.questions:
        assert re.search(rf"^- \*\*{question.label}, .*?\*\* \({worth(question.points)}\)", handout, re.MULTILINE)
        assert f"### {question.label}, " in notebook
        checks = release.files.get(f"report_checks/{question.name}.py")
        assert (question.kind == "N") == (checks is not None)
        assert checks is None or f"\npoints = {question.points:g}\n" in checks.decode()
    return release


def submitted(release: Release, folder: Path) -> str:
    """What `python submit.py --all` says of the untouched files."""
    write_files(folder, release.files)
    return subprocess.run(
        [sys.executable, "submit.py", "--all"], cwd=folder, capture_output=True, text=True, check=True, timeout=60
    ).stdout


def missing(copy: Copy) -> str:
    """What `make student COURSE=spring` names."""
    with pytest.raises((CourseError, SourceError)) as caught:
        generate(copy.root, load(copy.root / COURSE))
    return str(caught.value)


# The changes


def test_every_change_of_the_page_is_tried() -> None:
    tried = {"Move points", "Change the total", "Drop a task", "Drop a question", "Add a task", "Change a title"}
    tried |= {
        "Forbid a library",
        "Leave out the report",
        "Leave out the numeric checks",
        "Add a written question",
        "Change the handout",
    }
    assert CHANGES.keys() == tried
    section(PAGE, "The handout's texts")  # which the last one refers to


def test_move_points_and_change_the_total(copy: Copy, tmp_path: Path) -> None:
    before = load(copy.root / COURSE)
    follow(copy, CHANGES["Move points"])
    moved = made(copy)
    written = dict(re.findall(r'name = "(\w+)", points = ([\d.]+)', CHANGES["Move points"]))
    assert len(written) > 1 and moved.course.total == before.total
    said = submitted(moved, tmp_path / "student")
    for name, points in written.items():
        task = moved.course.task(name)
        assert task.points == float(points) != before.task(name).points
        assert f" {points}  {task.file} not implemented: Task {task.number}, {task.title}\n" in said
    assert f" of {worth(moved.course.graded)} as it is" in said


def test_change_the_total(copy: Copy, tmp_path: Path) -> None:
    before = load(copy.root / COURSE)
    total = re.search(r"`total = (\d+)`", CHANGES["Change the total"])
    follow(copy, CHANGES["Change the total"].replace(total.group(0), ""))
    assert f"spring.toml:9: the points add up to {total.group(1)}, not to {before.total:g}" in missing(copy)
    follow(copy, total.group(0))
    changed = made(copy)
    assert f"All in all there are {total.group(1)} points" in changed.files["README.md"].decode()
    lost = before.total - changed.course.total
    assert lost > 0 and changed.course.graded == before.graded - lost
    assert f" of {worth(changed.course.graded)} as it is" in submitted(changed, tmp_path / "student")


def test_drop_a_task(copy: Copy) -> None:
    """Numbers behind it move up; what the page still says of it is named."""
    (name,) = re.findall(r'name = "(\w+)"', CHANGES["Drop a task"])
    before = load(copy.root / COURSE)
    section = [task.name for task in before.tasks if task.section == before.task(name).section]
    behind = section[section.index(name) + 1 :]
    page = copy.read(HANDOUT)
    copy.append(HANDOUT, f"See {{{{points:{name}}}}}.")
    follow(copy, CHANGES["Drop a task"])
    line = len(copy.read(HANDOUT).splitlines())
    assert missing(copy).startswith(f"{HANDOUT}:{line}: {{{{points:{name}}}}}: the course has no such")
    copy.write(HANDOUT, page)
    after = made(copy).course
    assert before.names - after.names == {name}
    assert behind and [after.task(one).number for one in behind] == [
        before.task(one).number for one in section[section.index(name) : -1]
    ]


def test_a_task_that_comes_solved_must_not_give_another_away(copy: Copy) -> None:
    ((first, second),) = re.findall(r"as `(\w+)` would `(\w+)`", CHANGES["Drop a task"])
    for name in (first, second):
        points = load(copy.root / COURSE).task(name).points
        copy.delete_line(f'"{name}"')
        copy.change_total(f"-{points}")
        if name == first:
            assert f"{first}, which spring.toml does not ask for, comes solved: ask for it, too" in missing(copy)
    made(copy)


def test_drop_a_question(copy: Copy) -> None:
    (name,) = re.findall(r'name = "(\w+)"', CHANGES["Drop a question"])
    before = load(copy.root / COURSE)
    follow(copy, CHANGES["Drop a question"])
    assert before.names - made(copy).course.names == {name}


def test_leave_out_the_report_and_the_numeric_checks(copy: Copy) -> None:
    before = load(copy.root / COURSE)
    follow(copy, CHANGES["Leave out the report"])
    first = made(copy)
    assert {section.name for section in before.sections} - {section.name for section in first.course.sections} == {
        "report"
    }
    follow(copy, CHANGES["Leave out the numeric checks"])
    second = made(copy)
    assert {question.kind for question in second.course.questions} == {"W"}
    assert [name for name in second.files if name.startswith("report_checks/")] == []


def test_leave_out_the_numeric_checks_alone(copy: Copy) -> None:
    follow(copy, CHANGES["Leave out the numeric checks"])
    assert {question.kind for question in made(copy).course.questions} == {"R", "W"}


def test_add_a_task(copy: Copy) -> None:
    """To the course that begins as a copy of another, by the two lines of the page."""
    (block,) = [block for block in code("sh", section(PAGE, "Your own course")) if block.startswith("cp ")]
    for line in block.splitlines():
        command, source, target = line.split()
        assert command == "cp"
        shutil.copy(copy.root / source, copy.root / target)
    assert Path(source).stem in CHANGES["Add a task"]
    before = load(copy.root / COURSE)
    assert {**vars(load(copy.root / block.split()[1])), "path": before.path} == vars(before)
    made(copy)
    follow(copy, CHANGES["Add a task"])
    after = made(copy).course
    (name,) = after.names - before.names
    assert after.total == before.total + after.task(name).points


def test_forbid_a_library(copy: Copy) -> None:
    follow(copy, CHANGES["Forbid a library"])
    release = made(copy)
    (forbidding,) = [task for task in release.course.tasks if task.forbids]
    handout, listed = release.files["README.md"].decode(), json.loads(release.files[TASKS])
    text = handout.partition(f"\n### {forbidding.number} ")[2].partition("\n##")[0]
    assert text.endswith(f"\nYour code for this task must not use `{forbidding.forbids[0]}`.\n")
    assert [task["name"] for task in listed["tasks"] if "forbids" in task] == [forbidding.name]


@pytest.mark.slow
def test_another_dataset(copy: Copy) -> None:
    """A copy of another course with the table of the page, and four files where it says."""
    (page,), (commands,) = code("toml", section(PAGE, "Another dataset")), code("sh", section(PAGE, "Another dataset"))
    lines = [line.split("#")[0].split() for line in commands.splitlines()]
    assert [line[0] for line in lines] == ["cp", "cp", "make", "make"] and lines[-1] == [
        "make",
        "release",
        "COURSE=spring",
    ]
    for _, source, target in lines[:2]:
        shutil.copy(copy.root / source, copy.root / target)
    assert made(copy).course.dataset["name"] == "MNIST"
    copy.write(COURSE, copy.read(COURSE).replace("[[section]]", f"{page}\n[[section]]", 1))
    release = made(copy)
    chosen, handout = release.course.dataset, release.files["README.md"].decode()
    assert f"{chosen['name']} is in the folder `data/`" in handout and f"legible {chosen['things']}" in handout
    assert "MNIST was made by" not in handout
    (own,) = re.findall(r"letters and hyphens: `(\S+)`", section(PAGE, "Another dataset"))
    write_files(copy.root / own, {"licence.md": "Shared under the MIT licence.\n"})
    assert "\nShared under the MIT licence.\n" in made(copy).files["README.md"].decode()
    names = re.findall(r"^\| `(\S+\.gz)` \|", copy.read("data/README.md"), re.MULTILINE)
    write_files(copy.root / chosen["folder"], {name: name.encode() for name in names})
    assert student.release(["--course", str(copy.root / COURSE)], copy.root) == 0
    with zipfile.ZipFile(copy.root / "dist" / "spring" / "student.zip") as file:
        data = {name.partition("/")[2] for name in file.namelist() if "/data/" in name}
    assert data == {f"{chosen['folder']}/{name}" for name in names} and len(data) == 4


def test_change_a_title(copy: Copy) -> None:
    """Of the course, of a section, of a task: where the page says that they are."""
    words = CHANGES["Change a title"]
    assert re.findall(CODE, words) == [
        "title",
        COURSE,
        HANDOUT,
        "# ",
        "title",
        "title",
        "tests/tasks.toml",
        "make student",
    ]
    before = load(copy.root / COURSE)
    copy.replace(COURSE, f'\ntitle = "{before.title}"', '\ntitle = "Spring term"')
    heading = next(line for line in copy.read(HANDOUT).splitlines() if line.startswith("# "))
    copy.replace(HANDOUT, f"\n{heading}\n", "\n# Spring term\n")
    copy.replace(COURSE, f'title = "{before.sections[1].title}"', 'title = "Blends of bells"')
    task = before.tasks[0]
    copy.replace("tests/tasks.toml", f'title = "{task.title}"', 'title = "The first divergence"')
    release = made(copy)
    handout, listed = release.files["README.md"].decode(), json.loads(release.files[TASKS])
    assert handout.startswith("# Spring term\n") and listed["course"]["title"] == "Spring term"
    assert "\n## 2. Blends of bells\n" in handout and "](#2-blends-of-bells)" in handout
    assert before.sections[1].title not in handout
    assert listed["tasks"][0]["title"] == "The first divergence" == load(copy.root / "courses/full.toml").tasks[0].title


def test_add_a_written_question(copy: Copy) -> None:
    """With the file that "Write a question" shows, word by word."""
    before = load(copy.root / COURSE)
    follow(copy, CHANGES["Add a written question"])
    (name,) = re.findall(r'name = "(\w+)"', CHANGES["Add a written question"])
    assert f"solution/questions has no question '{name}': write it" in missing(copy)
    (text,) = code("text", section(PAGE, "Write a question"))
    copy.write(f"solution/questions/{name}.md", text.replace("## Rubric", "## Rubrik"))
    assert f"solution/questions/{name}.md:1: a question of kind W needs a section ## Rubric" in missing(copy)
    copy.write(f"solution/questions/{name}.md", text)
    release = made(copy)
    (question,) = [question for question in release.course.questions if question.name == name]
    assert question.kind == "W" and release.course.total == before.total + question.points
    assert (
        f"**{question.label}, Title without a number** (2 points). The question." in release.files["README.md"].decode()
    )
    assert b"one thing that is judged" not in b"".join(release.files.values())


# A task that does not exist yet

NEW = "kl_uniform"
FUNCTION = '''
def kl_uniform(a: Tensor, b: Tensor) -> Tensor:
    """Task {{task:kl_uniform}}: KL(P || Q) of two uniform distributions P on [0, a] and Q on [0, b].

    Args:
        a, b: upper ends, positive, of shapes that broadcast.

    Returns:
        The divergence in nats, elementwise; infinite where b < a.
    """
    # BEGIN SOLUTION
    return torch.where(b < a, torch.inf, torch.log(b / a))
    # END SOLUTION
'''
CHECK = '''
@pytest.mark.kl_uniform
def test_kl_uniform(submission):
    """kl_uniform agrees with values computed by hand"""
    value = submission.call("kl.kl_uniform", np.array([1.0, 2.0]), np.array([2.0, 1.0]))
    check_close(value, [math.log(2), math.inf], what="kl_uniform")
'''
TABLE = """
[[task]]
name = "kl_uniform"
title = "KL of uniform distributions"
file = "kl.py"
functions = ["kl_uniform"]
[task.public]
test_kl_uniform = 1
[task.hidden]
test_kl_uniform_everywhere = 1
"""


MUTANT = """
[[mutant]]
name = "logarithm_turned"
function = "kl_uniform"
wrong = "the logarithm of a / b"
checks = ["public/test_kl.py::test_kl_uniform"]
hint = ["sign"]
find = "b / a"
put = "a / b"
"""
VARIANT = """
[[variant]]
name = "two_logarithms"
function = "kl_uniform"
differs = "a difference of logarithms"
find = "torch.log(b / a)"
put = "b.log() - a.log()"
"""


def test_write_a_task(copy: Copy) -> None:
    """In the order of the messages: each names the file that a step of the page tells to write next."""
    assert list(STEPS) == ["Code", "Handout", "Checks", "Table", "Course", "Audit"]
    (line,) = re.findall(r"`(\{ name = \"NAME\", points = [\d.]+ \},)`", STEPS["Course"])
    copy.insert_below(line.replace("NAME", NEW), "triangle_violation")
    copy.change_total("1")
    assert re.search(rf"spring.toml:\d+: tests/tasks.toml has no task '{NEW}'", missing(copy))

    assert "A `[[task]]` in `tests/tasks.toml`: `name`, `title`, `file`, `functions`" in STEPS["Table"]
    copy.append("tests/tasks.toml", TABLE)
    for suite in ("public", "hidden"):
        assert (
            f"`tests/{suite}/`, marked `@pytest.mark.NAME`" in STEPS["Checks"]
            or f"`tests/{suite}/` and" in STEPS["Checks"]
        )
        name = "test_kl_uniform" if suite == "public" else "test_kl_uniform_everywhere"
        assert f"tests/{suite}/test_kl.py:1: there is no {name} with a title" in missing(copy)
        copy.append(f"tests/{suite}/test_kl.py", CHECK.replace("test_kl_uniform", name))

    assert "`solution/`, with a docstring that begins with `Task {{task:NAME}}: `" in STEPS["Code"]
    assert "NAME.md in `solution/handout/`: the first line is its heading, `# `" in STEPS["Handout"]
    handout = f"solution/handout/{NEW}.md"
    named = missing(copy)
    assert f"solution/kl.py:1: there is no {NEW}" in named and f"{handout}:1: this file is missing" in named
    copy.append("solution/kl.py", FUNCTION)
    copy.write(handout, "`kl_uniform`\n\nOf uniform distributions.\n")
    named = missing(copy)
    assert f"{handout}:1: the first line is the heading" in named
    assert f"{handout}:1: {{{{points:{NEW}}}}} is missing" in named
    copy.write(handout, "# `kl_uniform`\n\nOf uniform distributions, {{points:kl_uniform}}.\n")

    release = made(copy)
    task = release.course.task(NEW)
    assert f'"""Task {task.number}: KL(P || Q) of two uniform' in release.files["kl.py"].decode()
    assert b"torch.log(b / a)" not in b"".join(release.files.values())
    assert "def test_kl_uniform(" in release.files["tests/test_kl.py"].decode()


def test_the_corpus_of_a_new_task(tmp_path: Path) -> None:
    """The audit's tests name the files of its last step; see evidence/test_audit.py."""
    new = TaskRecord(NEW, "KL of uniform distributions", "kl.py", [NEW])
    folders = re.findall(r"`(tests/corpus/\w+/)`", STEPS["Audit"])
    assert corpus.lacking(corpus.load(tmp_path), [new]) == [f"{folder}kl.toml has none of {NEW}" for folder in folders]
    for folder, text in zip(folders, (MUTANT, VARIANT), strict=True):
        path = tmp_path / Path(folder).name / "kl.toml"
        path.parent.mkdir()
        path.write_text(text)
    found = corpus.load(tmp_path)
    assert corpus.lacking(found, [new]) == []
    original = without_markers(f"import torch\nfrom torch import Tensor\n{FUNCTION}")
    assert all(change.apply(original) != original for change in (*found.mutants, *found.variants))
