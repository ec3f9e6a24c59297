"""Learning curve (task 4.10)"""
import matplotlib.pyplot as plt
import numpy as np


def plot_learning_curve(elbo_per_iteration, outpath="ELBO_Curve.png"):
	n = len(elbo_per_iteration)
	print(f"best ELBO: {max(elbo_per_iteration):.2f} at {1 + int(np.argmax(elbo_per_iteration))}")
	plt.figure(figsize=(10, 6))
	plt.subplot(2, 1, 1)
	plt.plot(np.arange(1, n + 1), elbo_per_iteration, "r.-", lw=0.5, ms=1)
	plt.ylabel("ELBO, all")
	plt.xlabel("iteration")
	plt.subplot(2, 1, 2)
	plt.plot(np.arange(1, n + 1), elbo_per_iteration)
	plt.ylim(*np.quantile(elbo_per_iteration, [0.1, 1.0]) + np.array([-1, 1]))
	plt.ylabel("ELBO, the better 90 %")
	plt.xlabel("iteration")
	fig = plt.gcf()
	if outpath is not None:
		plt.savefig(outpath)
	plt.close(fig)
	return fig
