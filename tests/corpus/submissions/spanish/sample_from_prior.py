# -*- coding: utf-8 -*-
"""Tarea 4.8: dígitos nuevos."""
import math

import matplotlib.pyplot as plt
import torch

from ayuda import ModoEvaluación, guardar_figura, mosaico


def sample_from_prior(vae, n=64, outpath=None):
    # La distribución a priori es N(0, I): randn, no rand.
    z = torch.randn(vae.latent_dim, n).t()
    with ModoEvaluación(vae) as modelo:
        imágenes = modelo.decode(z)
    if outpath is not None:
        columnas = math.isqrt(n - 1) + 1
        figura = plt.figure()
        plt.imshow(mosaico(imágenes, math.ceil(n / columnas), columnas), cmap="gray")
        plt.axis("off")
        guardar_figura(figura, outpath)
    return imágenes
