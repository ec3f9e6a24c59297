"""What checks put beside the code under test: models and functions that record what they are fed."""

import importlib
import logging
import re
import sys
import textwrap
from types import SimpleNamespace

import numpy as np
import pytest

from autograder.door import submission as door
from autograder.door.calls import case_of
from autograder.door.diagnose import CheckFailed, check_close
from autograder.door.fixtures import InProcess
from autograder.door.submission import Submission

SCALE = """
from torch import nn

class Scale(nn.Module):
    def __init__(self, factor, offset):
        super().__init__()
        self.factor, self.offset, self.records = factor, offset, []

    def forward(self, x):
        self.records.append({"x": x, "training": self.training})
        return self.factor * x + self.offset
"""
FACTOR = np.array([2.0, 3.0], dtype=np.float32)


@pytest.fixture
def submission(tmp_path, monkeypatch):
    """A submission with one function, which feeds whatever it is given."""
    from autograder.door.executor import Executor

    monkeypatch.chdir(tmp_path)
    (tmp_path / "feeding.py").write_text("def feed(what, *values):\n    return what(*values)\n")
    submission = Submission(Executor(tmp_path))
    yield submission
    submission.close()


# What students set for a whole process, at the top of a file or in a function.
HABITS = """
    import gc, locale, logging, multiprocessing, os, sys, warnings
    import matplotlib, matplotlib.pyplot as plt
    import numpy as np, torch
    torch.set_default_dtype(torch.float64)
    torch.set_default_device("meta")
    torch.set_grad_enabled(False)
    torch.autograd.set_detect_anomaly(True)
    torch.use_deterministic_algorithms(True)
    torch.set_float32_matmul_precision("medium")
    torch.set_num_threads(3)
    torch.set_num_interop_threads(3)
    np.seterr(all="raise")
    np.set_printoptions(precision=2)
    matplotlib.use("TkAgg")
    plt.switch_backend("TkAgg")
    plt.style.use("dark_background")
    plt.rcParams["backend"] = "TkAgg"
    plt.ion()
    warnings.simplefilter("error")
    logging.basicConfig(level=logging.DEBUG)
    logging.disable(logging.CRITICAL)
    locale.setlocale(locale.LC_ALL, "C")
    multiprocessing.set_start_method("spawn", force=True)
    os.chdir("/")
    sys.path.insert(0, "..")
    sys.setrecursionlimit(400)
    gc.disable()
"""
AT_IMPORT = (
    textwrap.dedent(HABITS)
    + """
def get():
    "What is in force, as the functions of a file see it."
    return [str(torch.zeros(1).dtype), str(torch.zeros(1).device), torch.is_grad_enabled(), np.geterr()["divide"]]

def draw(path):
    plt.figure().savefig(path)
"""
)


@pytest.mark.parametrize("when", ["import", "call"])
def test_what_is_set_for_the_whole_process_is_taken_back(tmp_path, when):
    """After an import and after a call: no check hangs on another one, in grading and in a student's pytest alike."""
    from autograder.door.executor import SETTINGS, Executor

    (tmp_path / "work.py").write_text(AT_IMPORT if when == "import" else "def f():" + HABITS)
    submission = Submission(Executor(tmp_path, tmp_path))
    before = [get() for get, _ in SETTINGS]
    handlers = list(logging.root.handlers)
    try:
        if when == "import":
            assert submission.call("work.get") == ["torch.float32", "cpu", True, "warn"]
            submission.call("work.draw", submission.path("x.png"))
            assert (tmp_path / "x.png").read_bytes().startswith(b"\x89PNG")
        else:
            submission.call("work.f")
        assert [get() for get, _ in SETTINGS] == before
    finally:
        logging.root.handlers[:] = handlers
        submission.close()


