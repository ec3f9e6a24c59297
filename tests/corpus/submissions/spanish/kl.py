# -*- coding: utf-8 -*-
"""Tarea 1: divergencias de Kullback-Leibler (en nats)."""
import torch


def kl_univariate_normal(mu1, var1, mu2, var2):
    # ¡Ojo! var1 y var2 son varianzas, no desviaciones típicas.
    razón = var1 / var2
    distancia = (mu2 - mu1) * (mu2 - mu1) / var2
    return 0.5 * razón + 0.5 * distancia - 0.5 - 0.5 * torch.log(razón)


def kl_categorical(p, q):
    # Donde p = 0 el término vale 0 (aunque q también sea 0); donde q = 0 < p vale infinito.
    imposible = p == 0
    términos = p * (torch.log(p) - torch.log(q))
    return torch.where(imposible, torch.zeros_like(p), términos).sum(dim=-1)


def triangle_violation():
    # Directo: ½(4 − 1 − ln 4) = 0,81.  Con parada en 2: dos veces ½(2 − 1 − ln 2) = 0,31.
    return 4.0, 2.0, 1.0
