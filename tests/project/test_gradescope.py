"""The whole journey of autograder.zip: set up and graded as on Gradescope, and the same zip through Otter's own tools.

Six submissions take it: the reference, the starter, a half-done one, and three that do not want to be graded honestly.
And then the audit's whole submissions in personal styles, to Gradescope only.
Takes minutes; what the stages took is printed (pytest -s).
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from autograder import points, release
from autograder.audit.styles import Style, pack, styles
from autograder.gradescope import bundle, standin
from autograder.gradescope.caps import Caps
from autograder.gradescope.standin import Graded, StandIn
from autograder.reference_submission import hand_in
from autograder.secret import load_secret

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
    "ELBO.py": "while True:\n    pass\n",
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
    made = release.generate().files
    return {task.file: made[task.file] for task in points.load().tasks if task.file in made}


def half_done() -> dict[str, bytes]:
    """Some tasks solved, some not begun, no model; in a folder, as a Mac packs it, with a notebook."""
    files = hand_in(points.load()) | {name: starter()[name] for name in ("VAE.py", "tsne.py", "utils.py")}
    del files["gmvae.safetensors"], files["learning_curve.py"]
    inside = {f"homework/{name}": content for name, content in files.items()}
    return {**inside, "__MACOSX/homework/._kl.py": b"\x00\x05\x16\x07", "homework/play.ipynb": b"{}"}


def submissions(tree: Path) -> dict[str, Mapping[str, bytes]]:
    given = starter()
    spy = SPY.replace("{tree}", str(tree)).encode()
    return {
        "reference": hand_in(points.load()),
        "starter": given,
        "half-done": half_done(),
        "forger": {name: FORGER.encode() + content for name, content in given.items()},
        "quitter": given | {name: text.encode() for name, text in QUITTERS.items()},
        "spy": given | {"kl.py": spy, "gmm.py": spy, "ELBO.py": spy},
    }


NAMES = ["reference", "starter", "half-done", "forger", "quitter", "spy"]


@pytest.fixture(scope="module")
def machine() -> Iterator[StandIn]:
    """The stand-in, set up."""
    with standin.temporary_folder() as folder:
        archive = folder / "autograder.zip"
        bundle.write(archive)
        stand_in = StandIn(archive, folder)
        usage = stand_in.set_up(standin.torch_source())
        print(f"\nsetup.sh: {usage.seconds:.0f} s, peak {usage.peak_mib:.0f} MiB")
        yield stand_in


@pytest.fixture(scope="module")
def zips(machine: StandIn) -> dict[str, Path]:
    """Every submission as a zip."""
    folder = machine.folder / "submissions"
    folder.mkdir()
    packed = {}
    for name, files in submissions(machine.tree).items():
        packed[name] = folder / f"{name}.zip"
        with zipfile.ZipFile(packed[name], "w") as archive:
            for file, content in files.items():
                archive.writestr(file, content)
    return packed


@pytest.fixture(scope="module")
def graded(machine: StandIn, zips: dict[str, Path]) -> dict[str, Graded]:
    """Every submission graded as on Gradescope."""
    results = {}
    for name, submission in zips.items():
        results[name] = machine.grade(submission)
        print(f"{name}: {standin.describe(results[name].usage, Caps())}")
    return results


@pytest.fixture(scope="module")
def by_otter(machine: StandIn, zips: dict[str, Path]) -> dict[str, dict]:
    """Every submission graded by `otter run`: Otter's results.json."""
    return {
        name: otter_run(machine.folder / "autograder.zip", submission, machine.folder / f"otter-{name}")
        for name, submission in zips.items()
    }


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
def test_results_are_valid_whole_and_in_time(graded: dict[str, Graded], name: str) -> None:
    result = graded[name]
    assert result.usage.status == 0, result.stdout
    assert result.problems == []
    assert result.usage.left == 0
    assert result.usage.seconds < Caps().seconds
    assert set(rows(result.document)) == {check.id for check in points.load().checks}
    assert "did not finish" not in result.document["output"]
    assert "problem" not in result.document["extra_data"]


