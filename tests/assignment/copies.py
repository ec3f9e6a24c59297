"""Which functions that students are given could stand in for one that they are asked to write.

Run as a program in a student's folder, `python copies.py FOLDER`, it tries every function and class below the folder,
nested ones and methods included, on a few calls of each asked function, and prints those whose results look right: for
these, a test puts them in the place of the asked function and runs its checks. `Copy.function` is what it puts there.
"""

from __future__ import annotations

import ast
import contextlib
import importlib
import inspect
import json
import os
import runpy
import signal
import sys
import tempfile
import types
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

SECONDS = 5  # for one call
WIDTH = 33  # latents; no number of an open file, which some function might take it for
# A file that imports one of these is a program, or drives processes or pages: nothing in it computes.
MACHINERY = {"argparse", "multiprocessing", "subprocess", "panel"}
PROBE_MODEL = Path(__file__).resolve().parents[1] / "support" / "probe_model.py"
DEFINITIONS = (ast.FunctionDef, ast.ClassDef)


@dataclass(frozen=True)
class Given:
    """A function or class in a file of a student's folder, by the line of its definition."""

    file: str
    line: int
    name: str

    @cache  # noqa: B019 (a few hundred, for as long as the process lives)
    def load(self, folder: Path) -> Callable[..., Any]:
        """The function itself, cut out of whatever is around it; imports of functions around it are made first."""
        module, definitions = executed(folder, self.file)
        around = [node for node in definitions if node.lineno <= self.line <= node.end_lineno]
        own = next(node for node in around if node.lineno == self.line and node.name == self.name)
        imports = [
            statement
            for node in around
            if node is not own and isinstance(node, ast.FunctionDef)
            for statement in node.body
            if isinstance(statement, (ast.Import, ast.ImportFrom))
        ]
        if isinstance(own, ast.ClassDef):
            return getattr(module, self.name)
        own.decorator_list = []
        scope = dict(vars(module))
        exec(compile(ast.Module([*imports, own], []), self.file, "exec"), scope)
        return scope[self.name]


@cache
def executed(folder: Path, file: str) -> tuple[types.ModuleType, list[ast.FunctionDef | ast.ClassDef]]:
    """A file, run under a name of its own, and every definition in it."""
    text = (folder / file).read_text(encoding="utf-8")
    module = types.ModuleType("given_" + file.replace("/", "_").removesuffix(".py"))
    module.__file__ = str(folder / file)
    sys.modules[module.__name__] = module  # where dataclasses look
    exec(compile(text, file, "exec"), vars(module))
    return module, [node for node in ast.walk(ast.parse(text)) if isinstance(node, DEFINITIONS)]


def everything_given(folder: Path, asked: set[tuple[str, str]]) -> Iterator[Given]:
    """Every definition below a folder but the asked ones.

    Args:
        asked: file and name of each asked function.
    """
    for path in sorted(folder.rglob("*.py")):
        file = path.relative_to(folder).as_posix()
        nodes = list(ast.walk(ast.parse(path.read_text(encoding="utf-8"))))
        imports = {alias.name.split(".")[0] for node in nodes if isinstance(node, ast.Import) for alias in node.names}
        for node in nodes if not imports & MACHINERY else ():
            free = not any(isinstance(inner, ast.Nonlocal) for inner in ast.walk(node))
            if isinstance(node, DEFINITIONS) and free and (file, node.name) not in asked:
                yield Given(file, node.lineno, node.name)


# How a function that was written for something else may be called: arguments to arguments, result to result.
def no_change(value: Any) -> Any:
    return value


def last_axis(arguments: tuple[Any, ...]) -> tuple[Any, ...]:
    """Functions that sum over the last dimension, made elementwise."""
    return tuple(value.unsqueeze(-1) if isinstance(value, Tensor) else value for value in arguments)


BEFORE: dict[str, Callable[[Any], Any]] = {"as they are": no_change, "with a last axis": last_axis}
AFTER: dict[str, Callable[[Any], Any]] = {
    "as it is": no_change,
    "mean": lambda value: value.mean(),
    "minus the mean": lambda value: -value.mean(),
}


