# -*- coding: utf-8 -*-
"""Tarea 4.10: la curva de aprendizaje."""
import matplotlib.pyplot as plt

from ayuda import guardar_figura


def plot_learning_curve(elbo_per_iteration, outpath="ELBO_Curve.png"):
    iteraciones = list(range(1, len(elbo_per_iteration) + 1))
    figura, eje = plt.subplots(figsize=(9, 5))
    eje.plot(iteraciones, elbo_per_iteration, color="darkgreen", label="ELBO del minilote")
    # Las primeras iteraciones aplastarían la curva: el eje empieza después de ellas.
    final = elbo_per_iteration[len(elbo_per_iteration) // 4 :]
    eje.set_ylim(min(final) - 5, max(final) + 5)
    eje.set_xlabel("iteración")
    eje.set_ylabel("ELBO (nats por imagen)")
    eje.set_title("¿Cuánto aprende el VAE?")
    eje.legend()
    return guardar_figura(figura, outpath)