def test_only_packages_of_the_assignment_can_be_imported(tmp_path, monkeypatch):
    """Others may be installed here, and be used by libraries of this process, and yet be missing where it counts."""
    work, elsewhere = tmp_path / "work", tmp_path / "elsewhere"
    sources = {
        work / "foreign.py": "import some_package\n",
        work / "optional.py": "try:\n    import some_package as s\nexcept ImportError:\n    s = None\nf = lambda: s\n",
        work / "probing.py": "import importlib.util as u\ndef f():\n    return u.find_spec('some_package')\n",
        work / "allowed.py": "import PIL, json, helper\nf = lambda: helper.X\n",
        work / "moved.py": "import sys\nsys.path.insert(0, sys.path[0] + '/deep')\nimport own\nf = lambda: 2\n",
        work / "helper.py": "X = 1\n",
        work / "deep" / "own.py": "",
        elsewhere / "some_package.py": "",
    }
    for path, source in sources.items():
        path.parent.mkdir(exist_ok=True, parents=True)
        path.write_text(source)
    monkeypatch.syspath_prepend(elsewhere)
    submission = InProcess(work, {})()
    words = "No module named 'some_package': neither a file that is handed in nor a package of lab/requirements.txt"
    with pytest.raises(door.SubmissionError, match=words):
        submission.call("foreign.f")
    found = [submission.call(f"{name}.f") for name in ("optional", "probing", "allowed", "moved")]
    assert found == [None, None, 1, 2]
    submission.close()
    importlib.import_module("some_package")


@pytest.mark.parametrize("figures", [False, True])
def test_a_picture_is_drawn_without_its_layout_which_the_figure_keeps(tmp_path, figures):
    from autograder.door.executor import Executor

    (tmp_path / "drawing.py").write_text(
        textwrap.dedent("""
        from matplotlib.figure import Figure
        from matplotlib.layout_engine import ConstrainedLayoutEngine

        class Slow(ConstrainedLayoutEngine):
            def execute(self, figure):
                raise RuntimeError("laid out")

        def draw(path):
            figure = Figure(layout=Slow())
            figure.subplots().imshow([[0, 1]])
            figure.savefig(path)
            return type(figure.get_layout_engine()).__name__
        """)
    )
    submission = Submission(Executor(tmp_path, tmp_path))
    reply = submission.run("drawing.draw", (submission.path("x.png"),), figures=figures)
    assert reply.value == "Slow" and [one.axes[0]["images"] for one in reply.figures] == [1] * figures
    assert (tmp_path / "x.png").read_bytes().startswith(b"\x89PNG")
    submission.close()


@pytest.mark.parametrize("training", [True, False])
def test_a_model_made_from_text_records_what_it_is_fed(submission, training):
    model, x = submission.build(SCALE, "Scale", (FACTOR, 0.5), training), np.ones(2, dtype=np.float32)
    assert submission.call("feeding.feed", model, x).tolist() == [2.5, 3.5]
    (record,) = model.records()
    assert record["x"].tolist() == [1, 1] and record["training"] is training


LAYERS = """
import torch
from torch import nn

def layers():
    model = nn.Sequential(nn.Conv2d(3, 64, 8), nn.BatchNorm2d(64), nn.Linear(400, 500).double())
    model.register_buffer("steps", torch.tensor(7))
    return model
"""


def test_random_weights_have_their_spreads_and_depend_on_the_seed(submission):
    """What is no weight (scales and averages of a normalisation, counters) stays as it is."""
    model = submission.build(LAYERS, "layers", ())
    before = model.state()
    states = []
    for seed in (0, 0, 1):
        model.randomize(np.random.default_rng(seed), 2.0)
        states.append(model.state())
    first, same, other = states
    spreads = {"0.weight": 2 / np.sqrt(3 * 8 * 8), "0.bias": 0.1, "1.bias": 0.1, "2.weight": 0.1, "2.bias": 0.1}
    for name, value in first.items():
        assert value.dtype == before[name].dtype
        assert np.array_equal(value, same[name])
        if name in spreads:
            assert not np.array_equal(value, other[name])
            assert value.std() == pytest.approx(spreads[name], rel=0.3 if value.size < 100 else 0.1)
        else:
            assert np.array_equal(value, before[name])


def test_a_function_records_its_calls(submission):
    recorder = submission.recorder()
    assert submission.call("feeding.feed", recorder, 1, "two") is None
    submission.call("feeding.feed", recorder)
    assert recorder.records() == [[1, "two"], []]


COUNTING = """
import torch

calls = 0

def count(x, scale=1):
    global calls
    calls += 1
    x += 1
    open(f"{calls}.txt", "w").close()
    return scale * x + calls, torch.is_grad_enabled()
"""


