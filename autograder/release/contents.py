"""What students of a course receive.

Everything comes from solution/ (starter files, notebooks, handout, pictures), tests/ (the public checks, the modules
that they import and the cases that they compare with), the requirements and LICENSE. The whole content is made in
memory and checked before a single file is written.
"""

from __future__ import annotations

import ast
import hashlib
import json
import re
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from autograder.door.library_use import first_use
from autograder.release import handout, numbers, questions
from autograder.release import notebook as report_notebook
from autograder.release.leaks import SecretLine, find_leaks, find_words, secret_code, secret_prose
from autograder.release.selection import Line, numbered, region_names, select, text_of
from autograder.release.starter import DEFINITIONS, TASK_OPENING, Problem, SourceError, make_starter, without_markers
from autograder.repository import DEFAULT_COURSE, DOOR, ROOT
from autograder.stamp import TASKS, Stamp, stamp_of
from autograder.tasks import METRICS, Course, TaskRecord, load
from autograder.toml_source import TomlSource, meant
from autograder.toml_source import shown as shown_path

# Folders of tests/ that students never get.
HIDDEN_TESTS = ("hidden", "kit", "assignment", "corpus")
# Where students have what nobody opens. Beside Python lie there templates, style sheets, and what pandoc reads.
LAB = "lab"
OTHER_LANGUAGES = {".j2", ".css", ".lua", ".typ"}

# Settings for tools, as they are in given/: where students have them, in front or where the tool looks for them.
GIVEN = Path(__file__).with_name("given")
SETTINGS = {
    ".gitignore": "gitignore",
    ".editorconfig": "editorconfig",
    ".vscode/settings.json": "settings.json",
    ".devcontainer/devcontainer.json": "devcontainer.json",
    ".pytest.ini": "pytest.ini",
}
REQUIREMENTS_HEADER = """\
# The exact versions that this assignment is tested with. README.md, "Set-up", says how to install them.
"""
# Further locks of requirements/: the program that needs one, and the line that heads the students' copy,
# lab/requirements-NAME.txt.
FURTHER_REQUIREMENTS = {
    "explore": ("explore.py", "# What explore.py needs on top of lab/requirements.txt.\n"),
    "report": ("export_report.py", "# What report.ipynb and export_report.py need on top of lab/requirements.txt.\n"),
}
# PyTorch asks for these by itself where it needs them; named here, they would be installed with its CPU build too.
CUDA_REQUIREMENT = re.compile(r"(nvidia-|cuda-|triton==)")
PROVIDED = b"(provided)"  # at the end of the first line of a module in lab/: students change the others
STARTED = 'if __name__ == "__main__":'  # in a program that people start
PICTURE = re.compile(rb"figures/[\w.-]+\.png")


class ReleaseError(Exception):
    """The release cannot be made; the message says what to put right."""


@dataclass(frozen=True)
class Release:
    """What students receive, except the data.

    Attributes:
        files: relative path to content.
        secrets: the lines that must not be in any of it.
        course: the course that is released.
        stamp: which release it is.
    """

    files: dict[str, bytes]
    secrets: list[SecretLine]
    course: Course
    stamp: Stamp


def generate(root: Path = ROOT, course: Course | None = None) -> Release:
    """Make everything that students of a course get, except the data.

    Args:
        root: the repository, or a folder that is laid out like it.
        course: the default one if None.

    Raises:
        SourceError: with every problem found, each with file and line.
        CourseError: the course does not hold together.
    """
    course = course or load(root / "courses" / f"{DEFAULT_COURSE}.toml")
    known = numbers.values(course)
    problems: list[Problem] = []
    secrets: list[SecretLine] = []
    files: dict[str, bytes] = {}
    for path, lines in selected_code(course, problems).items():
        name = f"solution/{path}"
        try:
            starter = make_starter(text_of(lines), name, {task.name for task in course.tasks})
        except SourceError as error:
            problems += [problem._replace(line=lines[problem.line - 1].number) for problem in error.problems]
            continue
        origin = [lines[number - 1].number for number in starter.origin]
        files[path] = _put_in(starter.text, name, known, problems, origin)
        removed = [(lines[number - 1].number, text) for number, text in starter.solution_lines]
        secrets += secret_code(name, removed)
    for answers in sorted((root / "solution" / "written").glob("*.md")):
        secrets += secret_prose(f"solution/written/{answers.name}", read(answers))
    for name, (shown, lines) in selected_tests(course, problems).items():
        files[f"tests/{name}"] = _put_in(text_of(lines), shown, known, problems, [line.number for line in lines])
    files |= stored_cases(course)
    asked = question_files(course, problems)
    for question in asked.values():
        prose, code = questions.secret_lines(question.source)
        secrets += [*secret_prose(question.path, prose), *secret_code(question.path, code)]
    handout_text = handout.assemble(course, root / "solution" / "handout", asked, known, problems)
    if asked and not problems:
        files |= pdf_maker()
        try:
            files |= report_notebook.make(root, course, known, shown_parts(files)).student
        except SourceError as error:
            problems += error.problems
    files["README.md"] = handout_text.encode()
    files[TASKS] = task_list(course, files, asked.values()).encode()
    files |= other_files(root, files)
    stamp = stamp_of(files, root)
    files[TASKS] = task_list(course, files, asked.values(), stamp).encode()
    files["README.md"] += f"\nCourse {course.name}, release {stamp}.\n".encode()

    data = ["data", "data/README.md"] if course.usual_data else ["data"]
    folders = {Path(name).parent.as_posix() for name in files}
    problems += handout.check_links(handout_text, "student/README.md", {*files, *folders, *data})
    problems += explained(course, files, find_leaks(secrets, {f"student/{path}": text for path, text in files.items()}))
    if not problems:  # else files are missing that are no students' loss
        problems += dangling(course, files)
    if problems:
        raise SourceError(problems)
    return Release(dict(sorted(files.items())), secrets, course, stamp)


