"""My own tests."""

import torch

from gmm import gmm_log_prob
from utils import log_normal_mixture


def test_both_mixtures_agree():
    z, m, v = torch.randn(6, 3), torch.randn(1, 4, 3), torch.rand(1, 4, 3) + 0.5
    expected = gmm_log_prob(z, torch.full((4,), 0.25), m[0], torch.diag_embed(v[0]))
    assert torch.allclose(log_normal_mixture(z, m, v), expected, atol=1e-5)
