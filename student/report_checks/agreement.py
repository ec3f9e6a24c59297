from otter.test_files import test_case

OK_FORMAT = False

name = "agreement"
points = 4


@test_case(points=None, hidden=False)
def test_agree(agree):
    """As the divergences themselves say, for 256 pairs."""
    for value in [agree]:
        assert value is not ..., "still to be written"
    import itertools

    import numpy

    def kl(m, v, n, w):
        x, step = numpy.linspace(m - 12 * v**0.5, m + 12 * v**0.5, 2001, retstep=True)
        log_p, log_q = (-((x - a) ** 2 / b + numpy.log(2 * numpy.pi * b)) / 2 for a, b in ((m, v), (n, w)))
        return (numpy.exp(log_p) * (log_p - log_q)).sum() * step  # the integral

    normals = list(itertools.product([-1.0, 0.0, 0.5, 2.0], [0.25, 1.0, 1.5, 4.0]))
    for p, q in itertools.product(normals, normals):
        equal = abs(kl(*p, *q) - kl(*q, *p)) < 1e-9
        answer = agree(*p, *q)
        assert answer is not None, "agree is still to be written: it returns True or False"
        assert answer in (True, False), "return True or False"
        pair = f"P = N({p[0]}, {p[1]}), Q = N({q[0]}, {q[1]})"
        assert answer == equal, f"{pair}: the directions are {'equal' if equal else 'different'}"
