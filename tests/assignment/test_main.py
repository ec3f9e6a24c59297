"""The main job as a program: one tiny run of every part, what is run again, what it says when something is wrong."""

import json
import math
import os
import re
import shutil
import signal
import subprocess
import sys
from dataclasses import asdict
from pathlib import Path

import pytest
import torch

import lab.run.part as parts_module
import main as main_module
from autograder.release.questions import read as read_questions
from lab.files import write_json
from lab.run.experiments import Settings, all_parts
from tests.assignment.main_runs import DATA, ROOT, TINY, copy_assignment, run_main
from tests.kit.pages import Page


@pytest.fixture(scope="module")
def pristine(tmp_path_factory) -> Path:
    """A copy that every test leaves as it is."""
    return copy_assignment(tmp_path_factory.mktemp("pristine") / "assignment")


@pytest.fixture(scope="module")
def finished(pristine, tmp_path_factory) -> tuple[Path, subprocess.CompletedProcess]:
    """Results of one tiny run of every part, by two processes."""
    out = tmp_path_factory.mktemp("main") / "results"
    return out, run_main(pristine, *TINY, "--jobs", "2", out=out)


@pytest.fixture
def in_process(monkeypatch, capsys):
    """Run main() here: (arguments) -> (exit status, what it said on stderr)."""
    monkeypatch.setenv("OMP_NUM_THREADS", "1")  # main() sets it; put back afterwards
    monkeypatch.setattr(signal, "signal", lambda *_: None)  # pytest keeps its own handlers

    def run(*arguments: str) -> tuple[int, str]:
        return main_module.main(list(arguments)), capsys.readouterr().err

    return run


def leaves(tree, path=()):
    """Every (path, value) of nested dictionaries and lists."""
    if isinstance(tree, dict):
        for key, value in tree.items():
            yield from leaves(value, (*path, key))
    elif isinstance(tree, list):
        for i, value in enumerate(tree):
            yield from leaves(value, (*path, i))
    else:
        yield path, tree


def untimed(metrics):
    """(path, value) of everything but the durations, which no seed decides."""
    return [(path, value) for path, value in leaves(metrics) if path[-1] != "seconds"]


@pytest.mark.slow
def test_every_part_finishes(finished):
    out, process = finished
    assert process.returncode == 0, process.stderr
    names = set(all_parts(Settings(latent_dims=(2, 3), shown_dims=(2, 3)), out, None))
    assert {folder.name for folder in out.iterdir() if folder.is_dir()} == names
    assert not [path for path in out.rglob("*") if "unfinished" in path.name]


def test_questions_show_parts_that_exist(tmp_path):
    """A part of another name would be left out of the notebook, picture and all."""
    names = all_parts(Settings(), tmp_path, None).keys()
    questions = read_questions(ROOT / "solution" / "questions").values()
    assert {part for question in questions for part in question.shows} <= names


@pytest.mark.slow
def test_metrics_hold_the_promised_numbers(finished):
    metrics = json.loads((finished[0] / "metrics.json").read_text())
    for block in ("full_test", "test_subset"):
        numbers = metrics["gmvae"][block]
        assert numbers["negative_elbo"] == pytest.approx(numbers["kl"] + numbers["reconstruction"], abs=1e-3)
    assert metrics["gmvae"]["full_test"]["images"] == 10_000
    assert metrics["seed"] == 0 and metrics["settings"]["vae_iterations"] == 4
    for architecture, size in (("mlp", "2"), ("mlp", "3"), ("conv", "2"), ("conv", "3")):
        numbers = metrics["vae"][architecture][size]
        assert numbers["negative_elbo"] == pytest.approx(numbers["kl"] + numbers["reconstruction"])
        assert 0 <= numbers["active_units"] <= int(size) and numbers["seconds"] > 0
        assert [numbers[stage]["iterations"] for stage in ("beginning", "middle")] == [1, 2]
    assert metrics["autoencoder"]["seconds"] > 0
    single = metrics["gmm"]["degenerate"]
    assert single["single_gaussian"] == pytest.approx(
        1 + math.log(2 * math.pi) + 0.5 * math.log(1.8 * 0.8 - 0.7**2), rel=1e-9
    )
    for name in ("entropy", "degenerate"):
        numbers = metrics["gmm"][name]
        # Five standard errors: once in two million runs by chance, and the seed is fixed.
        assert abs(numbers["estimate"] - numbers["exact"]) < 5 * numbers["standard_error"]
        assert numbers["samples"][-1] == numbers["samples_used"] == 10_000
    assert metrics["kl"]["triangle"]["violated"] is True
    minimum = metrics["kl"]["sum_without_halves"]["sum_minimum"]
    assert minimum["sigma"] == pytest.approx(0.5**0.5, abs=0.01)
    undefined = [path for path, value in leaves(metrics) if isinstance(value, str) and value in ("nan", "-inf")]
    assert not undefined


