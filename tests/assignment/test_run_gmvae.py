"""run_gmvae.py by itself: what it writes and reports, and the functions that main.py shares with it."""

import json
import subprocess
import sys

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors.torch import load_file, save_file

import run_gmvae
from autograder.repository import ROOT, SOLUTION
from autograder.tasks import load
from gmvae import GMVAE
from lab.run.experiments import Settings, all_parts
from mnist import load_mnist


@pytest.fixture(scope="module")
def mnist():
    return load_mnist(ROOT / "data" / "MNIST" / "raw")


@pytest.fixture(scope="module")
def trained(mnist):
    """A model after 120 steps, and its history."""
    torch.set_num_threads(1)
    return run_gmvae.train_gmvae(mnist.train_images, iterations=120, seed=3)


def flushes() -> bool:
    """Whether a number below 1.2e-38 counts as 0 here and now."""
    return (torch.tensor(1e-38) * 0.1).item() == 0


def test_numbers_that_are_too_small_count_as_0_while_a_model_trains(mnist, monkeypatch, tmp_path):
    if not torch.set_flush_denormal(False):
        pytest.skip("this processor always computes with them")
    seen = []
    run_gmvae.train_gmvae(mnist.train_images[:200], iterations=2, on_step=lambda *_: seen.append(flushes()))

    def train(model, images, iterations, on_step):
        seen.append(flushes())
        raise RuntimeError("of the student's")

    monkeypatch.setattr("train.train_vae", train)
    monkeypatch.setattr("train.train_autoencoder", train)
    for name in ("train-vae-mlp-2", "train-autoencoder"):
        part = all_parts(Settings(), tmp_path, ROOT / "data" / "MNIST" / "raw")[name]
        with pytest.raises(RuntimeError, match="of the student's"):
            part.run(lambda *_: None)
    assert seen == [True] * 4 and not flushes()


def test_the_starter_names_its_tasks_in_order(tmp_path):
    """log_normal_mixture comes first, though negative_elbo_bound is what the training calls."""
    command = [sys.executable, str(ROOT / "student" / "run_gmvae.py"), "--data", str(ROOT / "data" / "MNIST" / "raw")]
    process = subprocess.run([*command, "--out", str(tmp_path)], capture_output=True, text=True, timeout=120)
    assert process.returncode == 1 and "Traceback" not in process.stderr
    last = process.stderr.strip().splitlines()[-1]
    number = load().task("log_normal_mixture").number
    said = f"Task {number}: log_normal_mixture, see README section {number}"
    assert last == f"run_gmvae.py: still to be written: {said}"
    assert list(tmp_path.iterdir()) == []


def test_what_a_library_lacks_is_not_still_to_be_written(tmp_path, monkeypatch):
    def train(*_):
        raise NotImplementedError("No KL(p || q) is implemented for p type Normal and q type Cauchy")

    monkeypatch.setattr(run_gmvae, "train_gmvae", train)
    with pytest.raises(NotImplementedError, match="No KL"):
        run_gmvae.main(["--iterations", "1", "--out", str(tmp_path)])


def test_script_and_main_write_and_report_the_same(tmp_path, mnist, capsys):
    assert run_gmvae.main(["--iterations", "6", "--seed", "5", "--out", str(tmp_path / "a")]) == 0
    output = capsys.readouterr().out
    assert sorted(path.name for path in (tmp_path / "a").iterdir()) == ["gmvae.safetensors", "gmvae_samples.png"]
    assert "the first 1,000 test images" in output and "10,000 images" in output
    model = GMVAE()
    model.load_state_dict(load_file(tmp_path / "a" / "gmvae.safetensors"))
    reported = json.loads(next(line for line in output.splitlines() if line.startswith("{")))
    measured = run_gmvae.evaluate(model, mnist.test_images)
    assert reported["full_test"]["negative_elbo"] == pytest.approx(measured.negative_elbo, abs=1e-3)
    # 10 rows of 20 digits, two pixels apart, everything twice as large.
    assert Image.open(tmp_path / "a" / "gmvae_samples.png").size == (2 * (20 * 30 - 2), 2 * (10 * 30 - 2))

    # A shorter training leaves a longer one's weights alone, unless it is told to replace them.
    longer = (tmp_path / "a" / "gmvae.safetensors").read_bytes()
    assert run_gmvae.main(["--iterations", "2", "--out", str(tmp_path / "a")]) == 0
    assert "gmvae.safetensors stays as it is" in capsys.readouterr().out
    assert (tmp_path / "a" / "gmvae.safetensors").read_bytes() == longer
    assert (tmp_path / "a" / "gmvae-2.safetensors").is_file() and (tmp_path / "a" / "gmvae_samples-2.png").is_file()
    assert run_gmvae.outputs(tmp_path / "a", 2, overwrite=True)[0].name == "gmvae.safetensors"
    assert run_gmvae.outputs(tmp_path / "a", 6, overwrite=False)[0].name == "gmvae.safetensors"

    part = all_parts(Settings(seed=5, gmvae_iterations=6), tmp_path / "b", ROOT / "data" / "MNIST" / "raw")["gmvae"]
    part.run(lambda *_: None)
    assert part.read()["metrics"]["gmvae"]["full_test"] == reported["full_test"]
    for name in ("gmvae.safetensors", "gmvae_samples.png"):
        assert (part.folder / name).read_bytes() == (tmp_path / "a" / name).read_bytes()


