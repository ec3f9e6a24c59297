"""Run the whole assignment (provided): every number, picture and table, into the folder results.

`python main.py` trains what has to be trained, side by side in several processes, and draws what is to be drawn.
Finished parts are kept: run it again after an interruption, or after you have written the next task, and it continues.
Parts whose functions are still to be written are listed at the end, in the order of the tasks.
"""

from __future__ import annotations  # Python 3.9 has to come as far as to be told that it is too old

import argparse
import shutil
import signal
import sys
import time
from contextlib import nullcontext
from pathlib import Path
from typing import Any

try:
    from lab.doctor import OLDEST, damage, examination, problems
    from lab.files import print_anything, wrapped
    from lab.run.command_line import InputError, alone_in, choose_device, usable_cores, writable_folder
except ModuleNotFoundError:  # somebody has opened main.py in the zip
    sys.exit("main.py: lab/ is not beside it: unpack all of student.zip into one folder, and work there")

HERE = Path(__file__).resolve().parent
RESULTS = HERE / "results"
SUBMIT = (HERE / "submit").with_suffix(".py")  # a course without a grader has none, and must not name it


def positive(text: str) -> int:
    """An argument that is a whole number above zero."""
    if not text.isdigit() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number above 0")
    return int(text)


def parse_arguments(arguments: list[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description="Run the assignment: all numbers, pictures and tables, into one folder.",
        epilog="Parts that a part needs are run, too. Finished parts are kept until their settings or code change.",
    )
    add = parser.add_argument
    add("parts", nargs="*", metavar="PART", help="run only these, or those of a section (--list names them)")
    add("--list", action="store_true", help="list the parts and stop")
    add("--plan", action="store_true", help="say what would run when, and with how many processes, and stop")
    add("--doctor", action="store_true", help="say what may be wrong with this folder and this Python, and stop")
    add("--quick", action="store_true", help="smoke run under a minute: every part, too short for good results")
    add("--fresh", action="store_true", help="run parts again even if they are finished")
    add("--seed", type=int, default=0, help="of everything random (default %(default)s)")
    add("--vae-iterations", type=positive, metavar="N", help="steps of each training (default 5000)")
    add("--gmvae-iterations", type=positive, metavar="N", help="steps of the GMVAE's training (default 20000)")
    add("--latent-dims", type=positive, nargs="+", metavar="K", help="latent sizes to compare (default 2 5 10 20)")
    add("--shown-dims", type=positive, nargs="+", metavar="K", help="latent sizes with pictures (default 2 10)")
    add("--device", default="cpu", help="where models are trained: auto, cpu, cuda or mps (default %(default)s)")
    add("--jobs", type=positive, metavar="N", help="processes side by side (default: processor cores, at most 4)")
    add("--out", type=Path, metavar="FOLDER", help="where to write (default: results beside main.py; results/quick)")
    add(
        "--data",
        type=Path,
        metavar="FOLDER",
        help="folder that holds the four files of the data (default: the assignment's)",
    )
    return parser.parse_args(arguments)


def choose_settings(options: argparse.Namespace, device: str):
    """Settings of this run: those of --quick or the default, changed where the command line says so."""
    from dataclasses import fields, replace

    from lab.run.experiments import QUICK, Settings

    given = vars(options) | {"device": device}
    changes = {field.name: given.get(field.name) for field in fields(Settings)}
    changes = {name: tuple(v) if isinstance(v, list) else v for name, v in changes.items() if v is not None}
    return replace(QUICK if options.quick else Settings(), **changes)


def choose_parts(parts: dict[str, Any], wanted: list[str]) -> list[Any]:
    """The wanted parts (all when none is named) and everything that they need, in order.

    Raises:
        InputError: for a name that is neither a part nor a section with parts.
    """
    from lab.course import course

    if not wanted:
        return list(parts.values())
    chosen: set[str] = set()
    for name in wanted:
        # A section may be called like a part of it.
        heading = course().sections.get(name)
        found = {part.name for part in parts.values() if part.name == name or part.section == heading}
        if not found:
            raise InputError(f"unknown part {name!r}: `python main.py --list` lists them")
        chosen |= found
    # Parts come after what they need: going backwards, one pass collects everything.
    for part in reversed(parts.values()):
        if part.name in chosen:
            chosen |= set(part.needs)
    return [part for part in parts.values() if part.name in chosen]


def run(options: argparse.Namespace) -> int:
    """Everything after the command line has been read; returns the exit status."""
    device = choose_device(options.device)
    # A smoke run in the same folder would replace the results of a full one.
    results = writable_folder(options.out or (RESULTS / "quick" if options.quick else RESULTS))
    with nullcontext() if options.list or options.plan else alone_in(results):
        return run_in(results, device, options)


def run_in(results: Path, device: str, options: argparse.Namespace) -> int:
    """Run the parts in a folder that is ours, and say what came of it; returns the exit status."""
    start = time.monotonic()
    # None of these imports PyTorch, which takes seconds: a list, or nothing to do, is said at once.
    from lab.run.experiments import all_parts
    from lab.run.jobs import run_side_by_side
    from lab.run.part import UNFINISHED
    from lab.run.progress import Terminal
    from lab.run.results import list_parts, publish, report_unfinished, summary, why_again
    from lab.run.schedule import plan, share_out

    settings = choose_settings(options, device)
    parts = all_parts(settings, results, options.data and options.data.absolute())
    if options.list:
        list_parts(parts)
        return 0
    chosen = choose_parts(parts, options.parts)
    finished = {part.name for part in chosen if not options.fresh and part.is_finished()}
    cores = usable_cores()
    processes, threads = share_out(cores, options.jobs)
    if options.plan:
        print(plan([part for part in chosen if part.name not in finished], finished, cores, processes, threads))
        return 0
    if finished:
        print(f"{len(finished)} of {len(chosen)} parts are finished already (--fresh runs them again)", file=sys.stderr)
    todo = [part for part in chosen if part.name not in finished]
    if todo:
        check_data(options.data)
    if options.fresh:
        for part in todo:
            shutil.rmtree(part.folder, ignore_errors=True)
    for line in why_again(todo):
        print(line, file=sys.stderr)
    if todo:
        print(
            f"{len(todo)} parts to run, {min(processes, len(todo))} at a time, into {shown(results)}", file=sys.stderr
        )
    terminal = Terminal(todo)
    outcomes = {}
    interrupted = False
    try:
        outcomes = run_side_by_side(todo, finished, processes, threads, terminal)
    except KeyboardInterrupt:
        interrupted = True
    finally:
        terminal.close()
        shutil.rmtree(results / UNFINISHED, ignore_errors=True)
    metrics = publish(results, parts, settings, outcomes)
    if interrupted:
        done = sum(part.is_finished() for part in chosen)
        print(
            f"interrupted: {done} of {len(chosen)} parts are finished and kept; run again to continue", file=sys.stderr
        )
        return 130
    if numbers := summary(metrics):
        print(numbers)
    report_unfinished(outcomes)
    # One that went elsewhere must not replace what is handed in.
    if results == RESULTS and "gmvae" in parts:
        hand_in(parts["gmvae"], settings)
    print(f"\n{time.monotonic() - start:.0f} s. Open {shown(results / 'index.html')}")
    if results == RESULTS and all(part.is_finished() for part in parts.values()):
        pack = f", and python {SUBMIT.name}" if SUBMIT.is_file() else ""
        print(f"Everything has run. Next: the questions beside the pictures, and pytest{pack}")
    return 1 if any(outcome.status == "failed" for outcome in outcomes.values()) else 0


def check_data(folder: Path | None) -> None:
    """Make sure that the data can be read, before anything is trained.

    Args:
        folder: the one that holds the four files; the course's when None.

    Raises:
        InputError: a file is not what it should be.
    """
    from mnist import DataError, prepare_mnist

    try:
        prepare_mnist(folder)
    except DataError as error:
        raise InputError(str(error)) from error


def shown(path: Path) -> Path:
    """A path as it may be typed here: short, if it lies in the folder where the program was started."""
    return path.relative_to(Path.cwd()) if path.is_relative_to(Path.cwd()) else path


def hand_in(gmvae: Any, settings: Any) -> None:
    """Copy the weights of a full training, once it is finished, to where they are handed in from: beside this file."""
    from lab.files import write_whole

    if settings.gmvae_iterations >= type(settings).gmvae_iterations and gmvae.is_finished():
        write_whole(HERE / "gmvae.safetensors", (gmvae.folder / "gmvae.safetensors").read_bytes())
        print(f"\nwrote {HERE / 'gmvae.safetensors'}: hand this in")


def stop(signal_number: int, frame: Any) -> None:
    """A request to end (SIGTERM) is treated as Ctrl-C: keep what is done, leave nothing behind."""
    raise KeyboardInterrupt


def main(arguments: list[str] | None = None) -> int:
    """Run the assignment; returns the exit status: 0, 1 when a part failed, 2 for bad input, 130 when interrupted."""
    print_anything()
    options = parse_arguments(arguments)
    if options.doctor:
        print(*(line for text in examination(HERE) for line in wrapped("", text, indent=3)), sep="\n")
        return 0
    if sys.version_info < OLDEST:
        print(f"main.py: {problems(HERE)[0]}", file=sys.stderr)
        return 2
    if (HERE / "tests").is_dir():  # a student's folder
        for text in damage(HERE):
            print(*wrapped("main.py: ", text), sep="\n", file=sys.stderr)
    signal.signal(signal.SIGTERM, stop)
    try:
        return run(options)
    except InputError as error:
        print(f"main.py: {error}", file=sys.stderr)
        return 2
    except ImportError as error:  # what students write is imported in other processes
        wrong = problems(HERE) or [f"{error}: python main.py --doctor says more"]
        print(f"main.py: {wrong[0]}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("interrupted: finished parts are kept; run again to continue", file=sys.stderr)
        return 130


if __name__ == "__main__":
    sys.exit(main())
