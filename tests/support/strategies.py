"""What hypothesis varies in the checks: shapes, dtypes, magnitudes and mixtures."""

import numpy as np
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from support.mixture import Mixture

DTYPES = st.sampled_from(["float32", "float64"])
SEEDS = st.integers(0, 2**32 - 1)


def reals(shape: tuple[int, ...], dtype: str = "float64", bound: float = 10.0) -> st.SearchStrategy[np.ndarray]:
    """Arrays of numbers between -bound and bound."""
    array = hnp.arrays(np.float64, shape, elements=st.floats(-bound, bound, width=32))
    return array.map(lambda values: values.astype(dtype))


def variances(shape: tuple[int, ...], dtype: str = "float64", decades: float = 2.0) -> st.SearchStrategy[np.ndarray]:
    """Arrays of positive numbers between 10^-decades and 10^decades."""
    # np.power of a 0-d array is a scalar, which would arrive as a float instead of a tensor.
    return reals(shape, bound=decades).map(lambda exponents: np.asarray(10.0**exponents, dtype=dtype))


@st.composite
def normal_pairs(draw: st.DrawFn) -> tuple[np.ndarray, ...]:
    """mu1, var1, mu2, var2 of one dtype, of shapes that broadcast against each other."""
    shapes = draw(hnp.mutually_broadcastable_shapes(num_shapes=4, max_dims=3, max_side=5)).input_shapes
    dtype = draw(DTYPES)
    return tuple(
        draw(reals(shape, dtype) if place % 2 == 0 else variances(shape, dtype)) for place, shape in enumerate(shapes)
    )


@st.composite
def probabilities(draw: st.DrawFn, shape: tuple[int, ...], zeros: bool = False) -> np.ndarray:
    """Distributions over the last dimension, (..., n), float64; with `zeros` about a third of the entries is zero."""
    rng = np.random.default_rng(draw(SEEDS))
    weights = rng.uniform(0.05, 1.0, shape)
    if zeros:
        positive = rng.random(shape) > 1 / 3
        positive[..., 0] |= ~positive.any(axis=-1)
        weights = weights * positive
    return weights / weights.sum(axis=-1, keepdims=True)


def make_covariances(rng: np.random.Generator, k: int, d: int, scale: float = 1.0, decades: float = 0.7) -> np.ndarray:
    """Covariance matrices (k, d, d), each with clearly correlated coordinates.

    Args:
        decades: the longest axis of each is 10^decades times the shortest; by default of moderate condition.
    """
    covs: list[np.ndarray] = []
    while len(covs) < k:
        rotation = np.linalg.qr(rng.normal(size=(d, d)))[0]
        axes = 0.9 * np.logspace(-decades / 2, decades / 2, d)
        stds = axes * rng.uniform(0.9, 1.1, d) if d > 1 else rng.uniform(0.4, 2.0, 1)
        cov = scale**2 * (rotation * stds**2) @ rotation.T
        correlations = np.abs(cov) / np.sqrt(np.outer(np.diag(cov), np.diag(cov)))
        # Else a rotation that hardly turns, or nearly equal axes, would hide what is done to the correlations.
        if d == 1 or np.triu(correlations, 1).max() >= 1 / np.sqrt(d):
            covs.append(cov)
    return np.stack(covs)


def make_mixture(rng: np.random.Generator, k: int, d: int, spread: float = 3.0) -> Mixture:
    """A mixture of k Gaussians in d dimensions, no two weights alike."""
    weights = rng.permutation(np.arange(1, k + 1) + rng.uniform(0, 0.5, k))
    return Mixture(weights / weights.sum(), spread * rng.normal(size=(k, d)), make_covariances(rng, k, d))


@st.composite
def mixtures(draw: st.DrawFn, max_k: int = 5, max_d: int = 5) -> Mixture:
    """Mixtures with up to max_k components in up to max_d dimensions, float64."""
    k, d = draw(st.integers(1, max_k)), draw(st.integers(1, max_d))
    return make_mixture(np.random.default_rng(draw(SEEDS)), k, d)
