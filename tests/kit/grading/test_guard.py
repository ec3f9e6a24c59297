"""What is remembered of code that hung or died, how the time is shared out, and what a worker's lies come to."""

import contextlib
import time
import weakref
from dataclasses import replace
from pathlib import Path

import pytest

from autograder.door.submission import Lost, Submission
from autograder.grading.guard import Budget, Guarded, PutOff, Watch
from autograder.sandbox.backend import WorkerDied
from autograder.tasks import Check

CHECK = Check("public/test_x.py::test_a", "one", "1.1", 1, "A")
HUNG = WorkerDied("timeout", "no answer within 0 seconds")
CRASHED = WorkerDied("crash", "it exited with status 3")
DONE = {"ok": True, "value": None, "gradients": [], "parameter_gradients": {"$dict": []}}
DONE |= {"differentiable": False, "inputs_unchanged": True, "again": None, "figures": []}
MODEL = {**DONE, "value": {"$object": 0, "type": "Model"}}


class Worker:
    """Answers with what it is given, in turn, or raises it; the import of a module always works."""

    output, imports = "", True

    def __init__(self, *replies):
        self.replies, self.asked = list(replies), []

    def execute(self, header, arrays, seconds):
        self.asked.append(header)
        if header.get("op") == "import" and self.imports:
            return {"ok": True}, []
        if isinstance(self.replies[0], Exception):
            raise self.replies.pop(0)  # in no variable: see what is lost
        return self.replies.pop(0), []

    def close(self):
        pass


def watch(seconds=100.0, call_seconds=0.0001, folder=Path("/nonexistent")):
    """Of a grading of one task; with these seconds every death comes late enough to be the call's own."""
    return Watch(Budget(time.monotonic() + seconds, ["one"], seconds), call_seconds, folder, check=CHECK)


def submission(seen, *workers):
    """Of a guard that starts these workers one after another."""
    ready = list(workers)
    return Submission(Guarded(lambda: ready.pop(0), seen))


@pytest.mark.parametrize(
    "reply",
    [
        {},
        {"ok": 1},
        {"ok": False},
        {"ok": False, "error": None},
        {"ok": False, "error": {"type": ["list"], "message": 5, "where": {}, "stage": None}},
        {"ok": "true", "error": {"type": "NotImplementedError", "message": {"Task": "1.1"}}},
        {"ok": False, "error": {"type": "x" * 10**6, "message": "y" * 10**6}},
    ],
)
def test_malformed_failures_become_text(reply):
    answer, _ = Guarded(lambda: Worker(reply), watch()).execute({"op": "call"}, [])
    assert answer["ok"] is False
    assert set(answer["error"]) == {"type", "message", "where", "stage"}
    assert all(isinstance(text, str) and len(text) <= 2000 for text in answer["error"].values())


def test_what_died_is_not_called_again_and_is_no_exception_to_catch():
    seen, second = watch(), Worker(DONE)
    code = submission(seen, Worker(DONE, CRASHED), second)
    code.call("kl.good")
    for _ in range(2):
        with pytest.raises(Lost, match="status 3") as caught:
            code.call("kl.bad")
        assert not isinstance(caught.value, Exception)
        assert (caught.value.kind, caught.value.target, caught.value.in_public) == ("crash", "kl.bad", True)
    code.call("kl.good")
    assert [header["op"] for header in second.asked] == ["import", "call"]
    with pytest.raises(Lost):
        submission(seen, Worker()).call("kl.bad")


def test_what_is_lost_keeps_nothing_of_the_check_that_met_it():
    """A check may have had arrays from the worker, and each function that is lost would keep those of a check."""
    seen = watch()
    code = submission(seen, Worker(WorkerDied("crash", "it exited with status 3")))
    kept = []
    for _ in range(2):  # when it is lost, and when it is refused
        with contextlib.suppress(Lost):
            _meet(code, kept)
    assert [reference() for reference in kept] == [None, None] and "kl.bad" in seen.lost


def _meet(code, kept):
    """A check with something in a local variable, which a traceback would keep."""
    held = Worker()
    kept.append(weakref.ref(held))
    code.call("kl.bad")


def test_a_method_is_lost_for_objects_made_alike():
    """By the same words, that is; of a class whose objects were made without any, it is lost for all."""
    seen = watch()
    with pytest.raises(Lost) as caught:
        submission(seen, Worker(MODEL, CRASHED)).call("net.Model", 3, kind="deep").call("run")
    assert caught.value.target == "net.Model.run", "words that a check chose are not shown"
    with pytest.raises(Lost):
        submission(seen, Worker(MODEL)).call("net.Model", 5, kind="deep").call("run")
    submission(seen, Worker(MODEL, DONE)).call("net.Model", 5, kind="flat").call("run")
    with pytest.raises(Lost):
        submission(seen, Worker(MODEL, CRASHED)).call("net.Model").call("walk")
    with pytest.raises(Lost):
        submission(seen, Worker(MODEL)).call("net.Model", kind="flat").call("walk")


