"""torch's optimisers run without torch's compiler, and who wants the compiler gets it."""

import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip("torch")


def in_fresh_python(code: str) -> str:
    found = subprocess.run(
        [sys.executable, "-c", "import sys, torch\nfrom autograder.late_compiler import delay_compiler\n" + code],
        cwd=Path(__file__).resolve().parents[2],
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert found.returncode == 0, found.stderr
    return found.stdout.strip()


TRAIN = """
torch.manual_seed(0)
model = torch.nn.Linear(3, 2)
optimiser = torch.optim.{name}(model.parameters(), lr=0.1)
for _ in range(3):
    optimiser.zero_grad()
    model(torch.ones(4, 3)).square().mean().backward()
    optimiser.step()
print(model.weight.tolist())
"""


@pytest.mark.slow
@pytest.mark.parametrize("name", ["Adam", "SGD"])
def test_optimisers_do_the_same_without_the_compiler(name):
    train = TRAIN.format(name=name)
    without = in_fresh_python(f"delay_compiler()\n{train}\nassert 'torch._dynamo.eval_frame' not in sys.modules")
    assert without == in_fresh_python(train)


@pytest.mark.slow
@pytest.mark.parametrize(
    "use",
    [
        "print(torch._dynamo.is_compiling())",
        "import torch._dynamo\nprint(torch._dynamo.is_compiling())",
        "from torch._dynamo import is_compiling\nprint(is_compiling())",
        "import torch._dynamo.config as c\nprint(not c.cache_size_limit)",
        "print(not torch.compile(lambda x: x + 1, backend='eager')(torch.ones(1)).item() == 2)",
        "print(not torch.func.vmap(torch.func.grad(lambda x: (x**2).sum()))(torch.ones(2, 3)).sum() == 12)",
    ],
)
def test_who_wants_the_compiler_gets_it(use):
    assert in_fresh_python(f"delay_compiler()\n{use}") == "False"
