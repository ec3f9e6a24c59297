"""What every training must do, checked on a probe model."""

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import scipy  # scipy.optimize is loaded where a cause is looked for

from autograder.door.diagnose import CheckFailed, check, fail, quoted
from autograder.door.submission import Lost, Submission, SubmissionError
from support.checks.networks import random_images
from support.probe_oracle import (
    PIXELS,
    Parameters,
    ProbeOracle,
    Rule,
    Step,
    Trajectory,
    distance,
    random_probe,
    read_steps,
    replay,
)

CLOSE = 0.001  # how far parameters may be from where they should be, as a share of how far they should have moved
ONE_STEP = "training ends after the first iteration: does `return` stand inside the loop?"
ONE_EPOCH = "training ends after one epoch, though not all iterations are made; minibatches go on, epoch after epoch"
TWICE = "every minibatch goes through the model twice; minimise and report the loss of one pass, that before the step"
PARAMETERS = (
    "the parameters after a few steps are not those of Adam on this loss: one new optimiser for the whole training, "
    "one step for each minibatch, gradients as they are, and nothing else in the loss."
)


def check_values(
    values: Any,
    iterations: int,
    what: str,
    epoch: int = 0,
    earlier: "Sequence[float] | np.ndarray" = (),
    fed: "int | None" = None,
) -> np.ndarray:
    """A list of one finite number per iteration; returns it as an array.

    Args:
        epoch: how many minibatches visit all images; 0 if it does not matter.
        earlier: what an earlier call returned.
        fed: how many minibatches were trained on, if that is known.
    """
    if not isinstance(values, list):
        fail(
            f"{what}: a list with one number per iteration was expected.",
            "nothing is returned: is a `return` missing?" if values is None else "",
        )
    if len(values) != iterations:
        pairs = zip(values, earlier, strict=False)
        kept = 0 < len(earlier) < len(values) and all(isinstance(a, float) and a == b for a, b in pairs)
        cause = (
            "the list begins with the values of an earlier call; make a new list in every call, not as a default "
            "argument or outside of the function"
            if kept
            else "iterations is taken for epochs; it counts minibatches, which are the optimiser's steps"
            if epoch > 1 and len(values) == iterations * epoch
            else ONE_EPOCH
            if 1 < epoch == len(values) < iterations and fed != iterations
            else _cause_of_number(len(values), iterations, epoch, fed)
        )
        fail(
            f"{what}: {iterations} iterations gave {quoted(len(values))} values; there should be one for each.",
            cause,
        )
    check(
        all(isinstance(value, (int, float)) for value in values),
        f"{what}: the values in the list are not plain numbers.",
        "they are tensors; take loss.item(), which also lets go of the graph"
        if all(isinstance(value, np.ndarray) for value in values)
        else "",
    )
    check(np.isfinite(values).all(), f"{what}: some of the values are NaN or infinite.")
    return np.asarray(values, dtype=np.float64)


