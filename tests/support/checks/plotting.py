"""What plotting functions feed the model, how they treat it, and what their figures show."""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from autograder.door.diagnose import CheckFailed, check, check_tensor, fail, quoted
from autograder.door.submission import Figure, Recorder, Submission, SubmissionError
from support.probe_oracle import PIXELS, ProbeOracle

SAVED_EARLY = "the figure is saved before anything is drawn in it"
NO_SEED = "Leave seeds to main.py: after torch.manual_seed and its like every random draw is the same."


def check_recorded_in_eval_mode(model: Recorder, part: str, what: str) -> None:
    """The model was used, in eval mode and without gradients.

    Args:
        part: "encode" or "decode": what must have been called.
    """
    records = [record for record in model.records() if record["part"] == part]
    check(records, f"{what}: the model's {part} is never called.")
    check(
        not any(record["training"] for record in records),
        f"{what} runs the model in train mode. The provided `evaluating` puts it in eval mode.",
    )
    check(
        not any(record["grad_enabled"] for record in records),
        f"{what} runs the model with gradients. The provided `evaluating` switches them off.",
    )


@dataclass(frozen=True)
class ClusteredPosteriors:
    """Images that fall into one set of clusters by their posterior means, into another by their pixels.

    The clusters of means are close to each other compared with the posterior's standard deviation, so that samples do
    not show them. Two lie in the same direction from the origin, so that directions do not tell them apart, two
    opposite each other, so that sizes and log-variances do not. Log-variances differ much from image to image besides,
    and the decoder does not look at the latents that tell the clusters apart.

    Attributes:
        oracle: the model.
        images: (n, 1, 28, 28).
        clusters: (n,) 0 ... 3, by posterior mean.
        pictures: (n,) 0 ... 2, by what dominates the pixels.
    """

    oracle: ProbeOracle
    images: np.ndarray
    clusters: np.ndarray
    pictures: np.ndarray


