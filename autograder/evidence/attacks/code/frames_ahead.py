"""Answer before the executor does.

Goal: forge
Means: a well-formed frame with the id of the next request on descriptor 4.
Expected: the first is taken for the answer and is wrong; the executor's own then comes out of turn, and the worker is
    killed.
Ends: protocol
"""

from wire import head, send

for number in range(1, 8):
    send(
        head(
            number,
            {
                "ok": True,
                "value": 100.0,
                "gradients": [],
                "parameter_gradients": {"$dict": []},
                "differentiable": True,
                "inputs_unchanged": True,
            },
        )
    )
