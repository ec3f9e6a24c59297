"""Executes the messages of `submission.Submission` against a folder of student code. The only module of the
kit that imports torch; in grading it runs inside the sandboxed worker, so nothing here may be secret."""

import copy
import gc
import hashlib
import importlib
import locale
import logging
import math
import multiprocessing
import os
import pickle
import random
import re
import sys
import traceback
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import cache, partial
from pathlib import Path
from types import CodeType
from typing import Any

import matplotlib
import numpy as np
import torch
from matplotlib import pyplot
from torch import Tensor, nn

try:
    from autograder.door.one_process import stay_in_one_process
except ModuleNotFoundError:  # in a worker, which has only what lies beside this file
    from one_process import stay_in_one_process  # type: ignore[import-not-found, no-redef]

Header = dict[str, Any]
Arrays = list[np.ndarray]

MAX_SCRATCH_FILE = 8 * 2**20  # bytes; our pictures are far smaller
# Records travel in portions, so that a reply stays small however many there are.
PORTION, PORTION_BYTES = 64, 16 * 2**20
# What a starter's stub says: "Task 4.1: Disc.area, see ..."; the last name is that of the function.
STUB = re.compile(r"Task \d+(?:\.\d+)*: (?:\w+\.)*(\w+)")
UTF_16 = (b"\xff\xfe", b"\xfe\xff")  # how such a file begins


