from otter.test_files import test_case

OK_FORMAT = False

name = "agreement"
points = 4


@test_case(points=None, hidden=False)
def test_agree(agree):
    """As the divergences themselves say, for 256 pairs."""
    import itertools
    import math

    def kl(m, v, n, w):
        return 0.5 * (v / w + (m - n) ** 2 / w - 1 - math.log(v / w))

    normals = list(itertools.product([-1.0, 0.0, 0.5, 2.0], [0.25, 1.0, 1.5, 4.0]))
    for p, q in itertools.product(normals, normals):
        equal = abs(kl(*p, *q) - kl(*q, *p)) < 1e-12
        answer = agree(*p, *q)
        assert answer in (True, False), "return True or False"
        pair = f"P = N({p[0]}, {p[1]}), Q = N({q[0]}, {q[1]})"
        assert answer == equal, f"{pair}: the directions are {'equal' if equal else 'different'}"
