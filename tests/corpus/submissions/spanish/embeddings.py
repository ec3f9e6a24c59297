# -*- coding: utf-8 -*-
"""Tareas 3.3, 3.4 y 4.11: el plano latente."""
import matplotlib.pyplot as plt
import torch

from ayuda import ModoEvaluación, guardar_figura, mosaico
from ELBO import kl_diag_normal, negative_log_likelihood


def latent_codes(model, images):
    with ModoEvaluación(model) as modelo:
        códigos = modelo.encode(images)
    if isinstance(códigos, tuple):  # un VAE: me quedo con la media
        códigos = códigos[0]
    return códigos


def plot_embeddings(model, images, labels, outpath=None):
    códigos = latent_codes(model, images)
    if outpath is not None:
        figura, eje = plt.subplots(figsize=(7, 6))
        for dígito in range(10):
            puntos = códigos[labels == dígito]
            eje.plot(puntos[:, 0], puntos[:, 1], "o", markersize=3, label=str(dígito))
        eje.legend(title="dígito")
        eje.set_title("Espacio latente: ¿dónde cae cada dígito?")
        guardar_figura(figura, outpath)
    return códigos


def decode_grid(model, codes, steps=10, outpath=None):
    mínimo, máximo = codes.min(dim=0).values, codes.max(dim=0).values
    t = torch.arange(steps) / (steps - 1)
    primera = mínimo[0] + t * (máximo[0] - mínimo[0])
    segunda = mínimo[1] + t * (máximo[1] - mínimo[1])
    filas = []
    with ModoEvaluación(model) as modelo:
        for valor in segunda:  # la fila corresponde a la segunda coordenada
            z = torch.stack([primera, valor.repeat(steps)], dim=1)
            filas.append(modelo.decode(z))
    imágenes = torch.stack(filas)
    if outpath is not None:
        figura = plt.figure(figsize=(6, 6))
        plt.imshow(mosaico(imágenes.flip(0).flatten(0, 1), steps, steps), cmap="gray")
        plt.xlabel("primera coordenada →")
        plt.ylabel("segunda coordenada →")
        guardar_figura(figura, outpath)
    return imágenes


def plot_posterior_rows(vae, images, outpath=None):
    with ModoEvaluación(vae) as modelo:
        μ, log_σ2 = modelo.encode(images)
        reconstrucciones = modelo.decode(μ)
    costes = torch.zeros(len(images), 3)
    for i in range(len(images)):
        error = negative_log_likelihood(images[[i]], reconstrucciones[[i]])
        divergencia = kl_diag_normal(μ[[i]], log_σ2[[i]])
        costes[i] = torch.tensor([error, divergencia, error + divergencia])
    if outpath is not None:
        figura, ejes = plt.subplots(len(images), 3, figsize=(8, 3 * len(images)), squeeze=False)
        ángulo = torch.linspace(0, 2 * torch.pi, 100)
        for i, (entrada, plano, salida) in enumerate(ejes):
            entrada.imshow(images[i, 0], cmap="gray")
            salida.imshow(reconstrucciones[i, 0], cmap="gray")
            σ = torch.exp(0.5 * log_σ2[i])
            plano.plot(μ[i, 0] + σ[0] * torch.cos(ángulo), μ[i, 1] + σ[1] * torch.sin(ángulo))
            plano.set_title(f"error {costes[i, 0]:.1f}, KL {costes[i, 1]:.1f}")
        guardar_figura(figura, outpath)
    return costes
