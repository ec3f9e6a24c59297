"""The tests' only door to the code under test: NumPy arrays in, NumPy arrays out.

A `Submission` turns calls into messages for a backend, which has one method:

    backend.execute(header, arrays) -> (header, arrays)

The header is strict JSON, the arrays travel beside it. `executor.Executor` executes messages in this process (a
student's local pytest); the autograder's remote backend sends them to a sandboxed worker. A test cannot tell which
one it has, and this module imports neither torch nor the code under test.

Values inside a header are JSON scalars, lists, and objects with one tag: {"$array": index}, {"$tuple": [...]},
{"$dict": [[key, value], ...]}, {"$object": id, "type": name}, {"$float": "nan" | "inf" | "-inf"}, {"$path": name},
{"$generator": seed} and {"$figure": {...}}.

A header that has code of the submission run says which in "called": "module.function", or the method of an object with
what the object was made by, or of what kind the call is. By this name the autograder remembers what must not be called
again.
"""

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Literal, Protocol

import numpy as np

from autograder.door.calls import Calls, no_calls, noted
from autograder.door.imports import Import
from autograder.door.stand_ins import source_of

Header = dict[str, Any]
Arrays = list[np.ndarray]
Loss = Literal["timeout", "crash", "memory", "protocol", "flood", "grader"]

# Bytes of what one object remembers, and of what the figures of a call show, by `weight`: a check has to hold them.
MAX_RECORDED, MAX_FIGURES = 48 * 2**20, 16 * 2**20
MAX_PORTIONS = 1000  # in which they come
REPEATED = 8  # calls in one message: what is slow must not seem to hang
MAX_TEXT = 500  # characters of each text of a figure
MAX_FILE = 8 * 2**20  # bytes of a file in the scratch folder
NODE = 400  # bytes, more than any number, truth value or container takes by itself


class Backend(Protocol):
    """Executes one message at a time against one submission."""

    def execute(self, header: Header, arrays: Arrays) -> tuple[Header, Arrays]: ...


class SubmissionError(Exception):
    """The code under test raised an exception.

    Attributes:
        type: the name of the exception's class.
        message: its text; written by the code under test, so do not trust it.
        where: "file.py, line n" of the deepest frame inside the submission, or "".
        stage: "import" when a module could not be imported, "stub" when the starter's stub is still there, "limit"
            when there is more than a check can take, else "call".
    """

    def __init__(self, type: str, message: str = "", where: str = "", stage: str = "call") -> None:
        raised = f"{type}: {message}" + (f" ({where})" if where else "")
        super().__init__(f"{not_imported(where)}: {raised}" if stage == "import" else raised)
        self.type, self.message, self.where, self.stage = type, message, where, stage

    @property
    def file(self) -> str:
        """The name of the file that it was raised in, "" if none is known."""
        return self.where.partition(",")[0]


def not_imported(where: str) -> str:
    """Words for a file, given a place in it or "", that could not be imported."""
    return f"{where.partition(',')[0] or 'Your code'} could not be imported"


class NotImplementedYet(SubmissionError):
    """The code under test is still the starter's stub."""


class Lost(BaseException):
    """The code under test hung or died in a call, or is not called because it did so before.

    Not an Exception, so that neither hypothesis nor a check catches it by accident and tries again. A check of many
    functions may catch it and go on to the next one: all objects and stand-ins are gone then.

    Attributes:
        kind: what happened; "grader" if it is not the code's doing.
        target: what was called, "module.function" or "module.Class.method"; "module" if it was being imported.
        reason: the same in a sentence for the student.
        in_public: whether it happened in a public check; else `reason` may say too much of a crash.
        imported: the file that was being imported, None if none was.
    """

    def __init__(self, kind: Loss, target: str, reason: str, in_public: bool, imported: Import | None = None) -> None:
        super().__init__(f"{imported or target}: {reason}")
        self.kind, self.target, self.reason, self.in_public, self.imported = kind, target, reason, in_public, imported

    def again(self) -> "Lost":
        """The same, as yet without a traceback."""
        return Lost(self.kind, self.target, self.reason, self.in_public, self.imported)


