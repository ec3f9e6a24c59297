"""torch's optimisers run without torch's compiler, and who wants the compiler gets it."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not hasattr(os, "fork"), reason="the grader runs on Unix only"),
]

# As in grading, where workers are forked from a process that has loaded torch.
FORKS = """
import json, os, sys, torch
from autograder.sandbox.late_compiler import delay_compiler
for code in json.loads(sys.stdin.read()):
    if os.fork() == 0:
        exec(code)
        sys.stdout.flush()
        os._exit(0)
    assert os.wait()[1] == 0, code
"""
TRAIN = """
torch.manual_seed(0)
for optimiser in (torch.optim.Adam, torch.optim.SGD):
    model = torch.nn.Linear(3, 2)
    steps = optimiser(model.parameters(), lr=0.1)
    for _ in range(3):
        steps.zero_grad()
        model(torch.ones(4, 3)).square().mean().backward()
        steps.step()
    print(model.weight.tolist(), end=" ")
"""
LOADED = "'torch._dynamo.eval_frame' in sys.modules"
# Each prints False.
USES = [
    "print(torch._dynamo.is_compiling())",
    "import torch._dynamo; print(torch._dynamo.is_compiling())",
    "from torch._dynamo import is_compiling; print(is_compiling())",
    "import torch._dynamo.config as c; print(not c.cache_size_limit)",
    "print(not torch.compile(lambda x: x + 1, backend='eager')(torch.ones(1)).item() == 2)",
    "print(not torch.func.vmap(torch.func.grad(lambda x: (x**2).sum()))(torch.ones(2, 3)).sum() == 12)",
]


def printed(*codes: str) -> list[str]:
    """What each code prints, a line each, every one in a process of its own that has loaded torch and no compiler."""
    found = subprocess.run(
        [sys.executable, "-c", FORKS],
        input=json.dumps(codes),
        cwd=Path(__file__).resolve().parents[3],
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert found.returncode == 0, found.stderr
    return found.stdout.splitlines()


def test_optimisers_do_the_same_without_the_compiler():
    without, with_it = printed(f"delay_compiler()\n{TRAIN}\nprint({LOADED})", f"{TRAIN}\nprint({LOADED})")
    assert without.endswith(" False") and with_it.endswith(" True")
    assert without.removesuffix("False") == with_it.removesuffix("True")


def test_who_wants_the_compiler_gets_it():
    assert printed(*(f"delay_compiler()\n{use}" for use in USES)) == ["False"] * len(USES)
