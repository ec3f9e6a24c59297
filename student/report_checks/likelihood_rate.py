from otter.test_files import test_case

OK_FORMAT = False

name = "likelihood_rate"
points = 5


@test_case(points=None, hidden=False)
def test_log_likelihood(log_likelihood):
    """One value, and how it changes with the rate."""
    for value in [log_likelihood]:
        assert value is not ..., "still to be written"
    import math

    assert log_likelihood(1.0) is not None, "log_likelihood is still to be written"
    assert abs(log_likelihood(1.0) + 15.049_255) < 1e-4, "log_likelihood(1.0) is wrong: is a term, or a sum, missing?"
    change = log_likelihood(3.0) - log_likelihood(1.5)
    assert abs(change - (15 * math.log(2) - 12)) < 1e-6, "log_likelihood does not change with the rate as it should"


@test_case(points=None, hidden=False)
def test_divergence(log_likelihood, divergence):
    """Never negative, and the likelihood's mirror image."""
    for value in [log_likelihood, divergence]:
        assert value is not ..., "still to be written"
    assert None not in (log_likelihood(1.0), divergence(1.0)), "a function is still to be written"
    rates = [0.5, 1.0, 1.875, 2.5, 4.0]
    assert all(divergence(rate) >= 0 for rate in rates), "a divergence is never negative"
    sums = [divergence(rate) + log_likelihood(rate) / 8 for rate in rates]
    assert max(sums) - min(sums) < 1e-9, "divergence and log-likelihood per count do not differ by a constant"
    assert abs(sums[0] + 1.494_175) < 1e-4, "the divergence is off by a constant: what is the entropy of the counts?"


@test_case(points=None, hidden=False)
def test_rates(log_likelihood, divergence, most_likely, closest):
    """Both are optimal, and the same."""
    for value in [log_likelihood, divergence, most_likely, closest]:
        assert value is not ..., "still to be written"
    assert None not in (log_likelihood(1.0), divergence(1.0)), "a function is still to be written"
    assert abs(most_likely - closest) < 1e-3, "the two rates should agree"
    for other in (most_likely - 0.01, most_likely + 0.01):
        assert log_likelihood(other) < log_likelihood(most_likely), "another rate is more likely"
        assert divergence(other) > divergence(closest), "another rate is closer"
