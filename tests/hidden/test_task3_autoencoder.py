"""Task 3, hidden checks: the autoencoder, its training, and its latent plane."""

import numpy as np
import pytest

from autograder.door.diagnose import check, check_close, check_inputs_unchanged
from support.checks.drawing import check_codes, check_grid
from support.checks.networks import (
    MILD,
    check_decoder_uses_its_range,
    check_depends_on_pixels,
    check_every_latent_matters,
    check_leaves_input_alone,
    check_nonlinear,
    check_not_clamped,
    check_rows,
    check_trainable,
    check_varies,
    decode,
    encode,
    load_random_weights,
    logit,
    random_codes,
    random_images,
    under_large_weights,
)
from support.checks.plotting import check_modes_restored, check_recorded_in_eval_mode
from support.checks.training import check_manners, check_minibatches, check_not_seeded, check_steps
from support.probe_oracle import random_probe

pytestmark = pytest.mark.task3


def make_autoencoder(submission, latents=3):
    """An autoencoder in eval mode."""
    model = submission.call("AE.Autoencoder", latent_dim=latents)
    model.train(False)
    return model


def test_bottleneck(submission, rng):
    """Autoencoder: everything passes through a code of latent_dim numbers"""
    autoencoder = make_autoencoder(submission)
    load_random_weights(autoencoder, rng, MILD)
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


def test_code_is_not_clamped(submission, rng):
    """Encoder: a code may be any real number, of either sign"""
    model = make_autoencoder(submission, latents=7)
    (codes,) = under_large_weights(model, rng, lambda: [encode(model, random_images(rng, 24), 7)])
    check_not_clamped(
        codes, "The code", "the last layer of the encoder must not have a ReLU (or softplus, sigmoid) after it.", 5.0
    )


def test_encoder_uses_the_image(submission, rng):
    """Encoder: each code depends on the whole of its own image, and gradients reach the layers"""
    autoencoder = make_autoencoder(submission)
    load_random_weights(autoencoder, rng, MILD)
    x = random_images(rng, 9)
    check_rows(lambda images: encode(autoencoder, images, 3), x, "Encoder")
    check_varies(encode(autoencoder, x, 3), "The code", "image")
    cotangent = rng.standard_normal((9, 3)).astype(np.float32)
    reply = autoencoder.run("encode", [x], wrt=[0], parameters_of=autoencoder.get("encoder"), cotangent=cotangent)
    check_depends_on_pixels(reply.gradients[0], "Encoder")
    check_trainable(reply.parameter_gradients, "Encoder")
    check_leaves_input_alone(autoencoder, "encode", x, "Encoder")


def test_decoder_uses_the_code(submission, rng):
    """Decoder: each image depends on every number of its own code, and gradients reach the layers"""
    autoencoder = make_autoencoder(submission)
    load_random_weights(autoencoder, rng, MILD)
    z = rng.standard_normal((9, 3)).astype(np.float32)
    check_rows(lambda codes: decode(autoencoder, codes), z, "Decoder")
    check_every_latent_matters(lambda codes: decode(autoencoder, codes), 3, "Decoder")
    cotangent = rng.standard_normal((9, 1, 28, 28)).astype(np.float32)
    reply = autoencoder.run("decode", [z], wrt=[0], parameters_of=autoencoder.get("decoder"), cotangent=cotangent)
    check(
        reply.gradients[0] is not None and reply.gradients[0].any(axis=0).all(),
        "Decoder: no gradient reaches the code. Is something detached, or computed under torch.no_grad()?",
    )
    check_trainable(reply.parameter_gradients, "Decoder")
    check_leaves_input_alone(autoencoder, "decode", z, "Decoder")


def test_decoder_uses_its_range(submission, rng):
    """Decoder: pixels stay in [0, 1], dark and bright ones are both possible"""
    autoencoder = make_autoencoder(submission)
    (images,) = under_large_weights(autoencoder, rng, lambda: [decode(autoencoder, random_codes(rng, 24, 3))], draws=4)
    check_decoder_uses_its_range(images, "Decoder")


def test_networks_are_not_linear(submission, rng):
    """Encoder and Decoder: activations between the layers make them more than one linear layer"""
    autoencoder = make_autoencoder(submission)
    load_random_weights(autoencoder, rng, MILD)
    a, b = random_images(rng, 16), random_images(rng, 16)
    check_nonlinear(lambda x: encode(autoencoder, x, 3), a, b, "Encoder")
    load_random_weights(autoencoder, rng, 1.0)
    a, b = 3 * rng.standard_normal((2, 16, 3)).astype(np.float32)
    check_nonlinear(lambda z: logit(decode(autoencoder, z)), a, b, "Decoder, up to its last sigmoid,")