@dataclass(frozen=True)
class ScratchPath:
    """A file name inside the scratch folder that the code under test may write to."""

    name: str

    def __repr__(self) -> str:  # as people read it
        return repr(self.name)


@dataclass(frozen=True)
class GeneratorSeed:
    """A torch.Generator on the other side, seeded with this number."""

    seed: int

    def __repr__(self) -> str:
        return f"torch.Generator().manual_seed({self.seed})"


@dataclass(frozen=True)
class Figure:
    """What a matplotlib figure shows.

    Attributes:
        axes: for each Axes a dict with title, xlabel, ylabel, has_legend, images (count), empty (nothing is drawn in
            it), xlim, ylim, xscale, yscale; lines, a list of dicts with label, x and y (arrays); scattered, a list of
            dicts with points (n, 2) and colours (n, 4); and ellipses, a list of dicts with centre and size, each (2,).
    """

    axes: list[dict[str, Any]]


@dataclass(frozen=True)
class Reply:
    """Everything that one call brought back.

    Attributes:
        value: the returned value.
        gradients: for each name in `wrt` the gradient of <output, cotangent>, None if none arrived.
        parameter_gradients: the same for each parameter of the object named by `parameters_of`.
        differentiable: whether the chosen output carries a gradient at all.
        inputs_unchanged: whether every array argument, and every list, still had its value after the call.
        again: what a second call returned, if one was asked for.
        figures: those that were saved during the call, if they were asked for.
    """

    value: Any
    gradients: dict[int | str, np.ndarray | None] = field(default_factory=dict)
    parameter_gradients: dict[str, np.ndarray | None] = field(default_factory=dict)
    differentiable: bool = False
    inputs_unchanged: bool = True
    again: Any = None
    figures: list[Figure] = field(default_factory=list)


def _encode(value: Any, arrays: Arrays) -> Any:
    """Turn a value into a header tree; array contents are appended to `arrays`."""
    if isinstance(value, np.generic):
        value = value.item()
    if value is None or isinstance(value, (bool, int, str)):
        return value
    if isinstance(value, float):
        return value if math.isfinite(value) else {"$float": str(value)}
    if isinstance(value, np.ndarray):
        arrays.append(value)
        return {"$array": len(arrays) - 1}
    if isinstance(value, tuple):
        return {"$tuple": [_encode(item, arrays) for item in value]}
    if isinstance(value, list):
        return [_encode(item, arrays) for item in value]
    if isinstance(value, Mapping):
        return {"$dict": [[key, _encode(item, arrays)] for key, item in value.items()]}
    if isinstance(value, Handle):
        return {"$object": value.id, "type": value.type}
    if isinstance(value, ScratchPath):
        return {"$path": value.name}
    if isinstance(value, GeneratorSeed):
        return {"$generator": value.seed}
    raise TypeError(f"a {type(value).__name__} cannot be sent to the code under test")


def _asked(
    target: "str | tuple[Handle, str]", args: Sequence[Any], kwargs: Mapping[str, Any], arrays: Arrays
) -> tuple[str, Header]:
    """What is called, for people; and for the other side, with the arguments, whose arrays are appended to `arrays`."""
    given = {
        "args": [_encode(value, arrays) for value in args],
        "kwargs": {name: _encode(value, arrays) for name, value in kwargs.items()},
    }
    if isinstance(target, tuple):
        return target[0].part(target[1] or "__call__"), {"object": target[0].id, "method": target[1], **given}
    return target, {"function": target, **given}