def test_memory_stays_within_the_container(graded: dict[str, Graded]) -> None:
    assert max(result.usage.peak_mib for result in graded.values()) < Caps().memory_mib


def test_the_reference_gets_everything(graded: dict[str, Graded]) -> None:
    document = graded["reference"].document
    assert [row["name"] for row in document["tests"] if row["status"] == "failed"] == []
    assert document["score"] == 100


@pytest.mark.parametrize("style", styles(), ids=lambda style: style.name)
def test_whole_submissions_in_personal_styles_get_everything(machine: StandIn, style: Style) -> None:
    submission = pack(style, machine.folder / "styles" / f"{style.name}.zip")
    result = machine.grade(submission, caps=Caps(cpus=2))  # the half processor is the others' subject
    assert result.problems == []
    assert [row["name"] for row in result.document["tests"] if row["status"] == "failed"] == []
    assert result.document["score"] == 100


def test_the_starter_gets_nothing(graded: dict[str, Graded]) -> None:
    assert graded["starter"].document["score"] == 0


def test_the_half_done_one_gets_what_it_has_earned(graded: dict[str, Graded]) -> None:
    document, entries = graded["half-done"].document, points.load()
    found = rows(document)
    open_files = {"VAE.py", "tsne.py", "utils.py", "gmvae.safetensors", "learning_curve.py"}
    # Tasks that need nothing of the files which are missing or not begun.
    for number in ("1.1", "1.2", "1.3", "2.1", "2.2", "2.3", "2.4", "3.1", "4.3", "4.4", "4.5"):
        assert entries.task(number).file not in open_files
        assert [
            check.id for check in entries.checks if check.task == number and found[check.id]["status"] != "passed"
        ] == []
    for task in entries.tasks:
        if task.file in open_files:
            assert sum(found[check.id]["score"] for check in entries.checks if check.task == task.number) == 0
    assert "homework" in document["output"]
    missing = [found[check.id]["output"] for check in entries.checks if check.task == "4.10"]
    assert all("learning_curve.py" in output for output in missing)


@pytest.mark.parametrize("name", ["forger", "quitter", "spy"])
def test_hostile_submissions_gain_nothing(graded: dict[str, Graded], name: str) -> None:
    assert graded[name].document["score"] <= graded["starter"].document["score"]


@pytest.mark.parametrize("name", ["forger", "quitter", "spy"])
def test_hostile_submissions_learn_nothing(graded: dict[str, Graded], machine: StandIn, name: str) -> None:
    text = json.dumps(graded[name].document)
    assert load_secret() not in text + graded[name].stdout
    hidden = {check.id for check in points.load().checks if check.hidden_inputs}
    for check_id, row in rows(graded[name].document).items():
        if check_id in hidden:
            assert "SEEN" not in row["output"]
            assert "array(" not in row["output"]


@pytest.mark.parametrize("name", NAMES)
def test_otter_agrees_exactly(graded: dict[str, Graded], by_otter: dict[str, dict], name: str) -> None:
    """Task by task. Otter rounds to five digits."""
    entries, found = points.load(), rows(graded[name].document)
    ours = {}
    for task in entries.tasks:
        checks = [check for check in entries.checks if check.task == task.number]
        ours[f"{task.number} {task.name}"] = round(sum(found[check.id]["score"] for check in checks), 5)
    otters = {row["name"]: row["score"] for row in by_otter[name]["tests"] if "score" in row}
    assert otters == pytest.approx(ours, abs=1e-9)


