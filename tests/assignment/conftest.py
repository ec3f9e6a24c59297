"""For the tests of this assignment's own program, whose modules they import."""

import sys

from autograder.repository import SOLUTION
from tests.kit.conftest import interruptible  # noqa: F401 (a fixture)

sys.path.insert(0, str(SOLUTION))
