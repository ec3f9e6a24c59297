"""The written answers: every number from the run that they are shown with, every sentence true for the recorded runs.

tests/corpus/reference/seeds.json holds the metrics of these runs.
"""

import copy
import json
import math
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from autograder.release import measured
from autograder.repository import read_toml
from tests.assignment.main_runs import SOLUTION, TINY, copy_assignment, run_main

WRITTEN = SOLUTION / "written"
RUNS = SOLUTION.parent / measured.RUNS
# The page about the answers is no answer: it shows placeholders as they are.
ANSWERS = {file.name: file.read_text(encoding="utf-8") for file in sorted(WRITTEN.glob("*.md"))}
README = ANSWERS.pop("README.md")
SEEDS = json.loads(RUNS.read_text(encoding="utf-8"))["runs"]
RECORDED = measured.recorded(SEEDS)
EXACT = read_toml(WRITTEN / "exact.toml")["numbers"]


def filled(metrics: dict[str, Any]) -> dict[str, str]:
    """Every answer with numbers put in; nothing may be missing."""
    problems: list = []
    known = {**metrics, "recorded": RECORDED}
    texts = {name: measured.fill(text, known, f"solution/written/{name}", problems) for name, text in ANSWERS.items()}
    assert problems == []
    return texts


def comparisons() -> list[tuple[str, str, str, list[str]]]:
    """Every comparison in the answers: its file, its two sides, its format and its words."""
    found = []
    for name, text in ANSWERS.items():
        for match in measured.PLACEHOLDER.finditer(text):
            if match.group(1) == "compare":
                question, *words = (" ".join(part.split()) for part in match.group(2).split("|"))
                sides, _, spec = question.partition(":")
                found.append((name, sides, spec, words))
    return found


@pytest.mark.parametrize("run", SEEDS, ids=lambda run: f"seed {run['seed']}")
def test_answers_are_built_from_any_run(run: dict) -> None:
    for name, text in filled(run).items():
        assert not re.search(r"\{\{ ?(metric|compare)", text), name


def test_two_runs_give_different_answers() -> None:
    first, other = filled(SEEDS[0]), filled(SEEDS[-1])
    assert {name for name in first if first[name] != other[name]} >= {"autoencoders.md", "gmm.md", "vae_experiments.md"}


@pytest.mark.parametrize("name", sorted({*ANSWERS, "README.md"}))
def test_what_is_typed_is_exact(name: str) -> None:
    """Every typed number is in exact.toml, and nothing is there that nobody typed any more."""
    text = ANSWERS.get(name, README)
    assert {number for _, number in measured.typed(text)} == {
        number for entry in EXACT if entry["file"] == name for number in entry["typed"]
    }


FORMULAS = [
    pytest.param(number, formula, id=f"{entry['file']} {number}")
    for entry in EXACT
    for number, formula in entry["typed"].items()
    if formula
]


@pytest.mark.parametrize(("number", "formula"), FORMULAS)
def test_exact_numbers(number: str, formula: str) -> None:
    value = eval(formula, {"__builtins__": {}}, vars(math))
    assert f"{value:.{len(number.partition('.')[2])}f}" == number


@pytest.mark.slow
def test_numbers_of_mnist() -> None:
    """The models without training that the answers name, computed anew."""
    torch = pytest.importorskip("torch")
    from mnist import load_mnist

    mnist = load_mnist(SOLUTION.parent / "data" / "MNIST" / "raw")
    train, test = (images.flatten(1).double() for images in (mnist.train_images, mnist.test_images))
    mean = train.mean(0)
    centred = test - mean
    values, vectors = torch.linalg.eigh(torch.cov(train.T, correction=0))
    values, vectors = values.flip(0), vectors.flip(1)
    constant = 784 / 2 * math.log(2 * math.pi)

    def remainder(k: int, shrink: Any = 1.0) -> Any:
        codes = centred @ vectors[:, :k] * shrink
        return (centred - codes @ vectors[:, :k].T).square().sum(1).mean()

    def linear(k: int) -> tuple[float, float, float]:
        """Probabilistic principal components with noise of variance 1: reconstruction, divergence, their sum."""
        kept = values[:k]
        means = centred @ vectors[:, :k] * (kept - 1).sqrt() / kept  # of the posterior, whose variances are 1 / kept
        reconstruction = constant + (remainder(k, (kept - 1) / kept) + ((kept - 1) / kept).sum()) / 2
        kl = (means.square().sum(1).mean() + (1 / kept - 1 + kept.log()).sum()) / 2
        return reconstruction.item(), kl.item(), (reconstruction + kl).item()

    assert (values > 1).sum() == 12
    table = [
        constant + (test - 0.5).square().sum(1).mean().item() / 2,
        constant + remainder(0).item() / 2,
        *(number for k in (2, 5, 12) for number in linear(k)),
    ]
    assert [f"{number:.2f}" for number in table] == [
        *("811.17", "746.90"),
        *("743.28", "1.51", "744.79", "740.42", "3.10", "743.52", "738.72", "4.38", "743.10"),
    ]
    assert [f"{remainder(k).item() / 784:.4f}" for k in (2, 0)] == ["0.0557", "0.0675"]


