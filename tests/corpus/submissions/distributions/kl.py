"""Task 1 with torch.distributions."""

from dataclasses import astuple, dataclass

import torch
from torch.distributions import Normal, kl_divergence


@dataclass(frozen=True)
class Triangle:
    p: float
    q: float
    r: float

    def divergence(self, a, b):
        a, b = torch.tensor(a, dtype=torch.double), torch.tensor(b, dtype=torch.double)
        return kl_univariate_normal(torch.zeros_like(a), a, torch.zeros_like(b), b).item()

    def violated(self):
        return self.divergence(self.p, self.r) > self.divergence(self.p, self.q) + self.divergence(self.q, self.r)


def kl_univariate_normal(mu1, var1, mu2, var2):
    p, q = Normal(mu1, var1.sqrt()), Normal(mu2, var2.sqrt())
    return kl_divergence(p, q)


def kl_categorical(p, q):
    # torch's Categorical clamps probabilities that are zero, so by hand: H(p, q) - H(p)
    return -torch.special.entr(p).sum(-1) - torch.special.xlogy(p, q).sum(-1)


def triangle_violation():
    return astuple(Triangle(6.0, 4.0, 2.5))


if __name__ == "__main__":
    print(Triangle(*triangle_violation()), Triangle(*triangle_violation()).violated())
