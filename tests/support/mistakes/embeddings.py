"""What the usual mistakes of the plotting functions decode, {explanation: latents}, or return, {explanation: costs}."""

import numpy as np

from support.oracles import grid_latents, kl_diag_normal, posterior_costs
from support.probe_oracle import IN_TRAIN_MODE, PIXELS, ProbeOracle


def of_decode_grid(codes: np.ndarray, steps: int) -> dict[str, np.ndarray]:
    codes = codes.astype(np.float64)
    low, high = codes.min(axis=0), codes.max(axis=0)
    z = grid_latents(low, high, steps)
    mean, std, size, half = codes.mean(axis=0), codes.std(axis=0, ddof=1), np.abs(codes), (high - low) / steps / 2
    near = codes[(np.abs(codes - mean) <= 3 * std).all(axis=1)]
    flat = 1.0 * (high == low)
    found = {
        "rows and columns are exchanged: entry [i, j] has the j-th z1 and the i-th z2": z.swapaxes(0, 1),
        "the two coordinates of every point are exchanged": z[..., ::-1],
        "the second coordinate runs downwards; it is counted upwards": z[::-1],
        "the first coordinate runs downwards; it is counted upwards": z[:, ::-1],
        "both coordinates run downwards; they are counted upwards": z[::-1, ::-1],
        "both axes have the same range; each coordinate has its own": grid_latents(
            np.full(2, low.min()), np.full(2, high.max()), steps
        ),
        "the second coordinate has the first one's range": grid_latents(low[[0, 0]], high[[0, 0]], steps),
        "the range is fixed; it should be that of the codes": grid_latents(np.full(2, -3), np.full(2, 3), steps),
        "the last point of the range is left out": grid_latents(low, high - (high - low) / steps, steps),
        "the points are the middles of cells: both ends of the range are left out; they are included": grid_latents(
            low + half, high - half, steps
        ),
        "the range is from minus to plus the largest size; it is that from minimum to maximum": grid_latents(
            -size.max(axis=0), size.max(axis=0), steps
        ),
        "the range is three standard deviations around the mean; it is that from minimum to maximum": grid_latents(
            mean - 3 * std, mean + 3 * std, steps
        ),
        "a range of length 0 is widened by 1 on either side; it is that from minimum to maximum, even if equal": (
            grid_latents(low - flat, high + flat, steps)
        ),
        "the first code and the last one span the grid; each coordinate spans from its minimum to its maximum": (
            grid_latents(codes[0], codes[-1], steps)
        ),
        "the range is cut off at -3 and 3; it is that from minimum to maximum": grid_latents(
            np.clip(low, -3, 3), np.clip(high, -3, 3), steps
        ),
        **{
            f"the range is that between the quantiles {share} and {1 - share}; it is that from minimum to maximum": (
                grid_latents(np.quantile(codes, share, axis=0), np.quantile(codes, 1 - share, axis=0), steps)
            )
            for share in (0.01, 0.02, 0.05, 0.1)
        },
    }
    if len(near):
        found["codes farther than three standard deviations are left out; the range is from minimum to maximum"] = (
            grid_latents(near.min(axis=0), near.max(axis=0), steps)
        )
    # What is right here explains nothing.
    return {cause: latents for cause, latents in found.items() if not np.allclose(latents, z, rtol=1e-3, atol=1e-3)}


def of_plot_posterior_rows(oracle: ProbeOracle, images: np.ndarray) -> dict[str, np.ndarray]:
    def rows(training: bool) -> np.ndarray:
        mean = oracle.mean(images, training)
        return posterior_costs(images, oracle.decode(mean, training), mean, oracle.logvar(mean))

    right, mean = rows(training=False), oracle.mean(images)
    error, divergence, total = right.T
    pixels = images.reshape(len(images), -1) - oracle.decode(mean).reshape(len(images), -1)
    mean_error = np.square(pixels).mean(axis=1)
    two = kl_diag_normal(mean[:, :2], oracle.logvar(mean[:, :2]))
    std, variance = (kl_diag_normal(mean, np.exp(oracle.logvar(mean) / power)) for power in (2, 1))
    return {
        IN_TRAIN_MODE: rows(training=True),
        "every row holds averages over the batch; each image has costs of its own": np.tile(
            right.mean(axis=0), (len(right), 1)
        ),
        "the KL is that of the whole batch in every row; each image has its own": np.stack(
            [error, divergence * 0 + divergence.mean(), error + divergence.mean()], axis=1
        ),
        "the error is that of the whole batch in every row; each image has its own": np.stack(
            [error * 0 + error.mean(), divergence, error.mean() + divergence], axis=1
        ),
        "rows are averages over all images up to their own; each image has costs of its own": (
            np.cumsum(right, axis=0) / np.arange(1, len(right) + 1)[:, np.newaxis]
        ),
        "every row is that of the first image; each image has its own": np.tile(right[0], (len(right), 1)),
        "the rows are divided by the number of images": right / len(right),
        "error and KL have changed places": right[:, [1, 0, 2]],
        "the total has the wrong sign: it is a cost, MINUS the ELBO": right * [1, 1, -1],
        "the error is the mean squared error; in nats it is what negative_log_likelihood returns": np.stack(
            [mean_error, divergence, mean_error + divergence], axis=1
        ),
        "the KL is that of standard deviations; kl_diag_normal takes logvar": np.stack(
            [error, std, error + std], axis=1
        ),
        "the KL is that of variances; kl_diag_normal takes logvar": np.stack(
            [error, variance, error + variance], axis=1
        ),
        "only the first two latents are counted in the KL": np.stack([error, two, error + two], axis=1),
        "the total is missing: it holds the error again": right[:, [0, 1, 0]],
        "the total is the mean of error and KL; it should be their sum": right * [1, 1, 0.5],
        "the KL has the wrong sign": right * [1, -1, 1],
        "the error has the wrong sign: it is MINUS log p(x | z)": right * [-1, 1, 1],
        "error and total have the wrong sign: they are MINUS log p(x | z) and MINUS the ELBO": right * [-1, 1, -1],
        "the rows are those of the images in the reverse order; each image has its own": right[::-1],
        "the error is divided by the number of pixels; in nats it is what negative_log_likelihood returns": np.stack(
            [error / PIXELS, divergence, error / PIXELS + divergence], axis=1
        ),
        "the KL is subtracted in the total; it should be added": np.stack([error, divergence, 2 * error - total], 1),
        "the constant D/2 log(2 pi) is missing": right - PIXELS / 2 * np.log(2 * np.pi) * np.array([1, 0, 1]),
    }
