"""The oracles against independent authorities: quadrature, scipy.stats, torch.distributions, finite differences."""

import json
import math

import numpy as np
import pytest
import torch
from scipy import integrate, stats
from torch import distributions

from support import oracles, trained_model
from support.checks.mixtures import whiten
from support.mixture import Mixture
from support.trained_model import WeightsError
from tests.assignment.weights import with_length

NORMAL_PAIRS = [(0.0, 1.0, 0.0, 1.0), (1.0, 4.0, -0.5, 0.25), (-2.0, 0.01, 1.0, 3.0), (0.3, 1.0, 0.3, 1.001)]


@pytest.fixture
def mixture(rng):
    factors = rng.normal(size=(3, 2, 2)) + 1.5 * np.eye(2)
    return Mixture(np.array([0.2, 0.5, 0.3]), 3 * rng.normal(size=(3, 2)), factors @ factors.swapaxes(1, 2))


@pytest.mark.parametrize("arguments", NORMAL_PAIRS)
def test_kl_normal_by_quadrature(arguments):
    mu1, var1, mu2, var2 = arguments
    p, q = stats.norm(mu1, math.sqrt(var1)), stats.norm(mu2, math.sqrt(var2))
    low, high = p.interval(1 - 1e-15)
    integral = integrate.quad(lambda x: p.pdf(x) * (p.logpdf(x) - q.logpdf(x)), low, high, limit=200)[0]
    assert oracles.kl_univariate_normal(*arguments) == pytest.approx(integral, rel=1e-8, abs=1e-11)


@pytest.mark.parametrize("argument", range(4))
def test_kl_normal_gradients_by_finite_differences(argument):
    arguments = np.array([1.0, 4.0, -0.5, 0.25])
    step = np.where(np.arange(4) == argument, 1e-6, 0)
    rise = oracles.kl_univariate_normal(*(arguments + step)) - oracles.kl_univariate_normal(*(arguments - step))
    assert oracles.kl_univariate_normal_gradients(*arguments)[argument] == pytest.approx(rise / 2e-6, rel=1e-6)


def test_kl_categorical_by_torch(rng):
    p, q = rng.dirichlet(np.ones(5), size=(2, 3, 4))
    expected = distributions.kl_divergence(
        distributions.Categorical(torch.tensor(p)), distributions.Categorical(torch.tensor(q))
    )
    np.testing.assert_allclose(oracles.kl_categorical(p, q), expected, rtol=1e-10)
    assert oracles.kl_categorical([0.5, 0.5, 0], [0.25, 0.75, 0]) == pytest.approx(0.5 * math.log(4 / 3))
    assert oracles.kl_categorical([0.5, 0.5], [1.0, 0.0]) == math.inf


def test_vae_terms_by_torch(rng):
    mu, logvar = rng.normal(size=(2, 6, 3))
    posterior = distributions.Normal(torch.tensor(mu), torch.tensor(logvar).mul(0.5).exp())
    expected = distributions.kl_divergence(posterior, distributions.Normal(0.0, 1.0)).sum(1)
    np.testing.assert_allclose(oracles.kl_diag_normal(mu, logvar), expected, rtol=1e-10)
    x, mean = rng.random((2, 6, 1, 5, 5))
    expected = -stats.norm.logpdf(x, mean, 1).sum(axis=(1, 2, 3))
    np.testing.assert_allclose(oracles.negative_log_likelihood(x, mean), expected, rtol=1e-12)


def test_mixture_density_by_scipy(mixture, rng):
    x = 5 * rng.normal(size=(40, 2))
    densities = [stats.multivariate_normal(m, c).pdf(x) for m, c in zip(mixture.means, mixture.covs, strict=True)]
    np.testing.assert_allclose(
        oracles.gmm_log_prob(x, *mixture.arguments), np.log(mixture.weights @ np.array(densities)), rtol=1e-10
    )


@pytest.mark.parametrize("d", [1, 2, 5])
def test_gaussian_entropy_by_scipy(d, rng):
    factor = rng.normal(size=(d, d)) / 3
    cov = factor @ factor.T + 0.01 * np.eye(d)
    assert oracles.gaussian_entropy(cov) == pytest.approx(stats.multivariate_normal(cov=cov).entropy(), rel=1e-10)