class Submission:
    """One submission, seen through a backend.

    Args:
        backend: executes the messages.

    Attributes:
        calls: what was called, the last one last; several submissions may share it.
    """

    def __init__(self, backend: Backend) -> None:
        self._backend = backend
        self.calls: Calls = no_calls()

    def call(self, target: str, *args: Any, **kwargs: Any) -> Any:
        """Call "module.function" (or create an object: "module.Class") and return what it returns.

        Arrays arrive as tensors and tensors return as arrays, dtypes kept. Objects that are neither numbers,
        arrays, strings nor containers of these stay on the other side; a `Handle` stands for them.

        Raises:
            NotImplementedYet: the function is still a stub.
            SubmissionError: it raised any other exception, or its module cannot be imported.
        """
        return self.run(target, args, kwargs).value

    def run(
        self,
        target: "str | tuple[Handle, str]",
        args: Sequence[Any] = (),
        kwargs: Mapping[str, Any] | None = None,
        *,
        wrt: Sequence[int | str] = (),
        parameters_of: "Handle | None" = None,
        cotangent: np.ndarray | None = None,
        output: Sequence[int] = (),
        figures: bool = False,
        grad: bool = True,
        again: Sequence[np.ndarray] = (),
        apart: str = "",
    ) -> Reply:
        """Call a function, or a method given as (handle, name), and differentiate the result.

        Args:
            wrt: positions or keyword names of the array arguments to differentiate by.
            parameters_of: a handle whose parameters to differentiate by as well.
            cotangent: the gradient is of sum(output * cotangent); all ones when None.
            output: where in a returned tuple the tensor stands, e.g. (0,); () for the value itself.
            figures: bring back what the figures show that matplotlib saves during the call.
            grad: False calls it as under torch.no_grad().
            again: new contents for every array argument, in order: a second call gets the same tensors with these in
                them.
            apart: a word for calls of a kind that may hang or die by itself: then only those with this word are lost.
        """
        arrays: Arrays = []
        called, asked = _asked(target, args, kwargs or {}, arrays)
        # A word chooses among kinds of objects, which may go wrong one by one; a number only says how large they are.
        given = (*args, *(kwargs or {}).values())
        words = [value for value in given if isinstance(value, str) and value.isidentifier()]
        header = {
            "op": "call",
            "called": f"{called}({apart})" if apart else called,
            **asked,
            "wrt": list(wrt),
            "parameters_of": parameters_of.id if parameters_of is not None else None,
            "cotangent": _encode(cotangent, arrays),
            "output": list(output),
            "figures": figures,
            "grad": grad,
            "again": [_encode(array, arrays) for array in again],
        }
        call = noted(called, args, kwargs or {}, gradients=bool(wrt) or parameters_of is not None, grad=grad)
        if called:  # else it is ours
            self.calls.append(call)
        reply, decode = self._send(header, arrays, f"{called}({', '.join(words)})" if words else called)
        value, gradients = decode(reply["value"]), decode(reply["gradients"])
        call.remember(value, gradients)
        return Reply(
            value=value,
            gradients=dict(zip(wrt, gradients, strict=True)),
            parameter_gradients=decode(reply["parameter_gradients"]),
            differentiable=bool(reply["differentiable"]),
            inputs_unchanged=bool(reply["inputs_unchanged"]),
            again=decode(reply["again"]),
            figures=[_figure(axes) for axes in _bounded(decode(reply["figures"]), MAX_FIGURES, "the figures show")],
        )

    def repeat(
        self,
        times: int,
        target: "str | tuple[Handle, str]",
        args: Sequence[Any] = (),
        kwargs: Mapping[str, Any] | None = None,
        grad: bool = True,
    ) -> list[Any]:
        """What as many calls return that get the same values, each in arrays of its own.

        Args:
            target, args, kwargs, grad: see `run`.
        """
        arrays: Arrays = []
        called, asked = _asked(target, args, kwargs or {}, arrays)
        header = {"op": "repeat", "called": called, **asked, "grad": grad}
        found: list[Any] = []
        while len(found) < times:
            portion = min(times - len(found), REPEATED)
            self.calls.append(call := noted(called, args, kwargs or {}, gradients=False, grad=grad))
            reply, decode = self._send({**header, "times": portion}, arrays, called)
            values = [decode(value) for value, _ in zip(reply["values"], range(portion), strict=True)]
            call.remember(values, ())
            found += values
        return found

    def seed(self, seed: int) -> None:
        """Seed torch's, NumPy's and Python's global random generators on the other side."""
        self._send({"op": "seed", "seed": seed}, [])

    @contextmanager
    def aside(self) -> Iterator[None]:
        """What is called inside is called to explain a failure, which is not about these calls."""
        kept = list(self.calls)
        try:
            yield
        finally:
            self.calls.clear()
            self.calls.extend(kept)

    def forget(self, modules: bool = False) -> None:
        """Let go of every object on the other side; handles to them can no longer be used.

        Args:
            modules: import the code anew when it is called next, without stand-ins.
        """
        self._send({"op": "forget", "modules": modules}, [])

    def rng_fingerprints(self) -> dict[str, str]:
        """Digests of the states of the global generators of torch, NumPy and Python: equal states, equal digests."""
        reply, decode = self._send({"op": "rng_fingerprints"}, [])
        return decode(reply["value"])

    def seeding(self, call: Callable[[], object]) -> tuple[list[str], bool]:
        """What a call does to the global generators: which of them it seeds, and whether it touches any at all.

        One is seeded if its state afterwards does not hang on that before. They are seeded anew for this.
        """
        states = []
        for seed in (1, 2):
            self.seed(seed)
            before = self.rng_fingerprints()
            call()
            states.append((before, self.rng_fingerprints()))
        (before, after), (_, other) = states
        return [name for name in after if after[name] == other[name]], before != after

    def generator(self, seed: int) -> GeneratorSeed:
        """An argument that arrives as a fresh torch.Generator with this seed."""
        return GeneratorSeed(seed)

    def path(self, name: str) -> ScratchPath:
        """An argument that arrives as the path of this file in the scratch folder."""
        return ScratchPath(name)

    def files(self) -> list[str]:
        """Names of what has come into the folder that the code under test runs in, since `forget`."""
        reply, decode = self._send({"op": "files"}, [])
        names = decode(reply["value"])  # as code says that may have replaced anything there
        return [name for name in names if isinstance(name, str)] if isinstance(names, (list, tuple)) else []

    def file_bytes(self, name: str) -> bytes | None:
        """Contents of a file in the scratch folder, None if there is none."""
        reply, decode = self._send({"op": "read_file", "name": name}, [])
        content = decode(reply["value"])
        if content is None:
            return None
        if content.nbytes > MAX_FILE:
            raise SubmissionError("TooMuch", f"{name} is larger than {MAX_FILE >> 20} MiB", stage="limit")
        return content.tobytes()

    def build(self, source: str, name: str, arguments: Sequence[Any], training: bool = True) -> "Recorder":
        """A model of ours on the other side, such as one that records what it is fed.

        Args:
            source: trusted text of a module, sent whole. It defines a torch.nn.Module that keeps what it was fed in
                a list `records`.
            name: of that class.
            arguments: for its constructor; arrays arrive as tensors.
            training: whether it is in train mode or in eval mode.
        """
        arrays: Arrays = []
        header = {
            "op": "build",
            "source": source,
            "name": name,
            "arguments": [_encode(value, arrays) for value in arguments],
            "training": training,
        }
        reply, decode = self._send(header, arrays)
        handle = decode(reply["value"])
        return Recorder(self, handle.id, handle.type)

    def recorder(self) -> "Recorder":
        """An argument that arrives as a function which remembers what it is called with, such as a callback."""
        reply, decode = self._send({"op": "recorder"}, [])
        handle = decode(reply["value"])
        return Recorder(self, handle.id, handle.type)

    def bare(self, target: str, **attributes: "int | float | str") -> "Handle":
        """A "module.Class" whose constructor has not run, to judge a method apart from it.

        Args:
            attributes: what to set on the new object.
        """
        header = {"op": "bare", "called": f"{target}.__new__", "target": target, "attributes": attributes}
        reply, decode = self._send(header, [], target)
        return decode(reply["value"])

    def stand_in(self, target: str) -> None:
        """Replace "module.function" by a trusted library's version, so that code that calls it is judged by itself.

        Must come before the first call of code that imports the function by name. The stand-ins are finished
        answers, so they do not ship: in a student's folder the student's own function stays.
        """
        source = source_of(target)
        if source is not None:
            self._send({"op": "stand_in", "target": target, "source": source}, [])

    def close(self) -> None:
        """Let go of the code under test; afterwards it can no longer be called."""
        close = getattr(self._backend, "close", None)
        if close is not None:
            close()

    def _send(self, header: Header, arrays: Arrays, name: str = "") -> tuple[Header, Any]:
        """Execute a message; return the reply and a function that decodes its value trees.

        Args:
            name: what objects that come back are made by.
        """
        reply, returned = self._execute(header, arrays)
        # No nested recursive function: its reference to itself would keep the arrays until the garbage collector runs.
        return reply, partial(self._decode, returned, name)

    def _execute(self, header: Header, arrays: Arrays) -> tuple[Header, Arrays]:
        """Execute a message; SubmissionError if the reply reports an exception."""
        reply, returned = self._backend.execute(header, arrays)
        if not reply.get("ok"):
            error = reply["error"]
            kind = NotImplementedYet if error.get("stage") == "stub" else SubmissionError
            raise kind(error["type"], error.get("message", ""), error.get("where", ""), error.get("stage", "call"))
        return reply, returned

    def _decode(self, returned: Arrays, name: str, tree: Any) -> Any:
        """A header tree of a reply as a value."""
        decode = partial(self._decode, returned, name)
        if isinstance(tree, list):
            return [decode(item) for item in tree]
        if not isinstance(tree, dict):
            return tree
        if "$array" in tree:
            return returned[tree["$array"]]
        if "$tuple" in tree:
            return tuple(decode(item) for item in tree["$tuple"])
        if "$dict" in tree:
            return {key: decode(item) for key, item in tree["$dict"]}
        if "$float" in tree:
            return float(tree["$float"])
        if "$object" in tree:
            return Handle(self, tree["$object"], tree["type"], name)
        if "$figure" in tree:
            return _figure(_bounded(decode(tree["$figure"]), MAX_FIGURES, "the figure shows"))
        raise ValueError(f"unknown tag in a reply: {sorted(tree)[:3]}")