def clustered_posteriors(rng: np.random.Generator, count: int, latents: int = 4) -> ClusteredPosteriors:
    """Clustered posteriors of a VAE; the images come in random order.

    The last two latents tell the clusters apart.
    """
    clusters, pictures = rng.permutation(count) % 4, rng.permutation(count) % 3
    mean = 0.01 * rng.standard_normal((count, latents))
    mean[np.arange(count), latents - 1 - clusters // 2] += np.array([0.3, 0.9, 0.3, -0.3])[clusters]
    images = rng.random((3, PIXELS))[pictures]
    images += 0.05 * rng.standard_normal(images.shape)  # hides the few pixels that the encoder reads
    # The encoder sees the last pixels only: latent j is the difference of two of them.
    encoder_weight = np.zeros((latents, PIXELS), dtype=np.float32)
    for j in range(latents):
        first, second = PIXELS - 2 * j - 2, PIXELS - 2 * j - 1
        encoder_weight[j, [first, second]] = 1, -1
        images[:, first], images[:, second] = 0.5 + mean[:, j] / 2, 0.5 - mean[:, j] / 2
    weight = rng.standard_normal((PIXELS, latents)).astype(np.float32)
    weight[:, -2:] = 0
    # The log-variances see the first pixels, which are random.
    images[:, :latents] = rng.random((count, latents))
    logvar_weight = 2 * np.eye(latents, PIXELS, dtype=np.float32)
    oracle = ProbeOracle(weight, np.zeros(PIXELS, dtype=np.float32), encoder_weight, logvar_weight=logvar_weight)
    return ClusteredPosteriors(oracle, images.reshape(count, 1, 28, 28).astype(np.float32), clusters, pictures)


def check_tsne_clusters(embedding: Any, posteriors: ClusteredPosteriors) -> None:
    """An embedding (n, 2) shows the clusters of the posterior means, row i for image i."""
    count, what = len(posteriors.images), "tsne_latents"
    check_tensor(embedding, what=what, shape=(count, 2))
    distinct = len(np.unique(embedding, axis=0))
    check(distinct == count, f"{what}: some images have the place of another one. Embed them all.")
    if purity(embedding, posteriors.clusters) < 0.9:
        fail(
            f"{what}: images with nearly the same posterior mean are not neighbours. Embed the MEANS as they are (no "
            "samples), in all latents, and keep row i for image i.",
            _cause_of_neighbours(embedding, posteriors),
        )
    check_not_linear(embedding, posteriors.oracle.mean(posteriors.images))


def _cause_of_neighbours(embedding: np.ndarray, posteriors: ClusteredPosteriors) -> str:
    """What was embedded instead of the posterior means; "" if it cannot be told."""
    images, oracle = posteriors.images, posteriors.oracle
    if purity(embedding, posteriors.pictures) > 0.9:
        return "the embedding groups images by their pixels: the images are embedded, not the posterior means"
    mean = oracle.mean(images)
    logvar = oracle.logvar(mean) + images.reshape(len(images), -1) @ oracle.logvar_weight.T
    candidates = {
        "the log-variances or standard deviations are embedded, not the means alone": (
            logvar,
            np.exp(logvar / 2),
            np.c_[mean, logvar],
        ),
        "only the first latent is embedded, not all": (mean[:, :1],),
        "only the first two latents are embedded, not all latents": (mean[:, :2],),
        "reconstructions are embedded, not the means": (oracle.decode(mean).reshape(len(images), -1),),
    }
    kept = {cause: max(neighbourhood(embedding, points) for points in some) for cause, some in candidates.items()}
    best = max(kept, key=kept.__getitem__)
    second = max(value for cause, value in kept.items() if cause != best)
    return best if kept[best] > 0.5 and kept[best] > 1.5 * second else ""


def neighbourhood(embedding: np.ndarray, points: np.ndarray, neighbours: int = 6) -> float:
    """Share of the nearest neighbours of n points that are nearest neighbours in an embedding, too."""
    pairs = zip(_nearest(embedding, neighbours), _nearest(points, neighbours), strict=True)
    return float(np.mean([len(set(a) & set(b)) / neighbours for a, b in pairs]))


def check_no_picture(submission: Submission, what: str) -> None:
    """What was called without outpath has left no picture where the code runs; other files are nobody's business."""
    pictures = [name for name in submission.files() if name.lower().endswith((".png", ".pdf", ".svg", ".jpg", ".jpeg"))]
    check(not pictures, f"{what}: a picture is written without outpath.", "outpath None means that no file is written")


def check_few_images(submission: Submission, oracle: ProbeOracle, images: np.ndarray) -> None:
    """tsne_latents embeds even a few images."""
    count = len(images)
    try:
        embedding = submission.call("tsne.tsne_latents", oracle.send(submission), images, np.arange(count) % 10)
    except SubmissionError as error:
        if error.type != "ValueError" or "perplexity" not in error.message:
            raise
        cause = "the perplexity is not smaller than the number of images"
        raise CheckFailed(f"tsne_latents of {count} images raises a ValueError.", cause) from None
    check_tensor(embedding, what=f"tsne_latents of {count} images", shape=(count, 2))
    check_not_linear(embedding, oracle.mean(images))


def check_not_linear(embedding: np.ndarray, mean: np.ndarray) -> None:
    """An embedding (n, 2) of posterior means (n, k), n > k + 1, is no affine function of them."""
    mean = np.c_[mean, np.ones(len(mean))]
    centred = embedding - embedding.mean(axis=0, dtype=np.float64)
    rest = centred - mean @ np.linalg.lstsq(mean, centred, rcond=None)[0]
    check(
        np.square(rest).sum() > 1e-6 * np.square(centred).sum(),
        "tsne_latents: this is a linear map of the posterior means (a projection, or PCA), not t-SNE.",
    )


def purity(points: np.ndarray, labels: np.ndarray, neighbours: int = 4) -> float:
    """Share of nearest neighbours that have the same label."""
    return float((labels[_nearest(points, neighbours)] == labels[:, None]).mean())


def _nearest(points: np.ndarray, neighbours: int) -> np.ndarray:
    """Which others lie nearest to each of n points: (n, neighbours)."""
    points = points - points.mean(axis=0, dtype=np.float64)
    squares = np.square(points).sum(axis=1)
    distances = squares[:, None] + squares - 2 * points @ points.T  # without scipy.spatial, which loads in 0.1 s
    np.fill_diagonal(distances, np.inf)
    return np.argsort(distances, axis=1)[:, :neighbours]


def check_drawn(figures: Sequence[Figure], what: str) -> None:
    """A picture that was saved with matplotlib shows something; one that was written otherwise is not judged here."""
    axes = [axes for figure in figures for axes in figure.axes]
    check(
        not axes or not all(one["empty"] for one in axes),
        f"{what}: the picture at outpath shows nothing but empty axes.",
        SAVED_EARLY,
    )


def check_scatter(figures: Sequence[Figure], points: np.ndarray, labels: np.ndarray, what: str) -> None:
    """A figure that was saved shows every point in the colour of its label, within the limits of the axes.

    What is not drawn with matplotlib's scatter, such as text, cannot be seen here and is not judged.

    Args:
        points: (n, k), all different, of which the first two coordinates are drawn; labels: (n,).
    """
    check_drawn(figures, what)
    whole, points = points, points[:, :2]
    axes = [axes for figure in figures for axes in figure.axes if axes["scattered"]]
    shown = np.concatenate([np.empty((0, 2)), *(each["points"] for one in axes for each in one["scattered"])])
    colours = np.concatenate([np.empty((0, 4)), *(each["colours"] for one in axes for each in one["scattered"])])
    size = np.ptp(points, axis=0).max()
    place = np.array([_place(point, shown, 1e-4 * size) for point in points.astype(np.float64)])
    drawn = place >= 0
    if not drawn.any() and len(shown) != len(points):
        return
    if not drawn.any():
        first_two = " Of more than two coordinates the first two are drawn." if whole.shape[1] > 2 else ""
        fail(
            f"{what}: the points of the picture are others than those that are returned.{first_two}",
            _cause_of_other_points(shown, whole),
        )
    check(drawn.all(), f"{what}: the picture shows only {quoted(int(drawn.sum()))} of {len(points)} points.")
    used = colours[place, :3]
    by_label = [{tuple(colour) for colour in used[labels == label].round(3)} for label in np.unique(labels)]
    mixed = any(len(colours) > 1 for colours in by_label)
    # Colours may be given to other points than the labels say.
    counts = [sorted(np.unique(some, return_counts=True, axis=0)[1]) for some in (used.round(3), labels)]
    permuted = "the labels are in another order than the points" if counts[0] == counts[1] else ""
    check(
        not mixed,
        f"{what}: points with the same label have different colours. labels[i] belongs to images[i].",
        permuted,
    )
    check(
        len(set().union(*by_label)) == len(by_label),
        f"{what}: points with different labels have the same colour. labels[i] belongs to images[i].",
    )
    for one in axes:
        inside = [np.sort(one[limits]) for limits in ("xlim", "ylim")]
        hidden = any(
            (each["points"][:, place] < low).any() or (each["points"][:, place] > high).any()
            for each in one["scattered"]
            for place, (low, high) in enumerate(inside)
        )
        check(not hidden, f"{what}: some points lie outside the limits of the picture's axes.")


def _cause_of_other_points(shown: np.ndarray, points: np.ndarray) -> str:
    """What a picture shows (n, 2) instead of the first two coordinates of points (n, k); "" if it cannot be told."""
    if shown.shape != (len(points), 2):
        return ""
    centred = points - points.mean(axis=0, dtype=np.float64)
    axes = np.linalg.svd(centred, full_matrices=False)[2][:2]
    if points.shape[1] > 2 and _same_columns(np.abs(shown), np.abs(centred @ axes.T)):
        return "the principal components are drawn, not the first two coordinates"
    scaled = centred / points.std(axis=0, dtype=np.float64).clip(1e-30)
    causes = {
        "the points of the picture are centred; draw them as they are": centred,
        "the points of the picture are scaled; draw them as they are": scaled,
        "the two coordinates are exchanged in the picture": points[:, [1, 0]],
        "the last two coordinates are drawn, not the first two": points[:, -2:],
    }
    right = _same_columns(shown, points[:, :2])  # but in another order
    found = [cause for cause, other in causes.items() if _same_columns(shown, other[:, :2])]
    return found[0] if len(found) == 1 and not right else ""


def _same_columns(first: np.ndarray, second: np.ndarray) -> bool:
    """Whether each column of points (n, 2) has the same values, in whatever order."""
    return bool(np.allclose(np.sort(first, axis=0), np.sort(second, axis=0), rtol=1e-3, atol=1e-3))


def _place(point: np.ndarray, shown: np.ndarray, size: float) -> int:
    """Which of the shown points (m, 2) is the first that is nearer to a point than `size`; -1 if none is.

    One point at a time: nobody knows how many are shown.
    """
    near = np.flatnonzero(np.abs(shown - point).max(axis=-1) < size) if len(shown) else []
    return int(near[0]) if len(near) else -1


def check_rows_drawn(figures: Sequence[Figure], mean: np.ndarray, std: np.ndarray, costs: Any, what: str) -> None:
    """Ellipses that a saved figure shows are posteriors' (n, 2), and costs that are written below rows are theirs."""
    check_drawn(figures, what)
    axes = [axes for figure in figures for axes in figure.axes]
    for one in axes:
        for ellipse in one["ellipses"]:
            owner = np.abs(mean - ellipse["centre"]).max(axis=1)
            if owner.min() < 1e-3:  # else it is the prior's, or decoration
                ratio = np.array(ellipse["size"]) / 2 / std[owner.argmin()]
                check(
                    np.ptp(ratio) < 0.01 * ratio.max(),
                    f"{what}: the picture's ellipses have other shapes than q(z | x).",
                )
                check(
                    np.isclose(ratio, np.round(ratio), rtol=0.01).all(),
                    f"{what}: the picture's ellipses are not drawn at whole numbers of standard deviations.",
                )
    rows = [re.findall(r"(?:error|KL)\s*=?\s*(-?[\d.]+)", one["xlabel"], re.IGNORECASE) for one in axes]
    written = np.array([row for row in rows if len(row) == 2], dtype=np.float64)
    if len(written) == len(costs):
        check(np.allclose(written, costs[:, :2], rtol=0.02, atol=0.06), f"{what}: the picture says other costs.")


def check_generators_kept(submission: Submission, call: Callable[[], Any], what: str) -> Any:
    """A call that draws a picture does not seed a generator; returns what it returns."""
    submission.seed(1)
    before = submission.rng_fingerprints()
    reply = call()
    after = submission.rng_fingerprints()
    if before != after:  # something was drawn at random, or seeded: then it does not depend on the seed before
        submission.seed(2)
        call()
        again = submission.rng_fingerprints()
        seeded = [name for name, state in again.items() if before[name] != after[name] == state]
        check(not seeded, f"{what} with outpath seeds the random generator of {' and '.join(seeded)}. {NO_SEED}")
    return reply


def check_curve(figure: Any, values: Sequence[float]) -> None:
    """A figure has a line with x = 1, 2, ... and these values, on axes with labels."""
    what = "plot_learning_curve"
    check(isinstance(figure, Figure), f"{what} should return the figure (the Figure object that it has drawn on).")
    lines = [(axes, line) for axes in figure.axes for line in axes["lines"]]
    new = f"{what}: the figure that is returned is empty. After plt.close() or plt.show(), plt.gcf() makes a new one."
    check(figure.axes, new)
    check(lines, f"{what}: the figure has no line in it.")
    curves = [(axes, line) for axes, line in lines if _same(line["y"], values)]
    if not curves:
        fail(
            f"{what}: no line of the figure has the given values as its y, one for each iteration.",
            _cause_of_other_curve([line for _, line in lines], np.asarray(values, dtype=np.float64)),
        )
    right = [axes for axes, line in curves if _same(line["x"], np.arange(1, len(values) + 1))]
    if not right:
        from_zero = any(_same(line["x"], np.arange(len(values))) for _, line in curves)
        fail(
            f"{what}: the curve's x should be the iterations, counted from 1.",
            "they are counted from 0, not from 1"
            if from_zero
            else "the iterations are scaled, as to a share of the training"
            if any(_affine(line["x"], np.arange(1, len(values) + 1)) for _, line in curves)
            else "",
        )
    logarithmic = any(axes["yscale"] == "log" for axes in right) and np.min(values) <= 0
    check(not logarithmic, f"{what}: a logarithmic axis shows no negative values, and an ELBO is one.")
    check(any(_in_sight(axes, values) for axes in right), f"{what}: much of the curve lies outside the axes' limits.")
    labels = [(axes["xlabel"].strip().lower(), axes["ylabel"].strip().lower()) for axes in right]
    check(any(x and y for x, y in labels), f"{what}: an axis of the curve has no label. Label both axes.")
    check(
        not all("elbo" in x and "iter" in y for x, y in labels),
        f"{what}: the labels of the axes are exchanged. The iterations are x, the values y.",
    )


def check_saved_curve(figures: Sequence[Figure], values: Sequence[float]) -> None:
    """What was saved shows the curve, too, if it was saved with matplotlib."""
    lines = [line for figure in figures for axes in figure.axes for line in axes["lines"]]
    check(
        not figures or any(_same(line["y"], values) for line in lines),
        "plot_learning_curve: the curve is in the figure that is returned, and not in the picture at outpath.",
        "" if lines else SAVED_EARLY,
    )


def _cause_of_other_curve(lines: Sequence[dict[str, Any]], values: np.ndarray) -> str:
    """What lines show instead of the values; "" if it cannot be told."""
    shown = [np.asarray(line["y"], dtype=np.float64) for line in lines]
    count = np.arange(1, len(values) + 1)
    if len(values) < 3:
        return ""
    same = {
        "the curve is upside down: it shows the loss, not the ELBO itself": -values,
        "it shows running means of all values so far": np.cumsum(values) / count,
        "it shows the best value so far": np.maximum.accumulate(values),
        "it shows the logarithm of the values' sizes; draw the values themselves": np.log(np.abs(values)),
        "it shows the logarithm of the values' sizes, to base 10; draw the values themselves": np.log10(np.abs(values)),
        "the values are sorted; keep their order": np.sort(values),
        "it shows the differences from one value to the next, not the values": np.diff(values),
        "it shows the differences from one value to the next, not the values (the first is 0)": np.diff(
            values, prepend=values[0]
        ),
    }
    for cause, others in same.items():
        if any(_same(y, others) for y in shown):
            return cause
    if any(_same(line["x"], values) for line in lines):
        return "the axes are exchanged: the iterations are x, the values y"
    if any(_affine(y, values) for y in shown):
        return "the values are scaled or shifted; draw them as they are"
    if any(len(y) < len(values) and np.isin(y, values).all() and len(y) for y in shown):
        return "the curve leaves some iterations out; every value that is given belongs in it"
    for y in shown:
        cut = len(y) == len(values) and ~np.isclose(y, values)
        if np.sum(cut) > 1 and not np.all(cut) and (y[cut] == y.min()).all():
            return "the lowest values are cut off (clip)"
    for y in shown:
        width = len(values) - len(y) + 1
        if 1 < width <= len(values) and _same(y, np.convolve(values, np.full(width, 1 / width), "valid")):
            return "it shows a running mean only; the values themselves belong in it, too"
    if any(len(y) == len(values) > 3 and _smoothed(y, values) for y in shown):
        return "it shows an exponential running average only; the values themselves belong in it, too"
    return ""


def _smoothed(y: np.ndarray, values: np.ndarray) -> bool:
    """Whether every y is a mean of its value and the y before, with the same weights throughout."""
    before, now = y[:-1] - values[1:], y[1:] - values[1:]
    weight = before @ now / (before @ before)
    # By the spread of y: of something much smaller than the values, all differences are nearly those to 0.
    return bool(0 < weight < 1 and np.allclose(now, weight * before, rtol=0, atol=1e-4 * np.ptp(y)))


def check_new_figure(figure: Figure, earlier: Sequence[Sequence[float]]) -> None:
    """A figure shows none of the curves of earlier calls."""
    old = [line for axes in figure.axes for line in axes["lines"] for values in earlier if _same(line["y"], values)]
    check(
        not old,
        "plot_learning_curve draws on the figure of an earlier call, whose curve is still there. Make a new figure.",
    )


def _in_sight(axes: dict[str, Any], values: Sequence[float]) -> bool:
    """Whether all iterations, and the values but for the first climb, lie between the limits of the axes."""
    (left, right), (low, high) = sorted(axes["xlim"]), sorted(axes["ylim"])
    seen = np.mean((low <= np.asarray(values)) & (np.asarray(values) <= high))
    # The best values are the last ones of a training.
    best = np.sort(values)[len(values) // 2 :]
    every = left <= 1 and right >= len(values) and low <= best[0] and best[-1] <= high
    return bool(seen >= 0.6 and every)


def _affine(first: np.ndarray, second: Sequence[float]) -> bool:
    """Whether numbers are others, more than two and not all equal, times a positive factor plus a constant."""
    if len(first) != len(second) or len(first) < 3 or np.ptp(second) == 0 or np.ptp(first) == 0:
        return False
    one, other = ((np.asarray(some) - np.min(some)) / np.ptp(some) for some in (first, second))
    return bool(np.allclose(one, other, atol=1e-5))


def _same(first: np.ndarray, second: Sequence[float]) -> bool:
    return len(first) == len(second) and bool(np.allclose(first, second, rtol=1e-6))
