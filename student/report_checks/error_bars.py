from otter.test_files import test_case

OK_FORMAT = False

name = "error_bars"
points = 5


@test_case(points=None, hidden=False)
def test_errors(mixture, degenerate, mixture_error, degenerate_error):
    """Right, and small enough for an unbiased estimate."""
    for value in [mixture, degenerate, mixture_error, degenerate_error]:
        assert value is not ..., "still to be written"
    for numbers, error in ((mixture, mixture_error), (degenerate, degenerate_error)):
        assert numbers, "your run's numbers are missing: `python main.py` first, then the cells above"
        back = numbers["exact"] + error * numbers["standard_error"]
        assert abs(back - numbers["estimate"]) < 1e-9, "not the number of standard errors: check sign and order"
        # A correct estimate is this far off in one run of two million.
        assert abs(error) < 5, "more than five standard errors off: something is wrong, see `pytest tests/test_gmm.py`"


@test_case(points=None, hidden=False)
def test_can_tell(degenerate, can_tell):
    """The true difference against the standard error."""
    for value in [degenerate, can_tell]:
        assert value is not ..., "still to be written"
    assert degenerate, "your run's numbers are missing: `python main.py` first, then the cells above"
    resolution = 2 * degenerate["standard_error"]
    visible = not -resolution <= degenerate["exact_minus_single"] <= resolution
    assert can_tell in (True, False), "can_tell is True or False"
    assert can_tell == visible, "compare the exact entropies, not the estimate, with two standard errors"