def test_mixture_entropy_by_quadrature():
    mixture = Mixture(np.array([0.3, 0.7]), np.array([[-2.0], [1.0]]), np.array([[[0.25]], [[2.0]]]))

    def integrand(x):
        log_density = oracles.gmm_log_prob(np.array([[x]]), *mixture.arguments)[0]
        return -math.exp(log_density) * log_density

    integral = integrate.quad(integrand, -25, 25, points=[-3, -2, -1, 1], limit=400)[0]
    assert oracles.mixture_entropy_1d(mixture) == pytest.approx(integral, abs=1e-9)


def test_samples_whiten_to_the_noise_they_came_from(mixture, rng):
    x, component = oracles.sample_gmm(mixture, 20_000, rng)
    eps = whiten(x, component, mixture.means, np.linalg.cholesky(mixture.covs))
    np.testing.assert_allclose(np.cov(eps.T), np.eye(2), atol=0.05)
    np.testing.assert_allclose(np.bincount(component) / 20_000, mixture.weights, atol=0.02)


@pytest.mark.parametrize("shared", [True, False])
def test_log_normal_mixture_and_gradients_by_torch(shared, rng):
    z, m, v = (
        rng.normal(size=(7, 3)),
        rng.normal(size=(1 if shared else 7, 5, 3)),
        rng.random((1 if shared else 7, 5, 3)),
    )
    tensors = [torch.tensor(array, requires_grad=True) for array in (z, m, v)]
    components = distributions.Independent(distributions.Normal(tensors[1], tensors[2].sqrt()), 1)
    uniform = distributions.Categorical(logits=torch.zeros(m.shape[:2], dtype=torch.float64))
    expected = distributions.MixtureSameFamily(uniform, components).log_prob(tensors[0])
    np.testing.assert_allclose(oracles.log_normal_mixture(z, m, v), expected.detach(), rtol=1e-10)
    cotangent = rng.normal(size=7)
    expected.backward(torch.tensor(cotangent))
    for tensor, gradient in zip(tensors, oracles.log_normal_mixture_gradients(z, m, v, cotangent), strict=True):
        np.testing.assert_allclose(gradient, tensor.grad, rtol=1e-8, atol=1e-10)


# The GMVAE


def random_weights(rng, z_dim=3, k=4):
    shapes = trained_model.gmvae_shapes(z_dim, k)
    return {name: rng.normal(size=shape) / math.sqrt(shape[-1]) for name, shape in shapes.items()}


def test_gmvae_terms_by_torch(rng):
    """One batch through torch's own layers and distributions, at the oracle's own noise."""
    weights = random_weights(rng)
    x = (rng.random((6, 784)) < 0.3).astype(np.float64)
    terms = oracles.gmvae_terms(weights, x, np.random.default_rng(1))
    tensors = {name: torch.tensor(value) for name, value in weights.items()}

    def net(part, h):
        for layer in (0, 2, 4):
            name = f"{part}.net.{layer}"
            h = torch.nn.functional.linear(h, tensors[f"{name}.weight"], tensors[f"{name}.bias"])
            h = torch.nn.functional.elu(h) if layer < 4 else h
        return h

    mean, pre_v = net("enc", torch.tensor(x)).chunk(2, dim=1)
    posterior = distributions.Normal(mean, (torch.nn.functional.softplus(pre_v) + 1e-8).sqrt())
    z = mean + posterior.scale * torch.tensor(np.random.default_rng(1).standard_normal((6, 3)))
    prior_mean, prior_pre_v = tensors["z_pre"].chunk(2, dim=1)
    prior_scale = (torch.nn.functional.softplus(prior_pre_v) + 1e-8).sqrt()
    prior = distributions.MixtureSameFamily(
        distributions.Categorical(logits=torch.zeros(1, 4, dtype=torch.float64)),
        distributions.Independent(distributions.Normal(prior_mean, prior_scale), 1),
    )
    np.testing.assert_allclose(terms["log_q"][0], posterior.log_prob(z).sum(1), rtol=1e-10)
    np.testing.assert_allclose(terms["log_p"][0], prior.log_prob(z), rtol=1e-10)
    pixels = distributions.Bernoulli(logits=net("dec", z)).log_prob(torch.tensor(x))
    np.testing.assert_allclose(terms["log_x"][0], pixels.sum(1), rtol=1e-10)


