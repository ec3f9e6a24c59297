"""`python -m autograder grade SUBMISSION`: grade a folder or a zip, write results.json, print a report."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from autograder import clock, tasks
from autograder.exits import Exit
from autograder.grading import grade, report
from autograder.grading.results import Results, exit_status
from autograder.grading.secret import SECRET_FILE, SecretError, load_secret
from autograder.grading.session import Grading, Session
from autograder.repository import TESTS
from autograder.sandbox.text import safe_text
from autograder.tasks import CourseError
from autograder.writing import make_place, write_atomically

# In Gradescope's container: names the student and lists earlier results.
METADATA = Path("/autograder/submission_metadata.json")


def main(arguments: Sequence[str]) -> int:
    """The subcommand. Its exit status says nothing about the score."""
    options = _parser().parse_args(arguments)
    grade.prepare_process()
    out, submission = options.out.resolve(), options.submission.resolve()
    if not submission.exists():
        print(f"grade: there is no {options.submission}: name a folder or a zip to grade", file=sys.stderr)
        return Exit.NOTHING
    for place in (out, options.html):
        if place is not None:
            make_place(place)
    secret_file = options.secret_file or SECRET_FILE
    results = Results({})
    try:
        course = tasks.chosen(options.course)
    except CourseError as error:
        print(error, file=sys.stderr)
        return Exit.FAILED
    if course.ungraded:
        print(f"{course.ungraded}: there is nothing to grade", file=sys.stderr)
        return Exit.NOTHING
    try:
        # A secret made up on the spot would give every container different inputs.
        secret = load_secret(options.secret_file, create=not options.gradescope)
        grading = Grading(
            Session.of(course, secret, seconds=options.seconds),
            submission=submission,
            out=out,
            private=(secret_file, TESTS / "hidden", METADATA) if options.gradescope else (secret_file,),
            gradescope=options.gradescope,
        )
        results = grade.grade(grading)
    except (SecretError, CourseError) as error:
        grade.fail(results, error)
        results.write(out)
    except KeyboardInterrupt:
        print(f"interrupted; {out} has what was graded until then", file=sys.stderr)
        return Exit.INTERRUPTED
    else:
        grade.log_resources(results.seconds)
    document = results.document()
    status = exit_status(document)
    if status == Exit.FAILED:
        print(f"not graded: {results.extra['problem']}", file=sys.stderr)
        return status
    name, when = safe_text(submission.name, 80), clock.now(course.timezone)
    report.write_terminal(document, course, sys.stdout, name, when)
    if options.html is not None:
        write_atomically(options.html.resolve(), report.page(document, course, name, when), mode=0o644)
    return status


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m autograder grade", description="Grade a submission.")
    parser.add_argument("submission", type=Path, help="a folder or a zip file")
    parser.add_argument("--out", type=Path, default=Path("results.json"), help="where to write results.json")
    tasks.course_option(parser)
    parser.add_argument("--html", type=Path, metavar="FILE", help="also write the report as a page of HTML")
    parser.add_argument("--gradescope", action="store_true", help="refuse to grade unless the sandbox is complete")
    parser.add_argument(
        "--secret-file", type=Path, metavar="FILE", help=f"the assignment's secret ({SECRET_FILE.name})"
    )
    parser.add_argument(
        "--seconds", type=float, default=Session.seconds, help="limit for the whole grading (%(default)g)"
    )
    return parser