def _put_in(text: str, path: str, known: Mapping[str, str], problems: list[Problem], origin: Sequence[int]) -> bytes:
    """The text with its placeholders replaced; complaints get the lines that `origin` gives for the text's."""
    found: list[Problem] = []
    done = numbers.put_in(text, path, known, found)
    problems += [problem._replace(line=origin[problem.line - 1]) for problem in found]
    return done.encode()


def sources_of(root: Path) -> dict[str, str]:
    """The code of the solution: path below solution/ to text."""
    folder = root / "solution"
    paths = sorted([*folder.glob("*.py"), *(folder / "lab").rglob("*.py")])
    return {path.relative_to(folder).as_posix(): read(path) for path in paths}


def selected_code(course: Course, problems: list[Problem]) -> dict[str, list[Line]]:
    """What students of a course get of the solution's code, the answers still in it: path to lines.

    Args:
        problems: what is wrong is added here.
    """
    sources, known = sources_of(course.root), course.known
    problems += unknown_tasks(sources, known)
    coded = [task for task in course.tasks if task.file.endswith(".py")]
    roots: list[tuple[str, str | None]] = [(task.file, function) for task in coded for function in task.functions]
    # All of a program that the notebook imports is there to be used.
    roots += [(name, "" if STARTED in sources.get(name, "") else None) for name in course.programs]
    missing = sorted({path for path, _ in roots} - sources.keys())
    problems += [Problem("tests/tasks.toml", 1, f"there is no solution/{path}") for path in missing]
    if missing:
        return {}
    ours = {
        task.file: [name for record in known.values() if record.file == task.file for name in record.functions]
        for task in coded
    }
    try:
        kept = select(sources, course.names, roots, ours, "solution/")
    except SourceError as error:
        problems += error.problems
        return {}
    problems += unknown_regions(course, sources, "solution/")
    problems += _forbidden_uses(course, sources)
    for record in known.values():
        if record.solved == "never" and record.name not in course.names and _given(record, kept):
            problems.append(_forbidden(record, course, sources))
    return kept


def unknown_regions(course: Course, sources: Mapping[str, str], shown: str) -> list[Problem]:
    """Names of regions that are neither a task nor a question of any course."""
    known = {*course.known, *(path.stem for path in (course.root / questions.FOLDER).glob("*.md"))}
    return [
        Problem(f"{shown}{path}", line, f"no task or question is called {name}{meant(name, known)}")
        for path, text in sources.items()
        for line, name in region_names(text)
        if name not in known
    ]


def _forbidden_uses(course: Course, sources: Mapping[str, str]) -> Iterator[Problem]:
    """Where the solution, or a helper that students are given, uses what their task forbids."""
    for task in course.tasks:
        use = first_use(sources[task.file].encode(), task.functions, task.forbids) if task.forbids else None
        if use is not None:
            text = f"{task.name} must not use {use.library}, says {course.path.name}"
            yield Problem(f"solution/{task.file}", use.line, text)


