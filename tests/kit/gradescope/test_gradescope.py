"""The whole journey of autograder.zip: set up and graded as on Gradescope, and the same zip through Otter's own tools.

Six submissions take it: the reference, the starter, a half-done one, and three that do not want to be graded honestly.
One image serves all of them. Takes minutes; what the stages took is printed (pytest -s).
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import shutil
import subprocess
import sys
import urllib.request
import zipfile
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from autograder import tasks
from autograder.gradescope import bundle, otter, rehearsal
from autograder.gradescope.rehearsal import Rehearsed, StandIn
from autograder.grading.secret import load_secret
from autograder.release import contents
from autograder.release.reference import hand_in
from tests.kit.archives import write_zip

ROOT = hasattr(os, "geteuid") and os.geteuid() == 0
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(
        sys.platform != "linux" or not ROOT,
        reason="Gradescope's containers run Linux, as root; without root run_autograder refuses to grade",
    ),
]

FORGER = """
import atexit, glob, json, os, sys, threading

def forge():
    perfect = json.dumps({"score": 100, "tests": []})
    results = "results/results.json"
    for place in ["results.json", f"../{results}", f"/autograder/{results}", *glob.glob(f"/tmp/*/*/{results}")]:
        try:
            with open(place, "w") as file:
                file.write(perfect)
        except OSError:
            pass
    print(perfect)
    for descriptor in range(3, 20):
        try:
            os.write(descriptor, perfect.encode())
        except OSError:
            pass

atexit.register(forge)
threading.Thread(target=forge, daemon=True).start()
forge()
import torch
torch.allclose = lambda *a, **k: True
"""
QUITTERS = {
    "kl.py": "import os\nos._exit(0)\n",
    "gmm.py": "hoard = [bytearray(1 << 30) for _ in range(64)]\n",
    "ELBO.py": "import time\nwhile True:\n    time.sleep(1)\n",
    "utils.py": "import os, signal\nos.kill(os.getppid(), signal.SIGKILL)\nos.fork()\n",
}
SPY = """
import glob, os

def seen():
    found = [repr(dict(os.environ))]
    for pattern in ("/autograder/**", "../**", "/proc/*/cmdline", "/proc/*/environ", "{tree}/**"):
        for place in glob.glob(pattern, recursive=True):
            try:
                with open(place, "rb") as file:
                    found.append(place + repr(file.read(10_000_000)))
            except OSError:
                pass
    return "SEEN:" + "".join(found)

def __getattr__(name):
    def leak(*arguments, **options):
        print(arguments)
        raise ValueError(seen() + repr(arguments))
    return leak
"""


def starter() -> dict[str, bytes]:
    """The files to hand in as students receive them."""
    made = contents.generate().files
    return {task.file: made[task.file] for task in tasks.load().tasks if task.file in made}


def half_done() -> dict[str, bytes]:
    """Some tasks solved, some not begun, no model; in a folder, as a Mac packs it, with a notebook."""
    files = hand_in(tasks.load()) | {name: starter()[name] for name in ("VAE.py", "tsne.py", "utils.py")}
    del files["gmvae.safetensors"], files["learning_curve.py"]
    inside = {f"homework/{name}": content for name, content in files.items()}
    return {**inside, "__MACOSX/homework/._kl.py": b"\x00\x05\x16\x07", "homework/play.ipynb": b"{}"}


def submissions(tree: Path) -> dict[str, Mapping[str, bytes]]:
    given = starter()
    spy = SPY.replace("{tree}", str(tree)).encode()
    return {
        "reference": hand_in(tasks.load()),
        "starter": given,
        "half-done": half_done(),
        "forger": {name: FORGER.encode() + content for name, content in given.items()},
        "quitter": given | {name: text.encode() for name, text in QUITTERS.items()},
        "spy": given | {"kl.py": spy, "gmm.py": spy, "ELBO.py": spy},
    }


NAMES = ["reference", "starter", "half-done", "forger", "quitter", "spy"]
TORCH_INDEX = "https://download.pytorch.org/whl/cpu/torch/"


@pytest.fixture(scope="module")
def torch() -> dict[str, str]:
    """TORCH_SPEC and TORCH_INDEX for setup.sh: nothing where PyTorch's own index can be reached, or they are set.

    Elsewhere the newest CPU builds that pip knows of; without both, setup.sh falls back to gigabytes of CUDA libraries.
    """
    if "TORCH_SPEC" in os.environ or "TORCH_INDEX" in os.environ:
        return {}
    with contextlib.suppress(OSError, ValueError), urllib.request.urlopen(TORCH_INDEX, timeout=10):
        return {}
    find = "import sys; print('%d.%d' % sys.version_info[:2])"
    python = subprocess.run(
        ["python3", "-c", find], env={"PATH": rehearsal.CLEAN_PATH}, capture_output=True, text=True
    ).stdout.strip()
    options = ["--python-version", python, "--only-binary", ":all:"] if python else []
    spec = []
    for name in ("torch", "torchvision"):
        versions = subprocess.run(
            [sys.executable, "-m", "pip", "index", "versions", name, *options], capture_output=True, text=True
        ).stdout
        if found := re.search(r"\b[\d.]+\+cpu\b", versions):  # the newest comes first
            spec.append(f"{name}=={found.group()}")
    return {"TORCH_SPEC": " ".join(spec), "TORCH_INDEX": ""} if len(spec) == 2 else {}


@pytest.fixture(scope="module")
def machine(torch: dict[str, str]) -> Iterator[StandIn]:
    """Gradescope's image, set up."""
    with rehearsal.temporary_folder() as folder:
        archive = folder / "autograder.zip"
        bundle.write(archive)
        image = StandIn(archive, folder)
        usage = image.set_up(torch)
        print(f"\nsetup.sh: {usage.seconds:.0f} s, peak {usage.peak_mib:.0f} MiB")
        yield image