class Executor:
    """Runs messages against the modules of one submission.

    Args:
        folder: where the submission's modules lie. They win over any other module of the same name.
        scratch: a folder that the submission may write pictures to; None if it may write nothing.
    """

    def __init__(self, folder: Path, scratch: Path | None = None) -> None:
        self.folder = Path(folder).resolve()
        self.scratch = scratch
        self.objects: dict[int, Any] = {}
        self._old_files = os.listdir()  # where the code runs; they are no news
        self._objects_kept = 0  # never reused as an id: a handle must not come to mean another object
        stay_in_one_process()
        forget_modules(self.folder)
        sys.path.insert(0, str(self.folder))
        _calm_libraries()
        self._settings = [(get, set_, get()) for get, set_ in SETTINGS]

    def close(self) -> None:
        """Forget the submission's modules and objects, so that another submission can be executed in this process."""
        self.objects.clear()
        forget_modules(self.folder)
        if str(self.folder) in sys.path:
            sys.path.remove(str(self.folder))

    def execute(self, header: Header, arrays: Arrays) -> tuple[Header, Arrays]:
        """Execute one message. Exceptions of the submission come back as a reply, never as an exception."""
        returned: Arrays = []
        try:
            reply = getattr(self, f"_op_{header['op']}")(header, arrays, returned)
        except (Exception, SystemExit) as error:  # student code may raise anything, sys.exit included
            return {"ok": False, "error": self._describe(error)}, []
        finally:
            self._restore_settings()
        return {"ok": True, **reply}, returned

    def _restore_settings(self) -> None:
        """Take back what an import or a call has set for the whole process: no check may hang on those before it."""
        for get, set_, before in self._settings:
            with suppress(Exception):  # whatever student code has put in place of these functions
                if get() != before:
                    set_(before)

    def _describe(self, error: BaseException) -> Header:
        """Name, text, place and stage of a student's exception: see `submission.SubmissionError`."""
        stage = "call"
        module = ""
        if isinstance(error, _ImportFailed):
            stage, module, error = "import", str(error), error.__cause__ or error
        frames = traceback.extract_tb(error.__traceback__)
        ours = [frame for frame in frames if Path(frame.filename).parent == self.folder]
        where = f"{Path(ours[-1].filename).name}, line {ours[-1].lineno}" if ours else ""
        message = str(error)[:2000]
        if isinstance(error, ModuleNotFoundError) and error.name and "." not in error.name:
            message += ": neither a file that is handed in nor a package of lab/requirements.txt"
        if isinstance(error, SystemExit):
            message = "exit(), quit() or sys.exit() ends the program"
        if stage == "import":
            message, where = self._not_python(error, module) or (message, where)
        # A library may raise the same exception, and so may a student.
        named = STUB.match(message) if type(error) is NotImplementedError else None
        if named and ours and ours[-1] is frames[-1] and ours[-1].name == named[1]:
            stage = "stub"
        # PyTorch has no exception of its own for a processor without memory.
        out_of_memory = isinstance(error, RuntimeError) and "can't allocate memory" in message
        name = "MemoryError" if out_of_memory else type(error).__name__
        return {"type": name, "message": message, "where": where, "stage": stage}

    def _not_python(self, error: BaseException, module: str) -> tuple[str, str] | None:
        """Text and place if a file, that of a module or one which it imports, is not Python; None if that is not so."""
        if isinstance(error, SyntaxError) and error.filename and self.folder in Path(error.filename).parents:
            version = ".".join(map(str, sys.version_info[:2]))
            return f"{error.msg}, as Python {version} reads it", f"{Path(error.filename).name}, line {error.lineno}"
        if "null byte" not in str(error):
            return None
        # Python does not say which file it is.
        for path in (self.folder / f"{module}.py", *sorted(self.folder.glob("*.py"))):
            if path.is_file() and b"\0" in (content := path.read_bytes()):
                kind = "UTF-16 text" if content.startswith(UTF_16) else "no text: it has null bytes"
                return f"the file is {kind}. Save it as UTF-8", f"{path.name}, line 1"
        return None

    def _op_import(self, header: Header, arrays: Arrays, returned: Arrays) -> Header:
        if header["without"]:
            sys.meta_path.insert(0, _Without(header["without"]))
        self._import(header["module"])
        return {}

    def _op_call(self, header: Header, arrays: Arrays, returned: Arrays) -> Header:
        tensors: list[Tensor] = []  # every array argument, in the order of decoding
        args, kwargs = self._arguments(header, arrays, tensors)
        originals = [tensor.clone() for tensor in tensors]
        plain = copy.deepcopy([value for value in (*args, *kwargs.values()) if isinstance(value, list)])
        inputs = [(args if isinstance(key, int) else kwargs)[key].requires_grad_(True) for key in header["wrt"]]
        for key, leaf in zip(header["wrt"], inputs, strict=True):
            # As in training, the function gets a computed tensor, which it may write to, and not a leaf.
            computed = (args if isinstance(key, int) else kwargs)[key] = leaf.clone()
            tensors[next(place for place, tensor in enumerate(tensors) if tensor is leaf)] = computed
        parameters: dict[str, Tensor] = {}
        if header["parameters_of"] is not None:
            module = self.objects[header["parameters_of"]]
            parameters = {name: p for name, p in module.named_parameters() if p.requires_grad}

        figures: list[Any] = []
        function = self._callable(header)  # an import takes back what is set
        with _saved_figures(figures if header["figures"] else None), torch.set_grad_enabled(header["grad"]):
            value = function(*args, **kwargs)

        wanted = [*inputs, *parameters.values()]
        gradients: list[Tensor | None] = [None] * len(wanted)
        differentiable = False
        if wanted:
            output = value
            for index in header["output"]:
                output = output[index]
            differentiable = isinstance(output, Tensor) and output.requires_grad
            if differentiable:
                cotangent = self._decode(header["cotangent"], arrays, [])
                if cotangent is not None and cotangent.shape != output.shape:
                    raise RuntimeError(f"the result's shape is {tuple(output.shape)}, not {tuple(cotangent.shape)}")
                # Given the cotangent, torch.autograd.grad would import SymPy: 40 MB and half a second.
                weighted = output if cotangent is None else output * cotangent
                gradients = list(torch.autograd.grad(weighted.sum(), wanted, allow_unused=True))
        by_parameter = dict(zip(parameters, gradients[len(inputs) :], strict=True))
        unchanged = all(_same(before, after.detach()) for before, after in zip(originals, tensors, strict=True))
        unchanged &= plain == [value for value in (*args, *kwargs.values()) if isinstance(value, list)]
        encoded = self._encode(value, returned)
        again = None
        if header["again"]:
            with torch.no_grad():
                for tensor, index in zip(tensors, header["again"], strict=True):
                    tensor.copy_(torch.from_numpy(np.array(arrays[index["$array"]])))
            again = self._encode(self._callable(header)(*args, **kwargs), returned)
        return {
            "value": encoded,
            "again": again,
            "gradients": self._encode(gradients[: len(inputs)], returned),
            "parameter_gradients": self._encode(by_parameter, returned),
            "differentiable": differentiable,
            "inputs_unchanged": unchanged,
            "figures": self._encode(figures, returned),
        }

    def _op_repeat(self, header: Header, arrays: Arrays, returned: Arrays) -> Header:
        values = []
        for _ in range(header["times"]):
            args, kwargs = self._arguments(header, arrays, [])
            function = self._callable(header)
            with torch.set_grad_enabled(header["grad"]):
                values.append(self._encode(function(*args, **kwargs), returned))
            self._restore_settings()
        return {"values": values}

    def _op_attribute(self, header: Header, arrays: Arrays, returned: Arrays) -> Header:
        return {"value": self._encode(getattr(self.objects[header["object"]], header["name"]), returned)}

    def _op_train(self, header: Header, arrays: Arrays, returned: Arrays) -> Header:
        self.objects[header["object"]].train(header["mode"])
        return {}

    def _op_state_dict(self, header: Header, arrays: Arrays, returned: Arrays) -> Header:
        return {"value": self._encode(dict(self.objects[header["object"]].state_dict()), returned)}

    def _op_load_state_dict(self, header: Header, arrays: Arrays, returned: Arrays) -> Header:
        self.objects[header["object"]].load_state_dict(self._decode(header["state"], arrays, []))
        return {}

    def _op_randomize(self, header: Header, arrays: Arrays, returned: Arrays) -> Header:
        module, generator = self.objects[header["object"]], torch.Generator().manual_seed(header["seed"])
        state = dict(module.state_dict())
        for name, value in state.items():
            if not value.is_floating_point() or value.ndim < 2 and not name.endswith("bias"):
                continue
            spread = header["gain"] / math.sqrt(math.prod(value.shape[1:])) if value.ndim > 1 else 0.1
            state[name] = torch.randn(value.shape, generator=generator, dtype=value.dtype, device="cpu") * spread
        module.load_state_dict(state)
        return {}

    def _op_seed(self, header: Header, arrays: Arrays, returned: Arrays) -> Header:
        torch.default_generator.manual_seed(header["seed"])  # torch.manual_seed notes for the GPU who calls it: 1 ms
        np.random.seed(header["seed"] % 2**32)
        random.seed(header["seed"])
        return {}

    def _op_forget(self, header: Header, arrays: Arrays, returned: Arrays) -> Header:
        self.objects.clear()
        self._old_files = os.listdir()
        if header["modules"]:
            forget_modules(self.folder)
        return {}

    def _op_rng_fingerprints(self, header: Header, arrays: Arrays, returned: Arrays) -> Header:
        states = {
            "torch": torch.get_rng_state().numpy().tobytes(),
            "NumPy": pickle.dumps(np.random.get_state()),
            "Python": pickle.dumps(random.getstate()),
        }
        digests = {name: hashlib.sha256(state).hexdigest() for name, state in states.items()}
        return {"value": self._encode(digests, returned)}

    def _op_read_file(self, header: Header, arrays: Arrays, returned: Arrays) -> Header:
        path = self._scratch_file(header["name"])
        if not path.is_file() or path.stat().st_size > MAX_SCRATCH_FILE:
            return {"value": None}
        return {"value": self._encode(np.frombuffer(path.read_bytes(), dtype=np.uint8), returned)}

    def _op_files(self, header: Header, arrays: Arrays, returned: Arrays) -> Header:
        return {"value": self._encode(sorted({*os.listdir()} - {*self._old_files}), returned)}

    def _op_build(self, header: Header, arrays: Arrays, returned: Arrays) -> Header:
        built = _defined(header["source"])[header["name"]](*self._decode(header["arguments"], arrays, []))
        built.train(header["training"])
        return {"value": self._keep(built)}

    def _op_recorder(self, header: Header, arrays: Arrays, returned: Arrays) -> Header:
        return {"value": self._keep(CallRecorder())}

    def _op_bare(self, header: Header, arrays: Arrays, returned: Arrays) -> Header:
        module_name, name = header["target"].split(".")
        cls = getattr(self._import(module_name), name)
        module = cls.__new__(cls)
        nn.Module.__init__(module)
        for key, value in header["attributes"].items():
            setattr(module, key, value)
        return {"value": self._keep(module)}

    def _op_records(self, header: Header, arrays: Arrays, returned: Arrays) -> Header:
        records, found = self.objects[header["object"]].records, []
        for record in records[header["start"] :][:PORTION]:
            found.append(self._encode(record, returned))
            if sum(array.nbytes for array in returned) >= PORTION_BYTES:
                break
        return {"value": found, "more": header["start"] + len(found) < len(records)}

    def _op_stand_in(self, header: Header, arrays: Arrays, returned: Arrays) -> Header:
        module_name, name = header["target"].split(".")
        # Nothing that could have been called before (see stand_ins.py).
        setattr(self._import(module_name), name, _defined(header["source"])[name])
        # Modules that have copied the name into their own namespace must do so again.
        forget_modules(self.folder, spare=module_name)
        return {}

    def _arguments(self, header: Header, arrays: Arrays, tensors: list[Tensor]) -> tuple[list[Any], dict[str, Any]]:
        """What a call gets, by position and by name; its tensors are appended to `tensors`, in their order."""
        args = [self._decode(tree, arrays, tensors) for tree in header["args"]]
        return args, {name: self._decode(tree, arrays, tensors) for name, tree in header["kwargs"].items()}

    def _callable(self, header: Header) -> Any:
        if "object" in header:
            target = self.objects[header["object"]]
            return getattr(target, header["method"]) if header["method"] else target
        module_name, name = header["function"].split(".")
        return getattr(self._import(module_name), name)

    def _import(self, name: str) -> Any:
        if (known := sys.modules.get(name)) is not None:
            return known  # nothing runs, so that no setting can have changed
        try:
            return importlib.import_module(name)
        except (Exception, SystemExit) as error:
            raise _ImportFailed(name) from error
        finally:
            self._restore_settings()

    def _scratch_file(self, name: str) -> Path:
        if self.scratch is None:
            raise PermissionError("this check gives no scratch folder")
        if Path(name).name != name:
            raise ValueError(f"not a plain file name: {name!r}")
        return Path(self.scratch) / name

    def _keep(self, value: Any) -> Header:
        self.objects[self._objects_kept] = value
        self._objects_kept += 1
        kind = type_of_tensor(value) if isinstance(value, Tensor) else type(value).__name__
        return {"$object": self._objects_kept - 1, "type": kind}

    def _decode(self, tree: Any, arrays: Arrays, tensors: list[Tensor]) -> Any:
        """A header tree as a Python value; arrays become fresh tensors, which are also appended to `tensors`."""
        if isinstance(tree, list):
            return [self._decode(item, arrays, tensors) for item in tree]
        if not isinstance(tree, dict):
            return tree
        if "$array" in tree:
            tensors.append(torch.from_numpy(np.array(arrays[tree["$array"]])))
            return tensors[-1]
        if "$tuple" in tree:
            return tuple(self._decode(item, arrays, tensors) for item in tree["$tuple"])
        if "$dict" in tree:
            return {key: self._decode(item, arrays, tensors) for key, item in tree["$dict"]}
        if "$float" in tree:
            return float(tree["$float"])
        if "$object" in tree:
            return self.objects[tree["$object"]]
        if "$path" in tree:
            return str(self._scratch_file(tree["$path"]))
        if "$generator" in tree:
            return torch.Generator().manual_seed(tree["$generator"])
        raise ValueError(f"unknown tag in a message: {sorted(tree)[:3]}")

    def _encode(self, value: Any, returned: Arrays) -> Any:
        """A returned value as a header tree; tensors and arrays are appended to `returned`, objects are kept."""
        if isinstance(value, np.generic):
            value = value.item()
        if value is None or isinstance(value, (bool, int, str)):
            return value
        if isinstance(value, float):
            return value if math.isfinite(value) else {"$float": str(value)}
        if isinstance(value, Tensor):
            try:
                value = value.numpy(force=True)
            except (TypeError, RuntimeError):  # NumPy has no such arrays
                return self._keep(value)
        if isinstance(value, np.ndarray):
            # Not np.ascontiguousarray, which would turn a 0-d array into a 1-d one.
            returned.append(np.array(value, order="C"))
            return {"$array": len(returned) - 1}
        if isinstance(value, tuple):
            return {"$tuple": [self._encode(item, returned) for item in value]}
        if isinstance(value, list):
            return [self._encode(item, returned) for item in value]
        if isinstance(value, dict):
            return {"$dict": [[str(key), self._encode(item, returned)] for key, item in value.items()]}
        if type(value).__module__.startswith("matplotlib") and isinstance(getattr(value, "axes", None), list):
            return {"$figure": self._encode(describe_figure(value), returned)}
        return self._keep(value)


