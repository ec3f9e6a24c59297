"""What every training must do, checked on a probe model."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from autograder.door.diagnose import check, check_close, fail
from autograder.door.submission import Submission, SubmissionError
from support.checks.networks import random_images
from support.probe_oracle import PIXELS, ProbeOracle, Step, distance, read_steps, replay

CLOSE = 0.001  # how far parameters may be from where they should be, as a share of how far they should have moved
LONG = 610  # iterations: more than anybody would do at most


def check_values(values: Any, iterations: int, what: str) -> np.ndarray:
    """A list of one finite number per iteration; returns it as an array."""
    if not isinstance(values, list):
        fail(f"{what}: a list with one number per iteration was expected. Is a `return` missing?")
    if len(values) != iterations:
        epochs = " iterations counts minibatches (optimiser steps), not epochs." if len(values) > iterations else ""
        fail(f"{what}: {iterations} iterations gave {len(values)} values; there should be one for each.{epochs}")
    check(
        all(isinstance(value, (int, float)) for value in values),
        f"{what}: the values in the list are not plain numbers. Take loss.item(), which also lets go of the graph.",
    )
    check(np.isfinite(values).all(), f"{what}: some of the values are NaN or infinite.")
    return np.asarray(values, dtype=np.float64)


def check_improves(gains: np.ndarray, enough: float, what: str, quantity: str) -> None:
    """The values (larger is better) are better by `enough` at the end than at the start.

    Args:
        quantity: what the function returns a list of, for the message.
    """
    gain = gains[-len(gains) // 4 :].mean() - gains[:4].mean()
    if gain < -enough / 4:
        fail(f"{what}: {quantity} gets worse in training. Is its sign, or the sign of the loss, the wrong way round?")
    check(
        gain > enough,
        f"{what}: {quantity} hardly changes. Does every step call backward() and optimizer.step(), on an optimiser "
        "of the model's parameters?",
    )


def check_steps(
    submission: Submission,
    target: str,
    oracle: ProbeOracle,
    images: np.ndarray,
    sign: float,
    other_values: Callable[[np.ndarray, Sequence[Step]], dict[str, np.ndarray]],
    other_losses: Callable[[np.ndarray, np.ndarray], dict[str, float]],
) -> None:
    """Six steps of training: the values returned and the parameters afterwards are those of Adam on the right loss.

    The minibatches are unlike each other: some are dark, the last of an epoch may be smaller. Some pixels are black in
    all images: nothing may move the weights behind them.

    Args:
        sign: the values are sign * loss.
        other_values: function of losses and steps giving {mistake: values as it would have returned them}.
        other_losses: function of images and reconstructions giving {mistake: loss of this minibatch}.
    """
    what, lr, iterations = target.split(".")[1], 0.004, 6
    images = images * np.geomspace(0.03, 1, len(images), dtype=images.dtype).reshape(-1, 1, 1, 1)
    images[..., :2, :] = 0
    model = oracle.send(submission, training=False)
    reply = submission.run(target, [model, images, iterations], {"batch_size": 4, "lr": lr})
    values = check_values(reply.value, iterations, what)
    trained = model.state()
    records = model.records()
    steps = read_steps(records, oracle, len(images))
    check(
        all(record["training"] for record in records if record["grad_enabled"]),
        f"{what}: the model came in eval mode and was trained in it. Call model.train() before the first step.",
    )
    check(
        len(steps) == iterations,
        f"{what}: {iterations} iterations should feed {iterations} minibatches to the model, with gradients enabled; "
        f"it was fed {len(steps)}.",
    )
    if oracle.kind == "vae":
        z_is_mean = np.allclose(steps[0].z, oracle.mean(steps[0].x, training=True), atol=1e-3)
        check(not z_is_mean, f"{what} decodes the posterior mean. The ELBO is estimated with a SAMPLE: call the model.")
    losses, _ = replay(oracle, steps, lr)
    losses = np.asarray(losses)
    wrong_way = "the sign is the wrong way round: what is minimised and what is reported differ in sign"

    def of_first_step() -> dict[str, np.ndarray]:
        # All steps after the first one depend on how the parameters were changed.
        x, recon_x = steps[0].x, oracle.decode(steps[0].z, training=True).reshape(steps[0].x.shape)
        named = {mistake: sign * np.array([loss]) for mistake, loss in other_losses(x, recon_x).items()}
        return {wrong_way: -sign * losses[:1], **other_values(losses[:1], steps[:1]), **named}

    first = f"the first value that {what} returns"
    check_close(values[:1], sign * losses[:1], what=first, mistakes=of_first_step, rtol=3e-5)
    check_parameters(oracle, steps, lr, trained, what)
    # A second training of the same model starts anew, with an optimiser of its own.
    once_more = oracle.with_parameters(trained)
    submission.call(target, model, images, 2, batch_size=4, lr=lr)
    again = read_steps(model.records(), oracle, len(images))[iterations:]
    check(len(again) <= 2, f"{what}: 2 iterations feed {len(again)} minibatches to the model, with gradients enabled.")
    check_parameters(once_more, again, lr, model.state(), what)
    check_close(
        values,
        sign * losses,
        what=f"values that {what} returns",
        mistakes={
            wrong_way: -sign * losses,
            "these are averages over all iterations so far; each minibatch has a value of its own": (
                sign * np.cumsum(losses) / np.arange(1, iterations + 1)
            ),
            **other_values(losses, steps),
        },
        rtol=3e-5,
    )


def check_parameters(
    oracle: ProbeOracle, steps: Sequence[Step], lr: float, trained: dict[str, np.ndarray], what: str
) -> None:
    """The parameters are where Adam takes them in these steps; if not, name the mistake that leads there."""

    def reached_by(rate: float = lr, **mistake: Any) -> bool:
        # Parameters may run away to infinity under a mistaken rule, which is not a match.
        with np.errstate(all="ignore"):
            end = replay(oracle, steps, rate, **mistake)[1]
            return bool(distance(end, trained) < CLOSE * distance(end, initial))

    initial = oracle.parameters()
    if reached_by():
        return
    still = [np.array_equal(initial[name], trained[name]) for name in initial]
    if all(still):
        fail(f"{what}: training leaves the model as it was. Are backward() and optimizer.step() called?")
    if any(still):
        fail(f"{what}: part of the model is not trained. The optimiser needs all of model.parameters().")
    if reached_by(direction=-1):
        fail(f"{what}: training makes the loss larger. Minimise the loss, which is MINUS the ELBO for a VAE.")
    if reached_by(accumulate=True):
        fail(f"{what}: gradients of earlier steps pile up. Call optimizer.zero_grad() before every backward().")
    if reached_by(1e-3):
        fail(f"{what}: the argument lr is not used.")
    if reached_by(adaptive=False):
        fail(f"{what}: the steps look like plain gradient descent; the optimiser should be torch.optim.Adam.")
    black = np.all([(step.x == 0).all(axis=0) for step in steps], axis=0)
    if black.any() and not np.array_equal(trained["encoder.weight"][:, black], oracle.encoder_weight[:, black]):
        fail(f"{what}: weights without a gradient move, too. Is there weight decay, or is something added to the loss?")
    fail(
        f"{what}: the parameters after a few steps are not those of Adam on this loss. One new optimiser for the whole "
        "training, one step for each minibatch, gradients as they are, and nothing else in the loss?"
    )


def check_minibatches(submission: Submission, target: str, oracle: ProbeOracle, rng: np.random.Generator) -> None:
    """Training feeds whole images in batches of the size asked for, reaches every image, and varies the batches.

    With replacement, an image of twelve is missed by 330 draws with probability 4e-12 for all twelve together, and all
    of the last 60 of 1,060 by 2,120 draws with probability 1e-53.
    """
    what, count, batch_size, iterations = target.split(".")[1], 12, 5, 66
    batches = _batches(submission, target, oracle, rng, count, batch_size, iterations)
    sizes = [len(batch) for batch in batches]
    check(
        max(sizes) <= batch_size and np.mean(np.equal(sizes, batch_size)) >= 0.5,
        f"{what}: minibatches do not have batch_size images.",
    )
    check(
        set(range(count)) == {i for batch in batches for i in batch},
        f"{what}: some images never reach the model in {iterations} minibatches. Every epoch should visit them all; "
        "is the last, smaller batch lost each time?",
    )
    check(
        len({frozenset(batch) for batch in batches}) > 6,
        f"{what}: the same few minibatches come again and again. Each epoch needs a new random order: the provided "
        "`minibatches` gives it, if it is called once and not in every iteration.",
    )
    repeated = sum(first == second for first, second in zip(batches, batches[1:], strict=False))
    check(repeated < 20, f"{what}: a minibatch is used for two iterations in a row. Each iteration takes a new one.")
    epoch = -(-count // batch_size)  # with replacement, all of 22 epochs visit every image with probability 1e-50
    padded = all(
        set(range(count)) == {i for batch in batches[start : start + epoch] for i in batch}
        for start in range(0, iterations, epoch)
    ) and np.all(np.equal(sizes, batch_size))
    check(not padded, f"{what}: the last minibatch of every epoch is filled up with images that had their turn.")
    many = _batches(submission, target, oracle, rng, 1060, 212, 10)
    check(
        max(i for batch in many for i in batch) >= 1000,
        f"{what}: of many images only the first reach the model. Every epoch should visit them all.",
    )
    few = _batches(submission, target, oracle, rng, 3, 100, 2)
    check(
        all(set(batch) <= {0, 1, 2} and len(batch) <= 100 for batch in few),
        f"{what}: with fewer images than batch_size, a minibatch has all of them.",
    )


def _batches(
    submission: Submission,
    target: str,
    oracle: ProbeOracle,
    rng: np.random.Generator,
    count: int,
    batch_size: int,
    iterations: int,
) -> list[tuple[int, ...]]:
    """Which of `count` random images each minibatch of a training has."""
    images = rng.random((count, 1, 28, 28)).astype(np.float32)
    model, what = oracle.send(submission, grad_only=True), target.split(".")[1]
    submission.call(target, model, images, iterations, batch_size=batch_size, lr=1e-4)
    steps = read_steps(model.records(), oracle, count)
    check(steps, f"{what}: no image reaches the model.")
    first = images.reshape(count, PIXELS).astype(np.float64)
    place = {row[:8].tobytes(): i for i, row in enumerate(first)}
    batches = []
    for step in steps:
        found = [place.get(row[:8].tobytes(), -1) for row in step.x]
        same = -1 not in found and np.array_equal(first[found], step.x)
        check(same, f"{what}: what reaches the model are not the images themselves.")
        batches.append(tuple(found))
    return batches


def check_long(submission: Submission, target: str, oracle: ProbeOracle, rng: np.random.Generator) -> None:
    """A training of many iterations takes them all, with the same lr to the end, whether it still improves or not."""
    what, lr = target.split(".")[1], 1e-5
    model, images = oracle.send(submission), random_images(rng, 3)
    values = submission.call(target, model, images, LONG, batch_size=3, lr=lr)
    check_values(values, LONG, what)
    # With steps that change nothing the loss is on a plateau from the start.
    idle = submission.call(target, oracle.send(submission), images, 150, batch_size=3, lr=1e-15)
    check_values(idle, 150, what)
    x = images.reshape(3, PIXELS).astype(np.float64)
    mean = oracle.mean(x, training=True)
    spread = np.exp(oracle.logvar(mean) / 2) if oracle.kind == "vae" else np.zeros(mean.shape)
    # The noise is not that of the training, but hardly matters to the biases of pixels.
    steps = [Step(x, mean + spread * rng.standard_normal(mean.shape)) for _ in range(LONG)]
    start = oracle.parameters()["decoder.bias"]
    right = replay(oracle, steps, lr)[1]["decoder.bias"] - start
    steady = np.abs(right) > 0.9 * lr * LONG  # all the way in one direction
    moved = float(np.median(np.abs(model.state()["decoder.bias"] - start)[steady] / np.abs(right)[steady]))
    check(
        abs(moved - 1) < 0.02,
        f"{what}: in a long training the parameters move {moved:.2f} times as far as Adam takes them. The learning "
        "rate is lr to the end, and every iteration takes a step.",
    )


def check_on_step(submission: Submission, target: str, oracle: ProbeOracle, images: np.ndarray) -> None:
    """on_step is called as it should be, and with no iterations nothing happens."""
    what = target.split(".")[1]
    model, on_step = oracle.send(submission, training=False), submission.recorder()
    reply = submission.run(target, [model, images, 5], {"batch_size": 3, "lr": 1e-3, "on_step": on_step})
    values = check_values(reply.value, 5, what)
    calls = on_step.records()
    check(len(calls) == 5, f"{what}: on_step should be called once after each of 5 iterations, not {len(calls)} times.")
    check(
        all(len(call) == 2 and isinstance(call[0], int) and isinstance(call[1], (int, float)) for call in calls),
        f"{what}: on_step takes the iteration (an int) and the value (a float), in this order.",
    )
    check(
        [call[0] for call in calls] == [0, 1, 2, 3, 4],
        f"{what}: on_step should be given iterations 0, 1, 2, ... in turn.",
    )
    check(
        np.allclose([call[1] for call in calls], values),
        f"{what}: on_step should be given the same values as the returned list.",
    )
    check_on_step_comes_last(submission, target, oracle, images)

    model = oracle.send(submission)
    check_values(submission.call(target, model, images, 0), 0, what)
    check(
        distance(oracle.parameters(), model.state()) < 1e-6,
        f"{what}: with iterations=0, the model should stay as it is.",
    )


def check_on_step_comes_last(submission: Submission, target: str, oracle: ProbeOracle, images: np.ndarray) -> None:
    """When on_step is called, the optimiser's step is done: a callback that saves the model saves the new one."""
    model, what = oracle.send(submission), target.split(".")[1]
    # A callback that stops the training: this method does not take two numbers, so it raises.
    stop = model.get("load_state_dict")
    try:
        submission.call(target, model, images, 1, on_step=stop)
    except SubmissionError:
        check(
            distance(oracle.parameters(), model.state()) > 1e-6,
            f"{what}: on_step is called before the optimiser's step is done; it should be called after the step.",
        )


def stand_in_for_the_loss(submission: Submission, whole: bool = True) -> None:
    """Put trusted versions of ELBO.py's functions in place, so that code which calls them is judged alone.

    Args:
        whole: elbo_loss too, not only its two terms.
    """
    for name in ("negative_log_likelihood", "kl_diag_normal", "elbo_loss")[: 3 if whole else 2]:
        submission.stand_in(f"ELBO.{name}")
