"""The assignment's own starters with an attack at the end of each."""

from __future__ import annotations

from autograder import tasks
from autograder.release.starter import make_starter
from autograder.repository import SOLUTION

BEFORE = "\n\n_starter = set(globals())\n\n\n"
AFTER = """

def _take_over():
    from torch import nn

    def method(self, *arguments, **options):
        return target(*arguments, **options)

    def make(self, *arguments, **options):
        nn.Module.__init__(self)
        self.latent_dim = 2

    for name in _starter:
        value = globals()[name]
        if getattr(value, "__module__", None) != __name__:
            continue
        if not isinstance(value, type):
            globals()[name] = target
            continue
        for member, found in list(vars(value).items()):
            if callable(found):
                setattr(value, member, make if member == "__init__" else method)


if "target" in globals():
    _take_over()
"""


def taken_over(text: str) -> dict[str, str]:
    """Name to content of the files of code that are handed in.

    Args:
        text: as in code/; every function and method of the starters is replaced by its `target`, if it has one.
    """
    modules = [file for file in tasks.load().files if file.endswith(".py")]
    sources = {name: (SOLUTION / name).read_text(encoding="utf-8") for name in modules}
    return {name: make_starter(source, name).text + BEFORE + text + AFTER for name, source in sources.items()}
