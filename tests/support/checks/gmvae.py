"""A GMVAE under weights of ours: what its negative ELBO must be, and which usual mistake explains a wrong one."""

import math
import time
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from typing import Any, NamedTuple

import numpy as np
from scipy.special import chdtrc, fdtr, fdtrc, ndtri, stdtrit

from autograder.door import laws
from autograder.door.cases import Case
from autograder.door.diagnose import DETACHED, CheckFailed, check_tensor, explained, fail
from autograder.door.submission import Handle, Submission, SubmissionError
from support import oracles
from support.checks.utils import CHANGED
from support.trained_model import PIXELS, gmvae_shapes

WHAT = "negative_elbo_bound"
TERMS = ("nelbo", "kl", "rec")
PARTS = {"encoder": "enc.", "decoder": "dec.", "mixture, the prior (z_pre)": "z_pre"}  # how their parameters begin
CALLS = 10  # over which a public check averages
DECODED = 2000  # samples in all that an expected reconstruction cost is computed from: a tenth of a second
SCENES = 5  # seeds `scenes`
LEVEL = 1e-4  # of missing a true explanation in one observation of a scene
PATIENCE = 30.0  # seconds for a look at all scenes; code that is slower gets no cause
PLAIN, NARROW, SMALLEST, FAR = "plain", "narrow posteriors", "the smallest variances", "latents far from 0"
SINGLE, MANY, SURE = "a single image", "more than 100 images", "a decoder that is very sure"
# Mistakes that show only somewhere: the scenes in which a term is wrong.
PLACES: dict[str, list[set[str]]] = {
    "it is wrong only where variances are small: are they clamped, or is a constant added?": [
        {NARROW, SMALLEST},
        {SMALLEST},
    ],
    "it is wrong only where latents are far from 0: is the sample z, or its mean, clamped?": [{FAR}],
    "it is wrong only where logits are large: are they clamped, or turned into probabilities?": [{SURE}],
    "it is wrong only for batches of more than 100 images: take their number from the shape of x": [{MANY}],
    "it is wrong only for a batch of one image": [{SINGLE}],
}


def make_weights(rng: np.random.Generator, z_dim: int, k: int, variance: float | None = None) -> dict[str, np.ndarray]:
    """Weights, float32, under which codes, variances and pixels differ clearly from image to image.

    Args:
        variance: of every posterior; None for variances between about 0.1 and 1.
    """
    weights = {name: rng.normal(size=shape) / math.sqrt(shape[-1]) for name, shape in gmvae_shapes(z_dim, k).items()}
    weights["enc.net.0.weight"] *= 3  # few of the pixels are on
    weights["enc.net.4.weight"][:z_dim] *= 2
    weights["enc.net.4.bias"][z_dim:] -= 1
    weights["z_pre"] = rng.normal(size=(1, 2 * k, z_dim))
    weights["z_pre"][:, :k] *= 2  # distributed unlike the variances, so that it shows when they change places
    weights["pi"] = np.full(k, 1 / k)
    weights = {name: value.astype(np.float32) for name, value in weights.items()}
    return weights if variance is None else with_posterior(weights, before_softplus(variance))


def before_softplus(variance: float) -> float:
    """What `gaussian_parameters` turns into this variance: the inverse of softplus(.) + 1e-8."""
    return math.log(math.expm1(variance - 1e-8))


