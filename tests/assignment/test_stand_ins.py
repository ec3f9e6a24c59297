"""The stand-ins against torch.distributions, which two of them do without; values and gradients."""

import pytest
import torch
from torch.distributions import Categorical, Independent, MixtureSameFamily, Normal, kl_divergence

from hidden.stand_ins import STAND_INS


def assert_same(stand_in, library, *arguments):
    """Value and gradients by all arguments are those of the library."""
    arguments = [argument.requires_grad_() for argument in arguments]
    found, expected = stand_in(*arguments), library(*arguments)
    torch.testing.assert_close(found, expected)
    for ours, theirs in zip(*(torch.autograd.grad(value.sum(), arguments) for value in (found, expected)), strict=True):
        torch.testing.assert_close(ours, theirs)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("rows", [1, 5])
def test_mixture(dtype, rows):
    def library(z, m, v):
        components = Independent(Normal(m, v.sqrt()), 1)
        return MixtureSameFamily(Categorical(logits=torch.zeros_like(m[..., 0])), components).log_prob(z)

    torch.manual_seed(0)
    z, m, v = (torch.randn(shape, dtype=dtype) for shape in ((5, 3), (rows, 4, 3), (rows, 4, 3)))
    assert_same(STAND_INS["utils.log_normal_mixture"], library, z, m, v.exp())


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_elbo_loss(dtype):
    def error(x, recon_x):
        return -Normal(recon_x, 1.0).log_prob(x).flatten(1).sum(1).mean()

    def divergence(mu, logvar):
        return kl_divergence(Normal(mu, (0.5 * logvar).exp()), Normal(torch.zeros_like(mu), 1.0)).sum(1).mean()

    torch.manual_seed(0)
    x, recon_x = torch.rand(2, 5, 1, 28, 28, dtype=dtype)
    mu, logvar = 3 * torch.randn(2, 5, 4, dtype=dtype)
    assert_same(
        STAND_INS["ELBO.elbo_loss"], lambda *all: error(*all[:2]) + divergence(*all[2:]), x, recon_x, mu, logvar
    )
    assert_same(STAND_INS["ELBO.negative_log_likelihood"], error, x.detach(), recon_x.detach())
    assert_same(STAND_INS["ELBO.kl_diag_normal"], divergence, mu.detach(), logvar.detach())
