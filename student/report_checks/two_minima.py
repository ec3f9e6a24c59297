from otter.test_files import test_case

OK_FORMAT = False

name = "two_minima"
points = 5


@test_case(points=None, hidden=False)
def test_sum(sum_sigma, sum_smallest):
    """The minimum of the sum, found on a fine grid."""
    import numpy

    grid = numpy.linspace(0.01, 3, 299_001)
    curve = grid**2 - numpy.log(grid)
    assert abs(sum_sigma - grid[curve.argmin()]) < 1e-3, "the sum is not smallest there: set its derivative to zero"
    assert abs(sum_smallest - curve.min()) < 1e-4, "sum_smallest is not the value of the sum at its minimum"


@test_case(points=None, hidden=False)
def test_kl(kl_sigma, kl_smallest):
    """The minimum of the divergence, found on a fine grid."""
    import numpy

    grid = numpy.linspace(0.01, 3, 299_001)
    curve = (grid**2 - 1 - numpy.log(grid**2)) / 2
    assert abs(kl_sigma - grid[curve.argmin()]) < 1e-3, "the divergence is not smallest there"
    assert abs(kl_smallest - curve.min()) < 1e-4, "kl_smallest is not the value of the divergence at its minimum"
