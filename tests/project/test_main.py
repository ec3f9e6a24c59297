"""The main job as a program: what it writes and keeps, how it is interrupted, what it says when something is wrong."""

import json
import math
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from html.parser import HTMLParser
from pathlib import Path

import pytest

from tests.project.processes import alive, descendants, until

ROOT = Path(__file__).resolve().parents[2]
SOLUTION = ROOT / "solution"
sys.path.insert(0, str(SOLUTION))

import lab.parts as parts_module  # noqa: E402
import main as main_module  # noqa: E402
from lab import jobs  # noqa: E402
from lab.experiments import Settings, all_parts  # noqa: E402

TINY = [
    "--quick",
    "--vae-iterations",
    "4",
    "--gmvae-iterations",
    "3",
    "--latent-dims",
    "2",
    "3",
    "--shown-dims",
    "2",
    "3",
]


def run_main(folder: Path, *arguments: str, out: Path) -> subprocess.CompletedProcess:
    """Run the main.py of a folder on the repository's data."""
    command = [sys.executable, str(folder / "main.py"), *arguments, "--out", str(out)]
    if "--data" not in arguments:
        command += ["--data", str(ROOT / "data")]
    return subprocess.run(command, capture_output=True, text=True, timeout=300)


def copy_assignment(folder: Path) -> Path:
    """A copy of the assignment's files, which nobody edits while a test runs."""
    folder.mkdir()
    for source in SOLUTION.glob("*.py"):
        shutil.copy(source, folder)
    shutil.copytree(SOLUTION / "lab", folder / "lab", ignore=shutil.ignore_patterns("__pycache__"))
    return folder


@pytest.fixture(scope="module")
def pristine(tmp_path_factory) -> Path:
    """A copy that every test leaves as it is."""
    return copy_assignment(tmp_path_factory.mktemp("pristine") / "assignment")


@pytest.fixture
def assignment(tmp_path) -> Path:
    """A copy that a test may damage."""
    return copy_assignment(tmp_path / "assignment")


@pytest.fixture(scope="module")
def finished(pristine, tmp_path_factory) -> tuple[Path, subprocess.CompletedProcess]:
    """Results of one tiny run of every part."""
    out = tmp_path_factory.mktemp("main") / "results"
    return out, run_main(pristine, *TINY, out=out)


def replace_body(path: Path, function: str, statement: str) -> None:
    """Replace the solution region that follows `def function` by one statement."""
    before, after = path.read_text(encoding="utf-8").split(f"def {function}(", 1)
    after = re.sub(r"( *)# BEGIN SOLUTION.*?# END SOLUTION", rf"\1{statement}", after, count=1, flags=re.DOTALL)
    path.write_text(f"{before}def {function}({after}", encoding="utf-8")


