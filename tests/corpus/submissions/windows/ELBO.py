# Homework: VAE
# File:     ELBO.py

import math
import torch
import torch.nn.functional as F


def negative_log_likelihood(x, recon_x):
    BatchSize = x.shape[0]
    SquaredError = F.mse_loss(recon_x, x, reduction="sum") / BatchSize
    NumPixels = x[0].numel()
    Constant = 0.5 * NumPixels * math.log(2 * math.pi)
    return 0.5 * SquaredError + Constant


def kl_diag_normal(mu, logvar):
    KL = -0.5 * torch.sum(1 + logvar - mu * mu - torch.exp(logvar), dim=1)
    return torch.mean(KL)


def elbo_loss(x, recon_x, mu, logvar):
    Rec = negative_log_likelihood(x, recon_x)
    KL = kl_diag_normal(mu, logvar)
    return Rec + KL