@pytest.mark.parametrize(("name", "sides", "spec", "words"), comparisons())
def test_comparisons(name: str, sides: str, spec: str, words: list[str]) -> None:
    """Each says the opposite when its sides are exchanged, and something else when they are equal; on every run."""
    assert len(set(words)) == 3, f"{name}: {sides}"
    first, second = (side.strip() for side in sides.split(","))
    for run in SEEDS:
        known = {**run, "recorded": RECORDED}
        tail = ":" + spec + "|" + "|".join(words)
        one, other = (measured.as_shown(measured.look_up(known, side), spec) for side in (first, second))
        difference = one - other
        expected = words[0] if difference < 0 else words[1] if difference > 0 else words[2]
        said = measured.compare(known, f"{first}, {second}{tail}")
        assert said == expected.replace("{}", format(abs(difference), spec))
        exchanged = measured.compare(known, f"{second}, {first}{tail}")
        assert (exchanged == said) == (difference == 0)
        assert measured.compare(known, f"{first}, {first}{tail}") == words[2]


def test_a_synthetic_run_turns_the_sentences_round() -> None:
    """Where the convolutional models win, or nothing differs, the answers say so."""
    won, tied = copy.deepcopy(SEEDS[0]), copy.deepcopy(SEEDS[0])
    won["vae"]["conv"], won["vae"]["mlp"]["2"], won["vae"]["mlp"]["10"] = (
        {size: won["vae"]["mlp"][size] for size in ("2", "10")},
        won["vae"]["conv"]["2"],
        won["vae"]["conv"]["10"],
    )
    tied["vae"]["conv"] = {size: tied["vae"]["mlp"][size] for size in ("2", "10")}
    pattern = r"\*\*With 2 units it is ([\d.]+ nats )?(better|worse|exactly as good)\*\*"
    found = [re.search(pattern, filled(run)["vae_experiments.md"].replace("\n", " ")) for run in (SEEDS[0], won, tied)]
    assert [match and match.group(2) for match in found] == ["worse", "better", "exactly as good"]
    assert found[0] and found[1] and found[0].group(1) == found[1].group(1)


Claim = Callable[[dict], bool]


def at(run: dict, size: int, stage: str = "end") -> dict:
    """Costs of a fully connected VAE at a stage of its training."""
    found = run["vae"]["mlp"][str(size)]
    return found if stage == "end" else found[stage]


def carries_information(run: dict) -> bool:
    """From the beginning to the middle, the reconstruction gains more than the divergence costs."""
    changes = [(at(run, k, "beginning"), at(run, k, "middle")) for k in (2, 10)]
    gains = [before["reconstruction"] - after["reconstruction"] for before, after in changes]
    costs = [after["kl"] - before["kl"] for before, after in changes]
    return all(0 < cost < gain for cost, gain in zip(costs, gains, strict=True))


