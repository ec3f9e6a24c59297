from otter.test_files import test_case

OK_FORMAT = False

name = "two_minima"
points = 5


@test_case(points=None, hidden=False)
def test_sum(sum_sigma, sum_smallest):
    """The minimum of the sum, found on a fine grid."""
    for value in [sum_sigma, sum_smallest]:
        assert value is not ..., "still to be written"
    import numpy

    grid = numpy.linspace(0.01, 3, 299_001)
    curve = grid**2 - numpy.log(grid)
    assert abs(sum_sigma - grid[curve.argmin()]) < 1e-3, "the sum is not smallest there: set its derivative to zero"
    assert abs(sum_smallest - curve.min()) < 1e-4, "sum_smallest is not the value of the sum at its minimum"


@test_case(points=None, hidden=False)
def test_kl(kl_sigma, kl_smallest):
    """The minimum of the divergence: it is larger to either side."""
    for value in [kl_sigma, kl_smallest]:
        assert value is not ..., "still to be written"
    import numpy

    def kl(sigma):
        x, step = numpy.linspace(-12 * sigma, 12 * sigma, 4001, retstep=True)
        log_p, log_q = (-((x / s) ** 2 + numpy.log(2 * numpy.pi * s**2)) / 2 for s in (sigma, 1))
        return (numpy.exp(log_p) * (log_p - log_q)).sum() * step  # the integral

    assert kl_sigma > 0.01, "sigma is a positive number"
    either_side = kl(kl_sigma - 1e-3), kl(kl_sigma + 1e-3)
    assert kl(kl_sigma) < min(either_side), "the divergence is not smallest there"
    assert abs(kl_smallest - kl(kl_sigma)) < 1e-4, "kl_smallest is not the value of the divergence at its minimum"
