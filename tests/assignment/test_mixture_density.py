"""Both ways of log_normal_mixture that the model answer shows are as exact as it says."""

import math
import re
import textwrap

import numpy as np
import pytest
import torch

import utils
from autograder.repository import SOLUTION


def exact(z, m, v):
    """In NumPy's widest floats."""
    z, m, v = (x.astype(np.longdouble) for x in (z, m, v))
    terms = -0.5 * ((z[:, None] - m) ** 2 / v + np.log(v) + np.log(2 * np.longdouble(np.pi))).sum(-1)
    largest = terms.max(1)
    return largest + np.log(np.exp(terms - largest[:, None]).mean(1))


def shown_ways():
    """The two functions of z, m and v whose code the model answer shows: plain, and one matrix product."""
    blocks = re.findall(
        r"```python\n(.*?)```", (SOLUTION / "written" / "gmvae.md").read_text(encoding="utf-8"), re.DOTALL
    )
    for block in blocks:
        scope = {"torch": torch, "math": math, "log_normal": utils.log_normal, "log_mean_exp": utils.log_mean_exp}
        exec("def way(z, m, v):\n" + textwrap.indent(block, "    "), scope)
        yield scope["way"]


PLAIN, ONE_PRODUCT = shown_ways()


def arguments(batch, shared, dtype, shift=0.0, narrowest=1e-6):
    """Components of many widths around `shift`, and points of theirs."""
    rng = np.random.default_rng(0)
    shape = (1 if shared else batch, 50, 10)
    m = (rng.normal(size=shape) + shift).astype(dtype)
    v = (10 ** rng.uniform(np.log10(narrowest), 0, shape)).astype(dtype)
    row, chosen = np.zeros(batch, int) if shared else np.arange(batch), rng.integers(50, size=batch)
    z = m[row, chosen] + np.sqrt(v[row, chosen]) * rng.normal(size=(batch, 10))
    return z.astype(dtype), m, v


@pytest.mark.parametrize("dtype, bound", [("float32", 2e-6), ("float64", 5e-9)])
@pytest.mark.parametrize("shared", [True, False], ids=["shared", "own"])
@pytest.mark.parametrize("shift", [0, 10, 1_000, 10_000])
def test_errors_far_from_0_and_of_narrow_components(dtype, bound, shared, shift):
    for batch in (1, 20):
        inputs = arguments(batch, shared, dtype, shift)
        found = ONE_PRODUCT(*map(torch.from_numpy, inputs))
        assert found.shape == (batch,) and found.dtype == getattr(torch, dtype)
        assert np.abs(found.numpy() - exact(*inputs)).max() < bound


@pytest.mark.parametrize("shift, without_care", [(0, 0.1), (10_000, 1e6)])
def test_errors_of_the_model_answers_table(shift, without_care):
    inputs = arguments(20, True, "float32", shift)
    z, m, v = map(torch.from_numpy, inputs)
    squares = z.square() @ (1 / v[0]).T - 2 * z @ (m / v)[0].T + (m.square() / v).sum(-1)
    constants = v.log().sum(-1) + 10 * np.log(2 * np.pi)
    expanded = utils.log_mean_exp(-0.5 * (squares + constants), dim=1)
    ways = (PLAIN(z, m, v), expanded, ONE_PRODUCT(z, m, v))
    errors = [np.abs(way.numpy() - exact(*inputs)).max() for way in ways]
    assert errors[0] < 1e-5 and errors[1] > without_care and errors[2] < 2e-6


@pytest.mark.parametrize("shared", [True, False], ids=["shared", "own"])
def test_gradients_are_those_of_the_plain_form(shared):
    inputs = [torch.from_numpy(x).requires_grad_() for x in arguments(20, shared, "float64", 10, narrowest=1e-3)]
    weights = torch.arange(20.0, dtype=torch.float64)
    ways = (ONE_PRODUCT, PLAIN)
    for found, right in zip(*(torch.autograd.grad(weights @ way(*inputs), inputs) for way in ways), strict=True):
        torch.testing.assert_close(found, right, rtol=1e-8, atol=1e-8)


@pytest.mark.parametrize("variance", [1e-45, 1e-40, 1e38])
def test_variances_at_the_ends_of_float32(variance):
    z, m = torch.randn(4, 3), torch.randn(1, 5, 3)
    v = torch.full((1, 5, 3), variance)
    torch.testing.assert_close(ONE_PRODUCT(z, m, v), PLAIN(z, m, v))
    torch.testing.assert_close(utils.log_normal_mixture(z, m, v), PLAIN(z, m, v))