def _calm_libraries() -> None:
    """Let matplotlib draw into files in its own style, whatever is asked for: there may be no screen, and a student's
    own matplotlibrc should change nothing."""
    dict.update(RC_PARAMS, RC_DEFAULTS, backend="agg")
    matplotlib.use = lambda backend, *, force=True: None
    if pyplot.switch_backend.__module__ == pyplot.__name__:
        pyplot.switch_backend = partial(_switch_to_agg, pyplot.switch_backend)


def _switch_to_agg(switch: Callable[[str], None], newbackend: str) -> None:
    switch("agg")


def _set_warning_filters(filters: list[Any]) -> None:
    warnings.filters[:] = filters  # type: ignore[index]
    with warnings.catch_warnings():  # makes Python look at them anew
        pass


def _set_log_level(levels: tuple[int, int]) -> None:
    logging.root.setLevel(levels[0])
    logging.disable(levels[1])


# Used as the dicts that they are: asking them for the backend would choose one.
RC_PARAMS: Any = matplotlib.rcParams
RC_DEFAULTS: Any = matplotlib.rcParamsDefault
# What holds for a whole process, as functions that ask for it and set it.
SETTINGS: list[tuple[Callable[[], Any], Callable[[Any], Any]]] = [
    (torch.get_default_dtype, torch.set_default_dtype),
    (torch.get_default_device, lambda device: torch.set_default_device(None)),
    (torch.is_grad_enabled, torch.set_grad_enabled),
    (torch.is_anomaly_enabled, torch.set_anomaly_enabled),
    (torch.get_deterministic_debug_mode, torch.set_deterministic_debug_mode),
    (torch.get_float32_matmul_precision, torch.set_float32_matmul_precision),
    (torch.get_num_threads, torch.set_num_threads),
    (np.geterr, lambda actions: np.seterr(**actions)),
    (np.get_printoptions, lambda options: np.set_printoptions(**options)),
    (lambda: dict(dict.items(RC_PARAMS)), lambda values: dict.update(RC_PARAMS, values)),
    (lambda: list(warnings.filters), _set_warning_filters),
    (lambda: (logging.root.level, logging.root.manager.disable), _set_log_level),
    (lambda: locale.setlocale(locale.LC_ALL), lambda name: locale.setlocale(locale.LC_ALL, name)),
    (lambda: multiprocessing.get_start_method(True), lambda name: multiprocessing.set_start_method(name, True)),
    (os.getcwd, os.chdir),
    (lambda: list(sys.path), lambda path: sys.path.__setitem__(slice(None), path)),
    (sys.getrecursionlimit, sys.setrecursionlimit),
    (gc.isenabled, lambda on: gc.enable() if on else gc.disable()),
]


