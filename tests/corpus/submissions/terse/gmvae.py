import torch, utils as ut
from torch.nn import *


class Net(Module):
    def __init__(s, a, b): super().__init__(); s.net = Sequential(Linear(a, 300), ELU(), Linear(300, 300), ELU(), Linear(300, b))
    def forward(s, x): return s.net(x)


class GMVAE(Module):
    def __init__(s, z_dim=10, k=500):
        super().__init__()
        s.z_dim, s.k, s.enc, s.dec = z_dim, k, Net(784, 2*z_dim), Net(z_dim, 784)
        s.z_pre = Parameter(torch.randn(1, 2*k, z_dim)/(k*z_dim)**.5)
        s.pi = Parameter(torch.ones(k)/k, requires_grad=False)
    def prior(s): return ut.gaussian_parameters(s.z_pre, 1)
    def negative_elbo_bound(s, x):
        m, v = ut.gaussian_parameters(s.enc(x), 1)
        z = ut.sample_gaussian(m, v)
        r, k = -ut.log_bernoulli_with_logits(x, s.dec(z)).mean(), (ut.log_normal(z, m, v)-ut.log_normal_mixture(z, *s.prior())).mean()
        return r+k, k, r
    def sample_z(s, n): m, v = s.prior(); i = torch.multinomial(s.pi, n, True); return ut.sample_gaussian(m[0, i], v[0, i])
    def compute_sigmoid_given(s, z): return s.dec(z).sigmoid()
    def sample_sigmoid(s, n): return s.compute_sigmoid_given(s.sample_z(n))
    def sample_x(s, n): return s.sample_sigmoid(n).bernoulli()
