# -*- coding: utf-8 -*-
"""Tarea 2: mezclas de gaussianas."""
import torch

from ayuda import LOG_2π


def sample_gmm(n, weights, means, covs, generator=None):
    número_de_componentes, dimensión = means.shape
    # Primero el componente de cada punto, después el ruido: todo sale del mismo generador.
    componente = torch.multinomial(weights, n, replacement=True, generator=generator)
    ruido = torch.randn(n, dimensión, generator=generator, dtype=means.dtype)
    puntos = torch.zeros_like(ruido)
    for j in range(número_de_componentes):
        Λ = torch.linalg.cholesky(covs[j])
        elegidos = torch.nonzero(componente == j).flatten()
        puntos[elegidos] = means[j] + ruido[elegidos] @ Λ.T
    return puntos, componente


def gmm_log_prob(x, weights, means, covs):
    logaritmos = []
    for π, μ, Σ in zip(weights, means, covs):
        # Σ = V diag(λ) Vᵀ: en la base de los autovectores las coordenadas son independientes.
        λ, V = torch.linalg.eigh(Σ)
        y = (x - μ) @ V
        exponente = (y**2 / λ).sum(dim=1)
        logaritmos.append(torch.log(π) - 0.5 * (exponente + torch.log(λ).sum() + len(λ) * LOG_2π))
    return torch.logsumexp(torch.stack(logaritmos), dim=0)


def gaussian_entropy(cov):
    # El determinante puede desbordarse; la suma de los logaritmos, no.
    λ = torch.linalg.eigvalsh(cov)
    return 0.5 * (torch.log(λ) + LOG_2π + 1).sum()


def mc_entropy(x, weights, means, covs):
    return -torch.mean(gmm_log_prob(x, weights, means, covs))