@pytest.mark.parametrize("distance", [0, 10, 1e5])  # the square is expanded, expanded, not expanded
def test_the_mixture_of_draws_is_the_mixture_at_each_draw(rng, distance):
    mean, noise = rng.normal(size=(7, 3)), rng.normal(size=(5, 7, 3))
    m, v = distance + rng.normal(size=(1, 4, 3)), rng.uniform(0.01, 2, (1, 4, 3))
    one_by_one = np.stack([oracles.log_normal_mixture(mean + draw, m, v) for draw in noise])
    np.testing.assert_allclose(oracles.log_normal_mixture_of_draws(mean, noise, m, v), one_by_one, rtol=1e-10)


def test_gmvae_negative_elbo_is_deterministic_and_independent_of_chunks(rng):
    weights, x = random_weights(rng), rng.random((30, 784)) < 0.3
    first = oracles.gmvae_negative_elbo(weights, x, seed=5)
    assert first == oracles.gmvae_negative_elbo(weights, x, seed=5)
    assert first == pytest.approx(oracles.gmvae_negative_elbo(weights, x, seed=5, chunk=7))
    assert first[0] == pytest.approx(first[1] + first[2])
    assert first != oracles.gmvae_negative_elbo(weights, x, seed=6)


def test_noise_survives_huge_means(rng):
    """Means so large that a double loses the noise must not make the divergence look small."""
    weights, x = random_weights(rng), rng.random((20, 784)) < 0.3
    honest = oracles.gmvae_negative_elbo(weights, x, seed=5)[1]
    shift = 1e19
    weights["enc.net.4.bias"][:3] += shift
    weights["z_pre"][:, :4] = shift
    weights["z_pre"][:, 4:] = -60  # variance 1e-8
    assert oracles.gmvae_negative_elbo(weights, x, seed=5)[1] > honest


def test_gmvae_gradients_by_finite_differences(rng):
    """Against differences of the noise-free value, in a random direction of each parameter."""
    weights, x = random_weights(rng), (rng.random((5, 784)) < 0.3).astype(np.float64)

    def value(at):
        mean, variance = oracles.gmvae_encode(at, x)
        log_p = oracles.log_normal_mixture(mean, *oracles.gmvae_prior(at))
        log_x = oracles.log_bernoulli_with_logits(x, oracles.mlp(at, "dec", mean))
        return (-0.5 * np.log(variance).sum(1) - log_p - log_x).mean()

    gradients = oracles.gmvae_gradients(weights, x)
    assert set(gradients) == set(weights) - {"pi"}
    for name, gradient in gradients.items():
        direction = rng.normal(size=gradient.shape) / math.sqrt(gradient.size)
        rise = [value({**weights, name: weights[name] + step * direction}) for step in (1e-5, -1e-5)]
        assert (rise[0] - rise[1]) / 2e-5 == pytest.approx((gradient * direction).sum(), rel=1e-5, abs=1e-8), name


# Files


@pytest.fixture
def weights_file(tmp_path, rng):
    from safetensors.numpy import save_file

    path = tmp_path / "gmvae.safetensors"
    tensors = {name: rng.normal(size=shape).astype(np.float32) for name, shape in trained_model.gmvae_shapes().items()}
    save_file(tensors, path, {"format": "pt"})
    return path, tensors


def test_reads_what_safetensors_writes(weights_file):
    path, tensors = weights_file
    read = trained_model.read_gmvae(path)
    assert set(read) == set(tensors)
    for name, value in tensors.items():
        np.testing.assert_array_equal(read[name], value)


def rewrite(path, change):
    """Apply a change to the header and to the data of a safetensors file."""
    content = path.read_bytes()
    length = int.from_bytes(content[:8], "little")
    header, data = change(json.loads(content[8 : 8 + length]), content[8 + length :])
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    path.write_bytes(with_length(text) + data)


