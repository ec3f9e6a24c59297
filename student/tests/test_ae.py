"""Public checks of AE.py: the autoencoder's networks."""

import pytest

from support.checks.networks import check_decoder_shapes, check_encoder_shapes

pytestmark = pytest.mark.autoencoder


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
