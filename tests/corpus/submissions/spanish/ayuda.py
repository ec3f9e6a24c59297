# -*- coding: utf-8 -*-
"""Funciones que uso en varios archivos (dibujos y probabilidad)."""
import math

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt
import torch

LOG_2π = math.log(2 * math.pi)
TAMAÑO = 28 * 28  # píxeles de una imagen


def guardar_figura(figura, ruta):
    """Guarda la figura (si hay ruta) y la cierra, para no llenar la memoria."""
    if ruta is not None:
        figura.savefig(ruta, dpi=110)
    plt.close(figura)
    return figura


def mosaico(imágenes, filas, columnas):
    """(filas·columnas, 1, 28, 28) → una sola imagen (28·filas, 28·columnas)."""
    lienzo = torch.ones(28 * filas, 28 * columnas)
    for número, imagen in enumerate(imágenes):
        fila, columna = divmod(número, columnas)
        lienzo[28 * fila : 28 * (fila + 1), 28 * columna : 28 * (columna + 1)] = imagen[0]
    return lienzo.numpy()


class ModoEvaluación:
    """Pone el modelo en modo de evaluación, sin gradientes, y lo devuelve como estaba."""

    def __init__(self, modelo):
        self.modelo = modelo
        self.sin_gradiente = torch.no_grad()

    def __enter__(self):
        self.modos = [módulo.training for módulo in self.modelo.modules()]
        self.modelo.eval()
        self.sin_gradiente.__enter__()
        return self.modelo

    def __exit__(self, *error):
        self.sin_gradiente.__exit__(*error)
        for módulo, modo in zip(self.modelo.modules(), self.modos):
            módulo.training = modo
