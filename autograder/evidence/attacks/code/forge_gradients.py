"""Give gradients that the function does not have.

Goal: forge
Means: tensor hooks, an autograd function with a made-up backward, a patched Tensor.requires_grad_.
Expected: gradients are judged by value, like everything else.
"""

import torch


class MadeUp(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        return x * 0

    @staticmethod
    def backward(ctx, gradient):
        return gradient * 0 + 1


def target(x, outpath=None):
    x.register_hook(lambda gradient: gradient * 0 + 7)
    return MadeUp.apply(x)
