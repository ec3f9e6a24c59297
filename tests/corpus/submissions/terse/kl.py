import torch
from torch import log, xlogy


def kl_univariate_normal(mu1, var1, mu2, var2):
    return .5*(var1/var2 + (mu1-mu2)**2/var2 - 1 + log(var2) - log(var1))


def kl_categorical(p, q): return (xlogy(p, p)-xlogy(p, q)).sum(-1)


triangle_violation = lambda: (5., 3., 2.)