# What the answers say of every run without a placeholder, as far as metrics can tell.
CLAIMS: list[tuple[str, str, Claim]] = [
    (
        "gmm.md",
        "a number further off than three standard deviations would point to a mistake",
        lambda run: all(
            abs(count - expected) < 3 * deviation
            for count, expected, deviation in zip(
                run["gmm"]["scatter"]["points_of_component"], (20_000, 50_000, 30_000), (126, 158, 145), strict=True
            )
        ),
    ),
    (
        "gmm.md",
        "standard errors, which is what chance alone gives",
        lambda run: (
            abs(run["gmm"]["degenerate"]["estimate_minus_single"]) < 3 * run["gmm"]["degenerate"]["standard_error"]
        ),
    ),
    (
        "gmvae.md",
        "So 97.5 is inside their range",
        lambda run: (
            RECORDED["gmvae"]["full_test"]["negative_elbo"]["min"]
            < 97.5
            < RECORDED["gmvae"]["full_test"]["negative_elbo"]["max"]
        ),
    ),
    (
        "ae_and_vae.md",
        "At the same latent size a VAE reconstructs somewhat worse",
        lambda run: run["autoencoder"]["test_mse"] < at(run, 2)["test_mse"] < 1.3 * run["autoencoder"]["test_mse"],
    ),
    (
        "autoencoders.md",
        "The cloud lies around the origin with a spread of about 1 in both directions",
        lambda run: (
            all(0.85 < deviation < 1.15 for deviation in run["vae"]["plane"]["code_std"])
            and all(abs(mean) < 0.3 for mean in run["vae"]["plane"]["code_mean"])
        ),
    ),
    (
        "autoencoders.md",
        "The grid covers two to four units to either side of the origin",
        lambda run: all(2 < abs(end) < 4.5 for key in ("code_min", "code_max") for end in run["vae"]["plane"][key]),
    ),
    (
        "autoencoders.md",
        "a few codes far out set the scale of the picture",
        lambda run: any(
            max(high, -low) > 4 * deviation
            for low, high, deviation in zip(
                *(run["autoencoder"]["plane"][key] for key in ("code_min", "code_max", "code_std")), strict=True
            )
        ),
    ),
    (
        "vae_experiments.md",
        "although the divergence is still a fraction of a nat",
        lambda run: all(at(run, k, "beginning")["kl"] < 0.5 for k in (2, 10)),
    ),
    (
        "vae_experiments.md",
        "The divergence *rises* while the bound improves, because each nat spent buys more than one nat",
        carries_information,
    ),
    (
        "vae_experiments.md",
        "*Middle and end:* slow gains",
        lambda run: all(0 < at(run, k, "middle")["negative_elbo"] - at(run, k)["negative_elbo"] < 1 for k in (2, 10)),
    ),
    (
        "vae_experiments.md",
        "A convolution does more arithmetic for each parameter",
        lambda run: run["vae"]["conv"]["10"]["seconds"] > run["vae"]["mlp"]["10"]["seconds"],
    ),
    (
        "vae_experiments.md",
        "Beyond 5 units all changes are small against the step from 2 to 5",
        lambda run: (
            at(run, 2)["negative_elbo"] - at(run, 5)["negative_elbo"]
            > 3 * max(abs(at(run, size)["negative_elbo"] - at(run, 5)["negative_elbo"]) for size in (10, 20))
        ),
    ),
    (
        "vae_experiments.md",
        '"convolutional is better" is not what these numbers say',
        lambda run: all(
            run["vae"]["conv"][k]["negative_elbo"] > run["vae"]["mlp"][k]["negative_elbo"] - 0.25 for k in ("2", "10")
        ),
    ),
    (
        "vae_experiments.md",
        "reconstruction improves and the divergence grows, fast at first and then hardly at all",
        lambda run: (
            at(run, 2)["reconstruction"] - at(run, 5)["reconstruction"]
            > abs(at(run, 10)["reconstruction"] - at(run, 20)["reconstruction"])
            and at(run, 5)["kl"] - at(run, 2)["kl"] > abs(at(run, 20)["kl"] - at(run, 10)["kl"])
        ),
    ),
    (
        "vae_experiments.md",
        "With many units on offer the number of active ones therefore settles below it",
        lambda run: at(run, 20)["active_units"] < 12,
    ),
]


@pytest.mark.parametrize(("name", "sentence", "holds"), CLAIMS, ids=[sentence[:40] for _, sentence, _ in CLAIMS])
def test_claims(name: str, sentence: str, holds: Claim) -> None:
    """Sentences without a placeholder hold in every recorded run."""
    assert sentence in " ".join(ANSWERS[name].split())
    assert [run["seed"] for run in SEEDS if not holds(run)] == []


@pytest.mark.slow
def test_the_program_of_the_page_runs(tmp_path: Path) -> None:
    """README.md's program, word by word, in the folder of a run."""
    (program,) = re.findall(r"^```python\n(.*?)^```$", README, re.MULTILINE | re.DOTALL)
    folder = copy_assignment(tmp_path / "solution")
    (folder / "data").symlink_to(SOLUTION.parent / "data", target_is_directory=True)
    parts = ["train-autoencoder", "train-vae-mlp-2", "gmvae"]
    made = run_main(folder, *parts, *TINY, out=folder / "results")
    assert made.returncode == 0, made.stderr
    done = subprocess.run([sys.executable, "-c", program], cwd=folder, capture_output=True, text=True, timeout=600)
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("Evaluation(images=10000") == 5
    for line in (
        "mean standard deviation of a posterior: tensor([",
        "by digit: [",
        "deviation over the images: tensor(",
    ):
        assert line in done.stdout


def test_the_front_page_shows_recorded_numbers() -> None:
    """README.md at the root: what seed 0 prints, and the GMVAE of every seed."""
    from lab.run.results import summary

    page = (SOLUTION.parent / "README.md").read_text(encoding="utf-8")
    (printed,) = re.findall(r"^```\n(  GMM .*?)^```", page, re.MULTILINE | re.DOTALL)
    pairs = re.findall(r"(\S.*?)  +([\d.]+)(?=  |$)", printed, re.MULTILINE)
    lines = {" ".join(line.split()) for line in summary(SEEDS[0]).splitlines()}
    assert len(pairs) == 12 and [pair for pair in pairs if " ".join(pair) not in lines] == []
    for label, images in (("all 10,000 test images", "full_test"), ("the first 1,000 of them", "test_subset")):
        bounds = [run["gmvae"][images]["negative_elbo"] for run in SEEDS]
        spread = RECORDED["gmvae"][images]["negative_elbo"]
        numbers = " | ".join(f"{value:.2f}" for value in (*bounds, spread["mean"], spread["std"]))
        assert f"| {label} | {numbers} |" in page
