"""The model of probe_model.py once more, in NumPy float64: what it gives, and how Adam trains it.

Judges train.py and the plotting functions without a network of the submission. Training is replayed from what the
model recorded, so that minibatches and noise may be drawn in any way.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

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
