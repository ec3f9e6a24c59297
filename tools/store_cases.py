"""`python -m tools.store_cases`: write tests/public/cases/ from the right answers and usual mistakes of tests/support/.

Students get these files with the public checks, and neither the right answers nor the mistakes in code.
autograder/door/cases.py says what is in them.
"""

from __future__ import annotations

import json
import math
import re
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import numpy as np
from scipy.special import expit
from scipy.stats import norm, qmc

from autograder.repository import TESTS
from autograder.writing import write_files

if str(TESTS) not in sys.path:
    sys.path.insert(0, str(TESTS))

from support import oracles
from support.checks.gmvae import Scene, example, expectations, make_weights, scenes
from support.checks.networks import random_images
from support.checks.sampling import random_posterior
from support.mistakes import elbo, embeddings, gmm, gmvae, kl, latent_traversal, utils
from support.mixture import Mixture
from support.probe_oracle import random_probe
from support.strategies import make_covariances

STORED = TESTS / "public" / "cases"
DIGITS = 9
SEED = 1  # of inputs that are too large for a file, or that nobody cares to think of
GMVAE_SEED = 3
# What goes on one line: an innermost list, and an array that is one.
LIST = re.compile(r"\[\s*([^\[\]{}]*?)\s*\]")
ARRAY = re.compile(r'\{\s*("float(?:32|64)": (?:\[[^\[\]{}]*\]|[^\s\[{]+))\s*\}')
Cases = dict[str, list[dict[str, Any]]]