TRAIN = "train.train_autoencoder"


def test_train_autoencoder_steps(submission, rng):
    """train_autoencoder: every step is Adam's on the mean squared error of one minibatch, which it returns"""

    def other_values(losses, steps):
        sizes = np.array([len(step.x) for step in steps])
        return {
            "looks as if the squared error were summed over the pixels: take the mean over them": 784 * losses,
            "looks as if the squared error were summed over pixels and images: take the mean": 784 * sizes * losses,
            "looks as if half of the squared error were taken": losses / 2,
            "looks as if the root of the mean squared error were returned": np.sqrt(losses),
            "looks as if the ELBO's Gaussian cost were returned, in nats": 392 * losses + 392 * np.log(2 * np.pi),
        }

    def other_losses(x, recon_x):
        p = np.clip(recon_x, 1e-7, 1 - 1e-7)
        return {
            "the errors are not squared: this is the mean absolute error": np.abs(x - recon_x).mean(),
            "this is the binary cross-entropy; the mean squared error is asked for": -(
                x * np.log(p) + (1 - x) * np.log1p(-p)
            ).mean(),
        }

    oracle = random_probe(rng, 3, "ae")
    check_steps(submission, TRAIN, oracle, random_images(rng, 12), 1.0, other_values, other_losses)


def test_train_autoencoder_minibatches(submission, rng):
    """train_autoencoder: minibatches of batch_size, every image is used, the order varies"""
    check_minibatches(submission, TRAIN, random_probe(rng, 2, "ae"), rng)


def test_train_autoencoder_manners(submission, rng):
    """train_autoencoder: on_step, iterations=0, train mode afterwards, images left alone"""
    check_manners(submission, TRAIN, random_probe(rng, 2, "ae"), random_images(rng, 8))


def test_train_autoencoder_seeds_nothing(submission, rng):
    """train_autoencoder: a new training has a new order of the images"""
    check_not_seeded(submission, TRAIN, random_probe(rng, 2, "ae"), random_images(rng, 20))


def test_plot_embeddings_of_autoencoder(submission, rng):
    """plot_embeddings: the codes of an autoencoder, row i for image i"""
    check_embeddings(submission, rng, "ae")


def test_plot_embeddings_of_vae(submission, rng):
    """plot_embeddings: the posterior means of a VAE, row i for image i"""
    check_embeddings(submission, rng, "vae")


def check_embeddings(submission, rng, kind):
    """plot_embeddings of a model of this kind returns its codes."""
    for latents, count in ((2, 37), (5, 130)):
        images, labels = random_images(rng, count), rng.integers(0, 10, count)
        oracle = random_probe(rng, latents, kind)
        model = oracle.send(submission)
        reply = submission.run("embeddings.plot_embeddings", [model, images, labels])
        check_recorded_in_eval_mode(model, "encode", "plot_embeddings")
        check_codes(reply.value, oracle, images)
        check_inputs_unchanged(reply.inputs_unchanged, "plot_embeddings")


def test_plot_embeddings_gives_the_model_back(submission, rng):
    """plot_embeddings: the model is given back in the mode in which it came"""
    images, labels = random_images(rng, 3), np.arange(3)
    check_modes_restored(submission, random_probe(rng, 2, "ae"), "embeddings.plot_embeddings", [images, labels])


def test_decode_grid(submission, rng):
    """decode_grid: even steps from the smallest to the largest code, in each coordinate on its own"""
    for low, high, steps in (((-3.0, 1.0), (5.0, 2.5), 4), ((-40.0, -9.0), (-12.0, 80.0), 11)):
        codes = rng.uniform(low, high, (50, 2)).astype(np.float32)
        oracle = random_probe(rng, 2, "ae")
        oracle.weight[:] *= 0.1  # far codes are not to saturate the images
        model = oracle.send(submission)
        reply = submission.run("embeddings.decode_grid", [model, codes], {"steps": steps})
        check_grid(reply.value, oracle, codes, steps, model)
        check_inputs_unchanged(reply.inputs_unchanged, "decode_grid")
        check_recorded_in_eval_mode(model, "decode", "decode_grid")


def test_decode_grid_gives_the_model_back(submission, rng):
    """decode_grid: the model is given back in the mode in which it came"""
    codes = rng.standard_normal((6, 2)).astype(np.float32)
    check_modes_restored(submission, random_probe(rng, 2, "ae"), "embeddings.decode_grid", [codes, 3])
