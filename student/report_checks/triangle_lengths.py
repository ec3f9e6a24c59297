from otter.test_files import test_case

OK_FORMAT = False

name = "triangle_lengths"
points = 4


@test_case(points=None, hidden=False)
def test_lengths(variances, direct, detour):
    """Positive variances, and lengths that are theirs."""
    for value in [variances, direct, detour]:
        assert value is not ..., "still to be written"
    import math

    import numpy

    assert isinstance(variances, tuple) and len(variances) == 3, "variances: three numbers in parentheses"
    assert all(math.isfinite(v) and v > 0 for v in variances), "a variance is a positive number"
    a, b, c = variances

    def kl(v, w):
        x, step = numpy.linspace(-12 * v**0.5, 12 * v**0.5, 4001, retstep=True)
        log_p, log_q = (-(x**2 / b + numpy.log(2 * numpy.pi * b)) / 2 for b in (v, w))
        return (numpy.exp(log_p) * (log_p - log_q)).sum() * step  # the integral

    assert abs(direct - kl(a, c)) < 1e-6, "direct is not KL(p || r) of your variances: are they taken as deviations?"
    assert abs(detour - kl(a, b) - kl(b, c)) < 1e-6, "detour is not KL(p || q) + KL(q || r) of your variances"


@test_case(points=None, hidden=False)
def test_violation(direct, detour):
    """The detour is shorter."""
    for value in [direct, detour]:
        assert value is not ..., "still to be written"
    assert direct > detour, "the triangle inequality holds for these: try q between p and r"