@pytest.fixture(scope="module")
def zips(machine: StandIn) -> dict[str, Path]:
    """Every submission as a zip."""
    folder = machine.folder / "submissions"
    folder.mkdir()
    packed = {}
    for name, files in submissions(machine.tree).items():
        packed[name] = write_zip(folder / f"{name}.zip", files)
    return packed


@pytest.fixture(scope="module")
def graded(machine: StandIn, zips: dict[str, Path]) -> dict[str, Rehearsed]:
    """Every submission graded as on Gradescope."""
    results = {}
    for name in NAMES:
        results[name] = machine.grade(zips[name])
        print(f"{name}: {rehearsal.describe(results[name].usage)}")
    return results


def otter_run(archive: Path, submission: Path, out: Path) -> dict:
    """What `otter run` makes of a submission; its files go to the new folder `out`."""
    out.mkdir()
    otter = Path(sys.executable).parent / "otter"
    command = [otter, "run", "--no-logo", "-o", out, "-a", archive, submission]
    done = subprocess.run(list(map(str, command)), cwd=out, capture_output=True, text=True, timeout=600)
    assert done.returncode == 0, done.stdout + done.stderr
    return json.loads((out / "results.json").read_text(encoding="utf-8"))


def rows(document: dict) -> dict[str, dict]:
    return {row["extra_data"]["id"]: row for row in document["tests"]}


@pytest.mark.parametrize("name", NAMES)
def test_results_are_valid_whole_and_in_time(graded: dict[str, Rehearsed], name: str) -> None:
    result = graded[name]
    assert result.usage.status == 0, result.stdout
    assert result.problems == []
    assert result.usage.left == 0
    assert result.usage.seconds < rehearsal.SECONDS
    assert set(rows(result.document)) == {check.id for check in tasks.load().checks}
    assert "did not finish" not in result.document["output"]
    assert "problem" not in result.document["extra_data"]


def test_memory_stays_within_the_container(machine: StandIn, graded: dict[str, Rehearsed]) -> None:
    """Within Gradescope's, with PyTorch's CPU build; where none could be had, within what setup.sh then asks for."""
    cuda = any(machine.venv.rglob("libtorch_cuda.so"))
    most = 1500 if cuda else rehearsal.MEMORY_MIB
    assert max(result.usage.peak_mib for result in graded.values()) < most


def test_the_reference_gets_everything(graded: dict[str, Rehearsed]) -> None:
    document = graded["reference"].document
    assert [row["name"] for row in document["tests"] if row["status"] == "failed"] == []
    assert document["score"] == tasks.load().graded


def test_the_starter_gets_nothing(graded: dict[str, Rehearsed]) -> None:
    assert graded["starter"].document["score"] == 0


def test_the_half_done_one_gets_what_it_has_earned(graded: dict[str, Rehearsed]) -> None:
    document, course = graded["half-done"].document, tasks.load()
    found = rows(document)
    open_files = {"VAE.py", "tsne.py", "utils.py", "gmvae.safetensors", "learning_curve.py"}
    # Tasks that need nothing of the files which are missing or not begun.
    done = {"kl.py", "gmm.py", "AE.py", "ELBO.py"}
    for task in course.tasks:
        checks = [check for check in course.checks if check.task == task.name]
        if task.file in done:
            assert [check.id for check in checks if found[check.id]["status"] != "passed"] == []
        if task.file in open_files:
            assert sum(found[check.id]["score"] for check in checks) == 0
    assert "homework" in document["output"]
    missing = [found[check.id]["output"] for check in course.checks if check.task == "plot_learning_curve"]
    assert all("learning_curve.py" in output for output in missing)