def test_repeated_calls_get_arguments_of_their_own(submission, tmp_path):
    (tmp_path / "counting.py").write_text(COUNTING)
    found = submission.repeat(20, "counting.count", (np.zeros(2),), {"scale": 10}, grad=False)
    assert [value.tolist() for value, _ in found] == [[10.0 + call] * 2 for call in range(1, 21)]
    assert not any(grad for _, grad in found)
    assert submission.repeat(1, "counting.count", (np.zeros(1),))[0][1] is True


def test_an_answer_to_repeated_calls_has_a_value_for_each():
    backend = SimpleNamespace(execute=lambda header, arrays: ({"ok": True, "values": [1.0] * 3}, []))
    assert Submission(backend).repeat(3, "counting.count") == [1.0] * 3
    with pytest.raises(ValueError, match="zip"):
        Submission(backend).repeat(2, "counting.count")


def test_modules_and_files_of_the_check_before_are_forgotten(submission, tmp_path, monkeypatch):
    monkeypatch.setattr(sys, "dont_write_bytecode", True)  # __pycache__ would be one of the files
    (tmp_path / "counting.py").write_text(COUNTING)
    for modules, calls, made in ((False, 1, ["1.txt"]), (False, 2, ["2.txt"]), (True, 1, [])):  # 1.txt is old then
        submission.forget(modules)
        assert submission.call("counting.count", np.zeros(1))[0].tolist() == [1.0 + calls]
        assert submission.files() == made


def test_records_have_no_end_but_their_size(submission, monkeypatch):
    """Right code may feed a model as often as it likes, such as the whole data after every step."""
    model = submission.build(SCALE, "Scale", (FACTOR, 0.5))
    for number in range(200):
        submission.call("feeding.feed", model, np.full(2, number, dtype=np.float32))
    assert [record["x"][0] for record in model.records()] == list(range(200))
    monkeypatch.setattr(door, "MAX_RECORDED", 200 * 2 * 8)  # their numbers alone
    with pytest.raises(door.SubmissionError, match="0 MiB") as caught:
        model.records()
    assert caught.value.stage == "limit"


STUBS = """
import abc

def twice(x):
    raise NotImplementedError("Task 2.1: twice, see README section 2.1")

def thrice(x):
    return twice(x) + x

def later(x):
    raise NotImplementedError("Task 2.1 comes later")

def four_times(x):
    import torch
    normal = torch.distributions.Normal(0.0, 1.0)
    return torch.distributions.kl_divergence(normal, torch.distributions.Cauchy(0.0, 1.0))
"""


def test_a_stub_is_what_the_starter_raises_in_its_own_function(submission, tmp_path):
    """A library raises the same exception, and so may a student."""
    (tmp_path / "times.py").write_text(STUBS)
    for function in ("twice", "thrice"):
        with pytest.raises(door.NotImplementedYet):
            submission.call(f"times.{function}", 1)
    for function, text in (("later", "Task 2.1 comes later (times.py, line 11)"), ("four_times", "times.py, line 16")):
        with pytest.raises(door.SubmissionError, match=re.escape(text)) as caught:
            submission.call(f"times.{function}", 1)
        assert not isinstance(caught.value, door.NotImplementedYet)


VERSION = ".".join(map(str, sys.version_info[:2]))
# How a file ends, and what is said of it and of a file that imports it.
ACCIDENTS = {
    "import no_such_thing": "ModuleNotFoundError: No module named 'no_such_thing': "
    "neither a file that is handed in nor a package of lab/requirements.txt (part.py, line 2)",
    "get_ipython()": "NameError: name 'get_ipython' is not defined (part.py, line 2)",
    "open('data.json')": "FileNotFoundError: [Errno 2] No such file or directory: 'data.json' (part.py, line 2)",
    "import sys; sys.exit()": "SystemExit: exit(), quit() or sys.exit() ends the program (part.py, line 2)",
    "def f(:": f"SyntaxError: invalid syntax, as Python {VERSION} reads it (part.py, line 2)",
}


@pytest.mark.parametrize("module", ["part", "whole"])
def test_an_accident_while_a_file_is_imported_has_its_place(submission, tmp_path, module):
    (tmp_path / "whole.py").write_text("from part import x\n")

    def told(content):
        (tmp_path / "part.py").write_bytes(content)
        importlib.invalidate_caches()
        with pytest.raises(door.SubmissionError) as caught:
            submission.call(f"{module}.x")
        assert (caught.value.stage, caught.value.file) == ("import", "part.py")
        return str(caught.value)

    for line, text in ACCIDENTS.items():
        assert told(f"x = len\n{line}\n".encode()) == f"part.py could not be imported: {text}"
    assert "the file is UTF-16 text. Save it as UTF-8 (part.py, line 1)" in told("x = len".encode("utf-16"))
    assert "null bytes" in told(b"x = 1\0")
    assert "can't decode byte" in told(b"x = '\xf6'\n")


