"""The model of probe_model.py once more, in NumPy float64: what it gives, and how Adam trains it.

Judges train.py and the plotting functions without a network of the submission. Training is replayed from what the
model recorded, so that minibatches and noise may be drawn in any way.
"""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from scipy.special import expit

from autograder.door.diagnose import check
from autograder.door.submission import Recorder, Submission

PIXELS = 28 * 28
MODEL = Path(__file__).with_name("probe_model.py")  # read as text: nothing here may import torch
Parameters = Mapping[str, np.ndarray]
IN_TRAIN_MODE = "the model was in train mode: use the provided `evaluating`"


@dataclass(frozen=True)
class ProbeOracle:
    """Weights of a probe model.

    Attributes:
        weight: (784, k); bias: (784,); encoder_weight: (k, 784); all float32.
        kind: "vae" or "ae".
        logvar_weight: (k, 784), what the log-variances have beside the means' part; None for nothing.
    """

    weight: np.ndarray
    bias: np.ndarray
    encoder_weight: np.ndarray
    kind: str = "vae"
    logvar_weight: np.ndarray | None = None

    def send(self, submission: Submission, training: bool = True, grad_only: bool = False) -> Recorder:
        """The same model on the other side, in train or eval mode.

        Args:
            grad_only: nothing is recorded of what is computed without gradients.
        """
        arguments = (self.weight, self.bias, self.encoder_weight, self.kind, self.logvar_weight, grad_only)
        return submission.build(MODEL.read_text(encoding="utf-8"), "ProbeModel", arguments, training)

    def decode(self, z: np.ndarray, training: bool = False) -> np.ndarray:
        """Latents (..., k) to images (..., 1, 28, 28)."""
        image = expit(z @ self.weight.T.astype(np.float64) + self.bias).reshape(*z.shape[:-1], 1, 28, 28)
        return 1 - image if training else image

    def mean(self, images: np.ndarray, training: bool = False) -> np.ndarray:
        """Images (n, ...) to codes or posterior means (n, k)."""
        mean = images.reshape(len(images), -1) @ self.encoder_weight.T.astype(np.float64)
        return 2 * mean if training else mean

    def logvar(self, mean: np.ndarray) -> np.ndarray:
        """Log-variances of the posterior with these means."""
        return -1 - np.abs(mean) / 4

    def with_parameters(self, parameters: Parameters) -> "ProbeOracle":
        """The same model with these parameters, by their names in the state_dict."""
        weight, bias = parameters["decoder.weight"], parameters["decoder.bias"]
        return replace(self, weight=weight, bias=bias, encoder_weight=parameters["encoder.weight"])

    def parameters(self) -> dict[str, np.ndarray]:
        """The parameters by the names that they have in the model's state_dict, float64."""
        named = {"decoder.weight": self.weight, "decoder.bias": self.bias, "encoder.weight": self.encoder_weight}
        return {name: value.astype(np.float64) for name, value in named.items()}


def random_probe(rng: np.random.Generator, latents: int, kind: str = "vae", scale: float = 1.0) -> ProbeOracle:
    """A probe with random weights whose codes have a standard deviation near `scale` on images of random pixels."""

    def normal(std: float, *shape: int) -> np.ndarray:
        return (std * rng.standard_normal(shape)).astype(np.float32)

    return ProbeOracle(
        normal(0.7, PIXELS, latents), normal(0.5, PIXELS), normal(2 * scale / PIXELS**0.5, latents, PIXELS), kind
    )


@dataclass(frozen=True)
class Step:
    """What the model was fed in one step of training: images x (B, 784) and latents z (B, k) to decode."""

    x: np.ndarray
    z: np.ndarray


def read_steps(
    records: Sequence[Mapping[str, Any]], oracle: ProbeOracle, largest: int, with_gradients: bool = True
) -> list[Step]:
    """The steps of training in a probe's records; what was computed without gradients is not a step.

    An image batch that was encoded twice in a row before it was decoded counts once. What no training could have fed
    to this model is left out: replaying it would take memory and time without a bound.

    Args:
        largest: minibatch that a training may feed: of as many images as there are, or, where it draws them with
            replacement, as were asked for.
        with_gradients: False for what was computed without gradients instead.

    Raises:
        CheckFailed: the model was fed something that no door lets through, such as half precision.
    """
    steps, x = [], None
    for record in records:
        value = record["input"]
        check(
            isinstance(value, np.ndarray),
            f"what the model's {record['part']} is fed is no ordinary tensor of float32 or float64. Is half precision "
            "(autocast) switched on?",
        )
        if record["grad_enabled"] != with_gradients or not 0 < len(value) <= largest:
            continue
        if record["part"] == "encode":
            x = value.reshape(len(value), -1).astype(np.float64) if value.size == len(value) * PIXELS else None
        elif x is not None and value.shape == (len(x), oracle.weight.shape[1]):
            steps.append(Step(x, value.astype(np.float64)))
    return steps


