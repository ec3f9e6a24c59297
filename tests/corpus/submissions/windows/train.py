# Homework: VAE
# File:     train.py

import torch
import torch.nn as nn
import torch.optim as optim

from ELBO import elbo_loss


def minibatches(images, batch_size):
    while True:
        for indices in torch.randperm(len(images), device=images.device).split(batch_size):
            yield images[indices]


def train_autoencoder(model, images, iterations, batch_size=100, lr=1e-3, on_step=None):
    Optimizer = optim.Adam(model.parameters(), lr=lr)
    Criterion = nn.MSELoss()
    Losses = []
    Batches = minibatches(images, batch_size)
    model.train()
    i = 0
    while i < iterations:
        Batch = next(Batches)
        Optimizer.zero_grad()
        Output = model(Batch)
        Loss = Criterion(Output, Batch)
        Loss.backward()
        Optimizer.step()
        Losses.append(Loss.item())
        if on_step is not None:
            on_step(i, Loss.item())
        i += 1
    return Losses


def train_vae(model, images, iterations, batch_size=100, lr=1e-3, on_step=None):
    Optimizer = optim.Adam(model.parameters(), lr=lr)
    Elbos = []
    Batches = minibatches(images, batch_size)
    model.train()
    i = 0
    while i < iterations:
        Batch = next(Batches)
        Optimizer.zero_grad()
        Recon, Mu, LogVar = model(Batch)
        Loss = elbo_loss(Batch, Recon, Mu, LogVar)
        Loss.backward()
        Optimizer.step()
        Elbos.append(-1 * Loss.item())
        if on_step is not None:
            on_step(i, Elbos[-1])
        i += 1
    return Elbos
