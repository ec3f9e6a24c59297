"""The usual mistakes that failures are explained by: on the inputs that are to tell them apart no two look alike."""

from functools import partial

import numpy as np
import pytest

from support import observing, oracles
from support.mistakes import elbo, gmm, kl

EQUAL_MEANS = tuple(np.array(x) for x in (1.4, 0.3, 1.4, 5.2))
TABLES = {
    "kl_univariate_normal": ([*kl.NORMALS, EQUAL_MEANS], oracles.kl_univariate_normal, kl.of_kl_univariate_normal),
    "kl_categorical": (kl.DISCRETE, oracles.kl_categorical, kl.of_kl_categorical),
    "negative_log_likelihood": (
        elbo.IMAGES,
        elbo.right_cost,
        partial(elbo.of_negative_log_likelihood, most=300, most_error=280),
    ),
    "kl_diag_normal": (
        elbo.POSTERIORS,
        elbo.right_divergence,
        partial(elbo.of_kl_diag_normal, least=0.01, least_mean=0.2, least_sum=0.1, most=200),
    ),
    "gmm_log_prob": (gmm.POINTS, oracles.gmm_log_prob, gmm.of_gmm_log_prob),
    "gaussian_entropy": (gmm.COVARIANCES, oracles.gaussian_entropy, gmm.of_gaussian_entropy),
    "mc_entropy": (gmm.ENTROPIES, gmm.right_entropy, gmm.of_mc_entropy),
    "elbo_loss": (
        elbo.LOSSES,
        elbo.right_loss,
        partial(elbo.of_elbo_loss, weight=0.2, least=0.3, most=20, least_loss=12),
    ),
}


def same(first, second):
    """Whether an explanation cannot tell two values apart."""
    first, second = (np.asarray(value, dtype=np.float64) for value in (first, second))
    tolerances = {"rtol": observing.RTOL, "atol": observing.ATOL, "equal_nan": True}
    return first.shape == second.shape and np.isclose(first, second, **tolerances).all()


@pytest.mark.parametrize("name", TABLES)
@np.errstate(all="ignore")
def test_no_two_mistakes_look_alike(name):
    inputs, right, mistakes = TABLES[name]
    seen = []
    for arguments in inputs:
        expected = right(*arguments)
        values = {cause: value() if callable(value) else value for cause, value in mistakes(*arguments).items()}
        seen.append((expected, values))
    causes = list(dict.fromkeys(cause for _, values in seen for cause in values))
    rows = {"the right value": [expected for expected, _ in seen]}
    rows |= {cause: [values.get(cause, expected) for expected, values in seen] for cause in causes}
    names = list(rows)
    alike = [
        (a, b)
        for place, a in enumerate(names)
        for b in names[place + 1 :]
        if all(same(x, y) for x, y in zip(rows[a], rows[b], strict=True))
    ]
    assert not alike
