"""Hidden checks of AE.py: the autoencoder's networks."""

import numpy as np
import pytest

from autograder.door.diagnose import check, check_close
from support.checks.networks import (
    ANY,
    MILD,
    PLAIN,
    check_decoder_gradient,
    check_decoder_uses_its_range,
    check_depends_on_pixels,
    check_every_latent_matters,
    check_nonlinear,
    check_not_clamped,
    check_rows,
    check_same_in_train_mode,
    check_trainable,
    check_varies,
    check_width,
    decode,
    encode,
    logit,
    random_codes,
    random_images,
    under,
    under_large_weights,
)

pytestmark = pytest.mark.autoencoder


def make_autoencoder(submission, latents=3):
    """An autoencoder in eval mode."""
    model = submission.call("AE.Autoencoder", latent_dim=latents)
    model.train(False)
    return model


def test_bottleneck(submission, rng):
    """Autoencoder: everything passes through a code of latent_dim numbers"""
    autoencoder = make_autoencoder(submission)
    autoencoder.randomize(rng, MILD)
    x, others = random_images(rng, 9), random_images(rng, 4)
    whole = autoencoder.call("", x)
    codes = encode(autoencoder, x, 3)
    # If the decoder peeks at what the encoder has seen, it sees these instead.
    autoencoder.call("encode", others)
    decoded = decode(autoencoder, codes)
    check_close(
        whole,
        decoded,
        what="Autoencoder.forward(x), against decode(encode(x))",
        mistakes={"the image is returned instead of its reconstruction": x},
    )
    check(autoencoder.get("latent_dim") == 3, "Autoencoder: latent_dim should be kept as an attribute.")
    # Where nothing is random in train mode, such as dropout, forward is decode(encode(x)) there, too.
    autoencoder.train(True)
    first, second = (decode(autoencoder, encode(autoencoder, x, 3)) for _ in range(2))
    if np.array_equal(first, second):
        check_close(autoencoder.call("", x), first, what="Autoencoder.forward(x) in train mode")
    default = submission.call("AE.Autoencoder").get("latent_dim")
    check(default == 2, "Autoencoder(): latent_dim should be 2 by default.")
    smallest = make_autoencoder(submission, latents=1)
    for batch in (1, 2):
        decode(smallest, encode(smallest, x[:batch], 1))


def test_code_is_not_clamped(submission, rng):
    """Encoder: a code may be any real number, of either sign"""
    model = make_autoencoder(submission, latents=13)

    def outputs():
        return [encode(model, random_images(rng, 24), 13)]

    (codes,) = under_large_weights(model, rng, outputs)
    check_not_clamped(codes, "The code", f"{ANY} {PLAIN}", lambda: under(model, outputs)(MILD))


def test_encoder_uses_the_image(submission, rng):
    """Encoder: each code depends on the whole of its own image, and gradients reach the layers"""
    autoencoder = make_autoencoder(submission)
    autoencoder.randomize(rng, MILD)
    x = random_images(rng, 9)
    check_rows(lambda images: encode(autoencoder, images, 3), x, "Encoder")
    check_varies(encode(autoencoder, x, 3), "The code", "image")
    cotangent = rng.standard_normal((9, 3)).astype(np.float32)
    reply = autoencoder.run("encode", [x], wrt=[0], parameters_of=autoencoder.get("encoder"), cotangent=cotangent)
    check_depends_on_pixels(reply.gradients[0], "Encoder")
    check_trainable(reply.parameter_gradients, "Encoder")
    wide = make_autoencoder(submission, latents=13)
    wide.randomize(rng, MILD)
    check_width(encode(wide, random_images(rng, 40), 13), "The code")
    check_same_in_train_mode(wide, lambda: [encode(wide, x, 13)], "Encoder")


def test_decoder_uses_the_code(submission, rng):
    """Decoder: each image depends on every number of its own code, and gradients reach the layers"""
    autoencoder = make_autoencoder(submission)
    autoencoder.randomize(rng, MILD)
    z = rng.standard_normal((9, 3)).astype(np.float32)
    check_rows(lambda codes: decode(autoencoder, codes), z, "Decoder")
    autoencoder.randomize(rng, 0.5)  # no pixel is black or white
    check_rows(lambda codes: decode(autoencoder, codes), z, "Decoder")
    autoencoder.randomize(rng, MILD)
    check_every_latent_matters(lambda codes: decode(autoencoder, codes), 3, "Decoder")
    larger = make_autoencoder(submission, latents=14)
    larger.randomize(rng, MILD)
    check_every_latent_matters(lambda codes: decode(larger, codes), 14, "Decoder")
    check_same_in_train_mode(larger, lambda: [decode(larger, random_codes(np.random.default_rng(0), 4, 14))], "Decoder")
    cotangent = rng.standard_normal((9, 1, 28, 28)).astype(np.float32)
    reply = autoencoder.run("decode", [z], wrt=[0], parameters_of=autoencoder.get("decoder"), cotangent=cotangent)
    check_decoder_gradient(reply.gradients[0], "the code")
    check_trainable(reply.parameter_gradients, "Decoder")


def test_decoder_uses_its_range(submission, rng):
    """Decoder: pixels stay in [0, 1], dark and bright ones are both possible"""
    autoencoder = make_autoencoder(submission)

    def outputs():
        return [decode(autoencoder, random_codes(rng, 24, 3))]

    (images,) = under_large_weights(autoencoder, rng, outputs, draws=4)
    check_decoder_uses_its_range(images, "Decoder", under(autoencoder, outputs))


def test_networks_are_not_linear(submission, rng):
    """Encoder and Decoder: activations between the layers make them more than one linear layer"""
    autoencoder = make_autoencoder(submission)
    autoencoder.randomize(rng, MILD)
    a, b = random_images(rng, 16), random_images(rng, 16)
    check_nonlinear(lambda x: encode(autoencoder, x, 3), a, b, "Encoder")
    autoencoder.randomize(rng, 1.0)
    a, b = 3 * rng.standard_normal((2, 16, 3)).astype(np.float32)
    check_nonlinear(lambda z: logit(decode(autoencoder, z)), a, b, "Decoder, up to its last sigmoid,")
