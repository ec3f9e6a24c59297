"""A text guesses only what it has evidence for: other faults are told as they are, and what is right is not blamed."""

import runpy
import shutil
from functools import partial

import numpy as np
import pytest

from autograder.door.calls import no_calls
from autograder.door.cases import read_cases
from autograder.door.diagnose import CheckFailed
from autograder.door.submission import Submission, SubmissionError
from autograder.repository import SOLUTION, TESTS
from support.checks.drawing import _traversal_fault
from support.checks.mixtures import check_law
from support.mixture import Mixture
from support.oracles import sample_gmm, traversal_latents
from support.strategies import make_mixture

RAISE = 'raise RuntimeError("of my own")\n    '
STEP = "        loss.backward()\n        optimizer.step()\n        elbos"


@pytest.fixture
def changed(tmp_path):
    """Makes a submission in which some text of one file of the solution has been replaced."""
    from autograder.door.executor import Executor

    made = []

    def change(file: str, find: str, put: str) -> Submission:
        for path in SOLUTION.glob("*.py"):
            shutil.copy(path, tmp_path)
        text = (tmp_path / file).read_text(encoding="utf-8")
        assert find in text
        (tmp_path / file).write_text(text.replace(find, put, 1), encoding="utf-8")
        made.append(Submission(Executor(tmp_path)))
        made[-1].calls = no_calls()
        return made[-1]

    yield change
    for submission in made:
        submission.close()


def failure(file: str, check: str, *arguments) -> Exception:
    """What a check of tests/ fails with."""
    function = runpy.run_path(str(TESTS / file))[check]
    with pytest.raises((CheckFailed, SubmissionError)) as caught:
        function(*arguments)
    return caught.value


def test_a_sum_is_not_blamed_for_its_terms(changed, monkeypatch):
    """In a student's folder no trusted function stands in for theirs."""
    monkeypatch.setattr("autograder.door.submission.source_of", lambda target: None)
    for file, find, check, task, cause in (
        ("ELBO.py", "(mu.square() +", "test_elbo_loss_adds_up", "elbo_loss", "it adds what"),
        ("gmm.py", "torch.logsumexp(", "test_mc_entropy_is_a_mean", "mc_entropy", "it averages what gmm_log_prob"),
    ):
        cases = partial(read_cases, TESTS / "public" / "cases" / f"{task}.json")
        submission = changed(file, find, f"1 / 784 * {find}")
        assert failure(f"public/test_{file[:-3].lower()}.py", check, submission, cases).cause.startswith(cause)


@pytest.mark.parametrize(
    ("find", "put", "cause"),
    [
        ("component = torch.multinomial", f"{RAISE}component = torch.multinomial", None),
        ("dtype=means.dtype, ", "", "it fails for float64 only"),
        (
            "component = torch.multi",
            "weights.reshape(3)\n    component = torch.multi",
            "it fails for K = 14 and d = 11",
        ),
    ],
)
def test_why_samples_of_other_sizes_fail(changed, find, put, cause):
    arguments = changed("gmm.py", find, put), np.random.default_rng(0), 14, 11, "float64"
    error = failure("hidden/test_gmm.py", "test_sample_law_other_sizes", *arguments)
    if cause is None:
        assert isinstance(error, SubmissionError) and error.where.startswith("gmm.py, line")
    else:
        assert error.cause.startswith(cause)


def test_gradients_that_are_zeroed_before_the_step_are_no_early_callback(changed):
    """Nor is a call that looks for the cause shown as the one that failed."""
    zeroed = STEP.replace("optimizer.step", "optimizer.zero_grad()\n        optimizer.step")
    submission = changed("train.py", STEP, zeroed)
    error = failure("hidden/test_train.py", "test_train_vae_on_step", submission, np.random.default_rng(0))
    assert str(error) == "train_vae: training leaves the model as it was."
    error = failure("public/test_train.py", "test_train_vae_improves", submission, np.random.default_rng(0))
    assert error.cause.startswith("no gradient is left for optimizer.step()")
    assert submission.calls[-1].arguments[2] == 80


def test_a_walk_that_ends_early_is_called_cut_off_only_if_it_is():
    right = traversal_latents(np.linspace(-3, 3, 13), 2).reshape(-1, 2)
    for walk, fault in (
        (np.zeros(13), "no latent is ever varied; each has a row of its own"),
        (np.linspace(-3, 3, 13).clip(-1, 1), "the walk is cut off (clamp) before z_min or z_max"),
        (np.linspace(-1, 1, 13), "the walk does not go from z_min to z_max (-3 and 3 by default), both ends included"),
        (
            np.linspace(-1, 1, 13).round(),
            "the walk does not go from z_min to z_max (-3 and 3 by default), both ends incl",
        ),
    ):
        assert _traversal_fault(traversal_latents(walk, 2).reshape(-1, 2), right).startswith(fault)


def test_labels_are_blamed_only_for_points_that_lie_where_they_should():
    rng = np.random.default_rng(0)
    mixture = make_mixture(rng, 14, 11)
    scales = np.geomspace(1e-4, 100, 14)[:, np.newaxis, np.newaxis]
    mixture = Mixture(mixture.weights, mixture.means, scales**2 * mixture.covs)
    x, component = sample_gmm(mixture, 3000, rng)
    variances, axes = np.linalg.eigh(mixture.covs)
    noise = np.einsum("nji,nj->ni", axes[component], np.sqrt(variances)[component] * rng.normal(size=x.shape))
    for drawn, cause in (
        ((x, rng.permutation(component)), "`component` does not say where each point came from"),
        ((mixture.means[component] + noise, component), ""),
    ):
        with pytest.raises(CheckFailed) as caught:
            check_law([drawn], 3000, mixture)
        assert caught.value.cause == cause
