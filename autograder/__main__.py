"""`python -m autograder COMMAND`: the project's commands; each is imported only when it is called."""

from __future__ import annotations

import importlib
import io
import os
import sys

from autograder import exits
from autograder.exits import Exit
from autograder.sandbox.text import safe_text

# Command: (module, function, what it does). A function takes the remaining arguments and returns the exit status.
COMMANDS = {
    "student": ("autograder.release.student", "student", "regenerate student/ from solution/ and tests/"),
    "new-course": ("autograder.release.new_course", "main", "begin a course as a copy of the default one"),
    "check-sync": ("autograder.release.student", "check_sync", "fail if student/ is not what `student` generates"),
    "release": ("autograder.release.student", "release", "write dist/COURSE/student.zip"),
    "handout": ("autograder.release.pdf", "handout", "write dist/COURSE/handout.pdf"),
    "report": (
        "autograder.release.pdf",
        "report",
        "run the report's notebook with its answers, write dist/COURSE/report/",
    ),
    "run": ("autograder.release.student", "run", "run the main program of a course, solved"),
    "grade": ("autograder.grading.command", "main", "grade a submission: folder or zip"),
    "class": (
        "autograder.classroom.command",
        "main",
        "grade a whole class: an export of Gradescope, Canvas, Moodle, ...",
    ),
    "bench": ("autograder.evidence.bench.command", "main", "measure speed and memory of grading"),
    "zip": ("autograder.gradescope.bundle", "main", "write dist/COURSE/autograder.zip, for Gradescope and for Otter"),
    "gradescope": ("autograder.gradescope.rehearsal", "main", "grade a submission as Gradescope does"),
    "courses": ("autograder.evidence.courses", "main", "make everything of every course, and prove that it fits"),
    "audit": ("autograder.evidence.audit.command", "main", "measure the grader: mutants, correct variants, flakes"),
    "next-term": ("autograder.classroom.next_term", "main", "make a new secret, name due dates that are past"),
    "lacking": ("autograder.evidence.audit.corpus", "main", "name the tasks for which the audit has no code"),
    "where": ("autograder.release.where", "main", "list the places where a task lives"),
    "reference-submission": ("autograder.release.reference", "main", "write dist/COURSE/reference.zip"),
}


def main(arguments: list[str]) -> int:
    """Run a command; the exit status. Errors of the system become sentences here, for all commands alike."""
    name = arguments[0] if arguments else ""
    try:
        status = _run(name, arguments[1:])
        sys.stdout.flush()
    except KeyboardInterrupt:
        print(f"{name}: interrupted", file=sys.stderr)
        return Exit.INTERRUPTED
    except BrokenPipeError:  # such as `| head`
        exits.leave_output()
        return Exit.FAILED
    except (OSError, RuntimeError) as error:
        told = exits.explained(error, arguments[1:])
        if told is None:
            raise
        exits.leave_output()
        print(f"{name}: {safe_text(told[0])}", file=sys.stderr)  # a stranger may have named the file
        return told[1]
    return status


def _run(name: str, arguments: list[str]) -> int:
    if name in COMMANDS:
        if odd := exits.pipe_or_device(arguments):
            print(f"{name}: {odd} is a pipe or a device: name a file or a folder", file=sys.stderr)
            return Exit.NOTHING
        module, function, _ = COMMANDS[name]
        status: int = getattr(importlib.import_module(module), function)(arguments)
        return status
    asked = name in ("-h", "--help")
    lines = ["usage: python -m autograder COMMAND [ARGUMENT ...]", ""]
    lines += [f"  {name:<22} {meaning}" for name, (_, _, meaning) in COMMANDS.items()]
    print("\n".join(lines), file=sys.stdout if asked else sys.stderr)
    return Exit.DONE if asked else Exit.NOTHING


def forget_working_folder() -> None:
    """Take the folder that we were started in, which `python -m` puts first, off the search path if it is not ours."""
    root = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
    if sys.path and sys.path[0] in ("", os.getcwd()) and os.getcwd() != root:
        del sys.path[0]


if __name__ == "__main__":
    forget_working_folder()
    try:
        exits.heed_signals()
        for stream in (sys.stdout, sys.stderr):
            if isinstance(stream, io.TextIOWrapper):
                stream.reconfigure(errors="backslashreplace")  # names of files need not be text
        status = main(sys.argv[1:])
    except KeyboardInterrupt:
        status = Exit.INTERRUPTED
    exits.leave(status)
