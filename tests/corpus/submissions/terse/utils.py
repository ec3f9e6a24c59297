from math import log, pi
from torch import randn_like, logsumexp
from torch.nn.functional import softplus, binary_cross_entropy_with_logits as bce


def sample_gaussian(m, v): return m + v.sqrt()*randn_like(m)
def log_normal(x, m, v, dim=-1): return -.5*((((x-m)*v.rsqrt())**2).sum(dim) + v.log().sum(dim) + x.shape[dim]*log(2*pi))
def log_normal_mixture(z, m, v): return log_mean_exp(log_normal(z[:, None], m, v), 1)
def log_sum_exp(x, dim=0): return logsumexp(x, dim)
def log_mean_exp(x, dim): return log_sum_exp(x, dim) - log(x.shape[dim])
def gaussian_parameters(h, dim=-1): m, v = h.chunk(2, dim); return m, softplus(v)+1e-8
def log_bernoulli_with_logits(x, logits): return -bce(logits, x, reduction="none").sum(-1)
def kl_normal(qm, qv, pm, pv): return .5*(pv.log()-qv.log()+(qv+(qm-pm)**2)/pv-1).sum(-1)
def duplicate(x, rep): return x.repeat(rep, *[1]*(x.ndim-1))
