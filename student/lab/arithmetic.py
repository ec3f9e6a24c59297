"""Arithmetic while a model trains (provided)."""

from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def flushing_denormals() -> Iterator[None]:
    """Let numbers that are too small for float32's full precision, below 1.2e-38, count as 0 in the body.

    They are not worth their time: many processors compute with them up to a hundred times as slowly. And there are
    many: where no gradient arrives any more (pixels at the border, dead ReLUs), Adam's averages shrink by a tenth in
    every step, and after some 800 steps are that small for good.
    """
    import torch

    torch.set_flush_denormal(True)  # does nothing on a processor that cannot do it
    try:
        yield
    finally:
        torch.set_flush_denormal(False)