@pytest.mark.slow
def test_gallery_shows_every_picture_without_a_network(finished):
    out, _ = finished
    text = (out / "index.html").read_text(encoding="utf-8")
    page = Page(text)
    assert not {"script", "link", "iframe"} & {tag for tag, _ in page.tags}, "the gallery must not load anything"
    pictures, links = [tag["src"] for tag in page.all("img")], [tag["href"] for tag in page.all("a")]
    assert not [url for url in pictures + links if ":" in url or url.startswith("/")]
    assert all((out / picture).is_file() for picture in pictures)
    drawn = {path.relative_to(out).as_posix() for path in out.glob("*/*.png")}
    # ELBO_Curve.png repeats the last learning curve under the name that the handout asks for.
    assert drawn - set(pictures) == {"learning-curve/ELBO_Curve.png"}
    captions = re.findall("<figcaption>(.*?)</figcaption>", text, re.DOTALL)
    assert len(captions) == len(pictures) and all(len(Page(caption).text) > 60 for caption in captions)


@pytest.mark.slow
def test_the_24_plots_are_there(finished):
    out, _ = finished
    kinds = {"latent-traversal": "traversal", "prior-samples": "prior", "tsne": "tsne", "learning-curve": "curve"}
    for folder, kind in kinds.items():
        for size in (2, 3):
            for stage in ("beginning", "middle", "end"):
                assert (out / folder / f"{kind}_{size}_{stage}.png").stat().st_size > 2000
    assert (out / "ELBO_Curve.png").read_bytes() == (out / "learning-curve" / "ELBO_Curve.png").read_bytes()


@pytest.mark.slow
def test_finished_parts_are_not_run_again(pristine, finished, in_process, monkeypatch):
    out, _ = finished
    monkeypatch.setattr(parts_module, "HERE", pristine)
    before = {path: path.stat().st_mtime_ns for path in out.glob("*/part.json")}
    status, errors = in_process(*TINY, "--out", str(out), *DATA)
    assert status == 0, errors
    assert f"{len(before)} of {len(before)} parts are finished already" in errors
    assert {path: path.stat().st_mtime_ns for path in out.glob("*/part.json")} == before


PROGRAM = """
import importlib, sys
name, *arguments = sys.argv[1:]
try:
    status = importlib.import_module(name).main(arguments)
except SystemExit as end:
    status = end.code
heavy = {"torch", "torchvision", "numpy", "matplotlib", "sklearn"} & sys.modules.keys()
sys.exit(f"loaded {heavy}" if heavy else status)
"""


def finish_everything(out: Path) -> None:
    """Write what a full run of the default settings records, but for numbers and pictures."""
    for part in all_parts(Settings(), out, None).values():
        record = {"part": part.name, "section": part.section, "made_from": part.made_from}
        write_json(part.folder / parts_module.PART_FILE, record | asdict(parts_module.Result()))
    (out / "learning-curve" / "ELBO_Curve.png").touch()


PROGRAMS = ("main", "submit", "explore", "export_report", "run_gmvae")


@pytest.mark.parametrize(
    "command", ["main", "main --list", "main --doctor", "submit", *(f"{name} --help" for name in PROGRAMS)]
)
def test_what_needs_no_pytorch_does_not_wait_for_it(pristine, tmp_path, monkeypatch, command):
    """PyTorch takes seconds to import: with nothing to do nobody waits for it."""
    monkeypatch.setattr(parts_module, "HERE", pristine)
    out = tmp_path / "学生"
    finish_everything(out)
    options = ["--out", str(out / "submission.zip" if "submit" in command else out)] * ("--help" not in command)
    # As where the output goes on Windows, if not to a window.
    environment = os.environ | {"PYTHONIOENCODING": "cp1252"}
    run = subprocess.run(
        [sys.executable, "-c", PROGRAM, *command.split(), *options],
        cwd=pristine, env=environment, capture_output=True, encoding="cp1252",
    )  # fmt: skip
    assert run.returncode == 0, run.stderr
    if "--help" in command:
        assert run.stdout.startswith("usage: ")
    if command == "main":
        assert "30 of 30 parts are finished already" in run.stderr
        assert run.stdout.rstrip().endswith(str(Path("\\u5b66\\u751f", "index.html")))
    if command == "main --list":
        lines = run.stdout.splitlines()
        assert len(lines) < 24 and max(map(len, lines)) < 80
        assert run.stdout.count(" finished ") == 5 and " to do" not in run.stdout
        assert all(name in re.findall(r"[\w-]+", run.stdout) for name in all_parts(Settings(), out, None))


