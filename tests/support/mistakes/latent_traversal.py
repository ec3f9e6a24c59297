"""What the usual mistakes decode instead of a walk along each latent axis: {explanation: latents}."""

import numpy as np
from scipy.special import ndtr, ndtri

from support.oracles import traversal_latents


def of_latent_traversal(low: float, high: float, steps: int, latents: int) -> dict[str, np.ndarray]:
    walk = np.linspace(low, high, steps)
    z = traversal_latents(walk, latents)
    mistaken = {
        "all latents vary at once; the others must stay 0": np.tile(walk[:, None], (latents, 1, latents)),
        "the same latent varies in every row": np.repeat(z[:1], latents, axis=0),
        "the other latents are at z_min; they must be 0": z + low * (1 - np.eye(latents))[:, None],
        "the other latents are at 1; they must be 0": z + (1 - np.eye(latents))[:, None],
        "latents stay at z_max after their walk; the others must be 0": z + high * np.tri(latents, k=-1)[:, None],
        "z_min is left out; both ends belong to the walk": traversal_latents(
            np.linspace(low, high, steps + 1)[1:], latents
        ),
        "the walk runs from -z_max to z_max: z_min is ignored": traversal_latents(
            np.linspace(-high, high, steps), latents
        ),
        "the steps are even in probability under the prior; they should be even in value": traversal_latents(
            ndtri(np.linspace(ndtr(low), ndtr(high), steps)), latents
        ),
        "the values of the walk are rounded": traversal_latents(np.round(walk), latents),
        "z_max is left out; both ends belong to the walk": traversal_latents(
            np.linspace(low, high, steps, endpoint=False), latents
        ),
        "the ends are left out; both belong to the walk": traversal_latents(
            np.linspace(low, high, steps + 2)[1:-1], latents
        ),
        "z_min and z_max are ignored": traversal_latents(np.linspace(-3, 3, steps), latents),
        "the walk runs from z_max down to z_min": z[:, ::-1],
        "rows stand for the latents in the wrong order": z[::-1],
    }
    if latents == steps:
        mistaken["rows and columns are exchanged: row j belongs to latent j, and not to step j"] = z.swapaxes(0, 1)
    return mistaken