def _forbidden(record: TaskRecord, course: Course, sources: Mapping[str, str]) -> Problem:
    """What to say of a task that something asked for needs, that is not asked for, and may not be given solved."""
    source = TomlSource(course.path)
    for task in course.tasks:
        starts = [(task.file, function) for function in task.functions if task.file.endswith(".py")]
        if starts and _given(record, select(sources, course.names, starts)):
            text = f"{task.name} needs {record.name}, which is never given solved: ask for both or neither"
            return Problem(shown_path(course.path), source.line_of(task.name), text)
    text = f"a program needs {record.name}, which is never given solved: ask for it, too"
    return Problem(shown_path(course.path), 1, text)


def unknown_tasks(sources: Mapping[str, str], known: Collection[str]) -> list[Problem]:
    """Docstrings that begin with a task that there is not: nobody would know what is to be taken out there."""
    return [
        Problem(f"solution/{path}", number, f"tests/tasks.toml has no task {found.group(1)!r}")
        for path, text in sources.items()
        for number, line in enumerate(text.splitlines(), start=1)
        if (found := TASK_OPENING.search(line)) and found.group(1) not in known
    ]


def _given(record: TaskRecord, kept: Mapping[str, Sequence[Line]]) -> bool:
    """Whether one of a task's functions is in what students get."""
    there = {record.file: text_of(kept[record.file]).encode()} if record.file in kept else {}
    return not record.definitions.isdisjoint(defined(there))


def explained(course: Course, files: Mapping[str, bytes], leaks: Sequence[Problem]) -> list[Problem]:
    """Leaks, each with the task that is not asked for and therefore comes solved, if the line is in one."""
    given = [course.known[name] for name in course.others]
    trees = {record.file: ast.parse(files[record.file]) for record in given if record.file in files}
    found = []
    for leak in leaks:
        name = leak.path.removeprefix("student/")
        around = {
            node.name
            for node in (ast.walk(trees[name]) if name in trees else ())
            if isinstance(node, DEFINITIONS) and node.lineno <= leak.line <= (node.end_lineno or 0)
        }
        for record in given:
            if record.file == name and around & record.definitions:
                why = f"{record.name}, which {course.path.name} does not ask for, comes solved: ask for it, too"
                leak = leak._replace(text=f"{leak.text}\n    {why}")
        found.append(leak)
    return found


def solved(course: Course) -> dict[str, bytes]:
    """The files that students of a course get, with every answer in them, and what they need to run.

    Raises:
        SourceError: with file and line.
    """
    problems: list[Problem] = []
    known = numbers.values(course)
    files = {
        path: numbers.put_in(without_markers(text_of(lines)), path, known, problems).encode()
        for path, lines in selected_code(course, problems).items()
    }
    files[TASKS] = task_list(course, files, question_files(course, problems).values()).encode()
    files |= lab_texts(course.root, files)
    if problems:
        raise SourceError(problems)
    return files


def left_out_words(course: Course, files: Mapping[str, bytes]) -> set[str]:
    """Names that no text of this course should mention: files, and functions of tasks, that its students do not get.

    Names that could be ordinary words do not count, nor do files that programs write.
    """
    known = course.known.values()
    functions = {name for record in known for name in record.definitions}
    names = {path.name for path in (course.root / "solution").glob("*.py")} | {record.file for record in known}
    leftovers = {"", *course.assignment.leftovers}
    telling = {word for word in functions if "_" in word or sum(map(str.isupper, word)) > 1}
    return (telling - defined(files)) | (names - files.keys() - course.files - leftovers)


def defined(files: Mapping[str, bytes]) -> set[str]:
    """Names of the functions and classes that some files define."""
    trees = [ast.parse(content) for name, content in files.items() if name.endswith(".py")]
    return {node.name for tree in trees for node in ast.walk(tree) if isinstance(node, DEFINITIONS)}


def dangling(course: Course, files: Mapping[str, bytes]) -> list[Problem]:
    """Lines that mention what students of a course do not get. The checks have functions of their own."""
    checks = {name: content for name, content in files.items() if name.startswith("tests/")}
    others = {name: content for name, content in files.items() if name not in checks}
    words = left_out_words(course, others)
    return find_words(words, others) + find_words(words - defined(checks), checks)


def question_files(course: Course, problems: list[Problem]) -> dict[str, questions.QuestionFile]:
    """The questions that a course asks, by name.

    Args:
        problems: what is wrong is added here.
    """
    try:
        files = questions.read(course.root / questions.FOLDER)
    except SourceError as error:
        problems += error.problems
        return {}
    problems += questions.course_problems(course, files)
    return {question.name: files[question.name] for question in course.questions if question.name in files}


def shown_parts(files: Mapping[str, bytes]) -> Callable[[str], bool]:
    """Whether the program that students get has a part of a name: their code names it."""
    code = b"\n".join(content for name, content in files.items() if name.startswith("lab/"))
    return lambda part: f'"{part}"'.encode() in code


