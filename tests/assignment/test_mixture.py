"""What the Gaussian mixture's parts lean on: the provided entropy of one Gaussian, and the quadrature."""

import math

import pytest
import torch

from autograder.release.contents import to_be_changed
from autograder.repository import STUDENT
from gmm import mc_entropy_gaussian
from lab.parts.gmm import WEIGHTS, exact_entropy
from lab.parts.mixture import COVS, MEANS


def closed_form(cov: torch.Tensor) -> float:
    return 0.5 * (len(cov) * (1 + math.log(2 * math.pi)) + torch.logdet(cov).item())


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("d", [1, 2, 5])
def test_entropy_of_one_gaussian(d, dtype):
    torch.manual_seed(d)
    n, factor = 200_000, torch.randn(d, d, dtype=dtype)
    mean, cov = 10 * torch.randn(d, dtype=dtype), factor @ factor.mT + torch.eye(d, dtype=dtype)
    estimate, other = mc_entropy_gaussian(n, mean, cov), mc_entropy_gaussian(n, mean, cov)
    assert estimate.shape == () and estimate.dtype == dtype
    # -log p(x) is a constant plus half a chi-square of d degrees of freedom, of variance d / 2. Six standard errors.
    assert abs(estimate.item() - closed_form(cov)) < 6 * math.sqrt(d / 2 / n)
    assert estimate != other, "fresh points at every call"


@pytest.mark.parametrize("scale", [0.3, 1.0, 20.0])
def test_quadrature_fits_any_components(scale):
    """Wherever a course puts them: components far apart have the entropy of the choice and of each alone."""
    covs = scale**2 * torch.tensor(COVS, dtype=torch.float64)
    weights, means = (torch.tensor(values, dtype=torch.float64) for values in (WEIGHTS, MEANS))
    apart = scale * 8 * means
    expected = sum(w * (closed_form(cov) - math.log(w)) for w, cov in zip(WEIGHTS, covs, strict=True))
    assert exact_entropy(weights, apart, covs) == pytest.approx(expected, abs=1e-6)


def test_a_release_during_the_term_leaves_the_students_own_mixture():
    """They write it, and it is no file to hand in."""
    given = {path.relative_to(STUDENT).as_posix(): path.read_bytes() for path in (STUDENT / "lab").rglob("*.py")}
    assert to_be_changed(given) == {"lab/parts/mixture.py"}