class _ImportFailed(Exception):
    """A module of the submission could not be imported; the cause says why."""


class LostModule(ImportError):
    """A module that is not imported any more, because its import hung or killed an earlier worker."""


class _Without:
    """Finds modules by refusing some: whoever imports one of them gets a LostModule, whose text is its name."""

    def __init__(self, names: list[str]) -> None:
        self._names = names

    def find_spec(self, name: str, path: Any = None, target: Any = None) -> None:
        if name in self._names:
            raise LostModule(name)


class CallRecorder:
    """A function of any arguments that remembers them and returns None."""

    def __init__(self) -> None:
        self.records: list[list[Any]] = []

    def __call__(self, *args: Any) -> None:
        self.records.append(list(args))


def type_of_tensor(value: Tensor) -> str:
    """What a tensor is that NumPy cannot hold, such as "bfloat16 tensor" or "sparse_coo tensor"."""
    if value.is_nested or value.is_meta:
        return "nested tensor" if value.is_nested else "meta tensor"
    kind = value.dtype if value.layout == torch.strided else value.layout
    return f"{kind} tensor".removeprefix("torch.")


def _same(before: Tensor, after: Tensor) -> bool:
    return before.shape == after.shape and bool(((before == after) | (before.isnan() & after.isnan())).all())