def other_files(root: Path, files: Mapping[str, bytes]) -> dict[str, bytes]:
    """What goes with some files as it is: pictures that they show, notebooks of programs, settings, requirements."""
    found = lab_texts(root, files)
    shown = {name.decode() for content in files.values() for name in PICTURE.findall(content)}
    found |= {name: (root / "solution" / name).read_bytes() for name in shown if (root / "solution" / name).is_file()}
    notebooks = sorted((root / "solution" / LAB).glob("*.ipynb"))
    found |= {f"{LAB}/{path.name}": read(path).encode() for path in notebooks if f"{path.stem}.py" in files}
    found[f"{LAB}/LICENSE"] = read(root / "LICENSE").encode()
    if any(name.startswith("tests/") for name in files):
        found |= {name: (GIVEN / source).read_bytes() for name, source in SETTINGS.items()}
    base = read(root / "requirements" / "base.txt")
    if any(name.endswith(".py") for name in files):
        found[f"{LAB}/requirements.txt"] = student_requirements(base).encode()
    for name, (program, header) in FURTHER_REQUIREMENTS.items():
        if program in files:
            locked = read(root / "requirements" / f"{name}.txt")
            found[f"{LAB}/requirements-{name}.txt"] = (header + further_requirements(locked, base)).encode()
    return found


def lab_texts(root: Path, files: Collection[str]) -> dict[str, bytes]:
    """The files in other languages that lie beside code that students get."""
    folders = {Path(name).parent for name in files if name.endswith(".py")}
    texts = (path for path in sorted((root / "solution" / "lab").rglob("*")) if path.suffix in OTHER_LANGUAGES)
    shown = {path.relative_to(root / "solution"): path for path in texts}
    return {name.as_posix(): read(path).encode() for name, path in shown.items() if name.parent in folders}


def pdf_maker() -> dict[str, bytes]:
    """The kit's PDF maker as students get it, for their reports."""
    names = ("typeset.py", "page.typ", "links.lua")
    return {f"lab/report/{name}": Path(__file__).with_name(name).read_bytes() for name in names}


def selected_tests(course: Course, problems: list[Problem]) -> dict[str, tuple[str, list[Line]]]:
    """What lies in tests/ of a student's folder: name to what to call the file in messages, and its lines.

    The public checks of what the course asks for, and the helpers that these use; nothing without a task.
    """
    if not course.tasks:
        return {}
    for name in ("support", "autograder", "conftest"):
        if (course.root / "solution" / f"{name}.py").is_file():
            problems.append(Problem(f"solution/{name}.py", 1, f"tests/ has a {name} too: one would shadow the other"))
    tests = course.tests
    paths = {path.name: path for path in [tests / "conftest.py", *sorted((tests / "public").glob("test_*.py"))]}
    paths |= {path.relative_to(tests).as_posix(): path for path in sorted((tests / "support").rglob("*.py"))}
    shown = {name: path.relative_to(course.root).as_posix() for name, path in paths.items()}
    public = [check.id.removeprefix("public/") for check in course.checks if check.id.startswith("public/")]
    roots: list[tuple[str, str | None]] = [("conftest.py", None)]
    roots += [(file, check.split("[")[0]) for file, _, check in (id.partition("::") for id in public)]
    sources = {name: read(path) for name, path in paths.items()}
    problems += unknown_regions(course, {shown[name]: text for name, text in sources.items()}, "")
    try:
        kept = select(sources, course.names, roots, shown="tests/")
    except SourceError as error:
        problems += error.problems
        return {}
    for name, lines in kept.items():
        # conftest.py asks the kit for the tasks where there is no lab/tasks.json: students have one.
        known = ("autograder.door", "autograder.tasks") if name == "conftest.py" else ("autograder.door",)
        for module, line in imported_modules(text_of(lines)):
            ours = module.split(".")[0] in ("autograder", "solution", "tests", *HIDDEN_TESTS)
            if ours and not module.startswith(known):
                text = f"students do not get the module {module!r}"
                problems.append(Problem(shown[name], lines[line - 1].number, text))
    found = {name: (shown[name], lines) for name, lines in kept.items()}
    for path in [DOOR.parent / "__init__.py", *sorted(DOOR.glob("*.py"))]:
        name = path.relative_to(ROOT).as_posix()
        found[name] = (name, numbered(read(path)))
    return dict(sorted(found.items()))


def stored_cases(course: Course) -> dict[str, bytes]:
    """The cases that public checks compare with, of the tasks that a course asks for."""
    folder = course.tests / "public" / "cases"
    paths = (folder / f"{task.name}.json" for task in course.tasks)
    return {f"tests/cases/{path.name}": read(path).encode() for path in paths if path.is_file()}


