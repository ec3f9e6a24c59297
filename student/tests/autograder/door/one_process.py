"""Lets code run unchanged in one process: what would start others, or a compiler, does its work without.

Checks send a few examples and look at values. Workers of a DataLoader, a compiler or more threads change no value; they
take seconds to start, and where code is graded none can be started.
"""

import functools
import inspect
from collections.abc import Callable, Iterator
from typing import Any

import torch
from torch import nn
from torch.utils.data import DataLoader

MOST_THREADS = 4  # where code is graded more cannot be started than a few dozen
# Arguments of a DataLoader that are about its workers; some are refused where it has none.
ABOUT_WORKERS = ("num_workers", "persistent_workers", "prefetch_factor", "multiprocessing_context", "timeout")


def stay_in_one_process() -> None:
    """From now on, in this process: a DataLoader has no workers, and says so if it has no minibatch; torch.compile
    gives back what it was given; and PyTorch takes at most MOST_THREADS."""
    if torch.compile is _uncompiled:
        return  # it was done for another submission
    DataLoader.__init__ = _without_workers(DataLoader.__init__)
    DataLoader.__iter__ = _never_empty(DataLoader.__iter__)
    torch.compile = _uncompiled
    nn.Module.compile = lambda self, *args, **kwargs: None
    original = torch.set_num_threads
    torch.set_num_threads = lambda number: original(min(number, MOST_THREADS))
    torch.set_num_interop_threads = lambda number: None  # PyTorch allows it once, before anything is computed


def _without_workers(original: Callable[..., None]) -> Callable[..., None]:
    """A constructor of DataLoader that leaves out ABOUT_WORKERS."""
    signature = inspect.signature(original)

    @functools.wraps(original)
    def init(*args: Any, **kwargs: Any) -> None:
        given = signature.bind(*args, **kwargs)
        for name in ABOUT_WORKERS:
            given.arguments.pop(name, None)
        original(*given.args, **given.kwargs)

    return init


def _never_empty(original: Callable[[Any], Iterator[Any]]) -> Callable[[Any], Iterator[Any]]:
    """A DataLoader's way to iterate that refuses where nothing would come: a loop that waits for it would never end."""

    @functools.wraps(original)
    def iterate(self: Any) -> Iterator[Any]:
        if self.drop_last and hasattr(self.dataset, "__len__") and 0 < len(self.dataset) < self.batch_size:
            raise ValueError(
                f"this DataLoader never yields a minibatch: batch_size={self.batch_size}, there are only "
                f"{len(self.dataset)} examples, and drop_last=True leaves them out"
            )
        return original(self)

    return iterate


def _uncompiled(model: Any = None, **settings: Any) -> Any:
    """What torch.compile is called like; with settings only, it is a decorator."""
    return _uncompiled if model is None else model
