"""For the tests of the written part."""

from collections.abc import Iterator

import pytest

from autograder.repository import EXECUTOR
from autograder.sandbox.zygote import Zygote, ZygoteSettings


@pytest.fixture(scope="session")
def zygote() -> Iterator[Zygote]:
    """One that all tests share; each forks its own branch of it."""
    with Zygote(ZygoteSettings(executor=EXECUTOR)) as started:
        yield started
