"""Task 3, public checks: the autoencoder, its training, and its latent plane."""

import numpy as np
import pytest

from autograder.door.diagnose import check_tensor
from support.checks.drawing import check_codes, check_grid
from support.checks.networks import check_decoder_shapes, check_encoder_shapes, random_images
from support.checks.training import check_improves, check_values
from support.pictures import check_picture
from support.probe_oracle import random_probe

pytestmark = pytest.mark.task3


def test_encoder_shapes(submission):
    """Encoder: images (B, 1, 28, 28) become codes (B, latent_dim)"""
    for latents in (2, 3, 7):
        encoder = submission.call("AE.Encoder", latents)
        encoder.train(False)
        check_encoder_shapes(lambda x, call=encoder.call: [call("", x)], latents, f"Encoder({latents})")


def test_decoder_shapes(submission):
    """Decoder: codes (B, latent_dim) become images (B, 1, 28, 28) with pixels in [0, 1]"""
    for latents in (2, 3, 7):
        decoder = submission.call("AE.Decoder", latents)
        decoder.train(False)
        check_decoder_shapes(lambda z, call=decoder.call: call("", z), latents, f"Decoder({latents})")


def test_train_autoencoder_improves(submission, rng):
    """train_autoencoder: the mean squared error falls, one value per iteration"""
    images = random_images(rng, 30)
    model = random_probe(rng, 2, "ae").send(submission)
    errors = submission.call("train.train_autoencoder", model, images, 80, batch_size=10, lr=0.02)
    errors = check_values(errors, 80, "train_autoencoder")
    check_improves(-errors, 0.2 * errors[0], "train_autoencoder", "the mean squared error")


def test_plot_embeddings_codes(submission, rng):
    """plot_embeddings: returns the codes of the images, row i for image i"""
    images, labels = random_images(rng, 11), np.arange(11) % 10
    oracle = random_probe(rng, 2, "ae")
    codes = submission.call("embeddings.plot_embeddings", oracle.send(submission), images, labels)
    check_codes(codes, oracle, images)


@pytest.mark.draws
def test_plot_embeddings_picture(submission, rng):
    """plot_embeddings: draws a picture where outpath is given"""
    model = random_probe(rng, 2, "ae").send(submission)
    outpath = submission.path("embeddings.png")
    submission.call("embeddings.plot_embeddings", model, random_images(rng, 20), np.arange(20) % 10, outpath=outpath)
    check_picture(submission.file_bytes("embeddings.png"), "plot_embeddings")


def test_decode_grid_by_hand(submission, rng):
    """decode_grid: 3 by 3 images from (0, 10) to (2, 20)"""
    oracle = random_probe(rng, 2, "ae")
    codes = np.array([[0, 20], [2, 15], [1, 10]], dtype=np.float32)
    model = oracle.send(submission)
    images = submission.call("embeddings.decode_grid", model, codes, steps=3)
    check_grid(images, oracle, codes, steps=3, model=model)


@pytest.mark.draws
def test_decode_grid_picture(submission, rng):
    """decode_grid: draws a picture where outpath is given"""
    oracle = random_probe(rng, 2, "ae")
    codes = rng.standard_normal((20, 2)).astype(np.float32)
    outpath = submission.path("grid.png")
    images = submission.call("embeddings.decode_grid", oracle.send(submission), codes, outpath=outpath)
    check_tensor(images, what="decode_grid without steps", shape=(10, 10, 1, 28, 28))
    check_picture(submission.file_bytes("grid.png"), "decode_grid")
