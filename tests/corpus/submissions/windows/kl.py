# Homework: VAE
# File:     kl.py
# Author:   Student Nr. 4711

import torch


def kl_univariate_normal(mu1, var1, mu2, var2):
    LogTerm = torch.log(var2) - torch.log(var1)
    MeanTerm = torch.pow(mu1 - mu2, 2)
    Result = LogTerm + (var1 + MeanTerm) / var2 - 1
    return Result / 2


def kl_categorical(p, q):
    # xlogy(0, 0) = 0 and xlogy(p, 0) = -inf, exactly what we need
    First = torch.xlogy(p, p)
    Second = torch.xlogy(p, q)
    Difference = First - Second
    return torch.sum(Difference, dim=len(p.shape) - 1)


def triangle_violation():
    V1 = 16.0
    V2 = 4.0
    V3 = 1.0
    return V1, V2, V3