def with_posterior(weights: Mapping[str, np.ndarray], pre_v: float) -> dict[str, np.ndarray]:
    """The weights with the same variance for every image and latent, given by what goes into the softplus."""
    weight, bias = weights["enc.net.4.weight"].copy(), weights["enc.net.4.bias"].copy()
    weight[len(weight) // 2 :], bias[len(bias) // 2 :] = 0, pre_v
    return {**weights, "enc.net.4.weight": weight, "enc.net.4.bias": bias}


def with_collapsed_posterior(
    weights: Mapping[str, np.ndarray], variance: float = 0.5, prior: float | None = None
) -> dict[str, np.ndarray]:
    """The weights with one posterior for all images, nearly the prior: single estimates of kl are often negative.

    Args:
        variance, prior: variances of the posterior and of the prior, twice as much if None.
    """
    last = ("enc.net.4.weight", "enc.net.4.bias", "z_pre")
    zeros = {**weights, **{name: np.zeros_like(weights[name]) for name in last}}
    z_pre = zeros["z_pre"]
    z_pre[:, z_pre.shape[1] // 2 :] = before_softplus(2 * variance if prior is None else prior)
    return with_posterior(zeros, before_softplus(variance))


def moved(weights: Mapping[str, np.ndarray], distance: float, prior_too: bool) -> dict[str, np.ndarray]:
    """The weights with every posterior mean moved by this distance along each axis, and the prior's means with them."""
    z_dim = weights["z_pre"].shape[2]
    bias, z_pre = weights["enc.net.4.bias"].copy(), weights["z_pre"].copy()
    bias[:z_dim] += distance
    if prior_too:
        z_pre[:, : z_pre.shape[1] // 2] += distance
    first = weights["dec.net.0.weight"]
    # The decoder takes the distance off again, so that the images stay as they were.
    unmoved = weights["dec.net.0.bias"] - distance * first.sum(axis=1)
    return {**weights, "enc.net.4.bias": bias, "z_pre": z_pre, "dec.net.0.bias": unmoved.astype(np.float32)}


def make_images(rng: np.random.Generator, n: int) -> np.ndarray:
    """Binary images (n, 784), float32, some darker than others."""
    return (rng.random((n, PIXELS)) < rng.uniform(0.05, 0.4, (n, 1))).astype(np.float32)


def example(seed: int) -> tuple[dict[str, np.ndarray], np.ndarray]:
    """Weights with narrow posteriors, and images: those of the stored cases."""
    rng = np.random.default_rng(seed)
    return make_weights(rng, z_dim=10, k=60, variance=1e-4), make_images(rng, 50)


def transparent(rng: np.random.Generator) -> dict[str, np.ndarray]:
    """Weights of a GMVAE with two latents and three components far apart, whose first pixels show the latents.

    Pixel j < 2 has the logit z_j / 10, pixel 9 the logit -9; those from 10 on are on with probability 0.3.
    """
    weights = {name: np.zeros(shape, dtype=np.float32) for name, shape in gmvae_shapes(2, 3).items()}
    weights["pi"][:] = 1 / 3
    weights["z_pre"][0, :3] = 20 * np.array([[1, 0], [-1, 1], [0, -1]])
    weights["z_pre"][0, 3:] = rng.uniform(0, 2, (3, 2))
    # Far to the right an ELU is the identity.
    for layer in (0, 2):
        weights[f"dec.net.{layer}.weight"][[0, 1], [0, 1]] = 1
    weights["dec.net.0.bias"][:2] = 200
    weights["dec.net.4.weight"][[0, 1], [0, 1]] = 0.1
    bias = weights["dec.net.4.bias"]
    bias[:2], bias[9], bias[10:] = -20, -9, math.log(0.3 / 0.7)
    return weights


def latents_of(pixels: np.ndarray) -> np.ndarray:
    """The latents that the decoder with `transparent` weights turned into pixels (n, 784)."""
    p = pixels[:, :2].astype(np.float64)
    return (10 * np.log(p / (1 - p))).astype(np.float32)


def very_sure(weights: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """The weights with logits of about 40, where float32 rounds the sigmoid to 0 or 1."""
    return {**weights, "dec.net.4.weight": 40 * weights["dec.net.4.weight"]}


def telling(rng: np.random.Generator) -> dict[str, np.ndarray]:
    """Weights of a GMVAE whose four latents tell how many pixels are on in each quarter of an image."""
    weights = {name: np.zeros(shape, dtype=np.float32) for name, shape in gmvae_shapes(4, 6).items()}
    weights["pi"][:] = 1 / 6
    weights["z_pre"] = rng.normal(size=(1, 12, 4)).astype(np.float32)
    quarter = np.arange(PIXELS) // (PIXELS // 4)
    weights["enc.net.0.weight"][quarter, np.arange(PIXELS)] = 16 / PIXELS
    weights["dec.net.4.weight"][np.arange(PIXELS), quarter] = 1
    unit = np.arange(4)
    weights["enc.net.4.weight"][unit, unit] = 1
    weights["enc.net.4.bias"][:] = np.repeat([-2, before_softplus(0.01)], 4)
    # Right of 0 an ELU is the identity.
    for layer in ("enc.net.2", "dec.net.0", "dec.net.2"):
        weights[f"{layer}.weight"][unit, unit] = 1
    weights["dec.net.0.bias"][unit] = 100
    weights["dec.net.4.bias"][:] = -100
    return weights


@dataclass(frozen=True)
class Scene:
    """Weights and a batch under which mistakes can be told apart.

    Attributes:
        x: the batch.
        calls: over which is averaged.
    """

    weights: dict[str, np.ndarray]
    x: np.ndarray
    calls: int


def scenes() -> dict[str, Scene]:
    """What is looked at to find out why a term is wrong, by what is special about it."""
    rng = np.random.default_rng(SCENES)

    def weights(z_dim: int, k: int, variance: float | None = None) -> dict[str, np.ndarray]:
        return make_weights(rng, z_dim, k, variance)

    def scene(made: dict[str, np.ndarray], images: int, times: int, calls: int) -> Scene:
        return Scene(made, np.tile(make_images(rng, images), (times, 1)), calls)

    near_the_prior = with_collapsed_posterior(weights(12, 7), 0.5, 0.6)
    quarters = rng.random((7, PIXELS)) < rng.uniform(0.1, 0.9, (7, 4)).repeat(PIXELS // 4, axis=1)
    many = np.concatenate([make_images(rng, 5).repeat(20, axis=0), (rng.random((3, PIXELS)) < 0.8).repeat(10, axis=0)])
    return {
        PLAIN: scene(weights(5, 8), 7, 11, 40),
        NARROW: scene(weights(3, 20, 1e-4), 8, 5, 12),
        "a prior at a distance": scene(moved(weights(4, 60, 0.6), 3.0, prior_too=False), 6, 9, 40),
        SINGLE: scene(weights(2, 3, 0.3), 1, 1, 80),
        "posteriors that are nearly the prior": scene(near_the_prior, 3, 10, 40),
        SURE: scene(very_sure(weights(3, 5, 0.04)), 9, 3, 20),
        FAR: scene(moved(weights(6, 10, 0.04), 40.0, prior_too=True), 5, 6, 20),
        SMALLEST: scene(with_posterior(weights(2, 4), -18.0), 6, 6, 10),
        "latents that tell the image": Scene(telling(rng), np.tile(quarters, (4, 1)).astype(np.float32), 20),
        MANY: Scene(weights(2, 5, 0.25), many.astype(np.float32), 20),
    }


def load_model(submission: Submission, weights: Mapping[str, np.ndarray]) -> Handle:
    """A GMVAE of the submission with these weights."""
    z_dim, k = weights["z_pre"].shape[2], weights["z_pre"].shape[1] // 2
    model = submission.call("gmvae.GMVAE", z_dim=z_dim, k=k)
    model.load(weights)
    return model


def negative_elbo_bound(model: Handle, x: np.ndarray) -> np.ndarray:
    """(nelbo, kl, rec) of one call, float64 (3,): see `negative_elbo_bounds`."""
    return negative_elbo_bounds(model, x, 1)[0]


def negative_elbo_bounds(model: Handle, x: np.ndarray, calls: int, grad: bool = True) -> np.ndarray:
    """(nelbo, kl, rec) of several calls, float64 (calls, 3); fails unless all are finite 0-d tensors that add up.

    A rec that is the log-likelihood, with nelbo = kl - rec, comes back as the cost: `check_sign` judges that.
    """
    found = []
    for nelbo, kl, rec in returned(model, x, calls, grad):
        if not adds_up(nelbo, kl + rec):
            if rec >= 0 or not adds_up(nelbo, kl - rec):
                fail(f"{WHAT}: nelbo is not kl + rec.", cause_of_sum(model, x))
            rec = -rec
        found.append((nelbo, kl, rec))
    return np.array(found)


def returned(model: Handle, x: np.ndarray, calls: int, grad: bool = True) -> np.ndarray:
    """(nelbo, kl, rec) as they came from several calls, (calls, 3); fails unless all are finite 0-d tensors."""
    return np.array([_numbers(value) for value in model.repeat(calls, WHAT, (x,), grad)])


def _numbers(found: Any) -> tuple[float, float, float]:
    """The three numbers of one call."""
    if not isinstance(found, (tuple, list)) or len(found) != 3:
        fail(f"{WHAT}: it should return three tensors, as a tuple (nelbo, kl, rec).")
    nelbo, kl, rec = (
        float(check_tensor(value, what=f"{WHAT}, {name}", shape=())) for name, value in zip(TERMS, found, strict=True)
    )
    return nelbo, kl, rec


def adds_up(nelbo: float, value: float) -> bool:
    return math.isclose(nelbo, value, rel_tol=1e-4, abs_tol=1e-3)


def check_sign(model: Handle, x: np.ndarray) -> None:
    """Fail if rec is the log-likelihood and nelbo = kl - rec: where all else is right, this costs one check alone."""
    ((nelbo, kl, rec),) = returned(model, x, 1)
    if rec < 0 and adds_up(nelbo, kl - rec):
        fail(
            f"{WHAT}: rec is negative, and nelbo is kl - rec.",
            "the sign of rec is wrong, it is the log-likelihood: rec is a cost, -log p(x | z), and nelbo is kl + rec",
        )


def cause_of_sum(model: Handle, x: np.ndarray) -> str:
    """Why nelbo is not kl + rec, if one thing explains several calls."""
    nelbo, kl, rec = returned(model, x, 12).T
    minus_elbo = "nelbo is the ELBO itself: a loss must be its negative"
    # A rec below 0 is a log-likelihood.
    sums = {minus_elbo: rec - kl} if (rec < 0).all() else {"nelbo is rec - kl": rec - kl, minus_elbo: -kl - rec}
    sums |= {"nelbo is kl - rec": kl - rec, "nelbo is rec alone": rec, "nelbo is kl alone": kl}
    rounding = 2e-6 * (np.abs(kl) + np.abs(rec))  # of float32
    named = [name for name, value in sums.items() if (np.abs(nelbo - value) <= rounding).all()]
    if named:
        return named[0] if len(named) == 1 else ""
    weights, errors = (nelbo - rec) / kl, rounding / np.abs(kl)
    near = np.abs(weights - np.median(weights)) < 1e-3 * np.abs(weights) + errors
    if (np.abs(kl) > 1).all() and near.all():
        return "kl has a weight in nelbo, as the beta of a beta-VAE: nelbo is kl + rec"
    if (np.diff(weights) > errors[1:] + errors[:-1]).all():
        return "kl has a weight in nelbo that grows from call to call, as in a warm-up: nelbo is kl + rec"
    return ""


@contextmanager
def of_any_size(submission: Submission) -> Iterator[None]:
    """Says which size a RuntimeError inside comes from, if it does: for hidden inputs torch's own text is not shown."""
    try:
        yield
    except SubmissionError as error:
        with submission.aside():
            cause = cause_of_size(submission) if error.type == "RuntimeError" else ""
        if cause:
            raise CheckFailed(f"{WHAT} raises a RuntimeError.", cause) from None
        raise


def cause_of_size(submission: Submission) -> str:
    """Which of the training's sizes negative_elbo_bound cannot do without; "" if it is none, or more than one."""
    rng = np.random.default_rng(SCENES)

    def runs(batch: int, z_dim: int, k: int) -> bool:
        try:
            negative_elbo_bound(load_model(submission, make_weights(rng, z_dim, k)), make_images(rng, batch))
        except (SubmissionError, CheckFailed):
            return False
        return True

    if not runs(100, 10, 500):
        return ""
    sizes = {
        "it fails for any size of the batch other than 100: take the size from the shape of x": (7, 10, 500),
        "it fails for any number of latents other than 10: take z_dim from the shape of the means": (100, 4, 500),
        "it fails for any number of components other than 500: take k from the shapes of the prior": (100, 10, 8),
    }
    failing = [cause for cause, size in sizes.items() if not runs(*size)]
    return failing[0] if len(failing) == 1 else ""


class Causes:
    """Finds the mistake behind a wrong average, once for all checks that ask.

    Args:
        table: what right code and usual mistakes give on average for kl and rec in each of the `scenes`, (scenes, 2).
        changed: says which provided part has been changed, if one has.

    Attributes:
        right: whether both terms were found to be right in all scenes.
    """

    def __init__(self, table: Case, changed: Callable[[Submission], str] = lambda submission: "") -> None:
        self._table, self._changed, self._found = table, changed, NOTHING
        self._looked = self.right = False

    def of(self, submission: Submission, term: str = "") -> str:
        """The one mistake that gives all that is observed in all scenes; "" if there is none, or more than one.

        Args:
            term: "kl" or "rec", if that is what is wrong: a mistake that leaves it as it is does not explain that.
        """
        if not self._looked:
            self._looked = True
            try:
                with submission.aside():
                    self._found = self._look(submission)
            except (SubmissionError, CheckFailed):  # there is no table then
                self._found = NOTHING
        return self._found.mistake if not term or term in self._found.terms else ""

    def _look(self, submission: Submission) -> "Explanation":
        if changed := self._changed(submission):
            return Explanation(changed, {"kl", "rec"})
        means, limits = [], []
        begin = time.monotonic()
        for scene in scenes().values():
            model = load_model(submission, scene.weights)
            calls = negative_elbo_bounds(model, scene.x, scene.calls)[:, 1:]
            means.append(calls.mean(axis=0))
            # Student's law: their variance is not known.
            quantile = -stdtrit(scene.calls - 1, LEVEL / 2)
            limits.append(quantile * calls.std(axis=0, ddof=1) / math.sqrt(scene.calls) + 1e-3)
            if time.monotonic() - begin > PATIENCE:
                return NOTHING
        found, limits_of = np.array(means), np.array(limits)
        self.right = bool(_fits(found, limits_of, self._table.expected).all())
        return explain_terms(found, limits_of, self._table.expected, self._table.mistakes)

    def of_gradients(self, submission: Submission, why: Callable[[], str]) -> str:
        """The mistake behind a wrong gradient: that of wrong averages, or where these are right what `why` gives."""
        return self.of(submission) or (why() if self.right else "")


def draws_well(submission: Submission) -> bool:
    """Whether the provided sample_gaussian draws from the normal distribution with the given mean and variance."""
    mean, variance = np.full((300, 200), 2.0), np.full((300, 200), 9.0)
    drawn = submission.call("utils.sample_gaussian", mean, variance)
    try:
        laws.check_standard_normal((drawn - mean) / np.sqrt(variance), "sample_gaussian")
    except CheckFailed:
        return False
    return True


def changed_part(submission: Submission) -> str:
    """Which provided part no longer does what it did when it was handed out; "" if none."""
    rng = np.random.default_rng(SCENES)
    first, weights = make_weights(rng, 3, 5), make_weights(rng, 3, 5)
    x, z, m = make_images(rng, 4), 3 * rng.normal(size=(4, 3)), rng.normal(size=(4, 3))
    v, logits = rng.uniform(0.1, 2, (4, 3)), 30 * rng.normal(size=(4, PIXELS))

    def same(found: Any, expected: Any) -> bool:
        return np.shape(found) == np.shape(expected) and bool(np.allclose(found, expected, rtol=1e-3, atol=1e-4))

    for training in (True, False):
        model = load_model(submission, first)
        model.train(training)
        model.call("prior")
        model.load(weights)  # nothing of the first weights may be kept
        h = np.concatenate([z.reshape(2, 6), 40 * z.reshape(2, 6)])
        halves = np.split(h.astype(np.float64), 2, axis=1)
        gaussian = np.stack([halves[0], oracles.softplus(halves[1]) + 1e-8])
        parts = {
            "gaussian_parameters in utils.py": (
                np.stack(submission.call("utils.gaussian_parameters", h, 1)),
                gaussian,
            ),
            "log_normal in utils.py": (submission.call("utils.log_normal", z, m, v), oracles.log_normal(z, m, v)),
            "log_bernoulli_with_logits in utils.py": (
                submission.call("utils.log_bernoulli_with_logits", x.astype(np.float64), logits),
                oracles.log_bernoulli_with_logits(x, logits),
            ),
            "prior() in gmvae.py": (np.stack(model.call("prior")), np.stack(oracles.gmvae_prior(weights))),
            "Encoder in gmvae.py": (np.stack(model.call("enc", x)), np.stack(oracles.gmvae_encode(weights, x))),
            "Decoder in gmvae.py": (model.call("dec", z.astype(np.float32)), oracles.mlp(weights, "dec", z)),
        }
        for name, values in parts.items():
            if not same(*values):
                return f"the provided {name} {CHANGED}"
    return "" if draws_well(submission) else f"the provided sample_gaussian in utils.py {CHANGED}"


def _fits(found: np.ndarray, limits: np.ndarray, value: np.ndarray) -> np.ndarray:
    """In each scene, for kl and rec: does the value explain what was found? (scenes, 2)"""
    return np.abs(found - value) <= limits + 3e-4 * np.abs(value)


class Explanation(NamedTuple):
    """A mistake in words, "" for none, and the terms that it changes: of "kl" and "rec"."""

    mistake: str
    terms: Collection[str]


NOTHING = Explanation("", ())


def _changed_terms(changed: np.ndarray) -> list[str]:
    """Names of the terms that are changed in some scene, (scenes, 2)."""
    return [name for name, somewhere in zip(TERMS[1:], changed.T, strict=True) if somewhere.any()]


def explain_terms(
    found: np.ndarray, limits: np.ndarray, right: np.ndarray, mistakes: Mapping[str, np.ndarray]
) -> Explanation:
    """The one mistake, or pair of one in kl and one in rec, that gives both terms in every scene.

    Args:
        found, limits: averages and how far they may be from what a mistake gives, (scenes, 2).
        right: what right code gives.
        mistakes: explanation -> what it gives.
    """

    def fits(value: np.ndarray) -> np.ndarray:
        return np.asarray(_fits(found, limits, value).all(axis=0))

    wrong = ~_fits(found, limits, right)
    if not wrong.any():
        return NOTHING
    whole = [name for name, value in mistakes.items() if fits(value).all()]
    if whole:
        return Explanation(whole[0], _changed_terms(mistakes[whole[0]] != right)) if len(whole) == 1 else NOTHING
    # Otherwise a mistake of kl alone beside one of rec alone, of which one may be a factor that is the same everywhere.
    by_term: list[list[str]] = []
    for term, name in enumerate(TERMS[1:]):
        other = 1 - term
        alone = {name for name, value in mistakes.items() if (value[:, other] == right[:, other]).all()}
        matches = [name for name in mistakes if name in alone and fits(mistakes[name])[term]]
        scale = ((found * right / limits**2).sum(axis=0) / (right**2 / limits**2).sum(axis=0))[term]
        if not matches and wrong[:, term].mean() > 0.5 and fits(scale * right)[term]:
            matches = [f"{name} has a weight, the same factor everywhere, such as the beta of a beta-VAE"]
        by_term.append(matches if wrong[:, term].any() else [""])
    if all(len(matches) == 1 for matches in by_term):
        mistake = "; and ".join(filter(None, (matches[0] for matches in by_term)))
    else:
        mistake = where_wrong(wrong)
    return Explanation(mistake, _changed_terms(wrong))


def where_wrong(wrong: np.ndarray) -> str:
    """What explains values that are right but in some scenes, (scenes, 2); "" if nothing does."""
    names = list(scenes())
    places = {names[place] for place in np.flatnonzero(wrong.any(axis=1))}
    return next((cause for cause, scene_names in PLACES.items() if places in scene_names), "")


@dataclass(frozen=True)
class Expectation:
    """What the average of a term over images and noise should be.

    Attributes:
        mean: over images and noise.
        std: of one image's term with one draw of noise, about that image's mean; root mean square over the images.
        error: standard deviation of `mean`, which is a Monte-Carlo estimate itself.
    """

    mean: float
    std: float
    error: float


def expectations(
    weights: Mapping[str, np.ndarray], x: np.ndarray, rng: np.random.Generator, samples: int, decoded: int = DECODED
) -> dict[str, Expectation]:
    """The expected "kl" and "rec" for images x, from so many samples for each; "rec" from `decoded` in all."""
    terms = oracles.gmvae_terms(weights, x, rng, samples, decoded=max(2, decoded // len(x)))

    def expectation(values: np.ndarray, *alternatives: np.ndarray) -> Expectation:
        """`alternatives` have the same mean and another spread."""
        std = max(math.sqrt(v.var(axis=0, ddof=1).mean()) for v in (values, *alternatives))
        return Expectation(float(values.mean()), std, std / math.sqrt(values.size))

    # log q may also be averaged in closed form: then only log p varies.
    return {"kl": expectation(terms["log_q"] - terms["log_p"], -terms["log_p"]), "rec": expectation(-terms["log_x"])}


def check_average(average: float, expected: Expectation, draws: int, what: str, why: Callable[[], str] = str) -> None:
    """Fail unless an average over draws (images times calls) is near its expectation.

    Args:
        why: gives the cause; called only if the average is wrong.
    """
    std = math.hypot(expected.std / math.sqrt(draws), expected.error)
    slack = 1e-3 + 1e-5 * abs(expected.mean)
    try:
        laws.check_mean(np.array(average), expected.mean, std, f"{WHAT}, {what}", slack=slack)
    except CheckFailed as error:
        raise CheckFailed(error.message, why(), (np.array(average), np.array(expected.mean))) from None


def average_terms(
    submission: Submission, weights: Mapping[str, np.ndarray], x: np.ndarray, calls: int, causes: Causes
) -> np.ndarray:
    """(nelbo, kl, rec) for the batch x, averaged over calls; fails if rec never varies.

    Under variances below 1e-6 it may not vary: what is left of the noise is less than float32 can hold.
    """
    model = load_model(submission, weights)
    found = negative_elbo_bounds(model, x, calls)
    before_softplus = np.split(weights["enc.net.4.bias"], 2)[1]
    if (found[:, 2] == found[0, 2]).all() and before_softplus.max() > -14:
        fail(f"{WHAT}: rec is the same at every call.", cause_of_constant(submission, model, x, causes))
    return found.mean(axis=0)


def cause_of_constant(submission: Submission, model: Handle, x: np.ndarray, causes: Causes) -> str:
    """Why rec is the same at every call."""
    if cause := causes.of(submission):
        return cause
    seeded, _ = submission.seeding(lambda: negative_elbo_bound(model, x))
    if seeded:
        return "a generator is seeded in every call, so the noise of z is always the same; it must be drawn afresh"
    return (
        "z must be a sample of q(z | x): no noise is drawn, or not afresh at every call, or an earlier call's is kept"
    )


def check_terms(
    submission: Submission,
    rng: np.random.Generator,
    causes: Causes,
    weights: Mapping[str, np.ndarray],
    x: np.ndarray,
    calls: int,
) -> None:
    """Fail unless kl and rec, averaged over calls on the batch x, are near their expectations.

    Images may be repeated in x: every row has noise of its own.
    """
    found = average_terms(submission, weights, x, calls, causes)
    images, rows = np.unique(x, axis=0), len(x)
    if rows % len(images):
        raise ValueError("every image must be repeated equally often")
    expected = expectations(weights, images, rng, samples=calls * rows // len(images))
    for place, name, what in ((2, "rec", "rec, the reconstruction cost"), (1, "kl", "kl, the KL divergence")):
        check_average(found[place], expected[name], calls * rows, what, partial(causes.of, submission, name))


def check_sometimes_negative(
    submission: Submission, weights: Mapping[str, np.ndarray], x: np.ndarray, causes: Causes
) -> None:
    """Fail unless estimates of a KL divergence near 0 are sometimes negative: with probability 1e-17 100 are not."""
    model = load_model(submission, weights)
    kl = negative_elbo_bounds(model, x, 100)[:, 1]
    laws.spent.append(("negative estimates", 1e-17))
    if kl.min() >= 0:
        cause = "kl is clipped at 0 (clamp, max or relu); it is an estimate, and may be negative"
        often = 10 < (kl == 0).sum() < 90
        fail(
            f"{WHAT}: kl is never negative, although it is an estimate.",
            cause if often else causes.of(submission, "kl"),
        )


def cut_off(part: str) -> str:
    """Why no gradient reaches a part of the model, where all values are right."""
    return f"no gradient reaches the {part}: {DETACHED}"


def check_spread(values: np.ndarray, std: float, what: str) -> None:
    """Fail if batch averages from many calls vary more than independent noise of this standard deviation allows.

    One-sided: averaging over several samples lessens the spread, and is right. The law is taken as chi-squared with
    1.25 times the standard deviation, because averages are only approximately normal.
    """
    laws.spent.append((what, laws.ALPHA))
    statistic = (len(values) - 1) * values.var(ddof=1) / (1.25 * std) ** 2
    if chdtrc(len(values) - 1, statistic) < laws.ALPHA:
        fail(f"{WHAT}, {what}: varies more from call to call than independent noise does.")


def check_rows_independent(single: np.ndarray, batch: np.ndarray, rows: int, what: str) -> None:
    """Fail unless averages over `rows` equal images vary as averages of so many independent single ones do.

    How much one image's term varies is left open: several samples an image, antithetic ones too, are right.

    Args:
        single, batch: a term from many calls with one image, and with `rows` equal ones.
    """
    laws.spent.append((what, laws.ALPHA))
    # Fisher's F, with room for terms that are not quite normal.
    ratio = single.var(ddof=1) / (rows * batch.var(ddof=1))
    freedom = len(single) - 1, len(batch) - 1
    cause = "every image of a batch needs noise of its own, independent of the others': torch.randn_like of the means"
    if fdtrc(*freedom, ratio / 1.5) < laws.ALPHA / 2:
        fail(f"{WHAT}, {what}: the average over a batch varies less than that of independent images.", cause)
    if fdtr(*freedom, ratio * 1.5) < laws.ALPHA / 2:
        fail(f"{WHAT}, {what}: the average over a batch varies more than that of independent images.", cause)


def check_calls_independent(values: np.ndarray, what: str) -> None:
    """Fail if a term depends on what it was at the call before, or two calls before."""
    cause = "the noise of calls is not independent: draw it afresh at every call, with no chain, no reuse, no mirror"
    ordered = np.sort(values)
    below, up_to = (np.searchsorted(ordered, values, side) for side in ("left", "right"))
    ranks = ndtri((below + up_to) / (2 * len(values)))  # normal, whatever the term's own law
    for begin, step in ((0, 1), (1, 1), (0, 2)):
        first, second = ranks[begin::2], ranks[begin + step :: 2]
        pairs = np.stack([first[: len(second)], second[: len(first)]], axis=1)
        with explained(lambda: cause):
            laws.check_independent(pairs, f"{WHAT}, {what}: calls")


def crosswise(rng: np.random.Generator) -> dict[str, np.ndarray]:
    """Weights under which kl and rec are, but for a tenth, the same function of z: both grow with its square.

    The posterior is N(0, 1) for every image, the prior N(0, 0.01) in each component, so that log p(z) decides kl.
    """
    weights = {name: np.zeros(shape, dtype=np.float32) for name, shape in gmvae_shapes(1, 3).items()}
    weights["pi"][:] = 1 / 3
    weights["enc.net.4.bias"][1] = before_softplus(1.0)
    weights["z_pre"][0, 3:] = before_softplus(0.01)
    # Far to the right an ELU is the identity.
    for layer in (0, 2):
        weights[f"dec.net.{layer}.weight"][0, 0] = 1
    weights["dec.net.0.bias"][0] = 100
    size = rng.uniform(0.5, 1, PIXELS)
    size[::2] *= -size[1::2].sum() / size[::2].sum()  # both signs alike
    weights["dec.net.4.weight"][:, 0] = size
    weights["dec.net.4.bias"] = (-100 * size).astype(np.float32)
    return weights


def check_one_sample(submission: Submission, rng: np.random.Generator, causes: Causes) -> None:
    """Fail if rec does not vary with kl: both must be taken at the same z.

    Their correlation is above 0.99; below 0.25 if they are taken at different ones (but for one time in 10,000), or
    if kl is averaged over 16 samples or more of which one is decoded.
    """
    model, x = load_model(submission, crosswise(rng)), np.zeros((1, PIXELS), dtype=np.float32)
    calls = negative_elbo_bounds(model, x, 200)
    if min(calls[:, 1:].std(axis=0)) > 0 and abs(np.corrcoef(calls[:, 1], calls[:, 2])[0, 1]) < 0.25:
        cause = "kl and rec are taken at two different samples z: draw z once, and use it for both"
        fail(f"{WHAT}: kl and rec vary independently of each other.", causes.of(submission) or cause)


def gradient_parts(weights: Mapping[str, np.ndarray], x: np.ndarray) -> dict[str, dict[str, np.ndarray]]:
    """What `oracles.gmvae_gradients` is the sum of: {"rec", "prior", "q": {parameter: gradient}}.

    "rec" and "prior" are what log p(x | z) and log p(z) contribute through z, "q" is that of log q(z | x).
    """
    flat_prior = {**weights, "z_pre": weights["z_pre"].astype(np.float64)}
    flat_prior["z_pre"][:, flat_prior["z_pre"].shape[1] // 2 :] = 1e30  # variances: log p(z) no longer depends on z
    no_decoder = {**flat_prior, "dec.net.4.weight": 0 * weights["dec.net.4.weight"]}
    whole, without_prior, only_q = (oracles.gmvae_gradients(w, x) for w in (weights, flat_prior, no_decoder))
    encoder = [name for name in whole if name.startswith("enc.")]
    return {
        "rec": {name: without_prior[name] - only_q[name] for name in encoder},
        "prior": {name: whole[name] - without_prior[name] for name in encoder},
        "q": {name: only_q[name] for name in encoder},
    }


def cause_of_gradients(found: Mapping[str, np.ndarray], weights: Mapping[str, np.ndarray], x: np.ndarray) -> str:
    """The mistake that explains every gradient of the negative ELBO, by how often each part of the right one is in it.

    Args:
        found: by each parameter; all of the right shape.
    """
    right, parts = oracles.gmvae_gradients(weights, x), gradient_parts(weights, x)

    def shares(name: str, half: int, *parts: np.ndarray) -> tuple[float, ...] | None:
        """How often each part is in a half of a gradient; None if the rest is not small."""
        axis = 1 if name == "z_pre" else 0
        value, *columns = (np.split(part, 2, axis=axis)[half].ravel() for part in (found[name], *parts))
        matrix = np.stack(columns, axis=1)
        solution, *_ = np.linalg.lstsq(matrix, value, rcond=None)
        rest = np.linalg.norm(value - matrix @ solution)
        return tuple(solution) if rest < 0.15 * max(np.linalg.norm(columns, axis=1)) else None

    name = "enc.net.4.weight"
    means = shares(name, 0, parts["rec"][name], parts["prior"][name])
    variances = shares(name, 1, parts["q"][name])
    prior = [shares("z_pre", half, right["z_pre"]) for half in (0, 1)]
    decoder = shares("dec.net.4.weight", 0, right["dec.net.4.weight"])
    if variances is None or decoder is None or None in prior:
        return ""
    rest = (*variances, *decoder, *(share for half in prior for share in half or ()))
    if means is None:
        # Noise divided by its standard deviation is left where log q meets a z that does not move with the mean.
        return SCORE if np.allclose(rest[1:], 1, atol=0.1) else ""
    seen = (*means, *rest)
    laws = {
        "no gradient of the reconstruction reaches the encoder: z must not be detached when it is decoded": (
            (0, 1, 1, 1, 1, 1)
        ),
        "no gradient of log p(z), the prior, reaches the encoder: z must not be detached there": (1, 0, 1, 1, 1, 1),
        "no gradient of log q(z | x), or of the scale of the noise, reaches the encoder's variances": (
            1,
            1,
            0,
            1,
            1,
            1,
        ),
        "no gradient reaches the encoder through z: it must not be detached": (0, 0, 1, 1, 1, 1),
        "no gradient reaches the means of the mixture: take them from self.prior()": (1, 1, 1, 1, 0, 1),
        "no gradient reaches the variances of the mixture: take them from self.prior()": (1, 1, 1, 1, 1, 0),
        "no gradient reaches the mixture, the prior: take it from self.prior()": (1, 1, 1, 1, 0, 0),
        "the gradient of the mixture, the prior, is halved: a part of it is detached": (1, 1, 1, 1, 0.5, 0.5),
        "kl has the wrong sign in nelbo": (1, -1, -1, 1, -1, -1),
        "rec has the wrong sign in nelbo": (-1, 1, 1, -1, 1, 1),
        "nelbo has the wrong sign: it is a loss": (-1, -1, -1, -1, -1, -1),
    }
    named = [cause for cause, law in laws.items() if np.allclose(seen, law, atol=0.1)]
    if named:
        return named[0] if len(named) == 1 else ""
    weight = seen[1]
    if abs(weight - 1) > 0.1 and np.allclose(
        seen, (1, weight, weight, 1, weight, weight), atol=0.1 * max(1, abs(weight))
    ):
        return "kl has a weight in the gradient, such as the beta of a beta-VAE"
    return ""


SCORE = (
    "the gradient of log q(z | x) by the encoder's means is noise: z does not carry the gradient of the mean and the "
    "scale that it is drawn with, or the mean given to log_normal does not (is either detached?)"
)