def test_a_zip_in_a_zip_keeps_its_modules_from_otters_own_process(
    machine: StandIn, zips: dict[str, Path], tmp_path: Path, graded: dict[str, Graded]
) -> None:
    """docs/instructors.md promises it for submissions that are not trusted."""
    mark = tmp_path / "otter imported this"
    submission = tmp_path / "submission.zip"
    shutil.copy(zips["half-done"], submission)
    with zipfile.ZipFile(submission, "a") as archive:
        for module in ("pandas.py", "otter.py", "ipykernel_launcher.py", "IPython/__init__.py"):
            archive.writestr(f"homework/{module}", f"open({str(mark)!r}, 'w').close()\n")
            archive.writestr(module, f"open({str(mark)!r}, 'w').close()\n")
    wrapped = tmp_path / "wrapped.zip"
    with zipfile.ZipFile(wrapped, "w") as archive:
        archive.write(submission, "submission.zip")
    document = otter_run(machine.folder / "autograder.zip", wrapped, tmp_path / "out")
    assert not mark.exists()
    assert sum(row.get("score", 0) for row in document["tests"]) == pytest.approx(graded["half-done"].document["score"])


def test_another_user_can_read_nothing_of_the_grader(machine: StandIn, graded: dict[str, Graded]) -> None:
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


def test_setup_is_safe_to_run_twice(machine: StandIn) -> None:
    torch = standin.torch_source()
    state = machine.venv / ".state"
    before = state.stat().st_mtime_ns
    usage = machine.set_up(torch)
    assert state.stat().st_mtime_ns == before
    assert "is complete" in (machine.folder / "setup.log").read_text()
    print(f"setup.sh again: {usage.seconds:.0f} s")


def test_setup_fails_loudly_and_leaves_nothing_that_looks_complete(tmp_path: Path) -> None:
    with standin.temporary_folder() as folder:
        archive = folder / "autograder.zip"
        bundle.write(archive)
        stand_in = StandIn(archive, folder)
        with pytest.raises(standin.StandInError, match="FAILED"):
            stand_in.set_up({"TORCH_SPEC": "torch==0.0.0", "TORCH_INDEX": ""})
        assert not (stand_in.venv / ".state").exists()
        shutil.rmtree(stand_in.tree / "results")
        (stand_in.tree / "results").mkdir()
        (stand_in.tree / "submission_metadata.json").write_text("{}")
        done = subprocess.run([str(stand_in.tree / "run_autograder")], env=stand_in.environment(), capture_output=True)
        assert done.returncode != 0
        # No results at all: Gradescope then tells the instructor, and gives nobody a zero.
        assert not (stand_in.tree / "results" / "results.json").exists()


def test_otter_grade_as_its_dockerfile_does_it(
    machine: StandIn, zips: dict[str, Path], graded: dict[str, Graded]
) -> None:
    """`otter grade` needs Docker; its Dockerfile's steps need not: the scripts first, the rest later, then a pickle."""
    import dill
    from otter.grade.utils import merge_scores_to_df

    with standin.temporary_folder() as folder:
        container = StandIn(machine.folder / "autograder.zip", folder)
        source, later = container.tree / "source", folder / "later"
        later.mkdir()
        for name in ("files", "tests", "otter_config.json", "run_otter.py"):
            (source / name).rename(later / name)
        (source / "run_autograder").unlink()
        container.set_up(standin.torch_source())
        for part in later.iterdir():
            part.rename(source / part.name)
        (container.tree / "submission_metadata.json").touch()
        for name in ("half-done", "reference"):
            for part in ("submission", "results"):
                shutil.rmtree(container.tree / part)
                (container.tree / part).mkdir()
            shutil.copy(zips[name], container.tree / "submission")
            (container.tree / "results" / "results.pkl").touch()
            done = subprocess.run(
                [str(container.tree / "run_autograder")], env=container.environment(), capture_output=True, text=True
            )
            assert done.returncode == 0, done.stdout + done.stderr
            scores = dill.loads((container.tree / "results" / "results.pkl").read_bytes())
            scores.file = f"{name}.zip"
            assert not scores.has_catastrophic_failure()
            assert scores.total == pytest.approx(graded[name].document["score"])
            assert scores.possible == pytest.approx(100)
            table = merge_scores_to_df([scores])
            assert list(table["file"]) == ["points-per-question", f"{name}.zip"]
