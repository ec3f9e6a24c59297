# -*- coding: utf-8 -*-
"""Tareas 3.2 y 4.6: entrenamiento."""
import torch

from ELBO import elbo_loss


def minibatches(images, batch_size):
    while True:
        for índices in torch.randperm(len(images), device=images.device).split(batch_size):
            yield images[índices]


def train_autoencoder(model, images, iterations, batch_size=100, lr=1e-3, on_step=None):
    optimizador = torch.optim.Adam(model.parameters(), lr=lr)
    lotes = minibatches(images, batch_size)
    model.train()
    pérdidas = []
    for iteración in range(iterations):
        lote = next(lotes)
        optimizador.zero_grad()
        pérdida = torch.nn.functional.mse_loss(model(lote), lote)
        pérdida.backward()
        optimizador.step()
        pérdidas.append(pérdida.item())
        if on_step is not None:
            on_step(iteración, pérdida.item())
    return pérdidas


def train_vae(model, images, iterations, batch_size=100, lr=1e-3, on_step=None):
    optimizador = torch.optim.Adam(model.parameters(), lr=lr)
    lotes = minibatches(images, batch_size)
    model.train()
    elbos = []
    for iteración in range(iterations):
        lote = next(lotes)
        reconstrucción, μ, log_σ2 = model(lote)
        menos_elbo = elbo_loss(lote, reconstrucción, μ, log_σ2)
        optimizador.zero_grad()
        menos_elbo.backward()
        optimizador.step()
        elbos.append(-menos_elbo.item())  # se minimiza la pérdida, se informa del ELBO
        if on_step is not None:
            on_step(iteración, elbos[iteración])
    return elbos
