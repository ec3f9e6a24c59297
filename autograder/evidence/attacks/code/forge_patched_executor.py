"""Let the executor report success whatever happened.

Goal: forge
Means: replace Executor.execute in the worker by one that always claims the answer and clean behaviour.
Expected: claims without the right numbers earn nothing; the numbers are judged on the other side.
"""

import sys

import numpy as np


def lie(self, header, arrays):
    claims = {"gradients": [{"$array": 1}], "parameter_gradients": {"$dict": []}, "passed": True, "score": 100}
    zeros = [np.zeros_like(array) for array in arrays for _ in range(2)] or [np.zeros(3, dtype=np.float32)] * 2
    return {"ok": True, "value": {"$array": 0}, "differentiable": True, "inputs_unchanged": True, **claims}, zeros


print("patched")
sys.modules["executor"].Executor.execute = lie