@contextmanager
def _saved_figures(found: list[Any] | None) -> Iterator[None]:
    """Appends what the figures show that are saved inside, unless it is None. They are drawn without their layout:
    it takes longer than all else, and nobody looks at these pictures."""
    from matplotlib.figure import Figure

    original = Figure.savefig

    def savefig(self: Any, *args: Any, **kwargs: Any) -> Any:
        if found is not None:
            found.append(describe_figure(self))
        engine = self.get_layout_engine()
        self.set_layout_engine(None)
        try:
            return original(self, *args, **kwargs)
        finally:
            self.set_layout_engine(engine)

    Figure.savefig = savefig  # type: ignore[method-assign]
    try:
        yield
    finally:
        Figure.savefig = original  # type: ignore[method-assign]


def _scattered(collection: Any) -> dict[str, Any]:
    """Points (n, 2) of a scatter plot and the colour (n, 4) of each."""
    collection.update_scalarmappable()
    points = np.ma.filled(np.asarray(collection.get_offsets(), dtype=np.float64), np.nan)
    colours = np.asarray(collection.get_facecolors(), dtype=np.float64)
    if len(colours) == 0:  # hollow markers
        colours = np.asarray(collection.get_edgecolors(), dtype=np.float64)
    return {"points": points, "colours": np.resize(colours, (len(points), 4))}


