"""The model of probe_model.py once more, in NumPy float64: what it gives, and how Adam trains it.

Judges train.py and the plotting functions without a network of the submission. Training is replayed from what the
model recorded, so that minibatches and noise may be drawn in any way.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from scipy.special import expit

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


def read_steps(records: Sequence[Mapping[str, Any]], oracle: ProbeOracle, images: int) -> list[Step]:
    """The steps of training in a probe's records; what was computed without gradients is not a step.

    An image batch that was encoded twice in a row before it was decoded counts once. What no training could have fed
    to this model, with so many images, is left out: replaying it would take memory and time without a bound.
    """
    steps, x = [], None
    for record in records:
        value = record["input"]
        if not record["grad_enabled"] or not 0 < len(value) <= images:
            continue
        if record["part"] == "encode":
            x = value.reshape(len(value), -1).astype(np.float64) if value.size == len(value) * PIXELS else None
        elif x is not None and value.shape == (len(x), oracle.weight.shape[1]):
            steps.append(Step(x, value.astype(np.float64)))
    return steps


def loss_and_gradients(
    oracle: ProbeOracle, parameters: Parameters, step: Step, noise: "np.ndarray | None"
) -> tuple[float, dict[str, np.ndarray]]:
    """Loss of one step in train mode and its gradient: mean squared error (AE) or negative ELBO in nats (VAE).

    Args:
        noise: (B, k), what was drawn to sample z from the posterior; None for an autoencoder.
    """
    x, batch = step.x, len(step.x)
    w, bias, encoder = parameters["decoder.weight"], parameters["decoder.bias"], parameters["encoder.weight"]
    mean = 2 * x @ encoder.T
    logvar = oracle.logvar(mean)
    std = np.exp(logvar / 2)
    z = mean if noise is None else mean + std * noise
    sigmoid = expit(z @ w.T + bias)
    error = (1 - sigmoid) - x
    loss, d_image = np.mean(error**2), 2 * error / error.size
    if noise is not None:
        divergence = 0.5 * (mean**2 + np.exp(logvar) - 1 - logvar).sum() / batch
        loss = 0.5 * (error**2).sum() / batch + PIXELS / 2 * np.log(2 * np.pi) + divergence
        d_image = error / batch
    d_logits = -sigmoid * (1 - sigmoid) * d_image
    d_mean = d_logits @ w
    if noise is not None:
        d_logvar = d_mean * std * noise / 2 + (np.exp(logvar) - 1) / (2 * batch)
        d_mean = d_mean + mean / batch - d_logvar * np.sign(mean) / 4
    gradients = {"decoder.weight": d_logits.T @ z, "decoder.bias": d_logits.sum(0), "encoder.weight": 2 * d_mean.T @ x}
    return float(loss), gradients


def replay(
    oracle: ProbeOracle,
    steps: Sequence[Step],
    lr: float,
    *,
    direction: float = 1.0,
    accumulate: bool = False,
    adaptive: bool = True,
) -> tuple[list[float], dict[str, np.ndarray]]:
    """Losses and final parameters when Adam (Kingma & Ba 2015) takes these steps in train mode.

    Args:
        direction: -1 climbs instead.
        accumulate: gradients are never zeroed.
        adaptive: False for plain gradient descent.
    """
    parameters = oracle.parameters()
    totals = {name: np.zeros_like(value) for name, value in parameters.items()}
    first, second = dict(totals), dict(totals)
    losses = []
    for t, step in enumerate(steps, start=1):
        noise = None
        if oracle.kind == "vae":
            mean = 2 * step.x @ parameters["encoder.weight"].T
            noise = (step.z - mean) / np.exp(oracle.logvar(mean) / 2)
        loss, gradients = loss_and_gradients(oracle, parameters, step, noise)
        losses.append(loss)
        for name, gradient in gradients.items():
            totals[name] = direction * gradient + (totals[name] if accumulate else 0)
            g = totals[name]
            first[name] = 0.9 * first[name] + 0.1 * g
            second[name] = 0.999 * second[name] + 0.001 * g**2
            scaled = first[name] / (1 - 0.9**t) / (np.sqrt(second[name] / (1 - 0.999**t)) + 1e-8)
            parameters[name] = parameters[name] - lr * (scaled if adaptive else g)
    return losses, parameters


def distance(first: Parameters, second: Parameters) -> float:
    """Root mean square difference of two sets of parameters; inf when their names differ."""
    if set(first) != set(second):
        return float("inf")
    squares = np.concatenate([np.square(first[name] - second[name]).ravel() for name in first])
    return float(np.sqrt(squares.mean()))