class Handle:
    """An object that lives with the code under test, such as a model.

    Attributes:
        name: what it was made by, such as "module.Class"; "" if it is ours.
    """

    def __init__(self, submission: Submission, id: int, type: str, name: str = "") -> None:
        self.submission, self.id, self.type, self.name = submission, id, type, name

    def part(self, name: str) -> str:
        """The name of its method or attribute; "" if it is ours."""
        return f"{self.name}.{name}" if self.name else ""

    def call(self, method: str, *args: Any, **kwargs: Any) -> Any:
        """Call a method ("" calls the object itself)."""
        return self.submission.run((self, method), args, kwargs).value

    def run(self, method: str, args: Sequence[Any] = (), kwargs: Mapping[str, Any] | None = None, **how: Any) -> Reply:
        """Call a method and differentiate the result: see `Submission.run`."""
        return self.submission.run((self, method), args, kwargs, **how)

    def repeat(self, times: int, method: str, args: Sequence[Any] = (), grad: bool = True) -> list[Any]:
        """What several calls of a method return: see `Submission.repeat`."""
        return self.submission.repeat(times, (self, method), args, grad=grad)

    def get(self, attribute: str) -> Any:
        """The value of an attribute; SubmissionError (AttributeError) when there is none."""
        called = self.part(attribute)
        header = {"op": "attribute", "called": called, "object": self.id, "name": attribute}
        reply, decode = self.submission._send(header, [], called)
        return decode(reply["value"])

    def train(self, mode: bool = True) -> None:
        """Put a module in train mode (or eval mode)."""
        self.submission._send({"op": "train", "called": self.part("train"), "object": self.id, "mode": mode}, [])

    def state(self) -> dict[str, np.ndarray]:
        """The module's state_dict as arrays, in its order."""
        header = {"op": "state_dict", "called": self.part("state_dict"), "object": self.id}
        reply, decode = self.submission._send(header, [])
        return decode(reply["value"])

    def load(self, state: Mapping[str, np.ndarray]) -> None:
        """Load a state_dict; names and shapes must all match."""
        arrays: Arrays = []
        tree = _encode(dict(state), arrays)
        called = self.part("load_state_dict")
        self.submission._send({"op": "load_state_dict", "called": called, "object": self.id, "state": tree}, arrays)

    def randomize(self, rng: np.random.Generator, gain: float) -> None:
        """Load fresh weights: matrices and kernels with normal entries, of standard deviation `gain` over the root of
        what each output sums over; biases with ones of 0.1.

        What a normalisation layer keeps (scales, running averages) stays as it is. The weights are drawn on the other
        side: sending them takes longer than drawing.
        """
        header = {"op": "randomize", "called": self.part("load_state_dict"), "object": self.id}
        self.submission._send({**header, "seed": int(rng.integers(2**63)), "gain": gain}, [])