class Page(HTMLParser):
    """Collects what a page loads or links to, and the captions of its pictures."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.pictures, self.links, self.captions, self.inside = [], [], [], False
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        attributes = dict(attributes)
        assert tag not in ("script", "link", "iframe"), f"the gallery must not load anything: <{tag}>"
        if tag == "img":
            self.pictures.append(attributes["src"])
        if tag == "a":
            self.links.append(attributes["href"])
        if tag == "figcaption":
            self.captions.append("")
            self.inside = True

    def handle_endtag(self, tag):
        self.inside = self.inside and tag != "figcaption"

    def handle_data(self, data):
        if self.inside:
            self.captions[-1] += data


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


def test_every_part_finishes(finished):
    out, process = finished
    assert process.returncode == 0, process.stderr
    names = set(all_parts(Settings(latent_dims=(2, 3), shown_dims=(2, 3)), out, None))
    assert {folder.name for folder in out.iterdir() if folder.is_dir()} == names
    assert not [path for path in out.rglob("*") if "unfinished" in path.name]


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
        assert 0 <= numbers["active_units"] <= int(size)
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


def test_gallery_shows_every_picture_without_a_network(finished):
    out, _ = finished
    text = (out / "index.html").read_text(encoding="utf-8")
    page = Page(text)
    assert not [url for url in page.pictures + page.links if ":" in url or url.startswith("/")]
    assert all((out / picture).is_file() for picture in page.pictures)
    drawn = {path.relative_to(out).as_posix() for path in out.glob("*/*.png")}
    # ELBO_Curve.png repeats the last learning curve under the name that the handout asks for.
    assert drawn - set(page.pictures) == {"learning-curve/ELBO_Curve.png"}
    assert len(page.captions) == len(page.pictures)
    assert all(len(caption) > 60 for caption in page.captions)


def test_the_24_plots_are_there(finished):
    out, _ = finished
    kinds = {"latent-traversal": "traversal", "prior-samples": "prior", "tsne": "tsne", "learning-curve": "curve"}
    for folder, kind in kinds.items():
        for size in (2, 3):
            for stage in ("beginning", "middle", "end"):
                assert (out / folder / f"{kind}_{size}_{stage}.png").stat().st_size > 2000
    assert (out / "ELBO_Curve.png").read_bytes() == (out / "learning-curve" / "ELBO_Curve.png").read_bytes()


def test_finished_parts_are_not_run_again(pristine, finished):
    out, _ = finished
    before = {path: path.stat().st_mtime_ns for path in out.glob("*/part.json")}
    process = run_main(pristine, *TINY, out=out)
    assert process.returncode == 0, process.stderr
    assert f"{len(before)} of {len(before)} parts are finished already" in process.stderr
    assert {path: path.stat().st_mtime_ns for path in out.glob("*/part.json")} == before


def test_same_seed_same_numbers_whatever_the_number_of_processes(pristine, finished, tmp_path):
    out, _ = finished
    wanted = ["train-vae-mlp-2", "posterior-rows", "gmm-degenerate", "gmvae"]
    process = run_main(pristine, *wanted, *TINY, "--jobs", "1", out=tmp_path)
    assert process.returncode == 0, process.stderr
    for name in wanted:
        again = json.loads((tmp_path / name / "part.json").read_text())
        assert again["metrics"] == json.loads((out / name / "part.json").read_text())["metrics"], name
    weights = "train-vae-mlp-2/end.safetensors"
    assert (tmp_path / weights).read_bytes() == (out / weights).read_bytes()


@pytest.mark.slow
def test_another_seed_gives_other_numbers(pristine, finished, tmp_path):
    process = run_main(pristine, "gmm-entropy", *TINY, "--seed", "1", out=tmp_path)
    assert process.returncode == 0, process.stderr
    other, same = (json.loads((folder / "metrics.json").read_text()) for folder in (tmp_path, finished[0]))
    assert other["gmm"]["entropy"]["estimate"] != same["gmm"]["entropy"]["estimate"]
    assert other["gmm"]["entropy"]["exact"] == same["gmm"]["entropy"]["exact"]


@pytest.mark.skipif(os.name == "nt", reason="signals a group of processes")
@pytest.mark.parametrize("which", [signal.SIGINT, pytest.param(signal.SIGTERM, marks=pytest.mark.slow)])
def test_interruption_keeps_what_is_done_and_leaves_nothing_behind(pristine, tmp_path, which):
    out = tmp_path / "results"
    command = [sys.executable, str(pristine / "main.py"), "kl-triangle", "gmvae", "train-autoencoder"]
    command += ["--gmvae-iterations", "1000000", "--vae-iterations", "3", "--out", str(out), "--jobs", "2"]
    command += ["--data", str(ROOT / "data")]
    # A group of its own, so that the signal goes to all its processes, as Ctrl-C in a terminal does.
    process = subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True
    )
    try:
        deadline = time.monotonic() + 120
        done = [out / "kl-triangle" / "part.json", out / "train-autoencoder" / "part.json"]
        while not all(path.exists() for path in done):
            assert time.monotonic() < deadline and process.poll() is None
            time.sleep(0.05)
        children = descendants(process.pid)
        assert children
        if which == signal.SIGINT:
            os.killpg(process.pid, which)
        else:
            process.send_signal(which)
        _, errors = process.communicate(timeout=120)
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
    assert process.returncode == 130
    assert "interrupted: 2 of 3 parts are finished and kept" in errors
    assert "Traceback" not in errors
    # Python's own resource tracker is among the children; it ends by itself once its parent is gone.
    until(lambda: not any(map(alive, children)), 20)
    assert sorted(path.name for path in out.iterdir()) == [
        "index.html",
        "kl-triangle",
        "metrics.json",
        "train-autoencoder",
    ]
    again = run_main(
        pristine,
        "kl-triangle",
        "gmvae",
        "train-autoencoder",
        "--gmvae-iterations",
        "2",
        "--vae-iterations",
        "3",
        out=out,
    )
    assert again.returncode == 0 and "2 of 3 parts are finished already" in again.stderr
    assert (out / "gmvae" / "gmvae.safetensors").is_file()


def broken_data(folder: Path) -> Path:
    """A copy of the data with a damaged archive."""
    raw = folder / "data" / "MNIST" / "raw"
    raw.mkdir(parents=True)
    for archive in (ROOT / "data" / "MNIST" / "raw").glob("*.gz"):
        shutil.copy(archive, raw)
    victim = raw / "t10k-labels-idx1-ubyte.gz"
    victim.write_bytes(victim.read_bytes()[:-100])
    return folder / "data"


@pytest.fixture
def in_process(monkeypatch, capsys):
    """Run main() here: (arguments) -> (exit status, what it said on stderr)."""
    monkeypatch.setattr(signal, "signal", lambda *_: None)  # pytest keeps its own handlers

    def run(*arguments: str) -> tuple[int, str]:
        return main_module.main(list(arguments)), capsys.readouterr().err

    return run


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--device", "tpu"], "unknown device 'tpu'"),
        (["--device", "cuda:99"], "no device cuda:99 here"),
        (["no-such-part", "--data", str(ROOT / "data")], "unknown part 'no-such-part'"),
        (["--data", "nowhere"], "archive missing"),
    ],
)
def test_bad_input_is_one_clear_message(in_process, tmp_path, arguments, said):
    status, errors = in_process(*arguments, "--quick", "--out", str(tmp_path / "results"))
    assert status == 2
    assert said in errors and len(errors.strip().splitlines()) <= 2


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


def test_a_broken_archive_is_named(pristine, tmp_path):
    data = broken_data(tmp_path)
    process = run_main(pristine, "--quick", "--data", str(data), out=tmp_path / "results")
    assert process.returncode == 2
    assert "damaged" in process.stderr and "t10k-labels-idx1-ubyte.gz" in process.stderr
    assert "Traceback" not in process.stderr


TODO = {
    ("gmm.py", "gaussian_entropy"): "Task 2.3: gaussian_entropy, see README section 2.3",
    ("train.py", "train_autoencoder"): "Task 3.2: train_autoencoder, see README section 3.2",
    ("utils.py", "log_normal_mixture"): "Task 5.1: log_normal_mixture, see README section 5.1",
}


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
    wanted = ["kl", "gmm", "autoencoder-plane", "train-vae-mlp-2", "gmvae"]
    return assignment, folder / "results", run_main(assignment, *wanted, *TINY, out=folder / "results")


def test_unwritten_tasks_are_listed_in_order(half_done):
    _, out, process = half_done
    assert re.findall(r"^  (Task .*?)  \(", process.stdout, flags=re.MULTILINE) == list(TODO.values())
    assert f"Do next: {TODO['gmm.py', 'gaussian_entropy']}" in process.stdout
    assert TODO["utils.py", "log_normal_mixture"] in (out / "index.html").read_text(encoding="utf-8")


def test_what_is_written_is_completed(half_done):
    done = {path.parent.name for path in half_done[1].glob("*/part.json")}
    assert done == {"kl-normals", "kl-triangle", "kl-without-halves", "gmm-scatter"}


def test_a_part_that_needs_an_unfinished_one_waits(half_done):
    assert "autoencoder-plane: waits for train-autoencoder" in half_done[2].stderr


def test_a_students_error_is_shown_in_their_file(half_done):
    process = half_done[2]
    assert process.returncode == 1
    assert 'File "gmm.py"' in process.stderr and "return x[weights] / 0" in process.stderr
    assert 'File "VAE.py", line 1' in process.stderr and "SyntaxError" in process.stderr
    machinery = [path.relative_to(jobs.HERE) for path in jobs.MACHINERY]
    assert machinery and not [name for name in machinery if f'File "{name}"' in process.stderr]


def test_a_part_whose_process_dies_is_reported(half_done):
    assert "kl-categorical" in half_done[2].stderr and "exit code 7" in half_done[2].stderr


def test_the_next_task_is_all_that_is_run_once_it_is_written(half_done):
    assignment, out, _ = half_done
    shutil.copy(SOLUTION / "utils.py", assignment)
    process = run_main(assignment, "kl-triangle", "gmm-scatter", "gmvae", *TINY, out=out)
    assert process.returncode == 0, process.stderr
    assert "2 of 3 parts are finished already" in process.stderr
    assert (out / "gmvae" / "gmvae.safetensors").exists()


def test_a_changed_file_makes_its_parts_and_theirs_stale(assignment, monkeypatch, tmp_path):
    monkeypatch.setattr(parts_module, "HERE", assignment)
    before = all_parts(Settings(), tmp_path, None)
    with open(assignment / "VAE.py", "a") as file:
        file.write("# changed\n")
    after = all_parts(Settings(), tmp_path, None)
    stale = {name for name in before if before[name].key != after[name].key}
    assert {"train-vae-mlp-2", "tsne", "contact-sheet", "comparison"} <= stale
    assert not {"kl-normals", "gmm-entropy", "train-autoencoder", "gmvae"} & stale


def test_settings_make_only_their_own_parts_stale(tmp_path):
    before = all_parts(Settings(), tmp_path, None)
    after = all_parts(Settings(gmvae_iterations=5), tmp_path, None)
    assert {name for name in before if before[name].key != after[name].key} == {"gmvae"}


def test_seeds_of_parts_differ():
    parts = all_parts(Settings(), Path("results"), None)
    assert len({parts_module.part_seed(0, name) for name in parts}) == len(parts)
    assert parts_module.part_seed(0, "gmvae") != parts_module.part_seed(1, "gmvae")


def test_a_run_elsewhere_leaves_the_model_to_hand_in_alone(pristine, finished):
    assert (finished[0] / "gmvae" / "gmvae.safetensors").exists()
    assert not (pristine / "gmvae.safetensors").exists()


def test_json_spells_out_what_it_cannot_hold(tmp_path):
    parts_module.write_json(tmp_path / "numbers.json", {"a": [math.inf, -math.inf, math.nan, 1.5]})
    assert json.loads((tmp_path / "numbers.json").read_text()) == {"a": ["inf", "-inf", "nan", 1.5]}


def test_help_is_quick_and_names_every_option():
    start = time.monotonic()
    process = subprocess.run([sys.executable, str(SOLUTION / "main.py"), "--help"], capture_output=True, text=True)
    assert process.returncode == 0 and time.monotonic() - start < 5
    for option in ("--quick", "--fresh", "--seed", "--device", "--jobs", "--out", "--data", "--latent-dims", "--list"):
        assert option in process.stdout
