"""What checks say when they fail, and that they say it about the right thing."""

import re

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from autograder.door.diagnose import (
    CheckFailed,
    Observation,
    case,
    check,
    check_close,
    check_gradient,
    check_tensor,
    explain,
)

RIGHT = np.array([1.5, -2.25, 0.125])

WRONG = {
    "None": (None, "is a `return` missing"),
    "float": (1.5, r"a float \(did \.item\(\)"),
    "tuple": ((RIGHT, RIGHT), "a tuple of 2"),
    "0-d": (np.array(1.5), r"shape is \(\), it should be \(3,\)\. Something sums"),
    "column": (RIGHT[:, np.newaxis], r"\(3, 1\), it should be \(3,\)\. One dimension of size 1"),
    "broadcast": (np.add.outer(RIGHT, RIGHT), r"\(3, 3\), it should be \(3,\)\. One dimension has not"),
    "integers": (np.array([1, -2, 0]), "dtype is int64"),
    "NaN": (RIGHT * [1, np.nan, 1], "1 of 3 values is NaN"),
    "infinite": (RIGHT * [1, np.inf, np.inf], "2 of 3 values are infinite"),
    "large": (RIGHT + 1, r"all of 3 values are wrong \(each too large\)"),
    "small": (RIGHT - [0, 0, 1], r"1 of 3 values is wrong \(too small\)"),
}


@pytest.mark.parametrize("kind", WRONG)
def test_says_what_is_wrong(kind):
    actual, message = WRONG[kind]
    with np.errstate(all="ignore"), pytest.raises(CheckFailed, match=message):
        check_close(actual, RIGHT, what="f(x)")


def test_recognises_a_floor():
    expected = np.array([-1.0, -50.0, -200.0, -3000.0])
    with pytest.raises(CheckFailed, match="clipped"):
        check_close(np.maximum(expected, -100), expected, what="f(x)")
    with pytest.raises(CheckFailed, match=r"wrong\.$"):
        check_close(expected * [1, 1, 1.1, 0.9], expected, what="f(x)")
    with pytest.raises(CheckFailed, match=r"wrong \(each too large\)\.$"):  # a floor leaves nothing below it
        check_close([-1.0, -10.0, -10.0, -3000.0] * np.ones(4), expected, what="f(x)")


def test_recognises_single_precision_inside():
    rounded = RIGHT * (1 + np.array([3e-8, -5e-8, 0.0]))
    with pytest.raises(CheckFailed, match="float32"):
        check_close(rounded, RIGHT, what="f(x)", rtol=1e-9, atol=1e-9)
    with pytest.raises(CheckFailed, match=r"wrong \(each too large\)\.$"):
        check_close(RIGHT + 1, RIGHT, what="f(x)", rtol=1e-9, atol=1e-9)


def test_right_values_pass():
    check_close(RIGHT.astype(np.float32), RIGHT, what="f(x)", rtol=1e-12, atol=1e-12)  # as near as float32 can be
    check_close(np.array([np.inf, 1.0]), [np.inf, 1.0], what="f(x)")
    check_close(np.array(2.0), 2.0, what="f(x)")


def test_a_dtype_may_be_asked_for():
    with pytest.raises(CheckFailed, match="dtype is float64, it should be int64"):
        check_tensor(RIGHT, what="f(x)", shape=RIGHT.shape, dtype=np.int64)


def test_names_the_mistake_that_fits():
    mistakes = {"the factor 1/2 is lost": 2 * RIGHT, "log(2 pi) is missing": lambda: RIGHT - 1}
    with pytest.raises(CheckFailed, match=r"wrong\. The factor 1/2 is lost\.$") as failed:
        check_close(2 * RIGHT, RIGHT, what="f(x)", mistakes=mistakes)
    assert failed.value.cause == "the factor 1/2 is lost"
    with pytest.raises(CheckFailed, match=r"log\(2 pi\) is missing\.$"):
        check_close(RIGHT - 1, RIGHT, what="f(x)", mistakes=mistakes)
    with pytest.raises(CheckFailed, match=r"wrong \(each too large\)\.$") as failed:
        check_close(RIGHT + 7, RIGHT, what="f(x)", mistakes=mistakes)
    assert failed.value.cause == ""


