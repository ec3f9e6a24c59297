"""A text guesses only what it has evidence for: other faults are told as they are, and what is right is not blamed."""

import runpy
import shutil
from functools import partial

import numpy as np
import pytest

from autograder.door.calls import no_calls
from autograder.door.cases import read_cases
from autograder.door.diagnose import CheckFailed
from autograder.door.submission import Figure, Submission, SubmissionError
from autograder.repository import SOLUTION, TESTS
from support.checks.drawing import _traversal_fault, law_of
from support.checks.mixtures import _mistakes, check_law
from support.checks.networks import _cause_of_one, random_images
from support.checks.plotting import (
    SAVED_EARLY,
    _cause_of_other_curve,
    _cause_of_other_points,
    check_drawn,
    check_saved_curve,
    clustered_posteriors,
    purity,
)
from support.checks.sampling import cause_of_repeats
from support.checks.training import ONE_STEP, _cause_of_slowness, check_values, cut_off
from support.mistakes.train import bounded_losses
from support.mixture import Mixture
from support.oracles import negative_log_likelihood, sample_gmm, traversal_latents
from support.probe_oracle import random_probe
from support.strategies import make_mixture
from support.terms import cause_of_terms

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
        made[-1].seed(0)
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


def test_a_learning_rate_is_said_to_fall_only_where_the_first_steps_are_right(changed):
    submission = changed("train.py", "lr=lr", "lr=1e-3")
    error = failure("hidden/test_train.py", "test_train_autoencoder_on_step", submission, np.random.default_rng(0))
    assert error.cause.startswith("the learning rate is always 1e-3")


def test_a_loss_of_a_second_pass_is_told_from_the_right_one(changed):
    after = "with torch.no_grad():\n            elbos.append(-elbo_loss(x, *model(x)).item())"
    submission = changed("train.py", "elbos.append(-loss.item())", after)
    error = failure("hidden/test_train.py", "test_train_vae_steps", submission, np.random.default_rng(0))
    assert "the minibatch, which goes through the model once more after the step" in error.cause


def test_a_kl_that_is_missing_is_not_called_cut_off_however_float32_rounds_the_loss():
    rng = np.random.default_rng(0)
    oracle, x = random_probe(rng, 3), random_images(rng, 4).reshape(4, -1)
    recon_x = oracle.decode(oracle.mean(x, training=True)).reshape(4, -1)
    cost = negative_log_likelihood(x, recon_x).mean()
    for rounding in (-1e-4, 1e-4):
        assert not bounded_losses(cost + rounding, oracle, x, recon_x)(oracle, x, recon_x)
    assert any("cut off" in name for name in bounded_losses(cost + 0.2, oracle, x, recon_x)(oracle, x, recon_x))


def test_values_are_called_cut_off_only_if_all_of_them_are_explained():
    right = np.array([-3.0, -2.0, -1.0, 1.0])
    assert cut_off(right.clip(-2), right, -2.0)
    assert not cut_off(right, right, -3.0)
    assert not cut_off(np.array([-2.0, -2.0, -1.0, 0.0]), right, -2.0)


def test_balanced_draws_are_told_from_independent_ones():
    z = np.random.default_rng(0).standard_normal((20, 10, 3))
    assert law_of(z) == ""
    assert "standardised" in law_of((z - z.mean(axis=1, keepdims=True)) / z.std(axis=1, keepdims=True))
    assert "same length" in law_of(z / np.linalg.norm(z, axis=-1, keepdims=True))


def test_what_a_picture_shows_instead():
    rng = np.random.default_rng(0)
    points, values = rng.standard_normal((50, 3)), rng.standard_normal(50)
    for shown, cause in (
        (points[:, 1:], "the last two coordinates"),
        (points[::-1, :2], ""),
        (points[:, [1, 0]], "the two coordinates are exchanged"),
        (rng.standard_normal((50, 2)), ""),
    ):
        found = _cause_of_other_points(shown, points)
        assert found.startswith(cause) and bool(found) == bool(cause)
    average = [values[0]]
    for value in values[1:]:
        average.append(0.9 * average[-1] + 0.1 * value)
    # What is much smaller than the values is no running average of them.
    far = np.array([-900.0, -800.0, -760.0, -750.0, -752.0, -748.0])
    for given, y, cause in (
        (values, average, "it shows an exponential"),
        (values, values[::-1], ""),
        (values, np.diff(values), "it shows the differences"),
        (values, values / 3 + 7, "the values are scaled or shifted"),
        (far, np.log(-far), "it shows the logarithm of the values' sizes; "),
        (far, np.sqrt(-far), ""),
    ):
        found = _cause_of_other_curve([{"x": np.arange(len(y)), "y": np.array(y)}], given)
        assert found.startswith(cause) and bool(found) == bool(cause)


def test_why_a_single_input_fails():
    rng = np.random.default_rng(0)
    for network, cause in (
        (lambda x: [x, x**2], "does squeeze() take away"),
        (lambda x: [x, x - x.mean(axis=0)], "something is computed over the batch"),
        (lambda x: [x, x + rng.normal(size=x.shape)], ""),
    ):
        found = _cause_of_one(network, np.zeros((1, 3)))
        assert found.startswith(cause) and bool(found) == bool(cause)


def test_steps_that_are_left_out_are_no_falling_learning_rate():
    steps = np.arange(600)
    for speeds, cause in (
        (1.0 * (steps < 200), "no steps are made any more"),
        (1.0 * (steps % 7 > 2), "no step is made in some of the iterations"),
        (0.99**steps, "the learning rate falls"),
        (np.linspace(1, 0, 600), "the learning rate falls"),
        (0.5 + steps % 50 / 100, ""),
    ):
        found = _cause_of_slowness(speeds)
        assert found.startswith(cause) and bool(found) == bool(cause)


