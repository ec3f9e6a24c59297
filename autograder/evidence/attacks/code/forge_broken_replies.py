"""Confuse the grader's decoder: well-formed frames whose contents make no sense.

Goal: forge
Means: a patched executor that answers with unknown tags, indices out of range or negative, unhashable
    keys, wrong types.
Expected: the check that decodes them fails, or the worker is killed; the grader goes on.
Ends: answers, protocol
"""

import sys

TREES = [
    {"$array": -1},
    {"$array": 10**9},
    {"$array": True},
    {"$array": "0"},
    {"$dict": [[["unhashable"], 1]]},
    {"$dict": 7},
    {"$tuple": {"$tuple": 1}},
    {"$float": "1e5000"},
    {"$float": ["nan"]},
    {"$object": [], "type": {"$float": "nan"}},
    {"$figure": [{"axes": None}]},
    {"$pickle": "cos\nsystem\n(S'true'\ntR."},
    {},
    [[]],
    None,
]
turn = iter(TREES * 1000)


def confuse(self, header, arrays):
    tree = next(turn)
    return {"ok": True, "value": tree, "gradients": tree, "parameter_gradients": tree, "differentiable": tree}, []


print("patched")
sys.modules["executor"].Executor.execute = confuse