class Recorder(Handle):
    """An object that remembers what it was fed: see `Submission.build` and `Submission.recorder`."""

    def records(self) -> list[Any]:
        """What it was fed, in order: of a function, lists of its arguments.

        Raises:
            SubmissionError: that is more than MAX_RECORDED.
        """
        found: list[Any] = []
        room, portions, more = MAX_RECORDED, 0, True
        what = "the model or function that the check put in was given"
        while more:
            header = {"op": "records", "object": self.id, "start": len(found)}
            reply, returned = self.submission._execute(header, [])
            portion = self.submission._decode(returned, "", reply["value"])
            room, portions = room - weight(portion), portions + 1
            if room < 0 or portions > MAX_PORTIONS:
                raise _too_much(what, MAX_RECORDED)
            found += portion
            more = bool(reply["more"]) and bool(portion)
        return found


def weight(tree: Any) -> int:
    """Bytes that a decoded value may come to take in a check: its numbers as float64, and what holds them."""
    total, work = 0, [tree]
    while work:
        value = work.pop()
        total += NODE
        if isinstance(value, np.ndarray):
            total += 8 * value.size
        elif isinstance(value, str):
            total += 4 * len(value)
        elif isinstance(value, Mapping):
            work += [*value, *value.values()]
        elif isinstance(value, (list, tuple)):
            work += value
    return total


def _bounded(tree: Any, most: int, what: str) -> Any:
    """The decoded value; SubmissionError if its weight is more than `most` bytes."""
    if weight(tree) > most:
        raise _too_much(what, most)
    return tree


def _too_much(what: str, most: int) -> SubmissionError:
    return SubmissionError("TooMuch", f"{what} more than {most >> 20} MiB, with numbers as float64", stage="limit")


def _figure(axes: Any) -> Figure:
    """A figure from its description, with texts that are short enough to be searched."""
    return Figure(_shortened(axes))


def _shortened(tree: Any) -> Any:
    if isinstance(tree, str):
        return tree[:MAX_TEXT]
    if isinstance(tree, dict):
        return {key: _shortened(value) for key, value in tree.items()}
    if isinstance(tree, (list, tuple)):
        return type(tree)(_shortened(value) for value in tree)
    return tree