def test_weights_of_the_smallest_loss_are_those_of_an_earlier_step(changed):
    """Also where in some trainings the last loss is the smallest, so that nothing is wrong with these."""
    put = (
        "losses.append(loss.item())\n"
        "        if losses[-1] == min(losses):\n"
        "            best = {name: value.clone() for name, value in model.state_dict().items()}\n"
        "        if iteration == iterations - 1:\n"
        "            model.load_state_dict(best)"
    )
    submission = changed("train.py", "losses.append(loss.item())", put)
    error = failure("hidden/test_train.py", "test_train_autoencoder_steps", submission, np.random.default_rng(0))
    assert error.cause.startswith("the last steps are undone, or not made")


def test_where_a_difference_of_means_is_cut_off(changed):
    submission = changed("kl.py", "(mu1 - mu2) ** 2", "(mu1 - mu2).clamp(-100, 100) ** 2")
    for check in "test_kl_normal_nearly_equal", "test_kl_normal_extreme_variances":
        error = failure("hidden/test_kl.py", check, submission, np.random.default_rng(0))
        assert error.cause == "differences of the means beyond 100 are cut off (clamp)"


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


@pytest.mark.parametrize(
    ("weights", "cause"),
    [
        (lambda n: (1, 1, 1), ""),
        (lambda n: (n, 1, 1), "the first is multiplied by the number of columns"),
        (lambda n: (1, 0, 0), "the second and the last are missing"),
        (lambda n: (2, 1, -1), "the first is not halved; the last is counted with the wrong sign"),
        (lambda n: (1, 1.7, 1), ""),
    ],
)
def test_a_term_is_blamed_only_for_what_is_so_for_all_sizes(weights, cause):
    def terms(x):
        return {"the first": x.sum(), "the second": np.square(x).sum(), "the last": np.cos(x).sum()}

    def call(x):
        return np.asarray(np.dot(weights(len(x)), list(terms(x).values())))

    rng = np.random.default_rng(0)
    inputs = [({"the number of columns": n}, [[rng.normal(size=n)] for _ in range(9)]) for n in (4, 7)]
    assert cause_of_terms(call, inputs, terms) == cause
    assert cause_of_terms(lambda x: np.asarray(np.exp(x).sum()), inputs, terms) == ""


def test_a_picture_that_is_saved_too_early_is_told_from_one_with_other_things_in_it():
    empty, values = {"empty": True, "lines": []}, [3.0, 1.0, 2.0]
    drawn = {"empty": False, "lines": [{"x": np.arange(1, 4), "y": np.array(values)}]}
    other = {"empty": False, "lines": [{"x": np.arange(3), "y": np.zeros(3)}]}
    for axes in ([], [drawn], [empty, drawn]):
        check_drawn([Figure(axes)] if axes else [], "a picture")
        check_saved_curve([Figure(axes)] if axes else [], values)
    for axes, cause in (([empty], SAVED_EARLY), ([other], "")):
        with pytest.raises(CheckFailed) as caught:
            check_saved_curve([Figure(axes)], values)
        assert caught.value.cause == cause
    with pytest.raises(CheckFailed):
        check_drawn([Figure([empty])], "a picture")


def test_noise_where_gradients_are_off(changed):
    submission = changed("VAE.py", "return mu + ", "return mu + torch.is_grad_enabled() * ")
    error = failure("hidden/test_vae.py", "test_noise_is_independent", submission, np.random.default_rng(0))
    assert "where gradients are off" in str(error)


def test_large_numbers_are_no_repeated_noise():
    eps = np.random.default_rng(0).standard_normal((4000, 2))
    assert cause_of_repeats(eps) == cause_of_repeats(eps * np.geomspace(1e-2, 100, 8000).reshape(-1, 2)) == ""
    assert "several images" in cause_of_repeats(np.tile(eps[:1000], (4, 1)))


def test_why_a_training_returns_another_number_of_values():
    for values, fed, cause in (
        (1, 1, ONE_STEP),
        (1, None, ""),
        (5, 5, "the loop makes one iteration too few"),
        (5, 6, ""),
        (2, 6, "there is one value for each epoch"),
    ):
        with pytest.raises(CheckFailed) as caught:
            check_values([0.5] * values, 6, "training", epoch=3, fed=fed)
        assert caught.value.cause.startswith(cause) and bool(caught.value.cause) == bool(cause)


def test_clusters_that_differ_in_length_or_direction_only():
    posteriors = clustered_posteriors(np.random.default_rng(0), 60)
    mean = posteriors.oracle.mean(posteriors.images)
    length = np.linalg.norm(mean, axis=1, keepdims=True)
    assert purity(mean, posteriors.clusters) == 1
    assert max(purity(mean / length, posteriors.clusters), purity(length, posteriors.clusters)) < 0.85


def test_what_is_wrong_for_one_component_is_not_said_of_all():
    """Where nearly all points come from one component, the one before it may be the first."""
    rng = np.random.default_rng(0)
    mixture = make_mixture(rng, 3, 2)
    factors = np.linalg.cholesky(mixture.covs)
    same = [
        cause
        for cause, means, others in _mistakes(mixture, factors)
        if np.allclose(means, mixture.means) and np.allclose(others[1], factors[0])
    ]
    assert len(same) == 2
