"""What the usual mistakes decode instead of a walk along each latent axis: {explanation: latents}."""

import numpy as np

from support.oracles import traversal_latents


def of_latent_traversal(low: float, high: float, steps: int, latents: int) -> dict[str, np.ndarray]:
    walk = np.linspace(low, high, steps)
    z = traversal_latents(walk, latents)
    mistaken = {
        "all latents vary at once; the others must stay 0": np.tile(walk[:, None], (latents, 1, latents)),
        "the same latent varies in every row": np.repeat(z[:1], latents, axis=0),
        "the other latents are at z_min; they must be 0": z + low * (1 - np.eye(latents))[:, None],
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
        mistaken["rows and columns are exchanged"] = z.swapaxes(0, 1)
    return mistaken