def loss_and_gradients(
    oracle: ProbeOracle,
    parameters: Parameters,
    step: Step,
    noise: "np.ndarray | None",
    cost: str = "squared",
    kl_weight: float = 1.0,
) -> tuple[float, dict[str, np.ndarray]]:
    """Loss of one step in train mode and its gradient: mean squared error (AE) or negative ELBO in nats (VAE).

    Args:
        noise: (B, k), what was drawn to sample z from the posterior; None for an autoencoder.
        cost: whose gradient is taken instead: "absolute", "root" or "cross-entropy".
        kl_weight: of the divergence, in the gradient.
    """
    x, batch = step.x, len(step.x)
    w, bias, encoder = parameters["decoder.weight"], parameters["decoder.bias"], parameters["encoder.weight"]
    mean = 2 * x @ encoder.T
    logvar = oracle.logvar(mean)
    std = np.exp(logvar / 2)
    z = mean if noise is None else mean + std * noise
    sigmoid = expit(z @ w.T + bias)
    recon = 1 - sigmoid
    error = recon - x
    loss = np.mean(error**2)
    slopes = {
        "squared": lambda: 2 * error,
        "absolute": lambda: np.sign(error),
        "root": lambda: error / np.sqrt(loss),
        "cross-entropy": lambda: error / (recon * sigmoid + 1e-12),
    }
    slope = slopes[cost]()  # of the cost of a pixel
    d_image = slope / error.size
    if noise is not None:
        divergence = 0.5 * (mean**2 + np.exp(logvar) - 1 - logvar).sum() / batch
        loss = 0.5 * (error**2).sum() / batch + PIXELS / 2 * np.log(2 * np.pi) + divergence
        d_image = slope / (2 if cost == "squared" else 1) / batch
    d_logits = -sigmoid * recon * d_image
    d_mean = d_logits @ w
    if noise is not None:
        d_logvar = d_mean * std * noise / 2 + kl_weight * (np.exp(logvar) - 1) / (2 * batch)
        d_mean = d_mean + kl_weight * mean / batch - d_logvar * np.sign(mean) / 4
    gradients = {"decoder.weight": d_logits.T @ z, "decoder.bias": d_logits.sum(0), "encoder.weight": 2 * d_mean.T @ x}
    return float(loss), gradients


@dataclass(frozen=True)
class Rule:
    """How a training takes its steps; by default as it should, with Adam (Kingma & Ba 2015).

    Attributes:
        method: "adam", "sgd", "momentum", "rmsprop", "adagrad" or "adamax".
        direction: -1 climbs instead.
        zeroed: whether gradients of earlier steps are forgotten.
        late: a step is taken with the gradient of the minibatch before.
        restarted: the optimiser is a new one at every step.
        repeats: how many steps are taken with a gradient.
        every: a step is taken after so many minibatches, whose gradients add up.
        only_whole: no step is taken for a minibatch that is smaller than the first.
        by_share: the loss of a smaller minibatch counts by its share of a whole one.
        decay: weight of half the sum of squares of the parameters, in the loss.
        shrink: parameters are multiplied by 1 - lr * shrink at each step, beside it.
        pull: weight of the sum of the parameters' absolute values, in the loss.
        rates: what lr is multiplied by at step 0, 1, ..., given this number and that of all steps.
        norm, size: the largest norm of the gradient of all parameters, the largest size of an entry of it.
        betas, eps: of Adam.
        cost: see `loss_and_gradients`.
        kl_weights: as rates, for the divergence.
    """

    method: str = "adam"
    direction: float = 1.0
    zeroed: bool = True
    late: bool = False
    restarted: bool = False
    repeats: int = 1
    every: int = 1
    only_whole: bool = False
    by_share: bool = False
    decay: float = 0.0
    shrink: float = 0.0
    pull: float = 0.0
    rates: Callable[[int, int], float] = lambda step, steps: 1.0
    norm: float = np.inf
    size: float = np.inf
    betas: tuple[float, float] = (0.9, 0.999)
    eps: float = 1e-8
    cost: str = "squared"
    kl_weights: Callable[[int, int], float] = lambda step, steps: 1.0


