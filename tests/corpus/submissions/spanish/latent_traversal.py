# -*- coding: utf-8 -*-
"""Tarea 4.7: recorrido por cada variable latente."""
import matplotlib.pyplot as plt
import torch

from ayuda import ModoEvaluación, guardar_figura, mosaico


def latent_traversal(vae, z_min=-3.0, z_max=3.0, steps=15, outpath=None):
    k = vae.latent_dim
    recorridos = []
    with ModoEvaluación(vae) as modelo:
        for unidad in range(k):
            z = torch.zeros(steps, k)  # las demás variables se quedan en cero
            z[:, unidad] = torch.linspace(z_min, z_max, steps)
            recorridos.append(modelo.decode(z))
    imágenes = torch.stack(recorridos, dim=0)
    if outpath is not None:
        figura, eje = plt.subplots(figsize=(steps / 2 + 1, k / 2 + 1))
        eje.imshow(mosaico(imágenes.flatten(0, 1), k, steps), cmap="gray")
        eje.set_title("Cada fila mueve una variable latente")
        guardar_figura(figura, outpath)
    return imágenes
