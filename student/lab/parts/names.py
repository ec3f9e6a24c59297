"""Names that the list of parts shares with the parts (provided): without PyTorch, so that the list is there at once."""

# What is drawn of a model's plane: a name, and the title in a picture that compares two models.
KINDS = {
    "hundred": "the same 100 test images",
    "scatter": "more images, from training",
    "grid": "the plane decoded",
}
# The parts that draw every stage of a training: how their pictures' names begin, and what they show.
STAGE_PLOTS = {
    "latent-traversal": ("traversal", "latent traversal"),
    "prior-samples": ("prior", "prior samples"),
    "tsne": ("tsne", "t-SNE"),
    "learning-curve": ("curve", "ELBO learning curve"),
}


def training_name(architecture: str, latent_dim: int) -> str:
    """Name of the part that trains this VAE."""
    return f"train-vae-{architecture}-{latent_dim}"
