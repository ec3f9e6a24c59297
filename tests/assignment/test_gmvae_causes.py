"""Why a term of the negative ELBO is wrong: the stored table of mistakes tells each of them from all others."""

import numpy as np
import pytest

from autograder.door.cases import read_cases
from support.checks.gmvae import Causes, Scene, explain_terms, scenes
from tools.store_cases import STORED

TABLE = read_cases(STORED / "negative_elbo.json", "terms")[0]
RIGHT = TABLE.expected
LIMITS = np.stack([np.full(len(RIGHT), 0.02), 2e-4 * RIGHT[:, 1]], axis=1)


def explained(found):
    return explain_terms(np.asarray(found), LIMITS, RIGHT, TABLE.mistakes).mistake


def test_the_table_has_every_scene():
    assert len(RIGHT) == len(scenes())
    assert all(isinstance(scene, Scene) for scene in scenes().values())


@pytest.mark.parametrize("mistake", TABLE.mistakes)
def test_a_mistake_alone_explains_what_it_gives(mistake):
    assert explained(TABLE.mistakes[mistake]) == mistake


def test_nothing_explains_what_is_right():
    assert explained(RIGHT) == explained(RIGHT + 0.3 * LIMITS) == ""


def test_a_mistake_must_explain_both_terms():
    changed = dict(TABLE.mistakes)["the noise of z is uniform (rand); it is N(0, I) (randn)"].copy()
    changed[:, 1] = 0.9 * RIGHT[:, 1] + 3 * np.arange(len(RIGHT))
    assert explained(changed) == ""


def test_a_mistake_must_explain_every_scene():
    changed = TABLE.mistakes["log p(z) is missing in kl"].copy()
    changed[3, 0] += 1
    assert explained(changed) == ""


@pytest.mark.parametrize(
    "mistake, terms",
    [
        ("log p(z) is missing in kl", ["kl"]),
        ("the decoder gives logits; a sigmoid is taken twice", ["rec"]),
        ("the noise of z is uniform (rand); it is N(0, I) (randn)", ["kl", "rec"]),
    ],
)
def test_a_mistake_explains_no_term_that_it_leaves_alone(mistake, terms):
    """An average of rec can be wrong where the scenes show nothing but a kl that is: its mistake is not the cause."""
    causes = Causes(TABLE)
    causes._looked, causes._found = True, explain_terms(TABLE.mistakes[mistake], LIMITS, RIGHT, TABLE.mistakes)
    found = {term: causes.of(None, term) for term in ("kl", "rec")}
    assert causes.of(None) == mistake and found == {t: mistake if t in terms else "" for t in ("kl", "rec")}
    weighted = explain_terms(RIGHT * np.array([0.2, 1]), LIMITS, RIGHT, TABLE.mistakes)
    assert weighted.mistake.startswith("kl has a weight") and weighted.terms == ["kl"]


@pytest.mark.parametrize("beta", [0.2, 0.01, 4.0])
def test_a_weight_is_no_other_mistake(beta):
    assert explained(RIGHT * np.array([beta, 1])).startswith("kl has a weight")


def test_two_mistakes_are_named_where_each_explains_its_term():
    one, other = (
        "kl has the wrong sign: it is log q(z | x) - log p(z)",
        "the decoder gives logits; a sigmoid is taken twice",
    )
    found = np.stack([TABLE.mistakes[one][:, 0], TABLE.mistakes[other][:, 1]], axis=1)
    assert explained(found) == f"{one}; and {other}"


def test_a_clamp_is_guessed_where_only_its_scenes_are_wrong():
    names = list(scenes())
    found = RIGHT.copy()
    for name in ("narrow posteriors", "the smallest variances"):
        found[names.index(name), 0] += 5
    assert "clamped" in explained(found)
    found[0, 0] += 5
    assert explained(found) == ""