class ByDifferences(torch.autograd.Function):
    """A function of NumPy arrays on tensors, with gradients by central differences."""

    @staticmethod
    def forward(ctx: Any, function: Callable[..., Any], *arguments: Any) -> Tensor:
        ctx.function, ctx.arguments = function, arguments
        return ByDifferences.value(function, arguments)

    @staticmethod
    def value(function: Callable[..., Any], arguments: tuple[Any, ...]) -> Any:
        found = function(*(value.detach().numpy() if isinstance(value, Tensor) else value for value in arguments))
        dtype = next((value.dtype for value in arguments if isinstance(value, Tensor)), torch.float64)
        return torch.as_tensor(np.asarray(found)).to(dtype) if isinstance(found, (np.ndarray, np.floating)) else found

    @staticmethod
    def backward(ctx: Any, cotangent: Tensor) -> tuple[Any, ...]:
        exact = [value.double() if isinstance(value, Tensor) else value for value in ctx.arguments]
        gradients: list[Any] = [None]
        for place, argument in enumerate(exact):
            needed = ctx.needs_input_grad[place + 1]
            gradients.append(torch.zeros_like(argument) if needed else None)
            for i in range(argument.numel() if needed else 0):
                ends = []
                step = 1e-6 * max(abs(argument.flatten()[i].item()), 1e-2)
                for sign in (1, -1):
                    moved = argument.clone()
                    moved.view(-1)[i] += sign * step
                    found = ByDifferences.value(ctx.function, (*exact[:place], moved, *exact[place + 1 :]))
                    ends.append((found * cotangent).sum())
                gradients[-1].view(-1)[i] = (ends[0] - ends[1]) / (2 * step)
        for place, value in enumerate(ctx.arguments):
            if gradients[place + 1] is not None:
                gradients[place + 1] = gradients[place + 1].to(value.dtype)
        return tuple(gradients)


@dataclass(frozen=True)
class Copy:
    """A given function in the place of an asked one.

    Attributes:
        numpy: whether it takes arrays rather than tensors.
        without_self: whether it is called without the object that the asked method belongs to.
        before, after: keys of BEFORE and AFTER.
    """

    given: Given
    numpy: bool
    without_self: bool
    before: str
    after: str = "as it is"

    def function(self, folder: Path) -> Callable[..., Any]:
        given = self.given.load(folder)

        def copied(*arguments: Any, **named: Any) -> Any:
            arguments = BEFORE[self.before](arguments[self.without_self :])
            if not self.numpy:
                found = given(*arguments, **named)
            elif any(isinstance(value, Tensor) and value.requires_grad for value in arguments):
                found = ByDifferences.apply(given, *arguments)
            else:
                found = ByDifferences.value(lambda *values: given(*values, **named), arguments)
            return AFTER[self.after](found)

        return copied


@dataclass(frozen=True)
class Question:
    """A call of an asked function, and whether a result looks right.

    Attributes:
        method: whether the first argument is the object that it belongs to.
    """

    arguments: tuple[Any, ...]
    right: Callable[[Any], bool]
    method: bool = False


def looks_like(found: Any, expected: Any) -> bool:
    """Equal numbers in the same shape."""
    found = np.asarray(found.detach() if isinstance(found, Tensor) else found, dtype=np.float64)
    return found.shape == np.shape(expected) and np.allclose(found, expected, rtol=1e-3, atol=1e-4)


def of_shape(found: Any, *shapes: tuple[int, ...]) -> bool:
    """A tensor, or as many as there are shapes, of these shapes."""
    several = found if isinstance(found, (tuple, list)) else (found,)
    return len(several) == len(shapes) and all(
        tuple(one.shape) == shape for one, shape in zip(several, shapes, strict=True)
    )


def questions(folder: Path) -> dict[str, Question]:
    """By "file.py function": a call for each function that any course may ask for."""
    from autograder.door.cases import read_cases

    ProbeModel = runpy.run_path(str(PROBE_MODEL))["ProbeModel"]  # which not every course needs
    torch.manual_seed(0)
    images, labels = torch.rand(40, 1, 28, 28), torch.arange(40) % 10
    weights = torch.randn(784, 4), torch.randn(784), torch.randn(4, 784) / 28
    autoencoder, vae = (ProbeModel(*weights, kind).eval() for kind in ("ae", "vae"))
    codes, wide, picture = torch.randn(40, 4), torch.randn(40, WIDTH), (1, 28, 28)
    mixture = torch.tensor([0.4, 0.6]), torch.randn(2, 3), torch.eye(3).repeat(2, 1, 1)
    encodes, decodes = (
        Question((WIDTH,), lambda net, x=x, shapes=shapes: of_shape(net(x), *shapes))
        for x, shapes in ((images, 2 * [(40, WIDTH)]), (wide, [(40, *picture)]))
    )
    found = {
        "AE.py Encoder": Question((WIDTH,), lambda net: of_shape(net(images), (40, WIDTH))),
        "AE.py Decoder": decodes,
        "VAE.py MLPEncoder": encodes,
        "VAE.py MLPDecoder": decodes,
        "VAE.py ConvEncoder": encodes,
        "VAE.py ConvDecoder": decodes,
        # With next to no variance a sample is the mean.
        "VAE.py reparameterize": Question(
            (vae, codes, codes * 0 - 20),
            lambda found: torch.allclose(found, codes, atol=0.01) and not torch.equal(found, codes),
            method=True,
        ),
        "kl.py triangle_violation": Question((), lambda found: len(found) == 3),
        "gmm.py sample_gmm": Question((37, *mixture, None), lambda found: of_shape(found, (37, 3), (37,))),
        "train.py train_autoencoder": Question((autoencoder, images, 3), lambda found: len(found) == 3),
        "train.py train_vae": Question((vae, images, 3), lambda found: len(found) == 3),
        "embeddings.py plot_embeddings": Question(
            (autoencoder, images, labels), lambda found: of_shape(found, (40, 4))
        ),
        "embeddings.py decode_grid": Question((vae, codes, 5), lambda found: of_shape(found, (5, 5, *picture))),
        "embeddings.py plot_posterior_rows": Question((vae, images), lambda found: of_shape(found, (40, 3))),
        "latent_traversal.py latent_traversal": Question(
            (vae, -2.0, 2.0, 5), lambda found: of_shape(found, (4, 5, *picture))
        ),
        "sample_from_prior.py sample_from_prior": Question((vae, 6), lambda found: of_shape(found, (6, *picture))),
        "tsne.py tsne_latents": Question((vae, images, labels), lambda found: of_shape(found, (40, 2))),
        "learning_curve.py plot_learning_curve": Question(
            ([1.0, 2.0, 3.0],), lambda found: len(found.axes[0].lines[0].get_ydata()) == 3
        ),
    }
    with contextlib.suppress(ModuleNotFoundError):
        model = importlib.import_module("gmvae").GMVAE(3, 4)
        found["gmvae.py negative_elbo_bound"] = Question(
            (model, (images.flatten(1) > 0.5).float()), lambda found: of_shape(found, (), (), ()), method=True
        )
    for task in json.loads((folder / "lab" / "tasks.json").read_text(encoding="utf-8"))["tasks"]:
        stored = folder / "tests" / "cases" / f"{task['name']}.json"
        for function in task["functions"]:
            key = f"{task['file']} {function.split('.')[-1]}"
            if stored.is_file() and key not in found:
                first = next(iter(json.loads(stored.read_text(encoding="utf-8"))))
                case = read_cases(stored, first)[0]
                values = (torch.as_tensor(value) if isinstance(value, np.ndarray) else value for value in case.values)
                found[key] = Question(tuple(values), lambda found, right=case.expected: looks_like(found, right))
    return found


