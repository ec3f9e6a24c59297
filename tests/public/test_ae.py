"""Public checks of AE.py: the autoencoder's networks."""

import numpy as np
import pytest

from support.checks.networks import (
    ANY,
    MILD,
    PLAIN,
    check_decoder_shapes,
    check_encoder_shapes,
    check_not_clamped,
    check_not_cut_off,
    random_codes,
    random_images,
    under,
    under_large_weights,
)

pytestmark = pytest.mark.autoencoder


def test_encoder_shapes(submission, rng):
    """Encoder: images (B, 1, 28, 28) become codes (B, latent_dim) of any real numbers"""
    for latents in (2, 3, 7):
        encoder = submission.call("AE.Encoder", latents)
        encoder.train(False)
        check_encoder_shapes(submission, lambda x, call=encoder.call: [call("", x)], latents, f"Encoder({latents})")
    encoder = submission.call("AE.Encoder", 13)
    encoder.train(False)
    x = random_images(rng, 8)

    def outputs():
        return [encoder.call("", x)]

    (codes,) = under_large_weights(encoder, rng, outputs, draws=4)
    check_not_clamped(codes, "The code", f"{ANY} {PLAIN}", lambda: under(encoder, outputs)(MILD))


def test_decoder_shapes(submission):
    """Decoder: codes (B, latent_dim) become images (B, 1, 28, 28) with pixels in [0, 1]"""
    for latents in (2, 3, 7):
        decoder = submission.call("AE.Decoder", latents)
        decoder.train(False)
        z = random_codes(np.random.default_rng(0), 24, latents)
        why = under(decoder, lambda call=decoder.call, z=z: [call("", z)])
        check_decoder_shapes(submission, lambda z, call=decoder.call: call("", z), latents, f"Decoder({latents})", why)
        check_not_cut_off(why, f"Decoder({latents})")