def test_what_dies_between_two_checks_harms_only_itself():
    seen, second = watch(), Worker(DONE)
    code = submission(seen, Worker(DONE, CRASHED), second)
    code.call("kl.leaves_a_thread")
    code.forget()
    code.call("kl.other")
    with pytest.raises(Lost, match="status 3"):
        code.call("kl.leaves_a_thread")


def test_modules_are_imported_anew_after_a_stand_in():
    worker = Worker(DONE, {"ok": True}, DONE)
    guard = Guarded(lambda: worker, watch())
    for header in ({"function": "a.f"}, {"op": "stand_in", "target": "b.g"}, {"function": "a.f"}):
        guard.execute(header, [])
    assert [header["module"] for header in worker.asked if header.get("op") == "import"] == ["a", "b", "a"]


@pytest.mark.parametrize("hidden", [False, True])
def test_the_module_whose_import_hung_is_told_and_not_imported_again(tmp_path, hidden):
    """Not the one that imports it; a hidden check could be told that by code that has seen its inputs."""
    (tmp_path / "helper.py").write_text("x = 1\nwhile x:\n    x += 1\n")
    calls = [("/lib/re.py", 5, "f"), (f"{tmp_path}/helper.py", 3, "<module>"), (f"{tmp_path}/net.py", 1, "<module>")]
    seen = watch(folder=tmp_path)
    seen.check = replace(CHECK, id="hidden/test_x.py::test_a" if hidden else CHECK.id)
    refused = {"ok": False, "error": {"type": "LostModule", "message": "helper"}}
    first, second = Worker(WorkerDied("flood", "too much", tuple(calls))), Worker(refused)
    first.imports = second.imports = False
    for name, worker in (("net", first), ("other", second), ("net", Worker())):
        with pytest.raises(Lost) as caught:
            submission(seen, worker).call(f"{name}.f")
        assert str(caught.value.imported) == ("net.py" if hidden else "helper.py, line 2")
    assert set(second.asked[0]["without"]) == {"helper", "net"}


def test_without_time_there_is_no_call_and_a_call_that_is_cut_short_is_put_off():
    worker = Worker(DONE)
    with pytest.raises(PutOff):
        submission(watch(seconds=0), worker).call("kl.f")
    assert worker.asked == []
    seen = watch(call_seconds=100.0)
    with pytest.raises(PutOff):
        submission(seen, Worker(HUNG)).call("kl.f")
    assert not seen.lost


@pytest.fixture
def clock(monkeypatch):
    """A list with the time, that time.monotonic tells."""
    now = [0.0]
    monkeypatch.setattr(time, "monotonic", lambda: now[0])
    return now


def take(budget, clock, task, seconds):
    """Have a check of a task take so long, or as long as it may."""
    took = max(0.0, min(seconds, budget.left(task)))
    budget.spend(task, took)
    budget.finish(task)
    clock[0] += took
    return took


def test_every_task_gets_its_share_whatever_those_before_it_took(clock):
    names = [f"task{number}" for number in range(24)]
    budget = Budget(480.0, [name for name in names for _ in range(2)], most=45.0)
    # Two checks each, with a call that hangs.
    had = [take(budget, clock, name, 20.0) + take(budget, clock, name, 20.0) for name in names]
    assert had[:3] == [40.0] * 3
    assert min(had) == pytest.approx(10.0), "half of the time, shared out equally"
    assert clock[0] <= 480


def test_in_the_second_turn_a_task_may_have_what_is_left():
    budget = Budget(time.monotonic() + 200, ["one"], most=45.0)
    budget.finish("one")
    budget.begin_second_turn(["one"])
    assert budget.left("one") == 90
    budget.spend("one", 80)
    assert budget.left("one") == 10


def test_a_second_turn_leaves_what_is_kept_for_first_turns(clock):
    """Public checks have both of their turns before hidden ones have their first."""
    names = ["slow", "two", "three", "four"]
    budget = Budget(400.0, [name for name in names for _ in range(2)], most=45.0)
    # A public check each: each may take 45 seconds, more than half of what is its own.
    assert take(budget, clock, "slow", 100.0) == 45.0
    assert [take(budget, clock, name, 10.0) for name in names[1:]] == [10.0] * 3
    budget.begin_second_turn(["slow"])
    assert budget.left("slow") == 90
    clock[0] = 300.0  # the machine was busy; of the 100 seconds left all are kept for hidden checks
    assert budget.left("slow") <= 0
    budget.begin_first_turn()
    assert [take(budget, clock, name, 100.0) for name in ("slow", "two")] == [0.0, 35.0]


def test_a_special_call_is_lost_by_itself():
    """Of code that hangs on few images only, the other checks go on."""
    seen = watch()
    code = submission(seen, Worker(CRASHED), Worker(DONE))
    for _ in range(2):
        with pytest.raises(Lost) as caught:
            code.run("train.fit", apart="few")
        assert caught.value.target == "train.fit"
    code.call("train.fit")