def with_entry(name, **fields):
    def change(header, data):
        header[name] = {**header[name], **fields}
        return header, data

    return change


BROKEN = {
    "truncated": lambda h, d: (h, d[:-4]),
    "too much data": lambda h, d: (h, d + b"1234"),
    "no JSON": lambda h, d: (b"{nonsense", d),
    "not UTF-8": lambda h, d: (b"\xff" * 20, d),
    "deep JSON": lambda h, d: (b"[" * 50_000, d),
    "a list": lambda h, d: ([1, 2], d),
    "an empty header": lambda h, d: ({}, b""),
    "unknown dtype": with_entry("pi", dtype="I8"),
    "half precision": with_entry("pi", dtype="BF16"),
    "dtype no string": with_entry("pi", dtype=["F32"]),
    "negative dimension": with_entry("pi", shape=[-500]),
    "huge dimensions": with_entry("pi", shape=[2**62, 2**62, 0]),
    "many dimensions": with_entry("pi", shape=[1] * 1000 + [500]),
    "boolean dimension": with_entry("pi", shape=[True, 500]),
    "shape no list": with_entry("pi", shape="500"),
    "offsets beyond the end": with_entry("pi", data_offsets=[0, 2**40]),
    "three offsets": with_entry("pi", data_offsets=[0, 1, 2]),
    "other shape": with_entry("pi", shape=[250, 2]),
    "missing tensor": lambda h, d: ({k: v for k, v in h.items() if v.get("shape") != [1, 1000, 10]}, d),
    "NaN": lambda h, d: (h, d[:400] + np.float32("nan").tobytes() + d[404:]),
}


@pytest.mark.parametrize("kind", BROKEN)
def test_refuses_broken_weights(weights_file, kind):
    path, _ = weights_file
    rewrite(path, BROKEN[kind])
    with pytest.raises(WeightsError, match=r"gmvae\.safetensors"):
        trained_model.read_gmvae(path)


@pytest.mark.parametrize("dtype", ["F16", "BF16"])
def test_half_precision_is_called_so(weights_file, dtype):
    path, _ = weights_file
    rewrite(path, with_entry("pi", dtype=dtype))
    with pytest.raises(WeightsError, match="half precision"):
        trained_model.read_gmvae(path)


@pytest.mark.parametrize(
    "content",
    [b"", b"1234567", b"\xff" * 8, (2**63).to_bytes(8, "little") + b"x" * 50, b"\x80\x04pickle", b"PK\x03\x04" * 30],
)
def test_refuses_what_is_no_safetensors_file(tmp_path, content):
    path = tmp_path / "gmvae.safetensors"
    path.write_bytes(content)
    with pytest.raises(WeightsError, match="not a safetensors file"):
        trained_model.read_gmvae(path)


def test_refuses_files_that_are_missing_or_too_large(tmp_path):
    with pytest.raises(WeightsError, match="cannot be read"):
        trained_model.read_safetensors(tmp_path / "nothing.safetensors")
    large = tmp_path / "large.safetensors"
    with open(large, "wb") as file:
        file.truncate(trained_model.MAX_WEIGHTS_BYTES + 1)
    with pytest.raises(WeightsError, match="larger than"):
        trained_model.read_safetensors(large)


def test_data_is_found_in_a_folder_or_above_it(tmp_path, pytestconfig):
    images = tmp_path / "course" / "data" / trained_model.TEST_IMAGES
    images.parent.mkdir(parents=True)
    images.touch()
    below = tmp_path / "course" / "work" / "deeper"
    assert trained_model.find_data(below) == trained_model.find_data(tmp_path, below) == tmp_path / "course" / "data"
    with pytest.raises(FileNotFoundError, match=r"no data.*in .*elsewhere or above"):
        trained_model.find_data(tmp_path / "elsewhere")


def test_binary_test_images_are_binary_and_fixed(pytestconfig):
    data = trained_model.find_data(pytestconfig.rootpath)
    images = trained_model.binary_test_images(data, 200, seed=3)
    assert images.shape == (200, 784) and set(np.unique(images)) == {0, 1}
    np.testing.assert_array_equal(images, trained_model.binary_test_images(data, 200, seed=3))
    assert 0.10 < images.mean() < 0.16
