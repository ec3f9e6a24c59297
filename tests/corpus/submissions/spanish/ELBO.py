# -*- coding: utf-8 -*-
"""Tareas 4.3 a 4.5: la función de pérdida."""
import torch

from ayuda import LOG_2π


def negative_log_likelihood(x, recon_x):
    lote = x.shape[0]
    error = (x - recon_x).reshape(lote, -1)
    # Suma sobre los píxeles, media sobre el lote; la constante también cuenta.
    por_imagen = 0.5 * torch.sum(error**2, dim=1) + 0.5 * error.shape[1] * LOG_2π
    return por_imagen.mean()


def kl_diag_normal(mu, logvar):
    σ2 = torch.exp(logvar)
    por_imagen = 0.5 * torch.sum(mu**2 + σ2 - 1 - logvar, dim=1)
    return torch.mean(por_imagen)


def elbo_loss(x, recon_x, mu, logvar):
    pérdida = negative_log_likelihood(x, recon_x)
    pérdida = pérdida + kl_diag_normal(mu, logvar)
    return pérdida