@pytest.mark.slow
def test_same_seed_same_numbers_in_any_process_and_order(finished, tmp_path):
    """Two processes took the parts as they came; here some run in this process, one after the other."""
    out, _ = finished
    torch.set_num_threads(1)  # as in every process of the main job
    settings = main_module.choose_settings(main_module.parse_arguments(TINY), "cpu")
    parts = all_parts(settings, tmp_path, ROOT / "data" / "MNIST" / "raw")
    for name in ("gmvae", "train-vae-mlp-2", "posterior-rows", "gmm-degenerate"):
        parts[name].run(lambda *_: None)
        again, before = (json.loads((root / name / "part.json").read_text()) for root in (tmp_path, out))
        assert untimed(again["metrics"]) == untimed(before["metrics"]), name
    for weights in ("gmvae/gmvae.safetensors", "train-vae-mlp-2/end.safetensors"):
        assert (tmp_path / weights).read_bytes() == (out / weights).read_bytes()


@pytest.mark.slow
def test_another_seed_gives_other_numbers(pristine, finished, tmp_path):
    process = run_main(pristine, "gmm-entropy", *TINY, "--seed", "1", out=tmp_path)
    assert process.returncode == 0, process.stderr
    other, same = (json.loads((folder / "metrics.json").read_text()) for folder in (tmp_path, finished[0]))
    assert other["gmm"]["entropy"]["estimate"] != same["gmm"]["entropy"]["estimate"]
    assert other["gmm"]["entropy"]["exact"] == same["gmm"]["entropy"]["exact"]


@pytest.mark.slow
def test_a_run_elsewhere_leaves_the_model_to_hand_in_alone(pristine, finished):
    assert (finished[0] / "gmvae" / "gmvae.safetensors").exists()
    assert not (pristine / "gmvae.safetensors").exists()


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--device", "tpu"], "unknown device 'tpu'"),
        (["--device", "cuda:99"], "no device cuda:99 here"),
        (["no-such-part", "--data", str(ROOT / "data" / "MNIST" / "raw")], "unknown part 'no-such-part'"),
        (["--data", "nowhere"], "train-images-idx3-ubyte is missing"),
    ],
)
def test_bad_input_is_one_clear_message(in_process, tmp_path, arguments, said):
    status, errors = in_process(*arguments, "--quick", "--out", str(tmp_path / "results"))
    assert status == 2
    assert said in errors and len(errors.strip().splitlines()) <= 3


@pytest.mark.parametrize(
    "arguments", [["--jobs", "0"], ["--vae-iterations", "many"], ["--latent-dims"], ["--nonsense"]]
)
def test_bad_arguments_exit_with_2(arguments):
    with pytest.raises(SystemExit) as stopped:
        main_module.parse_arguments(arguments)
    assert stopped.value.code == 2


def test_output_folder_that_cannot_be_written(in_process, tmp_path):
    (tmp_path / "file").write_text("not a folder")
    status, errors = in_process("--quick", "--out", str(tmp_path / "file" / "results"))
    assert status == 2
    assert "cannot write to the folder" in errors and len(errors.strip().splitlines()) == 1


def broken_data(folder: Path) -> Path:
    """A copy of the data with a damaged archive."""
    raw = folder / "raw"
    raw.mkdir()
    for archive in (ROOT / "data" / "MNIST" / "raw").glob("*.gz"):
        shutil.copy(archive, raw)
    victim = raw / "t10k-labels-idx1-ubyte.gz"
    victim.write_bytes(victim.read_bytes()[:-100])
    return raw


def test_a_broken_archive_is_named(in_process, tmp_path):
    data = broken_data(tmp_path)
    status, errors = in_process("--quick", "--data", str(data), "--out", str(tmp_path / "results"))
    assert status == 2
    assert "damaged" in errors and "t10k-labels-idx1-ubyte.gz" in errors


def test_nothing_is_deleted_for_data_that_cannot_be_read(in_process, tmp_path):
    kept = tmp_path / "results" / "kl-normals" / "mine.txt"
    write_json(kept, "kept")
    status, _ = in_process("kl-normals", "--fresh", "--data", str(tmp_path), "--out", str(tmp_path / "results"))
    assert status == 2 and kept.is_file()


def test_an_old_python_is_told_so(in_process, monkeypatch):
    monkeypatch.setattr(sys, "version_info", (3, 9, 18))
    status, errors = in_process("--quick")
    assert status == 2 and "is too old: make an environment with 3.10 or newer" in errors
