"""The checks' settings: the tasks' markers. What all checks share is in autograder/door/fixtures.py."""

import sys
from pathlib import Path

import pytest

TESTS = Path(__file__).resolve().parent
if str(TESTS) not in sys.path:
    sys.path.insert(0, str(TESTS))  # for `support`

pytest_plugins = ["autograder.door.fixtures"]

MARKERS = {
    "task1": "KL divergences (kl.py)",
    "task2": "Gaussian mixtures and entropy (gmm.py)",
    "task3": "autoencoder (AE.py, train.py, embeddings.py)",
    "task4": "variational autoencoder (VAE.py, ELBO.py, train.py and the plotting files)",
    "task5": "Gaussian-mixture VAE (utils.py, gmvae.py)",
}


@pytest.hookimpl(tryfirst=True)  # the plugin reads these
def pytest_configure(config: pytest.Config) -> None:
    config.tests_folder = TESTS  # type: ignore[attr-defined]
    config.task_markers = MARKERS  # type: ignore[attr-defined]