def case(arguments: Mapping[str, Any], expected: Any, mistakes: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """One case. A mistake that cannot be told from the right answer here is left out."""
    found = {}
    for explanation, value in (mistakes or {}).items():
        with np.errstate(all="ignore"):
            given = np.asarray(value() if callable(value) else value, dtype=np.float64)
        same = given.shape == np.shape(expected) and np.allclose(given, expected, rtol=1e-4, atol=1e-5)
        if not same:
            found[explanation] = plain(given)
    return {
        "arguments": {name: stored(value) for name, value in arguments.items()},
        "expected": plain(expected),
        "mistakes": found,
    }


def with_generic(
    cases: Cases, inputs: Iterable[Sequence[Any]], right: Callable[..., Any], mistakes: Callable[..., Any]
) -> Cases:
    """These cases, and "generic" ones that tell their mistakes apart: see `check_cases`.

    Args:
        inputs: the arguments of each generic case.
        right, mistakes: functions of the arguments.
    """
    judged = [one for named in cases.values() for one in named]
    found = []
    for arguments in inputs:
        given = dict(zip(judged[0]["arguments"], arguments, strict=True))
        found.append(case(given, right(**given), mistakes(**given)))
        known = found[-1]["mistakes"]
        found[-1]["mistakes"] = {name: known[name] for name in known if any(name in one["mistakes"] for one in judged)}
    return {**cases, "generic": found}


def stored(value: Any) -> Any:
    """An argument; floats of an array in as few digits as their dtype needs."""
    if not isinstance(value, np.ndarray):
        return value
    return {str(value.dtype): value.astype(str).astype(np.float64).tolist()}


def plain(value: Any) -> Any:
    """A result as number or nested lists, rounded."""
    rounded = np.vectorize(lambda x: float(f"{x:.{DIGITS}g}"), otypes=[float])(np.asarray(value, dtype=np.float64))
    return rounded.tolist()


def f32(*values: Any) -> list[np.ndarray]:
    return [np.array(value, dtype=np.float32) for value in values]


def of_kl_univariate_normal() -> Cases:
    pairs = np.array([[1.0, 4.0, 0.0, 1.0], [0.0, 1.0, 2.0, 1.0], [0.0, 9.0, 0.0, 3.0], [-1.0, 0.5, 3.0, 2.0]])
    arguments = dict(zip(("mu1", "var1", "mu2", "var2"), pairs.T, strict=True))
    right = oracles.kl_univariate_normal(**arguments)
    return with_generic(
        {"by_hand": [case(arguments, right, kl.of_kl_univariate_normal(**arguments))]},
        kl.NORMALS[:1],
        oracles.kl_univariate_normal,
        kl.of_kl_univariate_normal,
    )


def of_kl_categorical() -> Cases:
    p, q = f32([[0.5, 0.5, 0], [1, 0, 0], [0.2, 0.3, 0.5]], [[0.25, 0.75, 0], [0.5, 0.25, 0.25], [0.2, 0.3, 0.5]])
    named = {
        "by_hand": {"p": p, "q": q},
        "infinite": {"p": np.array([[0.5, 0.5], [1.0, 0.0]]), "q": np.array([[1.0, 0.0], [0.5, 0.5]])},
    }
    found = {
        name: [case(given, oracles.kl_categorical(**given), kl.of_kl_categorical(**given))]
        for name, given in named.items()
    }
    return with_generic(found, kl.POSITIVE[2:], oracles.kl_categorical, kl.of_kl_categorical)


def of_negative_log_likelihood() -> Cases:
    x, recon_x = f32(
        [[[0, 0], [0, 0]], [[1, 1], [1, 1]], [[1, 0], [1, 0]]],
        [[[0, 0], [0, 1]], [[0.5, 0.5], [0.5, 0.5]], [[1, 0], [1, 0]]],
    )
    given = {"x": x, "recon_x": recon_x}
    return with_generic(
        {"by_hand": [case(given, elbo.right_cost(**given), elbo.of_negative_log_likelihood(x, recon_x))]},
        [[value.round(2) for value in arguments] for arguments in elbo.INSIDE[1:2]],
        elbo.right_cost,
        elbo.of_negative_log_likelihood,
    )


def of_kl_diag_normal() -> Cases:
    mu, logvar = f32([[0, 0], [1, 2], [0, 0]], [[0, 0], [0, math.log(4)], [0, 0]])
    given = {"mu": mu, "logvar": logvar}
    return with_generic(
        {"by_hand": [case(given, elbo.right_divergence(**given), elbo.of_kl_diag_normal(mu, logvar))]},
        [[value.round(2) for value in arguments] for arguments in elbo.POSTERIORS[1:2]],
        elbo.right_divergence,
        elbo.of_kl_diag_normal,
    )


def of_elbo_loss() -> Cases:
    rng = np.random.default_rng(SEED)
    x, recon_x = (rng.random((3, 1, 4, 5)).round(2).astype(np.float32) for _ in range(2))
    mu, logvar = (value.round(2) for value in random_posterior(rng, 3, 4))
    given = {"x": x, "recon_x": recon_x, "mu": mu, "logvar": logvar}

    def mistakes(**given: Any) -> dict[str, Any]:
        """With weights that people give the KL: what came cannot be asked for its own."""
        found = elbo.of_elbo_loss(**given)
        for weight in (0.001, 0.01, 0.05, 0.1, 0.2, 0.25, 0.5, 1.5, 2, 3, 4, 5, 10):
            weighted = elbo.of_elbo_loss(**given, weight=weight)
            found |= {f"{name} ({weight:g})": weighted[name] for name in weighted if name not in found}
        return found

    return with_generic(
        {"adds_up": [case(given, elbo.right_loss(**given), mistakes(**given))]},
        [[value.round(2) for value in arguments] for arguments in elbo.LOSSES[1:2]],
        elbo.right_loss,
        mistakes,
    )


THREE = Mixture(
    *f32(
        [0.2, 0.5, 0.3],
        [[-4, 0], [0, 1], [3, -2]],
        [[[1, 0.6], [0.6, 1]], [[0.5, 0], [0, 2]], [[1.5, -0.9], [-0.9, 1]]],
    )
)


def mixture_arguments(mixture: Mixture) -> dict[str, np.ndarray]:
    return dict(zip(("weights", "means", "covs"), mixture.arguments, strict=True))


def of_gmm_log_prob() -> Cases:
    two = Mixture(*f32([0.25, 0.75], [[0], [1]], [[[1]], [[4]]]))
    near, far = f32([[0], [2], [-1]], [[60, 0], [0, -80], [0, 1], [-500, 500]])
    rng = np.random.default_rng(SEED)
    # Near 0 and narrow, and far away and wide: determinants of 1e-48 and 1e48.
    scales = np.array([1e-6, 1e6])
    means = scales[:, np.newaxis] * rng.normal(size=(2, 4)).round(1)
    covs = scales[:, np.newaxis, np.newaxis] ** 2 * make_covariances(rng, 2, 4).round(2)
    extreme = Mixture(*f32([0.4, 0.6], means, covs))
    x = (np.repeat(means, 2, axis=0) + np.repeat(scales, 2)[:, np.newaxis] * rng.normal(size=(4, 4))).astype(np.float32)
    named = {
        name: [
            case(
                {"x": x, **mixture_arguments(mixture)},
                oracles.gmm_log_prob(x, *mixture.arguments),
                gmm.of_gmm_log_prob(x, *mixture.arguments),
            )
        ]
        for name, x, mixture in (("by_hand", near, two), ("far_away", far, THREE), ("determinants", x, extreme))
    }
    inputs = [value.round(3) for value in gmm.POINTS[0]]
    return with_generic(named, [inputs], oracles.gmm_log_prob, gmm.of_gmm_log_prob)


def of_gaussian_entropy() -> Cases:
    covs = f32([[1]], [[2, 1], [1, 3]], [[0.01, 0], [0, 0.01]])
    six = make_covariances(np.random.default_rng(SEED), 1, 6)[0].round(2)
    named = {"by_hand": covs, "determinants": f32(1e-8 * six, 1e8 * six)}
    found = {
        name: [case({"cov": cov}, oracles.gaussian_entropy(cov), gmm.of_gaussian_entropy(cov)) for cov in covs]
        for name, covs in named.items()
    }
    generic = [[cov.round(4)] for (cov,) in gmm.COVARIANCES[:2]]
    return with_generic(found, generic, oracles.gaussian_entropy, gmm.of_gaussian_entropy)


def of_mc_entropy() -> Cases:
    (x,) = f32([[-4, 0.5], [0, 1], [0.3, 2], [3.5, -2], [1, 1]])
    right = gmm.right_entropy(x, *THREE.arguments)
    equal = Mixture(THREE.weights, THREE.means[[1, 1, 1]], THREE.covs[[1, 1, 1]])
    named = {"is_a_mean": [case({"x": x, **mixture_arguments(THREE)}, right, gmm.of_mc_entropy(x, *THREE.arguments))]}
    inputs = [value.round(3) for value in gmm.ENTROPIES[0]]
    return {
        **with_generic(named, [inputs], gmm.right_entropy, gmm.of_mc_entropy),
        "of_samples": [case(mixture_arguments(equal), oracles.gaussian_entropy(equal.covs[1]))],
    }


def of_decode_grid() -> Cases:
    (codes,) = f32([[0, 20], [2, 15], [1, 10]])
    right = oracles.grid_latents(codes.min(axis=0), codes.max(axis=0), 3)
    return {"by_hand": [case({"codes": codes, "steps": 3}, right, embeddings.of_decode_grid(codes, 3))]}


def of_plot_posterior_rows() -> Cases:
    rng = np.random.default_rng(SEED)
    oracle, images = random_probe(rng, 2), random_images(rng, 2)
    mean = oracle.mean(images)
    right = oracles.posterior_costs(images, oracle.decode(mean), mean, oracle.logvar(mean))
    return {"two_images": [case({"seed": SEED}, right, embeddings.of_plot_posterior_rows(oracle, images))]}


def of_latent_traversal() -> Cases:
    right = oracles.traversal_latents(np.linspace(-2, 2, 3), 3)
    given = {"z_min": -2.0, "z_max": 2.0, "steps": 3}
    return {"by_hand": [case(given, right, latent_traversal.of_latent_traversal(-2, 2, 3, latents=3))]}


def of_log_normal_mixture() -> Cases:
    rng = np.random.default_rng(SEED)

    def mixture(z: np.ndarray, m: np.ndarray, v: np.ndarray) -> list[dict[str, Any]]:
        mistakes = utils.of_log_normal_mixture(z, m, v)
        return [case({"z": z, "m": m, "v": v}, oracles.log_normal_mixture(z, m, v), mistakes)]

    def random_mixture(rows: int) -> list[dict[str, Any]]:
        m = rng.normal(size=(rows, 4, 3)).round(2)
        return mixture(rng.normal(size=(6, 3)).round(2), m, rng.uniform(0.3, 3, m.shape).round(2))

    x, m = rng.normal(size=(2, 5, 4)).round(2)
    v, logits = rng.uniform(0.3, 3, (5, 4)).round(2), (3 * m).round(2)
    log_normal = oracles.log_normal(x, m, v)
    bits = (x > 0).astype(np.float64)
    return {
        "by_hand": mixture(*f32([[0], [1], [-2]], [[[0], [3]]], [[[1], [4]]])),
        "shared": random_mixture(1),
        "own": random_mixture(6),
        "stable": mixture(
            *f32(
                [[0, 0], [1000, -1000], [30, 30], [-1000, 0.5]],
                [[[0, 0], [1, -1], [2, 2]]],
                [[[1, 0.5], [2, 1], [0.1, 0.1]]],
            )
        ),
        "log_normal": [
            case({"x": x, "m": m, "v": v}, log_normal),
            case({"x": x.T, "m": m.T, "v": v.T, "dim": 0}, log_normal),
        ],
        "log_bernoulli_with_logits": [
            case({"x": bits, "logits": logits}, oracles.log_bernoulli_with_logits(bits, logits))
        ],
    }


def of_negative_elbo() -> Cases:
    weights, x = example(GMVAE_SEED)
    rng = np.random.default_rng(GMVAE_SEED)
    found: Cases = {}
    for name in ("kl", "rec"):
        expected = expectations(weights, x, rng, samples=500, decoded=500 * len(x))[name]
        # Nobody needs more digits of what is compared with averages over noise.
        given = {"seed": GMVAE_SEED, "std": float(f"{expected.std:.4g}"), "error": float(f"{expected.error:.2g}")}
        found[name] = [case(given, expected.mean)]
    laws = [gmvae_laws(scene) for scene in scenes().values()]
    table = {name: np.array([law[name] for law in laws]) for name in laws[0]}
    found["terms"] = [case({}, table.pop(gmvae.RIGHT), table)]
    small = make_weights(np.random.default_rng(GMVAE_SEED), z_dim=3, k=5)
    z = rng.normal(size=(2, 3)).round(2).astype(np.float32)
    pixels = expit(oracles.mlp(small, "dec", z))[:, :: 784 // 16]
    found["compute_sigmoid_given"] = [case({"seed": GMVAE_SEED, "z": z}, pixels)]
    found["prior"] = [case({"seed": GMVAE_SEED}, np.stack(oracles.gmvae_prior(small)))]
    return found


def gmvae_laws(scene: Scene) -> dict[str, list[float]]:
    """What right code and usual mistakes give for kl and rec on average, {explanation: (kl, rec)}, to five digits.

    The noise is evenly spread (a scrambled Sobol sequence): a tenth of the error of independent draws.
    """
    images, rows = np.unique(scene.x, axis=0, return_inverse=True)
    z_dim = scene.weights["z_pre"].shape[2]
    points = qmc.Sobol(len(images) * z_dim, seed=GMVAE_SEED).random_base2(math.ceil(math.log2(512 / len(images))))
    eps = norm.ppf(points).reshape(-1, len(images), z_dim)
    with np.errstate(all="ignore"):  # mistakes may overflow
        found = gmvae.of_terms(scene.weights, images, rows.ravel(), eps, np.random.default_rng(GMVAE_SEED))
    return {name: [float(f"{value:.5g}") for value in terms] for name, terms in found.items()}


TASKS = {
    name.removeprefix("of_"): function
    for name, function in list(globals().items())
    if name.startswith("of_") and callable(function)
}


def texts() -> dict[str, str]:
    """What every file should hold, by its name."""
    found = {}
    for task, cases in TASKS.items():
        indented = json.dumps(cases(), indent=1, ensure_ascii=False)
        flat = LIST.sub(lambda match: f"[{' '.join(match[1].split())}]", indented)
        found[f"{task}.json"] = ARRAY.sub(r"{\1}", flat) + "\n"
    return found


def main() -> int:
    STORED.mkdir(exist_ok=True)
    wanted = texts()
    for path in STORED.glob("*.json"):
        if path.name not in wanted:
            path.unlink()
    write_files(STORED, wanted)
    print(f"{STORED.relative_to(TESTS.parent)}/: {len(wanted)} files, {sum(map(len, wanted.values())):,} characters")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