def describe_figure(figure: Any) -> list[dict[str, Any]]:
    """What every Axes of a matplotlib figure shows: see `submission.Figure`."""
    from matplotlib.collections import PathCollection
    from matplotlib.patches import Ellipse

    return [
        {
            "title": ax.get_title(),
            "xlabel": ax.get_xlabel(),
            "ylabel": ax.get_ylabel(),
            "has_legend": ax.get_legend() is not None,
            "images": len(ax.images),
            "empty": not (ax.has_data() or ax.texts or figure.images),
            "xlim": tuple(map(float, ax.get_xlim())),
            "ylim": tuple(map(float, ax.get_ylim())),
            "xscale": ax.get_xscale(),
            "yscale": ax.get_yscale(),
            "lines": [
                {
                    "label": str(line.get_label()),
                    "x": np.asarray(line.get_xdata(), dtype=np.float64),
                    "y": np.asarray(line.get_ydata(), dtype=np.float64),
                }
                for line in ax.lines
            ],
            "ellipses": [
                {"centre": list(map(float, patch.center)), "size": [float(patch.width), float(patch.height)]}
                for patch in ax.patches
                if isinstance(patch, Ellipse)
            ],
            "scattered": [_scattered(each) for each in ax.collections if isinstance(each, PathCollection)],
        }
        for ax in figure.axes
    ]


@cache
def _compiled(source: str) -> CodeType:
    """The code of a text; most texts are sent again and again."""
    return compile(source, "<string>", "exec")


def _defined(source: str) -> dict[str, Any]:
    """What a trusted text defines, anew at every call."""
    scope: dict[str, Any] = {}
    exec(_compiled(source), scope)
    return scope


def forget_modules(folder: Path, spare: str = "") -> None:
    """Drop the names of this folder's files from sys.modules, so that the next import reads this folder.

    Args:
        spare: the name of one module to keep.
    """
    packages = {path.parent.name for path in folder.glob("*/__init__.py")}
    names = {path.stem for path in folder.glob("*.py")} | packages
    loaded = names.intersection(sys.modules) - {spare}
    if above := loaded & packages:  # rarely: looking at thousands of names takes milliseconds
        loaded |= {name for name in sys.modules if name.partition(".")[0] in above}
    for name in loaded:
        del sys.modules[name]
    importlib.invalidate_caches()
