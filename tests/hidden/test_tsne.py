"""Hidden checks of tsne.py: the posterior means in the plane."""

import numpy as np
import pytest

from autograder.door.diagnose import case, check, check_tensor, explained
from autograder.door.submission import SubmissionError
from hidden.stand_ins import TSNE
from support.checks.networks import random_images
from support.checks.plotting import (
    check_few_images,
    check_no_picture,
    check_recorded_in_eval_mode,
    check_tsne_clusters,
    clustered_posteriors,
    purity,
)
from support.probe_oracle import random_probe

pytestmark = pytest.mark.tsne_latents

EMBED = "tsne.tsne_latents"


def test_tsne_embeds_the_posterior_means(fresh_submission, rng):
    """tsne_latents: embeds the posterior means of any dimension, row i for image i"""
    for latents, count in ((2, 60), (40, 510)):
        posteriors, labels = clustered_posteriors(rng, count, latents), rng.integers(0, 10, count)
        with case("two latents" if latents == 2 else "many latents and images"):
            if latents == 2 or not _hands_on_all(fresh_submission, posteriors, labels):
                model = posteriors.oracle.send(fresh_submission)
                embedding = fresh_submission.call(EMBED, model, posteriors.images, labels)
                check_tsne_clusters(embedding, posteriors)
                check_recorded_in_eval_mode(model, "encode", "tsne_latents")
    check_no_picture(fresh_submission, "tsne_latents")


def _hands_on_all(submission, posteriors, labels):
    """Whether all the means, as they are, go to scikit-learn's TSNE and come back in their order; in a hundredth of the
    time that it takes itself. Code that does anything else may be as right."""
    submission.stand_in("tsne.TSNE")
    model = posteriors.oracle.send(submission)
    try:
        with submission.aside():
            embedding = submission.call(EMBED, model, posteriors.images, labels)
    except SubmissionError:
        embedding = None
    submission.forget(modules=True)
    expected = TSNE().fit_transform(posteriors.oracle.mean(posteriors.images))
    if not isinstance(embedding, np.ndarray) or embedding.shape != expected.shape:
        return False
    return np.allclose(embedding, expected, rtol=1e-3, atol=1e-4)


def test_tsne_seed(submission, rng):
    """tsne_latents: the same embedding again with the same seed"""
    posteriors = clustered_posteriors(rng, 40, 3)
    model, embeddings = posteriors.oracle.send(submission), []
    for generator in (1, 2):
        submission.seed(generator)
        embeddings.append(submission.call(EMBED, model, posteriors.images, posteriors.clusters, seed=5))
        # What is embedded is another check's concern: so few images may mix, from some random starts.
        check_tensor(embeddings[-1], what="tsne_latents", shape=(len(posteriors.images), 2))
    # Threads may add up in another order, so not to the last digit.
    # One latent leaves no principal components to start from: without the seed every start is another.
    model = random_probe(rng, 1).send(submission)
    images = random_images(rng, 12)
    alone = [submission.call(EMBED, model, images, np.arange(12) % 10) for _ in range(2)]
    for embedding in alone:
        check_tensor(embedding, what="tsne_latents of one latent", shape=(12, 2))

    def unseeded():
        """A cause, if the embedding of a single latent, which starts at random, depends on more than a seed."""
        if not all(purity(embedding, posteriors.clusters) > 0.9 for embedding in embeddings):
            return ""  # where the clusters are mixed, something else may be random
        pair = [submission.call(EMBED, model, images, np.arange(12) % 10, seed=7) for _ in range(2)]
        return "" if _alike(pair) else "the seed is not passed on as random_state"

    with explained(unseeded):
        default = "the default seed, 0, give different embeddings. It is a seed like any other."
        check(_alike(alone), f"tsne_latents: two calls with {default}")
        check(_alike(embeddings), "tsne_latents: two calls with the same seed give different embeddings.")


def _alike(embeddings):
    """Whether two embeddings (N, 2) are the same but for rounding."""
    return np.corrcoef(*(embedding.ravel() for embedding in embeddings))[0, 1] > 0.999


def test_tsne_of_few_images(submission, rng):
    """tsne_latents: works for as few as five images"""
    for count, latents in ((5, 2), (5, 1), (9, 3), (28, 2)):
        check_few_images(submission, random_probe(rng, latents), random_images(rng, count))
