"""What the plotting functions have in common: how they treat the model that they are given."""

from collections.abc import Sequence
from typing import Any

from diagnose import check
from probe_oracle import ProbeOracle
from submission import Probe, Submission


def check_recorded_in_eval_mode(model: Probe, part: str, what: str) -> None:
    """The model was used, in eval mode and without gradients.

    Args:
        part: "encode" or "decode": what must have been called.
    """
    records = [record for record in model.records() if record["part"] == part]
    check(records, f"{what}: the model's {part} is never called.")
    check(
        not any(record["training"] for record in records),
        f"{what} runs the model in train mode. The provided `evaluating` puts it in eval mode.",
    )
    check(
        not any(record["grad_enabled"] for record in records),
        f"{what} runs the model with gradients. The provided `evaluating` switches them off.",
    )


def check_modes_restored(submission: Submission, oracle: ProbeOracle, target: str, arguments: Sequence[Any]) -> None:
    """The model comes back in the mode in which it went, each of its parts in its own; its weights stay as they were."""
    what = target.split(".")[1]
    for encoder, decoder, whole in (
        (True, True, True),
        (False, False, False),
        (False, True, True),
        (True, False, False),
    ):
        model = oracle.send(submission, training=whole)
        parts = {"encoder": encoder, "decoder": decoder}
        for name, mode in parts.items():
            model.get(name).train(mode)
        submission.call(target, model, *arguments)
        check(
            model.get("training") is whole,
            f"{what}: a model that came in {_name(whole)} mode was given back in {_name(not whole)} mode.",
        )
        check(
            all(model.get(name).get("training") is mode for name, mode in parts.items()),
            f"{what}: of a model whose encoder and decoder came in different modes, one was given back in the wrong "
            "mode. The provided `evaluating` remembers the mode of every part.",
        )
    before, after = oracle.parameters(), model.state()
    check(all((after[name] == before[name]).all() for name in before), f"{what} changes the model's parameters.")


def _name(training: bool) -> str:
    return "train" if training else "eval"
