"""Return objects that lie about what they are.

Goal: forge
Means: a Tensor subclass with __torch_function__, overridden numpy() and shape; float, str, list and dict subclasses;
    an object whose __class__ claims to be Tensor.
Expected: what cannot be read as numbers is not a number; the checks fail.
"""

import itertools

import numpy as np
import torch


class LyingTensor(torch.Tensor):
    @classmethod
    def __torch_function__(cls, function, types, args=(), kwargs=None):
        return args[0] if args else None

    def numpy(self, *a, **k):
        return Array([1.0, 2.0])

    shape = property(lambda self: (10**9,))
    dtype = property(lambda self: torch.float16)
    requires_grad = property(lambda self: True)


class Array(np.ndarray):
    def __new__(cls, values):
        return np.asarray(values).view(cls)

    def __array_finalize__(self, other):
        self.dtype = np.dtype("O") if False else self.dtype

    def __eq__(self, other):
        return True


class Number(float):
    def __eq__(self, other):
        return True

    __hash__ = None


class Text(str):
    def encode(self, *a):
        return b"passed"


class Claims:
    __class__ = property(lambda self: torch.Tensor)

    def __getattr__(self, name):
        return lambda *a, **k: self


class Pairs(dict):
    def items(self):
        return [("a", 1), ("a", 2)]


turn = itertools.cycle(
    [
        lambda x: x.as_subclass(LyingTensor),
        lambda x: Array([3.0]),
        lambda x: Number(1.0),
        lambda x: Text("x"),
        lambda x: Claims(),
        lambda x: Pairs(a=1),
        lambda x: type("L", (list,), {"__iter__": lambda self: iter([1])})([5]),
        lambda x: np.array([object()]),
        lambda x: x.to(torch.complex64),
        lambda x: x.to_sparse(),
        lambda x: x.to("meta"),
    ]
)


def target(x, outpath=None):
    return next(turn)(x)
