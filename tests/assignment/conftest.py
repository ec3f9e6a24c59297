"""For the tests of this assignment's own program."""

from tests.kit.conftest import interruptible  # noqa: F401 (a fixture)