def _cause_of_number(values: int, iterations: int, epoch: int, fed: "int | None") -> str:
    """Why a training that was fed so many minibatches returns another number of values than it has iterations."""
    if values == fed == 1:
        return ONE_STEP
    if values == fed == iterations - 1:
        return "the loop makes one iteration too few; range(iterations) has all of them, from 0"
    if values == fed == iterations + 1:
        return "the loop makes one iteration too many; range(iterations) has all of them, from 0"
    if fed == iterations and epoch > 1 and values in (iterations // epoch, -(-iterations // epoch)):
        return "there is one value for each epoch; return that of every iteration"
    return ""


def check_improves(
    gains: np.ndarray, enough: float, what: str, quantity: str, cause: Callable[[], str] = lambda: ""
) -> None:
    """The values (larger is better) are better by `enough` at the end than at the start.

    Args:
        quantity: what the function returns a list of, for the message.
        cause: of their not being better.
    """
    gain = gains[-len(gains) // 4 :].mean() - gains[:4].mean()
    if gain < -enough / 4:
        fail(f"{what}: {quantity} gets worse in training.", cause())
    if gain <= enough:
        fail(f"{what}: {quantity} hardly changes in training.", cause())


@dataclass(frozen=True)
class Run:
    """A training of a probe that was watched.

    Attributes:
        oracle: its model before; lr: what it was asked to use.
        steps: what the model was fed.
        values: what was returned.
        trained: the parameters afterwards.
        with_gradients: names of the parameters that have a gradient afterwards.
        asides: what the model was fed without gradients.
        images: those that it was trained on.
    """

    oracle: ProbeOracle
    lr: float
    steps: Sequence[Step]
    values: np.ndarray
    trained: Mapping[str, np.ndarray]
    with_gradients: Sequence[str]
    asides: Sequence[Step] = ()
    images: "np.ndarray | None" = None

    def replayed(self, rule: "Rule | None" = None) -> Trajectory:
        # Parameters may run away to infinity under a mistaken rule, which is not a match.
        with np.errstate(all="ignore"):
            return replay(self.oracle, self.steps, self.lr, rule)

    def off(self, parameters: Parameters) -> float:
        """How far the trained parameters are from these, as a share of how far these have moved."""
        with np.errstate(all="ignore"):
            share = distance(parameters, self.trained) / distance(parameters, self.oracle.parameters())
        return float(np.nan_to_num(share, nan=np.inf))

    def follows(self, rule: "Rule | None" = None) -> bool:
        return self.off(self.replayed(rule).states[-1]) < CLOSE


def watched(
    submission: Submission,
    target: str,
    oracle: ProbeOracle,
    images: np.ndarray,
    iterations: int,
    batch_size: int,
    lr: float,
    earlier: "Sequence[float] | np.ndarray" = (),
) -> Run:
    """A training of a new probe in train mode; for `earlier` see check_values.

    Raises:
        CheckFailed: it does not return a number for every iteration.
    """
    model = oracle.send(submission)
    values = submission.call(target, model, images, iterations, batch_size=batch_size, lr=lr)
    values = check_values(values, iterations, target.split(".")[1], earlier=earlier)
    records, largest = model.records(), max(len(images), batch_size)
    steps, asides = (read_steps(records, oracle, largest, with_gradients) for with_gradients in (True, False))
    return Run(oracle, lr, steps, values, model.state(), model.call("with_gradients"), asides, images)


def more_runs(submission: Submission, target: str, kind: str) -> Iterator[Run]:
    """Further trainings, with other models, images, sizes and learning rates, to tell mistakes apart."""
    rng = np.random.default_rng(5)
    for latents, count, batch_size, iterations, lr in ((4, 7, 3, 5, 4e-4), (1, 5, 2, 7, 0.03), (2, 10, 6, 4, 0.002)):
        far = latents == 4  # posteriors of hundreds of nats, and narrow ones, in every minibatch
        dark = np.geomspace(0.5 if far else 0.1, 1, count, dtype=np.float32).reshape(-1, 1, 1, 1)
        images = random_images(rng, count) * dark
        images[..., :2, :] = 0
        oracle = random_probe(rng, latents, kind, scale=60 if far else 1)
        oracle.weight[:] *= 0.02 if far else 1
        with submission.aside():
            run = watched(submission, target, oracle, images, iterations, batch_size, lr)
        yield run


# What a training may do instead, by cause: rules, one of which leads to the parameters that came. Where a number is
# not known, a rule takes it, and comes with the range of it.
LAWS: dict[str, Sequence["Rule | tuple[Callable[[float], Rule], float, float]"]] = {
    "the loss is made larger: minimise the loss, which is MINUS the ELBO for a VAE": [Rule(direction=-1)],
    "gradients of earlier steps pile up: call optimizer.zero_grad() before every backward()": [Rule(zeroed=False)],
    "optimizer.step() comes before loss.backward(), so each step takes the gradient of the minibatch before": [
        Rule(late=True)
    ],
    "every step has a new optimiser; make one new optimiser for the whole training": [Rule(restarted=True)],
    "optimizer.step() is called twice; take one step for each minibatch": [Rule(repeats=2)],
    "steps are taken only after every second minibatch, with the gradients of both": [Rule(every=2)],
    "no step is taken for a minibatch that is smaller than batch_size": [Rule(only_whole=True)],
    "the loss of a smaller minibatch is divided by batch_size, not by the number of its own images": [
        Rule(by_share=True)
    ],
    "the optimiser is plain gradient descent (SGD); it should be torch.optim.Adam": [Rule(method="sgd")],
    "the optimiser is gradient descent with momentum; it should be torch.optim.Adam": [Rule(method="momentum")],
    "the optimiser is RMSprop; it should be torch.optim.Adam": [Rule(method="rmsprop")],
    "the optimiser is Adagrad; it should be torch.optim.Adam": [Rule(method="adagrad")],
    "the optimiser is Adamax; it should be torch.optim.Adam": [Rule(method="adamax")],
    "Adam's `eps` is another than PyTorch's default": [(lambda value: Rule(eps=value), 1e-6, 10)],
    "Adam's betas are others than PyTorch's defaults": [
        Rule(betas=(0.5, 0.999)),
        Rule(betas=(0.5, 0.9)),
        Rule(betas=(0.9, 0.99)),
        Rule(betas=(0.9, 0.9)),
        Rule(betas=(0.0, 0.999)),
        Rule(betas=(0.0, 0.99)),
    ],
    "there is weight decay, or a penalty on the weights in the loss": [
        (lambda value: Rule(decay=value), 1e-7, 10),
        (lambda value: Rule(pull=value), 1e-7, 10),
    ],
    "there is decoupled weight decay, as in AdamW; the optimiser should be torch.optim.Adam": [
        (lambda value: Rule(shrink=value), 1e-3, 10)
    ],
    "the norm of the gradient is clipped": [(lambda value: Rule(norm=value), 1e-5, 1e4)],
    "the entries of the gradient are clipped before the step": [(lambda value: Rule(size=value), 1e-10, 1e2)],
    "the learning rate changes from step to step: is there a scheduler?": [
        (lambda value: Rule(rates=lambda step, steps: value**step), 0.05, 0.9999),
        (lambda value: Rule(rates=lambda step, steps: 1 / (1 + value * step)), 1e-4, 10),
        Rule(rates=lambda step, steps: 1 - step / steps),
        Rule(rates=lambda step, steps: (1 + np.cos(np.pi * step / steps)) / 2),
        (lambda value: Rule(rates=lambda step, steps: min(1.0, (step + 1) / value)), 1.5, 2000),
    ],
    "the absolute error is minimised, not the squared error": [Rule(cost="absolute")],
    "the root of the mean squared error is minimised, not the mean squared error": [Rule(cost="root")],
    "binary cross-entropy is minimised, not the squared error": [Rule(cost="cross-entropy")],
    "the KL is left out of what is minimised": [Rule(kl_weights=lambda step, steps: 0.0)],
    "the KL has a weight other than 1 in what is minimised": [
        (lambda value: Rule(kl_weights=lambda step, steps: value), 1e-3, 0.99),
        (lambda value: Rule(kl_weights=lambda step, steps: value), 1.01, 1e3),
    ],
    "the weight of the KL grows from step to step in what is minimised; it should be 1": [
        (lambda value: Rule(kl_weights=lambda step, steps: min(1.0, step / value)), 1, 2000),
        (lambda value: Rule(kl_weights=lambda step, steps: min(1.0, (step + 1) / value)), 1.5, 2000),
        Rule(kl_weights=lambda step, steps: step / max(1, steps - 1)),
        (lambda value: Rule(kl_weights=lambda step, steps: min(1.0, value * step / steps)), 1, 10),
        (lambda value: Rule(kl_weights=lambda step, steps: min(1.0, value * (step + 1) / steps)), 1, 10),
    ],
}


def fitted(run: Run, make: Callable[[float], Rule], low: float, high: float) -> Rule:
    """The rule of a family, with a number from `low` to `high`, that comes nearest to the trained parameters."""

    def off(logarithm: float) -> float:
        return min(run.off(run.replayed(make(float(np.exp(logarithm)))).states[-1]), 1e9)

    grid = np.linspace(np.log(low), np.log(high), 40)
    best = int(np.argmin([off(place) for place in grid]))
    bounds = grid[max(best - 1, 0)], grid[min(best + 1, len(grid) - 1)]
    found = scipy.optimize.minimize_scalar(off, bounds=bounds, method="bounded", options={"xatol": 1e-7})
    place = min((float(found.x), float(grid[best])), key=off)
    return make(float(np.exp(place)))


def laws_of(run: Run) -> dict[str, Callable[[Run], bool]]:
    """What explains a training that went wrong: {cause: whether it explains another one}."""
    holding: dict[str, Callable[[Run], bool]] = {}
    for cause, rules in LAWS.items():
        if "KL" in cause and run.oracle.kind != "vae":
            continue
        rules = [rule if isinstance(rule, Rule) else fitted(run, *rule) for rule in rules]
        rules = [rule for rule in rules if run.follows(rule)]
        if rules:
            holding[cause] = partial(_follows_one, rules)
    others = {
        "the learning rate is always 1e-3: lr is not used": lambda run: _with_rate(run, 1e-3),
        "learning rates above 1e-3 are cut to 1e-3": lambda run: _with_rate(run, min(run.lr, 1e-3)),
        "the last steps are undone, or not made: the weights are those of an earlier step": _of_earlier_step,
        "the weights are an average over the steps; they should be those of the last one": _averaged,
    }
    return holding | {cause: law for cause, law in others.items() if law(run)}


def _follows_one(rules: Sequence[Rule], run: Run) -> bool:
    return any(run.follows(rule) for rule in rules)


def _with_rate(run: Run, lr: float) -> bool:
    return run.follows(Rule(rates=lambda step, steps: lr / run.lr))


def _with_any_rate(run: Run) -> bool:
    """Whether another constant learning rate explains the parameters, as well as float32 holds small steps."""
    rule = fitted(run, lambda value: Rule(rates=lambda step, steps: value), 1e-3, 1e3)
    return bool(abs(rule.rates(0, 1) - 1) > 0.05 and run.off(run.replayed(rule).states[-1]) < 10 * CLOSE)


def _of_earlier_step(run: Run) -> bool:
    """Whether the parameters are those after a step before the last, or the last itself where its loss is smallest."""
    replayed = run.replayed()
    best = np.argmin(replayed.losses) == len(replayed.losses) - 1
    return any(run.off(state) < CLOSE for state in replayed.states[1 : None if best else -1])


def _averaged(run: Run) -> bool:
    """Whether the parameters are a mean, with any weights, of those that they should have had so far."""
    states = run.replayed().states
    every = np.stack([np.concatenate([value.ravel() for value in state.values()]) for state in states])
    came = np.concatenate([run.trained[name].ravel() for name in states[0]])
    weights, rest = scipy.optimize.nnls((every[1:] - every[0]).T, came - every[0])
    moved = np.linalg.norm(every[-1] - every[0])
    return bool(rest < CLOSE * moved and weights.sum() < 1 + CLOSE and weights.max() < 1 - 10 * CLOSE)


def cause_of(run: Run, more: Callable[[], Iterable[Run]]) -> str:
    """The one mistake that explains the parameters after a training that went wrong, and those of further ones."""
    initial = run.oracle.parameters()
    still = {name for name in initial if np.array_equal(initial[name], run.trained[name])}
    if len(still) == len(initial):
        return _cause_of_standing_still(run)
    if still:
        return _cause_of_parts(run, still)
    laws = laws_of(run)
    any_rate = _with_any_rate(run)
    try:
        others = list(more()) if laws or any_rate else []
        laws = {cause: law for cause, law in laws.items() if all(map(law, others))}
    except (CheckFailed, SubmissionError):  # another fault comes in
        return ""
    if len(laws) == 1:
        return next(iter(laws))
    if not laws and any_rate and all(map(_with_any_rate, others)):
        return "the learning rate is not the `lr` that is given: is it scaled, or another number?"
    black = np.all([(step.x == 0).all(axis=0) for step in run.steps], axis=0)
    before, after = run.oracle.encoder_weight[:, black], run.trained["encoder.weight"][:, black]
    moved = before != after
    if not laws and moved.any() and (np.sign(after - before) == -np.sign(before))[moved].all():
        return "weights without a gradient shrink: there is weight decay, or a penalty on the weights in the loss"
    return ""


def _cause_of_standing_still(run: Run) -> str:
    """Why no parameter has moved."""
    fixed = [replay(run.oracle, [step], run.lr).losses[0] for step in run.steps]
    sizes = np.abs(run.values), np.abs(fixed)
    if sizes[0].shape != sizes[1].shape or not np.allclose(*sizes, rtol=1e-4):
        return ""  # something has moved them meanwhile
    if run.with_gradients:
        return "no optimizer.step() follows backward(), on an optimiser of model.parameters()"
    return "no gradient is left for optimizer.step(): zero_grad() comes after backward(), or backward() is missing"


def _cause_of_parts(run: Run, still: Collection[str]) -> str:
    """Why some parameters have not moved."""
    if still <= set(run.with_gradients):
        return "only a part of the model is trained: the optimiser needs all of model.parameters()"
    if not still & set(run.with_gradients):
        return "no gradient reaches these: the graph is cut on the way"
    return ""


def check_few_images(submission: Submission, target: str, oracle: ProbeOracle, rng: np.random.Generator) -> None:
    """Where there are fewer images than batch_size, a minibatch has all of them, and training ends."""
    what = target.split(".")[1]
    _batches(submission, target, oracle, rng, 3, 3, 2)  # what never ends here has another cause
    try:
        few = _batches(submission, target, oracle, rng, 3, 100, 2, apart="few")
    except Lost as lost:
        if lost.kind != "timeout":
            raise
        fail(
            f"{what}: with 3 images and batch_size=100, the training never ends.",
            "no minibatch is whole, so none ever comes: is it drop_last=True, or a number of minibatches rounded down?",
        )
    check(
        all(set(batch) <= {0, 1, 2} and len(batch) <= 100 for batch in few),
        f"{what}: with fewer images than batch_size, a minibatch has all of them.",
    )


def check_fed(steps: Sequence[Step], oracle: ProbeOracle, iterations: int, epoch: int, moved: bool, what: str) -> None:
    """Each iteration feeds the model one minibatch, and a VAE's sample is decoded.

    Args:
        epoch: how many minibatches visit all images.
        moved: whether the model has changed.
    """
    pairs = list(zip(steps[::2], steps[1::2], strict=False))
    twice = len(steps) == 2 * iterations and all(first.x.shape == second.x.shape for first, second in pairs)
    twice = twice and all(np.array_equal(first.x, second.x) for first, second in pairs)
    if oracle.kind == "vae" and steps:
        decoded = [step.z for step in (steps[:2] if twice else steps[:1])]
        means = [np.allclose(z, oracle.mean(steps[0].x, training=True), atol=1e-3) for z in decoded]
        check(
            not any(means),
            f"{what} decodes the posterior mean. The ELBO is estimated with a SAMPLE, the one that the model decodes.",
            "the posterior mean is decoded once more, after the sample: call the model and use what it returns"
            if len(means) > 1 and not means[0]
            else "",
        )
    if len(steps) == iterations:
        return
    message = (
        f"{what}: {iterations} iterations should feed {iterations} minibatches to the model, with gradients enabled; "
        f"it was fed {quoted(len(steps))}."
    )
    if twice:
        fail(message, TWICE)
    if len(steps) == iterations * epoch:
        fail(message, "iterations is taken for epochs; it counts minibatches, which are the optimiser's steps")
    if not steps and moved:
        fail(message, "not the model itself is trained, in place, but a copy of it")
    if len(steps) == epoch < iterations:
        fail(message, ONE_EPOCH)
    fail(message)


def check_gradients_zeroed(
    submission: Submission, target: str, kind: str, earlier: "Sequence[float] | np.ndarray" = ()
) -> None:
    """In a few steps the gradients of earlier steps do not pile up, and a VAE's sample is decoded, not its mean.

    Args:
        earlier: values that an earlier training returned.
    """
    rng, what = np.random.default_rng(3), target.split(".")[1]
    oracle = random_probe(rng, 3, kind)
    run = watched(submission, target, oracle, random_images(rng, 9), 6, 4, 0.004, earlier)
    check_fed(run.steps, oracle, 6, 3, True, what)
    if not run.follows() and run.follows(Rule(zeroed=False)):
        fail(f"{what}: {PARAMETERS}", cause_of(run, lambda: more_runs(submission, target, kind)))


def cause_of_short(submission: Submission, target: str, kind: str, why_later: Callable[[], str] = lambda: "") -> str:
    """The cause of parameters that are wrong after a few steps; if they are right, why they may be wrong later."""
    runs = more_runs(submission, target, kind)
    try:
        first = next(runs)
    except (CheckFailed, SubmissionError):
        return ""
    if not first.steps:
        return ""
    return why_later() if first.follows() else cause_of(first, lambda: runs)


def _batches(
    submission: Submission,
    target: str,
    oracle: ProbeOracle,
    rng: np.random.Generator,
    count: int,
    batch_size: int,
    iterations: int,
    apart: str = "",
) -> list[tuple[int, ...]]:
    """Which of `count` random images each minibatch of a training has; for `apart` see Submission.run."""
    images = rng.random((count, 1, 28, 28)).astype(np.float32)
    model, what = oracle.send(submission, grad_only=True), target.split(".")[1]
    how = {"batch_size": batch_size, "lr": 1e-4}
    submission.run(target, [model, images, iterations], how, apart=apart)
    steps = read_steps(model.records(), oracle, max(count, batch_size))
    check(steps, f"{what}: no image reaches the model.")
    first = images.reshape(count, PIXELS).astype(np.float64)
    place = {row[:8].tobytes(): i for i, row in enumerate(first)}
    batches = []
    for step in steps:
        found = [place.get(row[:8].tobytes(), -1) for row in step.x]
        if -1 in found or not np.array_equal(first[found], step.x):
            fail(f"{what}: what reaches the model are not the images themselves.", _cause_of_other_images(steps, first))
        batches.append(tuple(found))
    return batches


def _cause_of_other_images(steps: Sequence[Step], images: np.ndarray) -> str:
    """What was made of images (n, 784) before they were fed; "" if that cannot be told."""
    fed = np.concatenate([step.x for step in steps])
    centred = [rows - rows.mean(axis=1, keepdims=True) for rows in (fed, images)]
    alike = (centred[0] @ centred[1].T) / np.linalg.norm(centred[1], axis=1)
    owner, size = alike.argmax(axis=1), np.linalg.norm(centred[0], axis=1).clip(1e-30)
    if (alike.max(axis=1) < 0.5 * size).any():
        return ""
    if set(np.unique(fed)) <= {0.0, 1.0}:
        return "they are made black and white; feed them as they are"
    own = images[owner]
    if (fed == own).all(axis=1).mean() < 1 and (alike.max(axis=1) > 0.9999 * size).all():
        return "they are shifted or scaled; feed them as they are"
    same = [fed[owner == i] for i in np.unique(owner)]
    if any(np.ptp(rows, axis=0).max() > 1e-3 for rows in same):
        return "something random is done to them, such as added noise; feed them as they are"
    return ""


def check_calls(calls: Sequence[Sequence[Any]], values: np.ndarray, what: str) -> None:
    """on_step was called once after each iteration, with its number and its value.

    Args:
        calls: its arguments in each call.
        values: what was returned.
    """
    check(
        len(calls) == len(values),
        f"{what}: on_step should be called once after each iteration, but of {len(values)} it is called "
        f"{quoted(len(calls))} times.",
        "" if calls else "on_step is never called",
    )
    right = all(len(call) == 2 and isinstance(call[0], int) and isinstance(call[1], (int, float)) for call in calls)
    if not right:
        backwards = all(
            len(call) == 2 and isinstance(call[0], float) and call[1] == place for place, call in enumerate(calls)
        )
        tensors = all(len(call) == 2 and isinstance(call[1], np.ndarray) for call in calls)
        fail(
            f"{what}: on_step takes the iteration (an int) and the value (a float), in this order.",
            "the arguments of on_step have changed places"
            if backwards
            else "on_step is given a tensor; take loss.item()"
            if tensors
            else "",
        )
    numbers = [call[0] for call in calls]
    check(
        numbers == list(range(len(values))),
        f"{what}: on_step should be given iterations 0, 1, 2, ... in turn.",
        "the iterations are counted from 1" if numbers == list(range(1, len(values) + 1)) else "",
    )
    given = np.array([call[1] for call in calls])
    check(
        np.allclose(given, values),
        f"{what}: on_step should be given the same values as the returned list.",
        "they differ in sign: one is the loss, the other the ELBO" if np.allclose(given, -values) else "",
    )


def costs(submission: Submission, x: Any, recon_x: Any, mu: Any, logvar: Any) -> tuple[float, float]:
    """What the submission's own negative_log_likelihood and kl_diag_normal return; NaN for what is not one number.

    In a student's folder no trusted version stands in for them: what adds them may be right although its sum is not.
    """
    found = (
        submission.call("ELBO.negative_log_likelihood", x, recon_x),
        submission.call("ELBO.kl_diag_normal", mu, logvar),
    )
    first, second = (float(cost) if isinstance(cost, np.ndarray) and cost.size == 1 else np.nan for cost in found)
    return first, second


def stand_in_for_the_loss(submission: Submission, whole: bool = True) -> None:
    """Put trusted versions of ELBO.py's functions in place, so that code which calls them is judged alone.

    Args:
        whole: elbo_loss too, not only its two terms.
    """
    for name in ("negative_log_likelihood", "kl_diag_normal", "elbo_loss")[: 3 if whole else 2]:
        submission.stand_in(f"ELBO.{name}")
