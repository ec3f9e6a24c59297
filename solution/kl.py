"""Kullback-Leibler divergences in closed form, in nats."""

import torch  # noqa: F401 (for your code)
from torch import Tensor


def kl_univariate_normal(mu1: Tensor, var1: Tensor, mu2: Tensor, var2: Tensor) -> Tensor:
    """Task {{task:kl_univariate_normal}}: KL(P || Q) of two univariate normals P = N(mu1, var1) and Q = N(mu2, var2).

    Args:
        mu1, mu2: means, any shapes that broadcast against each other and against the variances.
        var1, var2: VARIANCES (not standard deviations), positive.

    Returns:
        The divergence in nats, elementwise, of the broadcast shape; differentiable in all four arguments.

    Hint: the order of the arguments matters. P is the distribution that the expectation is taken over.
    """
    # BEGIN SOLUTION
    scaled_distance = (var1 + (mu1 - mu2) ** 2) / var2
    return 0.5 * (scaled_distance - 1 + torch.log(var2) - torch.log(var1))
    # END SOLUTION


def kl_categorical(p: Tensor, q: Tensor) -> Tensor:
    """Task {{task:kl_categorical}}: KL(p || q) of discrete distributions over n outcomes.

    Args:
        p, q: probabilities, (..., n), each row summing to one.

    Returns:
        The divergences in nats, (...,). An outcome with p = 0 adds nothing whatever its q is; an outcome with
        q = 0 < p makes the divergence infinite.

    Hint: 0 * log(0) is NaN for a computer. Look for a torch function that knows the limit.
    """
    # BEGIN SOLUTION
    return (torch.xlogy(p, p) - torch.xlogy(p, q)).sum(dim=-1)
    # END SOLUTION


def triangle_violation() -> tuple[float, float, float]:
    """Task {{task:triangle_violation}}: three variances for which the KL divergence breaks the triangle inequality.

    Returns:
        (v1, v2, v3), all positive, such that p = N(0, v1), q = N(0, v2) and r = N(0, v3) have
        KL(p || r) > KL(p || q) + KL(q || r).
    """
    # BEGIN SOLUTION
    # With 3, 2, 1 the direct way costs 0.451 nats and the detour 0.047 + 0.153 = 0.201 nats.
    return 3.0, 2.0, 1.0
    # END SOLUTION
