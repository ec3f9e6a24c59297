# -*- coding: utf-8 -*-
"""Tarea 4.9: t-SNE de las medias."""
import matplotlib.pyplot as plt
from sklearn.manifold import TSNE

from ayuda import ModoEvaluación, guardar_figura


def tsne_latents(vae, images, labels, outpath=None, seed=0):
    with ModoEvaluación(vae) as modelo:
        medias, _ = modelo.encode(images)
    # La perplejidad tiene que ser menor que el número de puntos.
    perplejidad = min(20, (len(images) - 1) / 2)
    # Con una sola variable latente no hay dos componentes principales con las que empezar.
    inicio = "pca" if vae.latent_dim > 1 else "random"
    plano = TSNE(n_components=2, perplexity=perplejidad, init=inicio, random_state=seed).fit_transform(medias.numpy())
    if outpath is not None:
        figura, eje = plt.subplots()
        puntos = eje.scatter(plano[:, 0], plano[:, 1], c=labels, cmap="tab10", s=9)
        figura.colorbar(puntos).set_label("dígito")
        guardar_figura(figura, outpath)
    return plano