def ways(given: Given, folder: Path, question: Question) -> Iterator[Copy]:
    """How a given function can be called with a question's arguments at all."""
    for without_self in (False, True)[: question.method + 1]:
        arguments = question.arguments[without_self:]
        try:
            bound = inspect.signature(given.load(folder)).bind(*arguments)
        except (TypeError, ValueError):
            continue
        if arguments or not bound.signature.parameters:  # what may be called without arguments, may be a program
            tensors = any(isinstance(value, Tensor) for value in arguments)
            yield Copy(given, False, without_self, "as they are")
            if tensors:
                yield Copy(given, True, without_self, "as they are")
                yield Copy(given, False, without_self, "with a last axis")
                yield Copy(given, True, without_self, "with a last axis")


@contextlib.contextmanager
def time_limit() -> Iterator[None]:
    def stop(number: int, frame: Any) -> None:
        raise TimeoutError

    signal.signal(signal.SIGALRM, stop)
    signal.alarm(SECONDS)
    try:
        yield
    finally:
        signal.alarm(0)


def answering(given: Given, folder: Path, question: Question) -> Copy | None:
    """The first way to call a given function whose result looks right; whatever goes wrong, it does not."""
    finders = list(sys.meta_path)
    for copy in ways(given, folder, question):
        try:
            with time_limit():
                found = copy.function(folder)(*question.arguments)
        except BaseException:  # SystemExit included
            continue
        finally:
            sys.meta_path[:] = finders  # which one of them changes
        for name, after in AFTER.items():
            with contextlib.suppress(Exception):
                if question.right(after(found)):
                    return replace(copy, after=name)
    return None


def put_in_place(module: dict[str, Any], name: str, copy: Copy, folder: Path) -> None:
    """Replace a function of a module, or a method of one of its classes."""
    if name in module:
        module[name] = copy.function(folder)
    else:
        owners = (value for value in module.values() if isinstance(value, type))
        setattr(next(owner for owner in owners if name in vars(owner)), name, copy.function(folder))


def copies(folder: Path) -> Iterator[tuple[str, Copy]]:
    """Every copy that looks right, with the "file.py function" that it looks like; the first way for each."""
    tasks = json.loads((folder / "lab" / "tasks.json").read_text(encoding="utf-8"))["tasks"]
    asked = {(task["file"], function.split(".")[-1]) for task in tasks for function in task["functions"]}
    every = questions(folder)
    wanted = {f"{file} {function}": every[f"{file} {function}"] for file, function in sorted(asked)}
    for given in everything_given(folder, asked):
        for key, question in wanted.items():
            found = answering(given, folder, question)
            if found is not None:
                yield key, found


def main() -> int:
    folder = Path(sys.argv[1]).resolve()
    sys.path[:0] = [str(folder), str(folder / "tests")]
    os.environ["MPLBACKEND"] = "Agg"
    os.chdir(tempfile.mkdtemp(prefix="copies-"))
    with open(os.devnull, "w") as nowhere, contextlib.redirect_stdout(nowhere), contextlib.redirect_stderr(nowhere):
        found = [[key, asdict(copy)] for key, copy in copies(folder)]
    print(json.dumps(found))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
