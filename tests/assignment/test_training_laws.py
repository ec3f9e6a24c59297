"""A training that goes wrong is explained by the rule that it follows, and by no other."""

import numpy as np
import pytest

from support.checks import training
from support.probe_oracle import PIXELS, Rule, Step, random_probe, replay


def made(rule, seed):
    """A training that follows a rule."""
    rng = np.random.default_rng(seed)
    oracle = random_probe(rng, 2, "ae")
    images = [rng.random((size, PIXELS)) * share for size, share in ((4, 1.0), (4, 0.1), (1, 0.6), (4, 0.3))]
    steps = [Step(x, oracle.mean(x, training=True)) for x in images]
    ended = replay(oracle, steps, 0.004, rule)
    return training.Run(oracle, 0.004, steps, np.array(ended.losses), ended.states[-1], list(ended.states[-1]))


@pytest.mark.parametrize(
    ("rule", "word"),
    [
        (Rule(zeroed=False), "zero_grad"),
        (Rule(rates=lambda step, steps: 0.9**step), "learning rate"),
        (Rule(repeats=2), "twice"),
    ],
)
def test_a_rule_is_named(rule, word):
    assert word in training.cause_of(made(rule, 0), lambda: [made(rule, 1)])


def test_what_no_rule_explains_is_not_named():
    assert training.cause_of(made(Rule(zeroed=False), 0), lambda: [made(Rule(repeats=2), 1)]) == ""


def test_right_training_follows_the_right_rule():
    assert made(Rule(), 0).follows()
