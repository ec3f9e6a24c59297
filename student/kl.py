"""Kullback-Leibler divergences in closed form, in nats."""

import torch  # noqa: F401 (for your code)
from torch import Tensor


def kl_univariate_normal(mu1: Tensor, var1: Tensor, mu2: Tensor, var2: Tensor) -> Tensor:
    """Task 1.1: KL(P || Q) of two univariate normals P = N(mu1, var1) and Q = N(mu2, var2).

    Args:
        mu1, mu2: means, any shapes that broadcast against each other and against the variances.
        var1, var2: VARIANCES (not standard deviations), positive.

    Returns:
        The divergence in nats, elementwise, of the broadcast shape; differentiable in all four arguments.

    Hint: the order of the arguments matters. P is the distribution that the expectation is taken over.
    """
    # YOUR CODE HERE (the reference solution has 2 lines here)
    raise NotImplementedError("Task 1.1: kl_univariate_normal, see README section 1.1")


def kl_categorical(p: Tensor, q: Tensor) -> Tensor:
    """Task 1.2: KL(p || q) of discrete distributions over n outcomes.

    Args:
        p, q: probabilities, (..., n), each row summing to one.

    Returns:
        The divergences in nats, (...,). An outcome with p = 0 adds nothing whatever its q is; an outcome with
        q = 0 < p makes the divergence infinite.

    Hint: 0 * log(0) is NaN for a computer. Look for a torch function that knows the limit.
    """
    # YOUR CODE HERE (the reference solution has 1 line here)
    raise NotImplementedError("Task 1.2: kl_categorical, see README section 1.2")


def triangle_violation() -> tuple[float, float, float]:
    """Task 1.3: three variances for which the KL divergence breaks the triangle inequality.

    Returns:
        (v1, v2, v3), all positive, such that p = N(0, v1), q = N(0, v2) and r = N(0, v3) have
        KL(p || r) > KL(p || q) + KL(q || r).
    """
    # YOUR CODE HERE (the reference solution has 1 line here)
    raise NotImplementedError("Task 1.3: triangle_violation, see README section 1.3")
