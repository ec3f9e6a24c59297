"""Task 4.7."""

from dataclasses import dataclass

import torch

from plotting import device_of, evaluating, save_figure


@dataclass(frozen=True)
class Traversal:
    latents: int
    low: float
    high: float
    steps: int

    def points(self):
        """(latents, steps, latents)."""
        walk = torch.linspace(self.low, self.high, self.steps)
        return torch.diag_embed(walk[:, None].expand(self.steps, self.latents)).transpose(0, 1)

    def picture(self, images):
        from matplotlib.figure import Figure

        figure = Figure(figsize=(0.6 * self.steps, 0.6 * self.latents + 0.4))
        axes = figure.subplots(self.latents, self.steps, squeeze=False)
        for ax, image in zip(axes.ravel(), images.flatten(0, 1)):
            ax.imshow(image[0], cmap="gray", vmin=0, vmax=1)
            ax.set_axis_off()
        return figure


def latent_traversal(vae, z_min=-3.0, z_max=3.0, steps=15, outpath=None):
    traversal = Traversal(vae.latent_dim, z_min, z_max, steps)
    points = traversal.points().to(device_of(vae))
    with evaluating(vae):
        images = torch.stack([vae.decode(row) for row in points])
    if outpath is not None:
        save_figure(traversal.picture(images), outpath)
    return images


if __name__ == "__main__":
    print(Traversal(3, -2, 2, 3).points())