@dataclass(frozen=True)
class Trajectory:
    """A training: the right loss of each minibatch before its step, and the parameters, or those that were asked for,
    before the first step and after each."""

    losses: list[float]
    states: list[dict[str, np.ndarray]]


def replay(
    oracle: ProbeOracle,
    steps: Sequence[Step],
    lr: float,
    rule: "Rule | None" = None,
    kept_names: "Collection[str] | None" = None,
) -> Trajectory:
    """What becomes of the parameters when a rule takes these steps in train mode.

    Args:
        kept_names: of the parameters to keep after each step, all if None: of a long training they fill the memory.
    """
    rule = rule or Rule()
    parameters = oracle.parameters()
    names = parameters.keys() if kept_names is None else kept_names
    optimizer, losses, states = _Optimizer(rule), [], [{name: parameters[name] for name in names}]
    totals = {name: np.zeros_like(value) for name, value in parameters.items()}
    before: dict[str, np.ndarray] | None = None
    for t, step in enumerate(steps):
        noise = None
        if oracle.kind == "vae":
            mean = 2 * step.x @ parameters["encoder.weight"].T
            noise = (step.z - mean) / np.exp(oracle.logvar(mean) / 2)
        loss, gradients = loss_and_gradients(oracle, parameters, step, noise, rule.cost, rule.kl_weights(t, len(steps)))
        losses.append(loss)
        share = len(step.x) / len(steps[0].x) if rule.by_share else 1.0
        kept = not rule.zeroed or t % rule.every > 0
        for name, value in parameters.items():
            gradient = rule.direction * share * gradients[name] + rule.decay * value + rule.pull * np.sign(value)
            totals[name] = gradient + totals[name] if kept else gradient
        used, before = (before, dict(totals)) if rule.late else (dict(totals), None)
        stepping = t % rule.every == rule.every - 1 and not (rule.only_whole and len(step.x) < len(steps[0].x))
        for _ in range(rule.repeats if used and stepping else 0):
            parameters = optimizer.step(parameters, used or {}, lr * rule.rates(t, len(steps)))
        states.append({name: parameters[name] for name in names})
    return Trajectory(losses, states)


class _Optimizer:
    """Takes the steps of a rule, given gradients."""

    def __init__(self, rule: Rule) -> None:
        self._rule = rule
        self._restart()

    def _restart(self) -> None:
        self._steps = 0
        self._first: dict[str, Any] = {}
        self._second: dict[str, Any] = {}

    def step(self, parameters: Parameters, gradients: Parameters, lr: float) -> dict[str, np.ndarray]:
        """The parameters after a step."""
        rule = self._rule
        if rule.restarted:
            self._restart()
        self._steps += 1
        norm = np.sqrt(sum(np.square(gradient).sum() for gradient in gradients.values()))
        scale = min(1.0, rule.norm / (norm + 1e-6))
        moved = {}
        for name, value in parameters.items():
            g = np.clip(scale * gradients[name], -rule.size, rule.size)
            moved[name] = value * (1 - lr * rule.shrink) - lr * self._direction(name, g)
        return moved

    def _direction(self, name: str, g: np.ndarray) -> np.ndarray:
        """What a parameter moves along, against, with a learning rate of 1."""
        (b1, b2), t = self._rule.betas, self._steps
        first, second = self._first.get(name, 0.0), self._second.get(name, 0.0)
        if self._rule.method == "sgd":
            return g
        if self._rule.method == "momentum":
            self._first[name] = 0.9 * first + g
            return self._first[name]
        if self._rule.method == "rmsprop":
            self._second[name] = 0.99 * second + 0.01 * g**2
            return g / (np.sqrt(self._second[name]) + 1e-8)
        if self._rule.method == "adagrad":
            self._second[name] = second + g**2
            return g / (np.sqrt(self._second[name]) + 1e-10)
        self._first[name] = b1 * first + (1 - b1) * g
        mean = self._first[name] / (1 - b1**t)
        if self._rule.method == "adamax":
            self._second[name] = np.maximum(b2 * second, np.abs(g) + 1e-8)
            return mean / self._second[name]
        self._second[name] = b2 * second + (1 - b2) * g**2
        return mean / (np.sqrt(self._second[name] / (1 - b2**t)) + self._rule.eps)


def distance(first: Parameters, second: Parameters) -> float:
    """Root mean square difference of two sets of parameters; inf when their names differ."""
    if set(first) != set(second):
        return float("inf")
    squares = np.concatenate([np.square(first[name] - second[name]).ravel() for name in first])
    return float(np.sqrt(squares.mean()))