@pytest.mark.parametrize("name", ["forger", "quitter", "spy"])
def test_hostile_submissions_gain_nothing(graded: dict[str, Rehearsed], name: str) -> None:
    assert graded[name].document["score"] <= graded["starter"].document["score"]


@pytest.mark.parametrize("name", ["forger", "quitter", "spy"])
def test_hostile_submissions_learn_nothing(graded: dict[str, Rehearsed], machine: StandIn, name: str) -> None:
    text = json.dumps(graded[name].document)
    assert load_secret() not in text + graded[name].stdout
    hidden = {check.id for check in tasks.load().checks if check.hidden_inputs}
    for check_id, row in rows(graded[name].document).items():
        if check_id in hidden:
            assert "SEEN" not in row["output"]
            assert "array(" not in row["output"]


def by_task(document: dict) -> dict[str, float]:
    """Points of every task, rounded as Otter does."""
    course, found = tasks.load(), rows(document)
    return {
        otter.task_name(task): round(sum(found[c.id]["score"] for c in course.checks if c.task == task.name), 5)
        for task in course.tasks
    }


def by_otters_task(document: dict) -> dict[str, float]:
    return {row["name"]: row["score"] for row in document["tests"] if "score" in row}


def test_otter_run_agrees_exactly(machine: StandIn, zips: dict[str, Path], graded: dict[str, Rehearsed]) -> None:
    document = otter_run(machine.folder / "autograder.zip", zips["reference"], machine.folder / "otter")
    assert by_otters_task(document) == pytest.approx(by_task(graded["reference"].document), abs=1e-9)


def test_otter_run_agrees_about_a_zip_in_a_zip_and_imports_nothing_of_it(
    machine: StandIn, zips: dict[str, Path], tmp_path: Path, graded: dict[str, Rehearsed]
) -> None:
    """docs/instructors.md promises it for submissions that are not trusted."""
    mark = tmp_path / "otter imported this"
    submission = tmp_path / "submission.zip"
    shutil.copy(zips["forger"], submission)
    with zipfile.ZipFile(submission, "a") as archive:
        for module in ("pandas.py", "otter.py", "ipykernel_launcher.py", "IPython/__init__.py"):
            archive.writestr(f"homework/{module}", f"open({str(mark)!r}, 'w').close()\n")
            archive.writestr(module, f"open({str(mark)!r}, 'w').close()\n")
    wrapped = write_zip(tmp_path / "wrapped.zip", {"submission.zip": submission.read_bytes()})
    document = otter_run(machine.folder / "autograder.zip", wrapped, tmp_path / "out")
    assert not mark.exists()
    assert by_otters_task(document) == pytest.approx(by_task(graded["forger"].document), abs=1e-9)


def test_another_user_can_read_nothing_of_the_grader(machine: StandIn, graded: dict[str, Rehearsed]) -> None:
    """As any uid but root's: neither what the zip brought nor what grading wrote."""
    code = (
        "import os, sys\n"
        "os.setgroups([]); os.setgid(54321); os.setuid(54321)\n"
        "for folder in sys.argv[1:]:\n"
        "    for parent, folders, files in os.walk(folder):\n"
        "        for file in files:\n"
        "            try:\n"
        "                open(os.path.join(parent, file), 'rb').read(1)\n"
        "                print('READ', os.path.join(parent, file))\n"
        "            except OSError:\n"
        "                pass\n"
    )
    private = [machine.tree / name for name in ("source", "results", "submission_metadata.json")]
    done = subprocess.run([sys.executable, "-c", code, *map(str, private)], capture_output=True, text=True, check=True)
    assert done.stdout == ""


def test_setup_is_safe_to_run_twice(machine: StandIn, torch: dict[str, str]) -> None:
    machine.set_up(torch)
    assert f"{machine.venv} is complete" in (machine.folder / "setup.log").read_text()


def test_setup_fails_loudly_and_no_results_come_of_it(machine: StandIn) -> None:
    with rehearsal.temporary_folder() as folder:
        stand_in = StandIn(machine.folder / "autograder.zip", folder)
        with pytest.raises(rehearsal.StandInError, match="FAILED"):
            stand_in.set_up({"PYTHON": "/bin/false"})
        (folder / "submission").mkdir()
        result = stand_in.grade(folder / "submission")
        assert result.usage.status != 0
        # No results at all: Gradescope then tells the instructor, and gives nobody a zero.
        assert result.document is None