def test_weights_that_do_not_say_how_long_they_were_trained_count_as_whole(tmp_path):
    torch.manual_seed(0)
    weights = {name: tensor.clone() for name, tensor in GMVAE().state_dict().items()}
    save_file(weights, tmp_path / "gmvae.safetensors")
    assert run_gmvae.outputs(tmp_path, 20, overwrite=False)[0].name == "gmvae-20.safetensors"
    (tmp_path / "gmvae.safetensors").write_bytes(b"cut off")
    assert run_gmvae.outputs(tmp_path, 20, overwrite=False)[0].name == "gmvae.safetensors"


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--device", "abacus"], "unknown device 'abacus'"),
        (["--data", "nowhere"], "train-images-idx3-ubyte is missing"),
        (["--out", str(SOLUTION / "gmvae.py" / "below-a-file")], "cannot write to the folder"),
    ],
)
def test_bad_input_is_one_clear_message(arguments, said, tmp_path, capsys):
    defaults = [] if "--out" in arguments else ["--out", str(tmp_path)]
    assert run_gmvae.main([*arguments, *defaults]) == 2
    errors = capsys.readouterr().err
    assert said in errors and len(errors.strip().splitlines()) <= 3


def test_it_needs_none_of_the_other_trainings():
    """A course may ask for the GMVAE alone, and leaves out what nothing else uses."""
    program = f"import sys; sys.path.insert(0, {str(SOLUTION)!r}); import run_gmvae, lab.parts.gmvae\n"
    program += "assert not {'train', 'ELBO', 'VAE', 'AE', 'embeddings'} & sys.modules.keys(), sys.modules.keys()"
    subprocess.run([sys.executable, "-B", "-c", program], check=True, timeout=120)


def test_bad_number_of_iterations():
    with pytest.raises(SystemExit) as stopped:
        run_gmvae.parse_arguments(["--iterations", "0"])
    assert stopped.value.code == 2


def test_training_lowers_the_negative_elbo(trained):
    _, history = trained
    assert len(history) == 120
    assert sum(history[-10:]) / 10 < 0.5 * history[0]


def test_training_is_reproducible_and_reports_every_step(mnist, trained):
    seen = []
    _, history = run_gmvae.train_gmvae(mnist.train_images, 4, seed=3, on_step=lambda i, nelbo: seen.append((i, nelbo)))
    assert history == trained[1][:4]
    assert seen == list(enumerate(history))
    assert run_gmvae.train_gmvae(mnist.train_images, 1, seed=4)[1] != history[:1]


def test_mixture_weights_stay_uniform(trained):
    assert torch.equal(trained[0].pi, torch.full((500,), 1 / 500))


def test_evaluation_repeats_and_leaves_the_rng_and_the_mode_alone(mnist, trained):
    model, _ = trained
    model.train()
    before = torch.get_rng_state()
    first = run_gmvae.evaluate(model, mnist.test_images[:700])
    torch.rand(5)
    assert run_gmvae.evaluate(model, mnist.test_images[:700]) == first
    torch.set_rng_state(before)
    run_gmvae.evaluate(model, mnist.test_images[:700])
    assert torch.equal(torch.get_rng_state(), before)
    assert model.training
    assert first.images == 700
    assert first.negative_elbo == pytest.approx(first.kl + first.reconstruction, abs=1e-3)


def test_binarize_keeps_black_and_white_and_draws_grey_by_its_value():
    torch.manual_seed(0)
    grey = torch.tensor([0.0, 1.0, 0.3]).repeat(40_000, 1)
    drawn = run_gmvae.binarize(grey)
    assert set(drawn.unique().tolist()) == {0.0, 1.0}
    assert drawn[:, 0].sum() == 0 and drawn[:, 1].sum() == 40_000
    # Six standard deviations of a mean of 40,000 draws.
    assert abs(drawn[:, 2].mean().item() - 0.3) < 6 * (0.3 * 0.7 / 40_000) ** 0.5


def test_samples_are_binary_and_tiled(trained, tmp_path):
    digits = run_gmvae.save_samples(trained[0], tmp_path / "samples.png")
    assert digits.shape == (200, 784)
    assert set(digits.unique().tolist()) <= {0.0, 1.0}
    picture = Image.open(tmp_path / "samples.png").convert("L").resize((598, 298), Image.Resampling.NEAREST)
    pixels = torch.from_numpy(np.array(picture))
    # The digit in row 4, column 17.
    assert torch.equal(pixels[120:148, 510:538] / 255, digits[4 * 20 + 17].reshape(28, 28))
