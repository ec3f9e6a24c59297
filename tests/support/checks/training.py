"""What every training must do, checked on a probe model."""

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache, partial
from typing import Any

import numpy as np
import scipy  # scipy.optimize is loaded where a cause is looked for

from autograder.door.diagnose import CheckFailed, Observation, check, check_close, fail, quoted
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
LONG = 510  # iterations: more than anybody would do at most
ONE_STEP = "training ends after the first iteration: does `return` stand inside the loop?"
ONE_EPOCH = "training ends after one epoch, though not all iterations are made; minibatches go on, epoch after epoch"
TWICE = "every minibatch goes through the model twice; minimise and report the loss of one pass, that before the step"
UNMOVED = "training leaves the model as it was."
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


NAMES = {"decoder.weight": "the decoder's weights", "decoder.bias": "its biases", "encoder.weight": "the encoder"}


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


def check_steps(
    submission: Submission,
    target: str,
    oracle: ProbeOracle,
    images: np.ndarray,
    sign: float,
    other_values: Callable[[np.ndarray, Sequence[Step]], dict[str, np.ndarray]],
    other_losses: Callable[[ProbeOracle, np.ndarray, np.ndarray], Mapping[str, Any]],
    bounded: "Callable[[float, ProbeOracle, np.ndarray, np.ndarray], Callable[..., dict[str, float]]]" = (
        lambda *_: lambda *_: {}
    ),
) -> None:
    """Six steps of training: the values returned and the parameters afterwards are those of Adam on the right loss.

    The minibatches are unlike each other: some are dark, the last of an epoch may be smaller. Some pixels are black in
    all images: nothing may move the weights behind them.

    Args:
        sign: the values are sign * loss.
        other_values: function of losses and steps giving {mistake: values as it would have returned them}.
        other_losses: function of a model, images and reconstructions giving {mistake: loss of this minibatch}.
        bounded: function of a loss that came, and of these, giving such a function of mistakes that lead to it.
    """
    what, lr, iterations = target.split(".")[1], 0.004, 6
    images = images * np.geomspace(0.03, 1, len(images), dtype=images.dtype).reshape(-1, 1, 1, 1)
    images[..., :2, :] = 0
    epoch = -(-len(images) // 4)
    model = oracle.send(submission, training=False)
    reply = submission.run(target, [model, images, iterations], {"batch_size": 4, "lr": lr})
    records = model.records()
    steps = read_steps(records, oracle, len(images))
    values = check_values(reply.value, iterations, what, epoch, fed=len(steps))
    trained = model.state()
    moved = distance(oracle.parameters(), trained) > 0
    check_train_mode(records, what)
    check_fed(steps, oracle, iterations, epoch, moved, what)
    losses = np.asarray(replay(oracle, steps, lr).losses)
    wrong_way = "the sign is the wrong way round: what is minimised and what is reported differ in sign"

    more = partial(more_runs, submission, target, oracle.kind)

    @cache
    def bounds() -> "Callable[[ProbeOracle, np.ndarray, np.ndarray], dict[str, float]]":
        x = steps[0].x
        return bounded(sign * values[0], oracle, x, oracle.decode(steps[0].z, training=True).reshape(x.shape))

    def of_first_step(run: Run) -> Observation:
        # All steps after the first one depend on how the parameters were changed.
        first = run.steps[:1]
        loss = np.asarray(replay(run.oracle, first, run.lr).losses)
        x, recon_x = first[0].x, run.oracle.decode(first[0].z, training=True).reshape(first[0].x.shape)
        named = {mistake: sign * np.array([value]) for mistake, value in other_losses(run.oracle, x, recon_x).items()}
        mistakes = {
            wrong_way: -sign * loss,
            **rounded(run.values[:1], sign * loss),
            **other_values(loss, first),
            **named,
            **{mistake: sign * np.array([value]) for mistake, value in of_asides(run).items()},
            **{mistake: sign * (loss + value) for mistake, value in of_targets(run, recon_x).items()},
        }
        fitted = {mistake: sign * np.array([value]) for mistake, value in bounds()(run.oracle, x, recon_x).items()}
        fitted |= cut_off(run.values, sign * np.asarray(run.replayed().losses), values[0])
        return Observation(run.values[:1], sign * loss, distinct(mistakes) | fitted, rtol=3e-5)

    asides = read_steps(records, oracle, len(images), with_gradients=False)
    watched_first = Run(oracle, lr, steps, values, trained, model.call("with_gradients"), asides, images)
    check_close(
        values[:1],
        sign * losses[:1],
        what=f"the first value that {what} returns",
        mistakes=lambda: of_first_step(watched_first).mistakes,
        rtol=3e-5,
        more=lambda: observed(of_first_step, more()),
    )
    check_parameters(watched_first, more, what)
    # A second training of the same model starts anew, with an optimiser of its own.
    once_more = oracle.with_parameters(trained)
    reply = submission.run(target, [model, images, 2], {"batch_size": 4, "lr": lr})
    values_once_more = check_values(reply.value, 2, what, earlier=values)
    again = read_steps(model.records(), oracle, len(images))[iterations:]
    check(len(again) <= 2, f"{what}: 2 iterations feed {quoted(len(again))} minibatches to the model, with gradients.")
    second = Run(once_more, lr, again, values_once_more, model.state(), model.call("with_gradients"))
    if not second.follows():
        kept = Run(oracle, lr, [*steps, *again], values, second.trained, ())
        fail(
            f"{what}: {PARAMETERS} That is so when a model is trained for a second time.",
            "the optimiser of the first training is used again; make a new one in every call" if kept.follows() else "",
        )

    def of_all_steps(run: Run) -> Observation:
        right = np.asarray(run.replayed().losses)
        mistakes = {
            wrong_way: -sign * right,
            "these are averages over all iterations so far; each minibatch has a value of its own": (
                sign * np.cumsum(right) / np.arange(1, len(right) + 1)
            ),
            **{
                f"these are running averages ({weight:g} of the one before); each minibatch has a value of its own": (
                    sign * _smoothed(right, weight)
                )
                for weight in (0.5, 0.8, 0.9, 0.95, 0.98, 0.99)
            },
            "values are kept for the best so far only; each minibatch has a value of its own": (
                sign * np.minimum.accumulate(right)
            ),
            **rounded(run.values, sign * right),
            **other_values(right, run.steps),
        }
        return Observation(run.values, sign * right, distinct(mistakes), rtol=3e-5)

    check_close(
        values,
        sign * losses,
        what=f"values that {what} returns",
        mistakes=lambda: of_all_steps(watched_first).mistakes,
        rtol=3e-5,
        more=lambda: observed(of_all_steps, more()),
    )


def observed(observe: Callable[[Run], Observation], runs: Iterable[Run]) -> Iterator[Observation]:
    """What is observed in further runs; if one fails in another way, something that no mistake explains."""
    try:
        for run in runs:
            yield observe(run)
    except (CheckFailed, SubmissionError):
        yield Observation(None, np.zeros(1))


def distinct(mistakes: Mapping[str, Any]) -> dict[str, np.ndarray]:
    """Without mistakes that give the same values as an earlier one."""
    kept: dict[str, np.ndarray] = {}
    for mistake, values in mistakes.items():
        values = np.asarray(values() if callable(values) else values)
        if not any(np.allclose(values, others, rtol=1e-9, atol=0) for others in kept.values()):
            kept[mistake] = values
    return kept


def rounded(came: np.ndarray, right: np.ndarray) -> dict[str, np.ndarray]:
    """What came, if it is what is right but for the digits of a rounding."""
    if came.shape == right.shape and any(np.allclose(came, right.round(n), rtol=0, atol=1e-7) for n in range(5)):
        return {"the values are rounded; return them as they are": came}
    return {}


def cut_off(came: np.ndarray, right: np.ndarray, bound: float) -> dict[str, np.ndarray]:
    """The first value that came, if all are what is right but for a bound that some would pass."""
    for clipped in (np.maximum(right, bound), np.minimum(right, bound)):
        if came.shape == right.shape and (clipped != right).any() and np.allclose(came, clipped, rtol=3e-5):
            return {"the values are cut off at a bound (clamp); return them as they are": came[:1]}
    return {}


def of_asides(run: Run) -> dict[str, float]:
    """Losses of what the model was fed without gradients around the first step, if that had followed its rule."""
    found = {}
    states = dict(zip(("before", "after"), run.replayed().states[:2], strict=False))
    for aside in run.asides[:3]:
        same = aside.x.shape == run.steps[0].x.shape and np.array_equal(aside.x, run.steps[0].x)
        which = "the minibatch, which goes through the model once more" if same else "other images than the minibatch"
        for when, state in states.items():
            cause = f"this is the loss of {which} {when} the step; return that of the pass that is trained on"
            found.setdefault(cause, replay(run.oracle.with_parameters(state), [aside], run.lr).losses[0])
    return found


def of_targets(run: Run, recon_x: np.ndarray) -> dict[str, float]:
    """How much larger the first loss is if its reconstructions (B, 784) are compared with other images."""
    x = run.steps[0].x
    first = run.images[: len(x)].reshape(-1, PIXELS) if run.images is not None else x
    if first.shape != x.shape:
        return {}
    more = (np.square(recon_x - first) - np.square(recon_x - x)).mean()
    share = PIXELS / 2 if run.oracle.kind == "vae" else 1
    return {"reconstructions are compared with the first images, not with those of the minibatch": share * more}


def _smoothed(values: np.ndarray, weight: float) -> np.ndarray:
    """Exponential running averages that begin with the first value."""
    averages = [values[0]]
    for value in values[1:]:
        averages.append(weight * averages[-1] + (1 - weight) * value)
    return np.array(averages)


def check_train_mode(records: Sequence[Mapping[str, Any]], what: str) -> None:
    """The model is trained in train mode."""
    trained = [record for record in records if record["grad_enabled"]]
    modes = [record["training"] for record in trained]
    if all(modes):
        return
    if any(modes):
        alone = all(record["training"] == (len(record["input"]) > 1) for record in trained)
        fail(
            f"{what}: some minibatches go through the model in eval mode; training happens in train mode.",
            "minibatches of one image go through it in eval mode, not in train mode" if alone else "",
        )
    fail(
        f"{what}: the model came in eval mode and was trained in it.",
        "model.train() is not called before the first step, so it is not in train mode",
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


def check_parameters(run: Run, more: Callable[[], Iterable[Run]], what: str) -> None:
    """The parameters are where Adam takes them in these steps; if not, name the mistake that leads there."""
    if run.follows():
        return
    initial = run.oracle.parameters()
    still = [name for name in initial if np.array_equal(initial[name], run.trained[name])]
    seen = PARAMETERS
    if len(still) == len(initial):
        seen = UNMOVED
    elif still:
        seen = f"part of the model is not trained: {' and '.join(NAMES[name] for name in still)}."
    fail(f"{what}: {seen}", cause_of(run, more))


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


def check_minibatches(submission: Submission, target: str, oracle: ProbeOracle, rng: np.random.Generator) -> None:
    """Training feeds whole images in batches of the size asked for, reaches every image, and varies the batches.

    With replacement, an image of twelve is missed by 330 draws with probability 4e-12 for all twelve together, and all
    of the last 60 of 1,060 by 2,120 draws with probability 1e-53.
    """
    what, count, batch_size, iterations = target.split(".")[1], 12, 5, 66
    batches = _batches(submission, target, oracle, rng, count, batch_size, iterations)
    sizes = [len(batch) for batch in batches]
    if max(sizes) > batch_size or np.mean(np.equal(sizes, batch_size)) < 0.5:
        many = _batches(submission, target, oracle, rng, 300, 7, 4)
        fixed = {"always all images": 300, "always 100": 100}
        named = [size for size, number in fixed.items() if {len(batch) for batch in many} == {number}]
        fail(
            f"{what}: minibatches do not have batch_size images.",
            f"batch_size is not used: a minibatch has {named[0]}" if named and set(sizes) == {count} else "",
        )
    check(
        set(range(count)) == {i for batch in batches for i in batch},
        f"{what}: some images never reach the model in {iterations} minibatches. Every epoch should visit them all.",
        _cause_of_repetition(batches, count, batch_size),
    )
    check(
        len({frozenset(batch) for batch in batches}) > 6,
        f"{what}: the same few minibatches come again and again. Each epoch needs a new random order, which the "
        "provided `minibatches` gives.",
        _cause_of_repetition(batches, count, batch_size),
    )
    pairs = list(zip(batches[::2], batches[1::2], strict=False))
    twice = len(batches) == 2 * iterations and all(first == second for first, second in pairs)
    check(not twice, f"{what}: {iterations} iterations feed {quoted(len(batches))} minibatches to the model.", TWICE)
    repeated = sum(first == second for first, second in zip(batches, batches[1:], strict=False))
    check(repeated < 20, f"{what}: a minibatch is used twice, for two iterations in a row. Each takes a new one.")
    epoch = -(-count // batch_size)  # with replacement, all of 22 epochs visit every image with probability 1e-50
    padded = all(
        set(range(count)) == {i for batch in batches[start : start + epoch] for i in batch}
        for start in range(0, iterations, epoch)
    ) and np.all(np.equal(sizes, batch_size))
    check(
        not padded, f"{what}: the last, smaller minibatch of every epoch is filled up with images that had their turn."
    )
    many = _batches(submission, target, oracle, rng, 1060, 212, 10)
    check(
        max(i for batch in many for i in batch) >= 1000,
        f"{what}: of many images only the first reach the model. Every epoch should visit them all.",
    )


def _cause_of_repetition(batches: Sequence[Sequence[int]], count: int, batch_size: int) -> str:
    """Why the same minibatches come again and again; "" if they do not, or it cannot be told."""
    different = {frozenset(batch) for batch in batches}
    parts = [frozenset(range(start, min(start + batch_size, count))) for start in range(0, count, batch_size)]
    if len(batches) == 1:
        return ONE_STEP
    if len(different) == 1:
        return "the same minibatch is used in every iteration"
    if different == set(parts):
        return "the images are never shuffled: each epoch needs a new random order"
    if different == set(parts[:-1]):
        return "the images are never shuffled, and the last, smaller minibatch is left out"
    if sum(map(len, different)) == len(frozenset().union(*different)) == count:
        return "the images are shuffled only once: each epoch needs a new random order"
    return ""


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


def check_long(submission: Submission, target: str, oracle: ProbeOracle, rng: np.random.Generator) -> None:
    """A training of many iterations takes them all, with the same lr to the end, whether it still improves or not."""
    what, lr = target.split(".")[1], 1e-5
    # So that the noise of the latents makes no difference to how far Adam takes the biases of pixels.
    oracle = replace(oracle, weight=np.float32(1e-3) * oracle.weight)
    # Three times the same image: nor does it which of them a minibatch has.
    model, images = oracle.send(submission), random_images(rng, 1).repeat(3, axis=0)
    values = submission.call(target, model, images, LONG, batch_size=3, lr=lr)
    values = check_values(values, LONG, what)
    # With steps that change nothing the loss is on a plateau from the start.
    idle = submission.call(target, oracle.send(submission), images, 150, batch_size=3, lr=1e-15)
    check_values(idle, 150, what, earlier=values)
    x = images.reshape(3, PIXELS).astype(np.float64)
    replayed = replay(oracle, [Step(x, oracle.mean(x, training=True))] * LONG, lr, kept_names=["decoder.bias"])
    states = [state["decoder.bias"] for state in replayed.states]
    right = states[-1] - states[0]
    steady = np.abs(right) > 0.9 * lr * LONG  # all the way in one direction

    def moved(bias: np.ndarray, iterations: int) -> float:
        share = np.abs(bias - states[0])[steady] / np.abs(states[iterations] - states[0])[steady]
        return float(np.median(share))

    if abs(moved(model.state()["decoder.bias"], LONG) - 1) < 0.02:
        return

    fed = read_steps(model.records(), oracle, 3)[:1]
    if fed and not np.allclose(fed[0].x, x[: len(fed[0].x)], atol=1e-6):
        fail(f"{what}: what reaches the model are not the images themselves.", _cause_of_other_images(fed, x))

    def speeds() -> np.ndarray:
        noting = oracle.send(submission)
        with submission.aside():
            submission.call(target, noting, images, LONG, batch_size=3, lr=lr, on_step=noting.get("note"))
        noted = [record["input"] for record in noting.records() if record["part"] == "note"]
        if len(noted) != LONG or any(np.shape(bias) != states[0].shape for bias in noted):
            return np.ones(LONG)
        ways = np.diff([states[0], *noted], axis=0) / np.diff(states, axis=0)
        return np.median(ways[:, steady], axis=1)

    fail(
        f"{what}: in a long training the parameters do not move as far as Adam takes them with a step in every "
        "iteration and the same lr to the end.",
        cause_of_short(
            submission,
            target,
            oracle.kind,
            lambda: _cause_of_slowness(speeds()),
        ),
    )


def _cause_of_slowness(speeds: np.ndarray) -> str:
    """Why the parameters do not move as far as they should: how far each step takes them, as a share of a right one."""
    still = np.abs(speeds) < 0.002
    if still.any() and (np.abs(speeds[~still] - 1) < 0.1).all():
        return (
            "no steps are made any more after some of the iterations"
            if np.diff(still).sum() == 1 and still[-1]
            else "no step is made in some of the iterations"
        )
    if (np.diff(speeds) < 0.02).all() and speeds[-1] < 0.95 * speeds[0]:
        return "the learning rate falls: is there a scheduler?"
    return ""


def check_on_step(submission: Submission, target: str, oracle: ProbeOracle, images: np.ndarray) -> None:
    """on_step is called as it should be, and with no iterations nothing happens."""
    what, epoch = target.split(".")[1], -(-len(images) // 3)
    model, on_step = oracle.send(submission, training=False), submission.recorder()
    reply = submission.run(target, [model, images, 5], {"batch_size": 3, "lr": 1e-3, "on_step": on_step})
    values = check_values(reply.value, 5, what, epoch)
    check_calls(on_step.records(), values, what)
    check_on_step_comes_last(submission, target, oracle, images)

    model = oracle.send(submission)
    check_values(submission.call(target, model, images, 0), 0, what, earlier=values)
    check(
        distance(oracle.parameters(), model.state()) < 1e-6,
        f"{what}: with iterations=0, the model should stay as it is.",
    )


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


def check_on_step_comes_last(submission: Submission, target: str, oracle: ProbeOracle, images: np.ndarray) -> None:
    """When on_step is called, the optimiser's step is done: a callback that saves the model saves the new one."""
    model, what = oracle.send(submission), target.split(".")[1]
    # A callback that stops the training: this method does not take two numbers, so it raises.
    stop = model.get("load_state_dict")
    try:
        submission.call(target, model, images, 1, batch_size=3, on_step=stop)
    except SubmissionError as error:
        if "state_dict" not in error.message:  # it is not the callback's
            raise
        fed = read_steps(model.records(), oracle, len(images))
        if distance(oracle.parameters(), model.state()) > 1e-6:
            return
        whole = oracle.send(submission)
        with submission.aside():
            submission.call(target, whole, images, 1, batch_size=3)
        check(not fed or distance(oracle.parameters(), whole.state()) > 1e-6, f"{what}: {UNMOVED}")
        fail(
            f"{what}: when on_step is called, the model is as it was before the step; it should be called after the "
            "step.",
            "on_step is called before optimizer.step()"
            if fed
            else "not the model itself is trained, in place, but a copy of it",
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
