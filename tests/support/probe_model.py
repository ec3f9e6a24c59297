"""A model that records what it is fed, to judge training and plotting without a network of the submission.

`probe_oracle.py` sends this file as text to where the code under test runs; nothing else may import it, because the
grader does without torch.
"""

from typing import Any

import torch
from torch import Tensor, nn


class ProbeModel(nn.Module):
    """A linear model with the interface of a VAE or an autoencoder. In train mode it behaves differently.

    Args:
        weight: (784, k); bias: (784,); latents z (B, k) are decoded to sigmoid(z @ weight.T + bias) as images, in train
            mode to 1 minus that.
        encoder_weight: (k, 784); images x are encoded to the mean x @ encoder_weight.T, in train mode to twice that.
        kind: "vae": the log-variance is -1 - |mean| / 4; "ae": there is none.
        logvar_weight: (k, 784); x @ logvar_weight.T is added to the log-variance; None for nothing.
        grad_only: nothing is recorded of what is computed without gradients, such as an evaluation while training.

    Attributes:
        records: what it was fed, in order: dicts with part ("encode", "decode" or "note"), input, training,
            grad_enabled.
    """

    def __init__(
        self,
        weight: Tensor,
        bias: Tensor,
        encoder_weight: Tensor,
        kind: str,
        logvar_weight: "Tensor | None" = None,
        grad_only: bool = False,
    ) -> None:
        super().__init__()
        self.latent_dim = weight.shape[1]
        self.records: list[dict[str, Any]] = Trained() if grad_only else []
        self.decoder = ProbeDecoder(weight, bias, self.records)
        self.encoder = ProbeEncoder(encoder_weight, kind, logvar_weight, self.records)

    def encode(self, x: Tensor) -> Any:
        return self.encoder(x)

    def decode(self, z: Tensor) -> Tensor:
        return self.decoder(z)

    def reparameterize(self, mu: Tensor, logvar: Tensor) -> Tensor:
        # The spread that our own encoder gives to this mean, whatever `logvar` is: the same for its proper use, and
        # useless to a submission that calls this instead of writing its own.
        return mu + (-0.5 - mu.abs() / 8).exp() * torch.randn_like(mu)

    def forward(self, x: Tensor) -> Any:
        encoded = self.encode(x)
        if isinstance(encoded, tuple):
            return (self.decode(self.reparameterize(*encoded)), *encoded)
        return self.decode(encoded)

    def note(self, *_: Any) -> None:
        """Record the biases of the decoder: to be called after each step of a training."""
        self.records.append(record(self, "note", self.decoder.bias))

    def with_gradients(self) -> list[str]:
        """Names of the parameters that have a gradient other than 0."""
        return [name for name, p in self.named_parameters() if p.grad is not None and bool(p.grad.any())]


class ProbeDecoder(nn.Module):
    def __init__(self, weight: Tensor, bias: Tensor, records: list[dict[str, Any]]) -> None:
        super().__init__()
        self.weight, self.bias, self.records = nn.Parameter(weight), nn.Parameter(bias), records

    def forward(self, z: Tensor) -> Tensor:
        self.records.append(record(self, "decode", z))
        image = torch.sigmoid(z @ self.weight.T + self.bias).reshape(-1, 1, 28, 28)
        return 1 - image if self.training else image


class ProbeEncoder(nn.Module):
    def __init__(
        self, weight: Tensor, kind: str, logvar_weight: "Tensor | None", records: list[dict[str, Any]]
    ) -> None:
        super().__init__()
        self.weight, self.kind, self.logvar_weight, self.records = nn.Parameter(weight), kind, logvar_weight, records

    def forward(self, x: Tensor) -> Any:
        self.records.append(record(self, "encode", x))
        mean = x.flatten(1) @ self.weight.T
        if self.training:
            mean = 2 * mean
        if self.kind != "vae":
            return mean
        more = 0 if self.logvar_weight is None else x.flatten(1) @ self.logvar_weight.T
        return mean, -1 - mean.abs() / 4 + more


class Trained(list):
    """A list of records that keeps only those with gradients."""

    def append(self, record: dict[str, Any]) -> None:
        if record["grad_enabled"]:
            super().append(record)


def record(module: nn.Module, part: str, value: Tensor) -> dict[str, Any]:
    return {
        "part": part,
        "input": value.detach().clone(),
        "training": module.training,
        "grad_enabled": torch.is_grad_enabled(),
    }