def imported_modules(text: str) -> Iterator[tuple[str, int]]:
    """Names of the modules that code imports, anywhere in it, with their lines."""
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield alias.name, node.lineno
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module, node.lineno


def student_requirements(locked: str) -> str:
    """The students' lab/requirements.txt, from the lines of the repository's."""
    lines = [line for line in locked.splitlines() if not line.startswith("#") and not CUDA_REQUIREMENT.match(line)]
    return REQUIREMENTS_HEADER + "".join(f"{line}\n" for line in lines)


def further_requirements(locked: str, base: str) -> str:
    """What a further lock holds and the base does not name.

    So what is installed already is left alone: on Colab, another PyTorch would be a mistake.
    """
    present = set(base.splitlines())
    lines = [line for line in locked.splitlines() if not line.startswith("#") and line not in present]
    return "".join(f"{line}\n" for line in lines)


def task_list(
    course: Course, files: Mapping[str, bytes], asked: Iterable[questions.QuestionFile], stamp: Stamp | None = None
) -> str:
    """lab/tasks.json: what the course asks for, and what it is worth, for students' programs and pytest's markers.

    With a stamp, it has a checksum of each file that students need not change, too.
    """
    given = {name for name in files if name.endswith((".py", ".ipynb")) and "/" not in name} - {
        report_notebook.NOTEBOOK
    }
    titles = {section.name: section.title for section in course.sections}
    document: dict[str, Any] = {
        "course": {
            "name": course.name,
            "title": course.title,
            "grading": course.grading,
            "options": dict(course.options),
            **({"dataset": dict(course.dataset)} if course.dataset else {}),
        },
        **({"release": stamp.document()} if stamp else {}),
        "sections": [{**asdict(section), "heading": section.heading} for section in course.sections],
        "tasks": course.described(),
        "questions": [
            {
                "number": question.label,
                "name": question.name,
                "section": titles[question.section],
                "points": round(question.points, 6),
            }
            for question in course.questions
        ],
        "provided": sorted(given - course.files),
        **({"results": [METRICS]} if any(question.judges_run for question in asked) else {}),
    }
    if stamp:
        ours = {name for name in files if name.startswith("tests/")} | set(document["provided"])
        ours |= {name for name in files if name.startswith(f"{LAB}/") and Path(name).suffix in OTHER_LANGUAGES}
        modules = {name for name in files if name.startswith(f"{LAB}/") and name.endswith(".py")}
        ours |= modules - to_be_changed(files)
        document["files"] = {name: hashlib.sha256(files[name]).hexdigest()[:12] for name in sorted(ours)}
    return json.dumps(document, indent=1) + "\n"


def to_be_changed(files: Mapping[str, bytes]) -> set[str]:
    """The modules in lab/ that students may change: their first line lacks the mark of the others."""
    modules = {name: text for name, text in files.items() if name.startswith(f"{LAB}/") and name.endswith(".py")}
    return {name for name, text in modules.items() if text and PROVIDED not in text.partition(b"\n")[0]}


def read(path: Path) -> str:
    """The text of a file, with \\n at the end of every line on every system."""
    try:
        return path.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise ReleaseError(f"{path} is missing") from None


def data_files(course: Course) -> dict[str, bytes]:
    """The data that students get: in the course's folder, the files that the table in data/README.md lists.

    Those of the assignment's own dataset are checked against the MD5s there, and go with data/README.md; those of
    another one may lack the .gz of their names.

    Raises:
        ReleaseError: a file is missing or damaged.
    """
    if not course.dataset:
        return {}
    readme = read(course.root / "data" / "README.md")
    listed = re.findall(r"^\| `([\w.-]+\.gz)` \|.*`([0-9a-f]{32})` \|$", readme, re.MULTILINE)
    if not listed:
        raise ReleaseError("data/README.md lists no archives: a table row is `| `name.gz` | bytes | `MD5` |`")
    folder = course.root / course.dataset["folder"]
    files = {"data/README.md": readme.encode()} if course.usual_data else {}
    for name, md5 in listed:
        path = folder / name
        if not (course.usual_data or path.is_file()):
            path = path.with_suffix("")
        content = path.read_bytes() if path.is_file() else b""
        if not content:
            raise ReleaseError(f"{path} is missing")
        if course.usual_data and hashlib.md5(content, usedforsecurity=False).hexdigest() != md5:
            raise ReleaseError(f"{path} is damaged: its MD5 in data/README.md is {md5}")
        files[path.relative_to(course.root).as_posix()] = content
    return files
