"""t-SNE (task 4.9)"""
import matplotlib.pyplot as plt
import numpy as np
from sklearn.manifold import TSNE
from plotting import evaluating


def tsne_latents(vae, images, labels, outpath=None, seed=0):
	means = []
	with evaluating(vae):
		for batch in images.split(100):
			means.append(vae.encode(batch)[0].numpy())
	means = np.vstack(means)
	perplexity = 30 if len(means) > 100 else max(1, len(means) // 5)
	print(f"t-SNE of {means.shape} with perplexity {perplexity} ...")
	embedded = TSNE(n_components=2, perplexity=perplexity, init="random", learning_rate="auto", random_state=seed).fit_transform(means)
	if outpath is not None:
		plt.figure(figsize=(8, 8))
		plt.scatter(embedded[:, 0], embedded[:, 1], c=np.asarray(labels), cmap=plt.get_cmap("tab10"))
		for point, label in list(zip(embedded, labels))[:100]:
			plt.annotate(str(int(label)), point)
		plt.savefig(outpath)
		plt.close("all")
	return embedded
