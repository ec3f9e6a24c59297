"""The main job in a student's folder: tasks still to be written, mistakes, and the next task once it is written."""

import ast
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from lab.run import jobs
from tests.assignment.main_runs import SOLUTION, TINY, copy_assignment, run_main

TODO = {
    ("gmm.py", "gaussian_entropy"): "Task 2.3: gaussian_entropy, see README section 2.3",
    ("train.py", "train_autoencoder"): "Task 3.2: train_autoencoder, see README section 3.2",
    ("utils.py", "log_normal_mixture"): "Task 5.1: log_normal_mixture, see README section 5.1",
}


def replace_body(path: Path, function: str, statement: str) -> None:
    """Replace what a function does, its docstring aside, by one statement."""
    source = path.read_text(encoding="utf-8")
    definition = next(node for node in ast.parse(source).body if getattr(node, "name", "") == function)
    assert isinstance(definition, ast.FunctionDef)
    lines = source.splitlines()
    lines[definition.body[1].lineno - 1 : definition.end_lineno] = [f"    {statement}"]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")


@pytest.fixture(scope="module")
def half_done(tmp_path_factory) -> tuple[Path, Path, subprocess.CompletedProcess]:
    """A student's folder with tasks still to do and with mistakes; its results; the process that ran it."""
    folder = tmp_path_factory.mktemp("half")
    assignment = copy_assignment(folder / "assignment")
    for (file, function), message in TODO.items():
        replace_body(assignment / file, function, f'raise NotImplementedError("{message}")')
    replace_body(assignment / "gmm.py", "mc_entropy", "return x[weights] / 0")
    replace_body(assignment / "kl.py", "kl_categorical", "import os; os._exit(7)")
    (assignment / "VAE.py").write_text("def broken(:\n")
    wanted = ["kl", "gmm", "autoencoder-scatter", "train-vae-mlp-2", "gmvae"]
    return assignment, folder / "results", run_main(assignment, *wanted, *TINY, "--jobs", "1", out=folder / "results")


def test_unwritten_tasks_are_listed_in_order(half_done):
    _, out, process = half_done
    assert re.findall(r"^  (Task .*?)  \(", process.stdout, flags=re.MULTILINE) == list(TODO.values())
    assert f"Do next: {TODO['gmm.py', 'gaussian_entropy']}" in process.stdout
    assert TODO["utils.py", "log_normal_mixture"] in (out / "index.html").read_text(encoding="utf-8")


def test_what_is_written_is_completed(half_done):
    done = {path.parent.name for path in half_done[1].glob("*/part.json")}
    assert done == {"kl-normals", "kl-triangle", "kl-without-halves", "gmm-scatter"}


def test_a_part_that_needs_an_unfinished_one_waits(half_done):
    assert "autoencoder-scatter: waits for train-autoencoder" in half_done[2].stderr


def test_a_students_error_is_shown_in_their_file(half_done):
    process = half_done[2]
    assert process.returncode == 1
    assert 'File "gmm.py"' in process.stderr and "return x[weights] / 0" in process.stderr
    assert 'File "VAE.py", line 1' in process.stderr and "SyntaxError" in process.stderr
    machinery = [path.relative_to(jobs.HERE) for path in jobs.machinery()]
    assert machinery and not [name for name in machinery if f'File "{name}"' in process.stderr]


def test_a_part_whose_process_dies_is_reported(half_done):
    assert "kl-categorical" in half_done[2].stderr and "exit code 7" in half_done[2].stderr


@pytest.mark.slow
def test_the_next_task_is_all_that_is_run_once_it_is_written(half_done):
    assignment, out, _ = half_done
    shutil.copy(SOLUTION / "gmm.py", assignment)
    process = run_main(assignment, "kl-triangle", "kl-normals", "gmm-degenerate", *TINY, out=out)
    assert process.returncode == 0, process.stderr
    assert "2 of 3 parts are finished already" in process.stderr
    assert (out / "gmm-degenerate" / "part.json").exists()
