"""Names that the list of parts shares with the parts (provided): without PyTorch, so that the list is there at once."""

# What is drawn of a model's plane: a name, and the title in a picture that compares two models.
KINDS = {
    # FOR autoencoder_hundred vae_hundred plot_embeddings
    "hundred": "the same 100 test images",
    # END FOR
    # FOR autoencoder_scatter vae_scatter
    "scatter": "more images, from training",
    # END FOR
    # FOR autoencoder_grid vae_grid decode_grid
    "grid": "the plane decoded",
    # END FOR
}
# The parts that draw every stage of a training: how their pictures' names begin, and what they show.
STAGE_PLOTS = {
    # FOR latent_traversal traversal_stages
    "latent-traversal": ("traversal", "latent traversal"),
    # END FOR
    # FOR sample_from_prior prior_stages
    "prior-samples": ("prior", "prior samples"),
    # END FOR
    # FOR tsne_latents tsne_stages
    "tsne": ("tsne", "t-SNE"),
    # END FOR
    # FOR plot_learning_curve curve_stages
    "learning-curve": ("curve", "ELBO learning curve"),
    # END FOR
}


def training_name(architecture: str, latent_dim: int) -> str:
    """Name of the part that trains this VAE."""
    return f"train-vae-{architecture}-{latent_dim}"