def test_names_mistakes_that_change_the_shape_or_give_nan():
    with pytest.raises(CheckFailed, match="It is summed"):
        check_close(np.array(RIGHT.sum()), RIGHT, what="f(x)", mistakes={"it is summed": RIGHT.sum()})
    lost = np.array([1.5, np.nan, 0.125])
    with pytest.raises(CheckFailed, match="Its limit is 0"):
        check_close(lost, RIGHT, what="f(x)", mistakes={"its limit is 0": lost})


def test_names_no_mistake_where_only_shape_is_wrong():
    mistakes = {"the axes are wrong": RIGHT[:, np.newaxis], "the values are wrong": RIGHT}
    with pytest.raises(CheckFailed) as caught:
        check_close(RIGHT[:, np.newaxis], RIGHT, what="f(x)", mistakes=mistakes)
    assert "are wrong" not in str(caught.value)


def test_gradients_that_do_not_arrive():
    with pytest.raises(CheckFailed, match=r"no gradient of f reaches m\. .*detach"):
        check_gradient(None, RIGHT, of="f", by="m")
    with pytest.raises(CheckFailed, match=r"gradient is zero everywhere: .*torch\.normal"):
        check_gradient(np.zeros(3), RIGHT, of="f", by="m")
    check_gradient(RIGHT, RIGHT, of="f", by="m")


def test_infinities_are_wrong_unless_allowed():
    with pytest.raises(CheckFailed, match="infinite"):
        check_tensor(np.array([np.inf]), what="f(x)", shape=(1,))
    check_tensor(np.array([np.inf]), what="f(x)", shape=(1,), finite=False)


numbers = st.floats(-1e6, 1e6).filter(lambda x: abs(x) > 1e-3)


@given(expected=st.lists(numbers, min_size=2, max_size=5), actual=st.lists(numbers, min_size=2, max_size=5))
def test_no_message_shows_an_expected_value(expected, actual):
    try:
        check_close(np.array(actual), np.array(expected), what="f", mistakes={"a mistake": np.array(actual)})
    except CheckFailed as error:
        shown = set(re.findall(r"\d+\.\d+|\d{3,}", str(error)))
        assert not shown, error


def test_a_cause_explains_everything_or_is_not_named():
    """Observations: a function that should double, and what came of it."""
    xs = [np.array([2.0]), np.array([3.0]), np.array([0.0])]
    laws = {"it is squared": np.square, "2 is added": lambda x: x + 2, "nothing is done": lambda x: x}

    def seen(function, inputs):
        return [Observation(function(x), 2 * x, {name: law(x) for name, law in laws.items()}) for x in inputs]

    assert explain(seen(np.square, xs[:1])) == ""  # so would the sum
    assert explain(seen(np.square, xs)) == "it is squared"
    assert explain(seen(np.cbrt, xs)) == ""
    assert explain([]) == ""
    # A mistake that would not have shown in a case predicts what is right there.
    rare = Observation(np.array([4.0]), np.array([4.0]), {})
    assert explain([*seen(np.square, xs), rare]) == "it is squared"
    assert explain([*seen(np.square, xs), Observation(np.array([9.0]), np.array([4.0]), {})]) == ""


def test_further_observations_confirm_or_refute_a_cause():
    mistakes = {"it is squared": RIGHT**2}
    for came, cause in ((RIGHT**2, "it is squared"), (RIGHT**3, "")):

        def more(came=came):
            return [Observation(came + 1, RIGHT + 1, {"it is squared": RIGHT**2 + 1})]

        with pytest.raises(CheckFailed) as caught:
            check_close(RIGHT**2, RIGHT, what="f(x)", mistakes=mistakes, more=more)
        assert caught.value.cause == cause
        assert np.array_equal(caught.value.wrong[0], RIGHT**2)


def test_the_inner_case_is_named():
    with pytest.raises(CheckFailed) as caught, case("float64"), case("one row"):
        check(False, "wrong")
    assert caught.value.label == "one row"
    with pytest.raises(ValueError) as other, case("float64"):
        raise ValueError("of the code under test")
    assert other.value.label == "float64"