TENSORS = """
import torch

ones = torch.ones(2, 2)
tensors = {
    "bfloat16": ones.bfloat16(),
    "float8_e4m3fn": ones.to(torch.float8_e4m3fn),
    "sparse_coo": ones.to_sparse(),
    "meta": ones.to("meta"),
}

def give(kind):
    return tensors[kind]

def give_a_view(kind):
    return torch.view_as_complex(torch.ones(2, 2, requires_grad=True)).conj().imag
"""


def test_a_tensor_that_numpy_cannot_hold_is_named_and_no_exception_of_theirs(submission, tmp_path):
    (tmp_path / "giving.py").write_text(TENSORS)
    for kind in ("bfloat16", "float8_e4m3fn", "sparse_coo", "meta"):
        with pytest.raises(CheckFailed) as caught:
            check_close(submission.call("giving.give", kind), np.ones((2, 2)), what="give")
        assert str(caught.value) == (
            f"give: an ordinary tensor of float32 or float64 was expected, not a {kind} tensor."
        )
        assert case_of(caught.value, [], lambda name: None)["returned"] == f"a {kind} tensor"
    assert submission.call("giving.give_a_view", "").tolist() == [-1, -1]


class Answers:
    """A backend that answers every message alike, as a hostile one might."""

    def __init__(self, reply, *arrays):
        self.reply, self.arrays, self.asked = {"ok": True, **reply}, list(arrays), 0

    def execute(self, header, arrays):
        self.asked += 1
        return self.reply, self.arrays


def refused(what):
    """The message of the limit that was met."""
    with pytest.raises(door.SubmissionError) as caught:
        what()
    assert caught.value.stage == "limit"
    return caught.value.message


@pytest.mark.parametrize(
    ("portion", "most"),
    [
        ([[[]] * 30_000] * 2, 5),  # containers take memory, too
        ([["x" * 500_000]] * 2, 15),
        ([[1]], 1001),  # however little it is each time
    ],
)
def test_records_without_an_end_are_refused(portion, most):
    backend = Answers({"value": portion, "more": True})
    assert "48 MiB" in refused(door.Recorder(Submission(backend), 0, "").records)
    assert backend.asked <= most


def test_records_count_as_the_numbers_that_a_check_computes_with():
    backend = Answers({"value": [{"$array": 0}], "more": False}, np.zeros(7 << 20, dtype=np.uint8))
    assert "48 MiB" in refused(door.Recorder(Submission(backend), 0, "").records)


def test_a_file_is_bounded():
    backend = Answers({"value": {"$array": 0}}, np.zeros(9 << 20, dtype=np.uint8))
    assert refused(lambda: Submission(backend).file_bytes("a.png")) == "a.png is larger than 8 MiB"


def _drawn(axes, *arrays):
    """Reply of a call that has saved a figure."""
    whole = {"value": {"$figure": axes}, "again": None, "gradients": [], "parameter_gradients": {"$dict": []}}
    whole |= {"differentiable": False, "inputs_unchanged": True, "figures": []}
    return Submission(Answers(whole, *arrays)).run("draw.draw")


def test_texts_of_figures_are_short():
    """A check searches them with patterns, some of which take the square of a text's length."""
    axes = [{"$dict": [["title", "1" * 100_000], ["lines", [{"$dict": [["label", "a" * 900]]}]]]}]
    (shown,) = _drawn(axes).value.axes
    assert shown["title"] == "1" * door.MAX_TEXT and shown["lines"][0]["label"] == "a" * door.MAX_TEXT


def test_figures_are_bounded():
    points = {"$dict": [["points", {"$array": 0}]]}
    assert "the figure shows more than 16 MiB" in refused(lambda: _drawn([points], np.zeros((1 << 20, 3))))
    assert "the figure shows more than 16 MiB" in refused(lambda: _drawn([{"$dict": []}] * 60_000))
