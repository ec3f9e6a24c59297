"""Hidden checks of every file: what the functions that the course asks for leave as it was."""

import pytest

from support.checks import manners

pytestmark = pytest.mark.manners


def test_mode(fresh_submission, rng, asked_tasks):
    """Models are given back in the mode in which they came; training leaves them in train mode"""
    manners.judge("mode", asked_tasks, fresh_submission, rng)


def test_dtype(fresh_submission, rng, asked_tasks):
    """Results have the dtype of the arguments: float32 in, float32 out; float64 in, float64 out"""
    manners.judge("dtype", asked_tasks, fresh_submission, rng)


def test_inputs(fresh_submission, rng, asked_tasks):
    """Arguments are never changed in place"""
    manners.judge("inputs", asked_tasks, fresh_submission, rng)


def test_generators(fresh_submission, rng, asked_tasks):
    """No function seeds a random generator"""
    manners.judge("generators", asked_tasks, fresh_submission, rng)
