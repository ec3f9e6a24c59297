"""Nothing that students are given does what they are asked to write."""

import inspect
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from autograder.evidence.courses import finished
from autograder.release.contents import generate
from autograder.repository import ROOT
from autograder.tasks import Course, load
from autograder.writing import write_files
from support import mixture, oracles
from tests.assignment import copies
from tests.assignment.copies import Copy, Given

# Copies that must be found: the right answers of tests/support, in NumPy, and a divergence of vectors, in PyTorch.
PLANTED = "lab/planted.py"
VECTORS = """

def kl_of_vectors(qm, qv, pm, pv):
    return 0.5 * (pv.log() - qv.log() + (qv + (qm - pm) ** 2) / pv - 1).sum(-1)
"""
SOLVED_BY_PLANTED = {
    "kl.py kl_univariate_normal": {"kl_univariate_normal", "kl_of_vectors"},
    "kl.py kl_categorical": {"kl_categorical"},
    "gmm.py gmm_log_prob": {"gmm_log_prob"},
    "gmm.py gaussian_entropy": {"gaussian_entropy"},
    "ELBO.py negative_log_likelihood": {"negative_log_likelihood"},
    "ELBO.py kl_diag_normal": {"kl_diag_normal"},
    "utils.py log_normal_mixture": {"log_normal_mixture"},
}


def students_folder(course: Course, folder: Path) -> Path:
    """What students get, and the planted copies among it."""
    planted = {
        PLANTED: f"{inspect.getsource(oracles)}{VECTORS}".encode(),
        "tests/support/mixture.py": inspect.getsource(mixture).encode(),  # which the planted ones import
    }
    write_files(folder, {**generate(course=course).files, **planted})
    return folder


def found_in(folder: Path) -> list[tuple[str, Copy]]:
    """The copies that look right, each with the "file.py function" that it looks like."""
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    command = [sys.executable, copies.__file__, str(folder)]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=900)
    assert done.returncode == 0, done.stderr[-3000:]
    return [(key, Copy(Given(**fields.pop("given")), **fields)) for key, fields in json.loads(done.stdout)]


def passes(course: Course, given: Path, key: str, copy: Copy, scratch: Path) -> bool:
    """Whether the copy passes every check that carries points for it, everything else being right.

    In a course without points every check counts.
    """
    file, name = key.split()
    files = {**generate(course=course).files, **finished(course), "copies.py": Path(copies.__file__).read_bytes()}
    files[file] += f"""
from pathlib import Path as _Path
from copies import Copy, Given, put_in_place
put_in_place(globals(), {name!r}, {copy!r}, _Path({str(given)!r}))
""".encode()
    write_files(scratch, {path: content for path, content in files.items() if not path.startswith("tests/")})
    tasks = {task.name for task in course.tasks if task.file == file and name in str(task.functions)}
    every = [check for check in course.checks if check.task in tasks and check.by_pytest]
    checks = [check.id for check in every if check.points] or [check.id for check in every]
    assert checks, f"no check looks at {key}"  # pytest would run all that there is
    command = [sys.executable, "-m", "pytest", "-q", "-x", "-p", "no:cacheprovider", f"--impl={scratch}"]
    places = [f"{ROOT}/tests/{check}" for check in checks]
    done = subprocess.run([*command, *places], cwd=ROOT, capture_output=True, text=True, timeout=900)
    return done.returncode == 0


@pytest.mark.slow
@pytest.mark.parametrize("name", ["full", "000", "001", "002", "004"])
def test_nothing_given_solves_a_task(name, tmp_path):
    course = load(ROOT / "courses" / f"{name}.toml")
    folder = students_folder(course, tmp_path / "student")
    found = found_in(folder)
    planted = [(key, copy) for key, copy in found if copy.given.file == PLANTED]
    asked = {f"{task.file} {function}" for task in course.tasks for function in task.functions}
    for key, names in SOLVED_BY_PLANTED.items():
        if key in asked:
            assert names <= {copy.given.name for place, copy in planted if place == key}, key
    given = [(key, copy) for key, copy in found if copy.given.file != PLANTED]
    solving = [one for i, one in enumerate(given) if passes(course, folder, *one, tmp_path / str(i))]
    assert solving == []


@pytest.mark.parametrize("name", ["kl_of_vectors", pytest.param("kl_univariate_normal", marks=pytest.mark.slow)])
def test_a_planted_copy_passes_every_check(name, tmp_path):
    """So what the test above looks for can be found: in PyTorch, and in NumPy with gradients by differences."""
    course = load(ROOT / "courses" / "full.toml")
    folder = students_folder(course, tmp_path / "student")
    above, _, _ = (folder / PLANTED).read_text(encoding="utf-8").partition(f"def {name}(")
    given = Given(PLANTED, above.count("\n") + 1, name)
    vectors = name == "kl_of_vectors"
    copy = Copy(given, not vectors, False, "with a last axis" if vectors else "as they are")
    assert passes(course, folder, "kl.py kl_univariate_normal", copy, tmp_path / "copied")


@pytest.mark.parametrize(("name", "given"), [("full", False), ("004", True)])
def test_the_divergence_of_vectors_is_for_courses_that_do_not_ask_for_one(name, given):
    files = generate(course=load(ROOT / "courses" / f"{name}.toml")).files
    assert (b"def kl_normal(" in files["utils.py"]) == given
