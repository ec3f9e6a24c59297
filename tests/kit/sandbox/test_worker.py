"""What a worker does, or refuses to, and what the grader makes of it: student code is played by snippets of Python."""

import contextlib
import os
import signal
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("resource", reason="the grader runs on Unix only")

from autograder.sandbox import layers, selfcheck
from autograder.sandbox import zygote as zygote_module
from autograder.sandbox.backend import RemoteBackend, WorkerDied
from autograder.sandbox.layers import Limits
from autograder.sandbox.zygote import Branch, Zygote, ZygoteDied, ZygoteSettings, workspace
from tests.kit.processes import alive, until

linux = pytest.mark.skipif(not layers.LINUX, reason="Linux only")
root = pytest.mark.skipif(os.geteuid() != 0, reason="needs root")

# Plays door/executor.py without torch: runs the code in the message with the arrays at hand, and returns `result`.
EXECUTOR = """
class Executor:
    def __init__(self, folder, scratch):
        self.scope = {"folder": folder, "scratch": scratch}

    def execute(self, header, arrays):
        self.scope.update(arrays=arrays, result=None, returned=[])
        try:
            exec(header["code"], self.scope)
        except Exception as error:
            return {"ok": False, "error": {"type": type(error).__name__, "message": str(error), "stage": "call"}}, []
        return {"ok": True, "value": self.scope["result"]}, self.scope["returned"]
"""

QUICK = Limits(call_seconds=10, cpu_seconds=20, memory_bytes=200 << 20)


@pytest.fixture(scope="module")
def place():
    """A folder that a worker may reach, with a toy executor and a submission in it."""
    with workspace() as folder:
        (folder / "executor.py").write_text(EXECUTOR)
        submission = folder / "submission"
        submission.mkdir()
        (submission / "helper.py").write_text("ANSWER = 42\n")
        submission.chmod(0o755)
        (submission / "helper.py").chmod(0o644)
        yield folder


@pytest.fixture(scope="module")
def zygote(place):
    with Zygote(ZygoteSettings(executor=place / "executor.py", preload=("numpy",))) as started:
        yield started


@pytest.fixture
def start(zygote, place):
    """Starts workers that end with the test."""
    started: list[RemoteBackend] = []

    def start_one(limits: Limits = QUICK, **options) -> RemoteBackend:
        started.append(zygote.start_worker(place / "submission", limits, **options))
        return started[-1]

    yield start_one
    for backend in started:
        backend.close()


@contextlib.contextmanager
def zygote_of(kind, place):
    """A zygote without torch, or the branch of one."""
    with contextlib.ExitStack() as stack:
        started = stack.enter_context(Zygote(ZygoteSettings(executor=place / "executor.py", preload=())))
        yield stack.enter_context(Branch(started)) if kind == "branch" else started


both_kinds = pytest.mark.parametrize("kind", ["zygote", "branch"])


def run(backend: RemoteBackend, code: str, *arrays: np.ndarray, **tags):
    """The value of `result` after the code ran in the worker; AssertionError if it raised."""
    reply, _ = backend.execute({"code": textwrap.dedent(code), **tags}, list(arrays))
    assert reply["ok"], reply
    return reply["value"]


def dies(backend: RemoteBackend, code: str, kind: str, **options) -> str:
    """The reason for which the worker is gone after the code; later calls must give the same one, at once."""
    with pytest.raises(WorkerDied) as first:
        backend.execute({"code": textwrap.dedent(code)}, [], **options)
    assert first.value.kind == kind, first.value
    began = time.monotonic()
    with pytest.raises(WorkerDied) as second:
        backend.execute({"code": "result = 1"}, [])
    assert time.monotonic() - began < 0.1
    assert (second.value.kind, second.value.reason) == (first.value.kind, first.value.reason)
    return first.value.reason


def test_one_that_is_stopped_says_where_it_is(start):
    code = """
    def wait():
        import time
        time.sleep(60)
    wait()
    """
    with pytest.raises(WorkerDied) as died:
        start().execute({"code": textwrap.dedent(code)}, [], 0.5)
    assert [call[1:] for call in died.value.calls[:2]] == [(4, "wait"), (5, "<module>")]


LIES = {
    "nothing": "signal.signal(signal.SIGUSR1, signal.SIG_IGN)",
    "too much": "os.write(5, bytes(60000))",
    "without end": "signal.signal(signal.SIGUSR1, lambda *_: [time.sleep(os.write(5, b'x') / 99) for _ in range(999)])",
    "other": """os.write(5, b'File "/etc/passwd", line 1 in <module>\\n' + bytes(60000))""",
}


@pytest.mark.parametrize("lie", LIES)
def test_nobody_waits_for_it(start, lie):
    code = f"import os, signal, time\n{LIES[lie]}\ntime.sleep(60)"
    began = time.monotonic()
    with pytest.raises(WorkerDied) as died:
        start().execute({"code": code}, [], 0.3)
    assert time.monotonic() - began < 3.0 and died.value.kind == "timeout"
    assert died.value.calls == ((("/etc/passwd", 1, "<module>"),) if lie == "other" else ())


def test_arrays_travel_both_ways(start):
    x = np.arange(6, dtype=np.float32).reshape(2, 3)
    reply, arrays = start().execute({"code": "returned = [a * 2 for a in arrays]"}, [x, np.array(1.5)])
    assert reply["ok"]
    np.testing.assert_array_equal(arrays[0], 2 * x)
    assert arrays[0].dtype == np.float32 and arrays[1].shape == () and arrays[1] == 3.0


def test_a_worker_keeps_its_state_and_shares_it_with_nobody(start):
    first, second = start(), start()
    run(first, "import sys; sys.kept = 7")
    assert run(first, "import sys; result = sys.kept") == 7
    assert run(second, "import sys; result = hasattr(sys, 'kept')") is False


def test_two_workers_begin_alike(start):
    """Nothing that a submission can draw may differ between two gradings of it."""
    draw = "import random, numpy; result = [random.random(), numpy.random.rand(), hash('text')]"
    assert run(start(), draw) == run(start(), draw)


def test_an_exception_is_an_answer(start):
    backend = start()
    reply, _ = backend.execute({"code": "raise ValueError('no such thing')"}, [])
    assert reply == {
        "ok": False,
        "error": {"type": "ValueError", "message": "no such thing", "where": "", "stage": "call"},
    }
    assert run(backend, "result = 1") == 1


@pytest.mark.parametrize("name", ["SystemExit", "KeyboardInterrupt", "GeneratorExit"])
def test_exceptions_that_end_programs_do_not_end_the_worker(start, name):
    backend = start()
    reply, _ = backend.execute({"code": f"raise {name}('bye')"}, [])
    assert reply["error"]["type"] == name
    assert run(backend, "result = 1") == 1


def test_a_text_of_an_exception_is_cleaned_and_capped(start):
    code = r"class E(Exception): pass" + "\n" + r"raise E('\x1b[2Jred\r\u202e' + 'x' * 100000)"
    reply, _ = start().execute({"code": code}, [])
    assert reply["error"]["message"].startswith("red\nxxx") and len(reply["error"]["message"]) == 2000


@pytest.mark.parametrize(
    "answer", ["float('nan')", "{1: {2}}", "'\\ud800'", "[[]] * 200000", "2**64", "eval('[' * 50 + ']' * 50)"]
)
def test_an_answer_that_cannot_be_sent_is_an_error_of_its_own(start, answer):
    """Such a value is the submission's mistake, not an attack: the worker lives on."""
    backend = start()
    reply, _ = backend.execute({"code": f"result = {answer}"}, [])
    assert not reply["ok"] and reply["error"]["stage"] == "limit"
    assert run(backend, "result = 1") == 1


def test_an_array_of_an_unknown_dtype_is_an_error_of_its_own(start):
    backend = start()
    reply, _ = backend.execute({"code": "import numpy; returned = [numpy.zeros(3, complex)]"}, [])
    assert not reply["ok"] and "complex128" in reply["error"]["message"]
    assert run(backend, "result = 1") == 1


def test_our_own_unsendable_message_costs_no_worker(start):
    backend = start()
    with pytest.raises(ValueError, match="cannot be sent"):
        backend.execute({"code": float("nan")}, [])
    assert run(backend, "result = 1") == 1


@pytest.mark.parametrize(
    "code",
    [
        "import time; time.sleep(60)",
        "while True: pass",
        """
        import signal, time
        signal.pthread_sigmask(signal.SIG_BLOCK, range(1, 65))
        while True: time.sleep(60)
        """,
        "import os, signal; os.kill(os.getpid(), signal.SIGSTOP)",
        "import select; select.select([3], [], [])  # waits for the request after this one",
    ],
)
def test_a_hang_is_paid_once(start, code):
    backend, other = start(), start()
    began = time.monotonic()
    reason = dies(backend, code, "timeout", seconds=0.5)
    assert "0.5 seconds" in reason and time.monotonic() - began < 3
    assert not alive(backend.pid)
    assert run(other, "result = 1") == 1


def test_the_time_for_the_whole_grading_bounds_every_call(zygote, start):
    zygote.deadline = time.monotonic() + 0.3
    try:
        backend = start()
    finally:
        zygote.deadline = None
    assert "whole grading" in dies(backend, "import time; time.sleep(5)", "timeout")


@pytest.mark.parametrize(
    ("code", "words"),
    [
        ("import os; os._exit(0)", "exited with status 0"),
        ("import os; os._exit(7)", "exited with status 7"),
        ("import ctypes; ctypes.string_at(0)", "segmentation fault"),
        ("import os; os.abort()", "aborted"),
        ("import os; os.kill(os.getpid(), 9)", "killed"),
    ],
)
def test_a_crash_is_told_and_costs_one_worker(start, code, words):
    backend, other = start(), start()
    assert words in dies(backend, code, "crash")
    assert run(other, "result = 1") == 1


@linux  # elsewhere nothing tells a zombie from a living process
def test_a_worker_that_exits_between_two_calls_is_noticed(start):
    backend = start()
    run(backend, "import threading, os; threading.Timer(0.1, os._exit, [3]).start()")
    until(lambda: not alive(backend.pid), 5)
    assert "status 3" in dies(backend, "result = 1", "crash")


def test_closing_the_pipes_helps_nobody(start):
    backend = start()
    dies(backend, "import os, time; os.closerange(0, 64); time.sleep(60)", "crash")
    assert not alive(backend.pid)


@linux
def test_processor_time_is_bounded(start):
    backend = start(Limits(cpu_seconds=1, call_seconds=20))
    assert "processor time" in dies(backend, "while True: pass", "crash")


@linux
@pytest.mark.parametrize("code", ["x = bytes(1 << 40)", "x = []\nwhile True: x.append(bytes(1 << 22))"])
def test_a_memory_bomb_is_an_error_in_the_worker(start, code):
    backend = start(Limits(memory_bytes=100 << 20))
    reply, _ = backend.execute({"code": code}, [])
    assert reply["error"]["type"] == "MemoryError"


@linux
def test_a_worker_that_grows_while_another_one_is_called_is_ended(start):
    idle, busy = start(Limits(memory_bytes=50 << 20)), start()
    run(
        idle,
        """
        import ctypes, threading, time
        libc = ctypes.CDLL(None)
        libc.mremap.restype = ctypes.c_void_p
        low = int(next(line for line in open("/proc/self/maps") if "[stack]" in line).split("-")[0], 16)
        place = libc.mremap(ctypes.c_void_p(low), ctypes.c_size_t(4096), ctypes.c_size_t(300 << 20), 1)
        threading.Timer(0.2, ctypes.memset, [place, 1, 300 << 20]).start()
        """,
    )
    run(busy, "import time; time.sleep(1)")
    until(lambda: not alive(idle.pid), 5)
    dies(idle, "result = 1", "memory")


@pytest.mark.parametrize(
    "written",
    [
        "b'no frame at all, but longer than a prefix'",
        "b'VAE1' + bytes(12)",
        "b'VAE1' + b'\\xff' * 12",
        # An honest-looking answer to the request before this one.
        "b'VAE1' + struct.pack('<IQ', len(old), 0) + old",
        # A reply that is none.
        "b'VAE1' + struct.pack('<IQ', len(empty), 0) + empty",
    ],
)
def test_a_forged_frame_costs_the_worker(start, written):
    backend = start()
    run(backend, "result = 1")
    code = f"""
    import os, struct
    old = b'{{"id": 1, "arrays": [], "body": {{"ok": true, "value": 100}}}}'
    empty = b'{{"id": 2, "arrays": [], "body": {{}}}}'
    os.write(4, {written})
    """
    assert "protocol" in dies(backend, code, "protocol")
    assert not alive(backend.pid)


@pytest.mark.parametrize("names", ["[0, 0]", "[-1]", "[True]", "[0.0]", "['0']", "[1]", "[None]"])
def test_an_array_that_is_named_twice_or_wrongly_costs_the_worker(start, names):
    """Whoever computes with the values would take as much memory as there are names."""
    code = f"import numpy; returned = [numpy.zeros(2)]; result = [[{{'$array': name}}] for name in {names}]"
    assert "an array is named" in dies(start(), code, "protocol")


def test_answers_in_use_leave_less_room_for_others(start):
    """Two workers together: the second is told, and both live on."""
    first, second = start(), start()
    large = {"code": "import numpy; returned = [numpy.zeros(1 << 22)]"}
    _, kept = first.execute(large, [])
    _, more = second.execute(large, [])
    reply, arrays = second.execute(large, [])
    assert (reply["ok"], reply["error"]["stage"], arrays) == (False, "limit", [])
    assert "64 MiB" in reply["error"]["message"]
    assert run(second, "result = 1") == run(first, "result = 1") == 1
    del kept, more
    assert second.execute(large, [])[0]["ok"]


def test_what_is_no_array_has_a_limit_over_all_calls(start):
    backend = start()
    for _ in range(8):
        assert len(run(backend, "result = [[]] * 80_000")) == 80_000
    assert "2 MiB beside arrays" in dies(backend, "for _ in range(9): pass\nresult = 'x' * 250_000", "flood")


def test_output_is_kept_and_cleaned(start):
    backend = start()
    run(backend, r"import sys; print('hello\x1b[31m \u202eworld'); print('oops', file=sys.stderr)")
    assert sorted(backend.output.splitlines()) == ["hello world", "oops"]


def test_a_library_that_wants_processes_prints_nothing(start):
    """What it prints would be shown as the student's."""
    backend = start()
    run(backend, "import joblib")
    assert backend.output == ""


def test_more_output_than_a_pipe_holds_blocks_nobody(start):
    backend = start(Limits(output_bytes=1000))
    assert run(backend, "print('x' * 1000000); result = 1") == 1
    assert len(backend.output) <= 1000


def test_an_output_flood_costs_the_worker_and_no_memory(start):
    backend = start(Limits(output_bytes=1000, flood_bytes=2 << 20, call_seconds=20))
    assert "2 MiB" in dies(backend, "while True: print('x' * 100000)", "flood")
    assert len(backend.output) <= 1000


def test_a_flood_between_calls_costs_the_worker_as_well(start):
    backend = start(Limits(flood_bytes=1 << 20))
    code = """
    import os, threading
    def flood():
        while True:
            os.write(1, b"x" * 9999)
    threading.Thread(target=flood, daemon=True).start()
    """
    with pytest.raises(WorkerDied) as died:
        run(backend, code)
        for _ in range(1000):
            backend.execute({"code": "import time; time.sleep(0.01)"}, [])
    assert died.value.kind == "flood"


ACCIDENTS = """
    import os, shutil, tempfile
    from pathlib import Path
    os.makedirs("results/run", exist_ok=True)
    Path("results/run/log.txt").write_text("loss")
    with open("best", "wb") as file:
        file.write(bytes(1000))
    os.replace("best", "last")
    shutil.copy2("last", "copy")
    os.chmod("copy", 0o600)
    os.remove("copy")
    with tempfile.TemporaryDirectory() as folder, tempfile.NamedTemporaryFile() as file:
        Path(folder, "x").write_text("x")
    Path("~/.cache").expanduser().mkdir()
    Path("settings.json").write_text("mine")
    result = [Path("last").stat().st_size, Path("results/run/log.txt").read_text(), os.getcwd() == str(scratch)]
"""


@linux
@pytest.mark.parametrize("missing", ["", "mounts"])
def test_files_are_written_where_nobody_else_sees_them(place, missing):
    """Where the worker has mounts the folder is a file system of its own; else the zygote looks at its size."""
    worn = tuple(name for name in layers.LAYERS if name != missing)
    settings = ZygoteSettings(executor=place / "executor.py", preload=(), layers=worn)
    (place / "submission" / "settings.json").write_text("{}")
    (place / "submission" / "settings.json").chmod(0o644)
    few = Limits(scratch_bytes=1 << 20, scratch_files=20)
    with Zygote(settings) as zygote:
        if "landlock" not in zygote.protection.layers:
            pytest.skip("without Landlock no file is made")
        with zygote.start_worker(place / "submission", few) as first:
            assert run(first, "result = open('settings.json').read()") == "{}"
            assert run(first, ACCIDENTS) == [1000, "loss", True]
            theirs = run(first, "import os; result = os.path.abspath('last')")
            with zygote.start_worker(place / "submission", few) as second:
                assert run(second, "import os; result = os.listdir()") == ["settings.json"]
                look = f"""
                import os
                result = []
                for attempt in (lambda: open({theirs!r}), lambda: os.listdir(os.path.dirname({theirs!r}))):
                    try:
                        attempt()
                    except OSError:
                        result.append("refused")
                """
                if os.geteuid() == 0:
                    assert run(second, look) == ["refused"] * 2
        with zygote.start_worker(place / "submission", few) as third:
            reply, _ = third.execute(
                {"code": "open('large', 'wb', 0).write(bytes(1 << 20)) and open('x', 'wb', 0).write(b'more')"}, []
            )
            # Looked at every 50 ms where the kernel does not count.
            assert ("mounts" not in zygote.protection.layers) or reply["error"]["type"] == "OSError"
        with zygote.start_worker(place / "submission", few) as fourth:
            many = "import os, time\nfor n in range(500): os.mkdir(str(n)); os.chdir(str(n))\ntime.sleep(1)"
            if "mounts" in zygote.protection.layers:
                reply, _ = fourth.execute({"code": many}, [])
                assert reply["error"]["type"] == "OSError"
            else:
                reason = dies(fourth, many, "flood")
                assert reason == "it may write 1 MiB in 20 files and folders"
        assert not list(zygote._workspace.glob("scratch-*"))
    (place / "submission" / "settings.json").unlink()


@pytest.mark.skipif(not layers.LINUX, reason="only Linux confines files")
def test_a_worker_may_write_no_other_files(zygote, start):
    if not {"landlock", "seccomp"} & set(zygote.protection.layers):
        pytest.skip("no layer of this machine confines files")
    refused = """
    import os, pathlib
    result = []
    for path in (folder / "c.py", folder / "helper.py", scratch.parent / "d", pathlib.Path("/tmp/must-not-be")):
        try:
            path.write_bytes(b"x")
        except OSError:
            result.append(path.name)
    links = [lambda: os.symlink("/", "link"), lambda: os.link(folder / "helper.py", "link"), lambda: os.mkfifo("pipe")]
    for change in (*links, lambda: os.rename(folder / "helper.py", "mine"), lambda: os.mkdir(folder / "e")):
        try:
            change()
        except OSError:
            result.append("refused")
    """
    assert run(start(), refused) == ["c.py", "helper.py", "d", "must-not-be", *["refused"] * 5]


@linux
def test_without_landlock_files_are_confined_by_the_filter(place):
    """An older kernel: named files can be written as ever, and none can be made."""
    worn = tuple(name for name in layers.LAYERS if name != "landlock")
    settings = ZygoteSettings(executor=place / "executor.py", preload=(), layers=worn)
    with Zygote(settings) as zygote, zygote.start_worker(place / "submission", QUICK) as backend:
        if "seccomp" not in zygote.protection.layers:
            pytest.skip("no layer of this machine confines files")
        code = """
        import os
        (scratch / "a.png").write_bytes(b"x" * 1000)
        open(str(scratch / "a.png"), "ab").write(b"y")
        open(os.devnull, "w").write("x")
        result = [len((scratch / "a.png").read_bytes())]
        for path in (scratch / "b.png", "/tmp/must-not-be", "/dev/shm/must-not-be"):
            for attempt in (lambda: open(path, "w"), lambda: os.open(path, os.O_CREAT | os.O_WRONLY)):
                try:
                    attempt()
                except OSError:
                    result.append("refused")
        """
        assert run(backend, code, path={"$path": "a.png"}) == [1001] + ["refused"] * 6


@pytest.mark.parametrize("name", ["../a.png", "/etc/passwd", ".", "..", "a/b", "a\0b", "", ".hidden", "x" * 65])
def test_a_scratch_file_has_a_plain_name(start, name):
    with pytest.raises(ValueError, match="not a plain file name"):
        run(start(), "result = 1", path={"$path": name})


def test_the_scratch_folder_goes_with_the_worker(start):
    backend = start()
    folder = Path(run(backend, "result = str(scratch)", path={"$path": "a.png"}))
    assert folder.is_dir()
    backend.close()
    assert not folder.exists()


def test_the_worker_inherits_nothing(start, place, monkeypatch):
    monkeypatch.setenv("GRADER_SECRET", "42")
    code = """
    import os, sys
    result = {"environment": sorted(os.environ), "path": sys.path, "argv": sys.argv, "fds": []}
    for fd in range(256):
        try:
            os.fstat(fd)
            result["fds"].append(fd)
        except OSError:
            pass
    """
    # A zygote of its own: the secret has to be there when it starts.
    with (
        Zygote(ZygoteSettings(executor=place / "executor.py", preload=())) as zygote,
        zygote.start_worker(place / "submission", QUICK) as backend,
    ):
        found = run(backend, code)
    assert found["fds"] == [0, 1, 2, 3, 4, 5]
    assert "GRADER_SECRET" not in found["environment"] and "PATH" not in found["environment"]
    here = Path(__file__).resolve().parents[3]
    assert not [entry for entry in found["path"] if entry in ("", ".", str(here), str(here / "tests"), str(place))]


@pytest.mark.parametrize(
    "name", ["autograder.grading.grade", "autograder.sandbox.zygote", "conftest", "oracles", "submission"]
)
def test_the_worker_finds_no_module_of_the_grader(start, name):
    reply, _ = start().execute({"code": f"import {name}"}, [])
    assert reply["error"]["type"] == "ModuleNotFoundError"


# How the workers of two students could talk, while both run: (what one looks at, what the other does in between). What
# is seen must not change, or not be seen at all.
TALKING = """
    import ctypes, fcntl, os, resource, struct, threading, time
    libc = ctypes.CDLL(None, use_errno=True)
    libc.mmap.restype = ctypes.c_void_p
    descriptor = os.open(os.__file__, os.O_RDONLY)
    page = ctypes.c_void_p(libc.mmap(None, ctypes.c_size_t(4096), 1, 2, descriptor, ctypes.c_long(0)))

    def lock(command, kind):
        return fcntl.fcntl(descriptor, command, struct.pack("hhqqi4x", kind, 0, 5, 1, 0))[0]

    def pipe():
        ends = os.pipe()
        number = os.fstat(ends[0]).st_ino
        os.close(ends[0])
        os.close(ends[1])
        return number

    def wait():
        word = ctypes.c_uint.from_address(page.value)
        libc.syscall(futex, page, 0, word, (ctypes.c_long * 2)(3, 0), None, 0)

    def threads(number, does):
        for _ in range(number):
            threading.Thread(target=does, daemon=True).start()

    def processes():
        buffer = ctypes.create_string_buffer(256)
        if libc.sysinfo(buffer) < 0:
            raise OSError
        return struct.unpack_from("H", buffer, 80)[0]
"""
CHANNELS = {
    "locks of a process": ("result = lock(5, 1)", "lock(6, 0)"),
    "locks of a descriptor": ("result = lock(36, 1)", "lock(37, 0)"),
    "futexes": ("result = libc.syscall(futex, page, 1, 9, None, None, 0)", "threads(1, wait); time.sleep(0.3)"),
    "processor time": ("result = time.clock_gettime(~other << 3 | 2)", "sum(range(10**6))"),
    "numbers of inodes": ("result = pipe() // 10_000", "[pipe() for _ in range(20_000)]"),
    "number of processes": ("result = processes()", "threads(20, lambda: time.sleep(3))"),
    "existence": ("result = os.sched_getscheduler(other)", ""),
}
WITH_OWN_MOUNTS = {
    "access times": ("result = os.stat(unread).st_atime_ns", "open(unread).read()"),
    "links": ("result = os.lstat(link).st_atime_ns", "os.path.exists(link)"),
    "folders": ("result = os.stat(unlisted).st_atime_ns", "os.listdir(unlisted)"),
    "threads": ("result = os.stat(f'/proc/{other}/task').st_nlink", "threads(5, lambda: time.sleep(3))"),
}


@linux
@pytest.mark.parametrize("channel", [*CHANNELS, *WITH_OWN_MOUNTS])
def test_two_workers_cannot_talk(zygote, start, place, channel):
    needed = "mounts" if channel in WITH_OWN_MOUNTS else "seccomp"
    if needed not in zygote.protection.layers:
        pytest.skip(f"{needed} is not in force here")
    unread, unlisted, link = (place / "submission" / f"{channel}.{kind}" for kind in ("file", "folder", "link"))
    unread.write_text("unread")
    unread.chmod(0o644)
    unlisted.mkdir()
    unlisted.chmod(0o755)
    link.symlink_to(unread)
    look, signal = {**CHANNELS, **WITH_OWN_MOUNTS}[channel]
    first, second = start(), start()
    numbers = selfcheck.raw_call_numbers()
    for backend, other in ((first, second), (second, first)):
        names = {"futex": numbers.get("futex"), "other": other.pid}
        names |= {"unread": str(unread), "unlisted": str(unlisted), "link": str(link)}
        run(backend, TALKING + "".join(f"\n    {name} = {value!r}" for name, value in names.items()))
    before, _ = second.execute({"code": look}, [])
    first.execute({"code": signal}, [])
    after, _ = second.execute({"code": look}, [])
    assert before == after
    assert channel != "existence" or not before["ok"]


@linux
def test_daemons_die_with_their_worker(place):
    """Without the seccomp filter a submission can fork: whatever it leaves behind must be found and killed."""
    worn = tuple(name for name in layers.LAYERS if name != "seccomp")
    daemon = """
    import os, time
    read, write = os.pipe()
    if os.fork() == 0:
        os.setsid()
        if os.fork() == 0:
            os.setsid()
            os.write(write, str(os.getpid()).encode())
            os.closerange(0, 64)
            time.sleep(300)
        os._exit(0)
    os.wait()
    result = int(os.read(read, 20))
    """
    settings = ZygoteSettings(executor=place / "executor.py", preload=(), layers=worn)
    with Zygote(settings) as zygote, zygote.start_worker(place / "submission", QUICK) as backend:
        pid = run(backend, daemon)
        assert alive(pid)
        backend.close()
        assert not alive(pid)


@linux
@root
def test_a_fork_bomb_is_bounded_and_leaves_nothing(place):
    worn = tuple(name for name in layers.LAYERS if name != "seccomp")
    bomb = """
    import os
    while True:
        try:
            os.fork()
        except OSError:
            pass
    """
    settings = ZygoteSettings(executor=place / "executor.py", preload=(), layers=worn)
    with Zygote(settings) as zygote:
        backend = zygote.start_worker(place / "submission", Limits(threads=20))
        uid = backend._confinement.uid
        dies(backend, bomb, "timeout", seconds=1)
        assert layers.processes_of(range(uid, uid + 1)) == []
        with zygote.start_worker(place / "submission", QUICK) as other:
            assert run(other, "result = 1") == 1


@linux
@root
def test_who_stops_the_killer_dies_as_well(place):
    """A process that waits for another one of its uid, to stop it, must not hold up the grading."""
    worn = tuple(name for name in layers.LAYERS if name not in ("seccomp", "landlock"))
    lurk = """
    import os, signal
    if os.fork() == 0:
        os.setsid()
        while True:
            try:
                os.kill(-1, signal.SIGSTOP)
            except OSError:
                pass
    """
    with Zygote(ZygoteSettings(executor=place / "executor.py", preload=(), layers=worn)) as zygote:
        backend = zygote.start_worker(place / "submission", QUICK)
        uid = backend._confinement.uid
        with pytest.raises(WorkerDied):  # stopped, like everything of its uid
            backend.execute({"code": textwrap.dedent(lurk)}, [], seconds=1)
            for _ in range(100):
                backend.execute({"code": "import time; time.sleep(0.05)"}, [], seconds=1)
        assert layers.processes_of(range(uid, uid + 1)) == []


@linux
@both_kinds
def test_a_lost_zygote_is_replaced(place, kind):
    with zygote_of(kind, place) as zygote:
        first = zygote.start_worker(place / "submission", QUICK)
        os.kill(zygote.pid, signal.SIGKILL)
        until(lambda: not alive(zygote.pid), 5)
        until(lambda: not alive(first.pid), 5)
        dies(first, "result = 1", "crash")
        with zygote.start_worker(place / "submission", QUICK) as second:
            assert run(second, "result = 1") == 1


@linux
def test_a_branch_whose_trunk_is_lost_goes_on(place):
    with Zygote(ZygoteSettings(executor=place / "executor.py", preload=())) as trunk, Branch(trunk) as branch:
        first = branch.start_worker(place / "submission", QUICK)
        pid = trunk.pid
        os.kill(pid, signal.SIGKILL)
        until(lambda: not alive(pid), 5)
        assert run(first, "result = 1") == 1
        with branch.start_worker(place / "submission", QUICK) as second:
            assert run(second, "result = 2") == 2


@linux
def test_branches_share_nothing_that_submissions_see(place):
    """Neither user ids nor folders, and not how many workers there were before."""
    seen = []
    with Zygote(ZygoteSettings(executor=place / "executor.py", preload=())) as trunk:
        for workers in (3, 1):
            with Branch(trunk) as branch:
                for _ in range(workers):
                    with branch.start_worker(place / "submission", QUICK) as backend:
                        ids = run(backend, "import os; result = [os.getuid(), os.getgid()]")
                        seen.append((ids[0] - branch._first_id, Path(backend._confinement.scratch)))
                workspace = branch._workspace
            assert not workspace.exists()
            assert alive(trunk.pid)
    numbers, folders = zip(*seen, strict=True)
    assert numbers == (0, 1, 2, 0) if os.geteuid() == 0 else (0, 0, 0, 0)
    assert len({folder.parent for folder in folders}) == 2 and len({folder.name for folder in folders}) == 4


def test_a_zygote_that_cannot_start_says_why(place):
    broken = place / "broken.py"
    broken.write_text("import no_such_module_anywhere\n")
    with (
        pytest.raises(ZygoteDied, match="no_such_module_anywhere"),
        Zygote(ZygoteSettings(executor=broken, preload=())),
    ):
        pass


@both_kinds
def test_a_killed_grader_leaves_no_process(place, kind):
    """Gradescope kills a container's grader without warning; on a laptop it is Ctrl-C."""
    code = f"""
    import sys, time
    from pathlib import Path
    from autograder.sandbox.zygote import Branch, Zygote, ZygoteSettings
    from autograder.sandbox.layers import Limits
    place = Path({str(place)!r})
    with Zygote(ZygoteSettings(executor=place / "executor.py", preload=())) as zygote:
        zygote = Branch(zygote).__enter__() if {kind!r} == "branch" else zygote
        backend = zygote.start_worker(place / "submission", Limits())
        print(zygote.pid, backend.pid, zygote._workspace, flush=True)
        backend.execute({{"code": "while True: pass"}}, [])
    """
    repository = Path(__file__).resolve().parents[3]
    grader = subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(code)], cwd=repository, stdout=subprocess.PIPE, text=True
    )
    zygote_pid, worker_pid, folder = grader.stdout.readline().split()
    grader.kill()
    grader.wait()
    until(lambda: not (alive(int(zygote_pid)) or alive(int(worker_pid))), 5)
    assert not Path(folder).exists()


@both_kinds
def test_a_closed_zygote_has_closed_its_workers(place, kind):
    with zygote_of(kind, place) as zygote:
        backend = zygote.start_worker(place / "submission", QUICK)
    with pytest.raises(WorkerDied, match="closed"):
        backend.execute({"code": "result = 1"}, [])
    backend.close()
    with pytest.raises(ZygoteDied):
        zygote.start_worker(place / "submission", QUICK)


@both_kinds
@pytest.mark.parametrize("place_of", ["fork", "end"])
def test_an_answer_that_was_not_waited_for_is_not_the_next_ones(place, monkeypatch, place_of, kind):
    """Ctrl-C between a question to the zygote and its answer: what follows must not take that answer for its own."""

    def interrupted(control):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt), zygote_of(kind, place) as zygote:
        backend = zygote.start_worker(place / "submission", QUICK)
        other = zygote.start_worker(place / "submission", QUICK)
        control = zygote._control
        monkeypatch.setattr(zygote_module, "receive_message", interrupted)
        try:
            zygote.start_worker(place / "submission", QUICK) if place_of == "fork" else other.close()
        finally:
            monkeypatch.undo()
    assert control.fileno() == -1
    until(lambda: not (alive(backend.pid) or alive(other.pid)), 5)


def test_calls_after_close_fail(start):
    backend = start()
    backend.close()
    with pytest.raises(WorkerDied, match="closed"):
        backend.execute({"code": "result = 1"}, [])


@root
@linux
def test_a_submission_that_the_worker_cannot_read_is_reported(zygote, tmp_path):
    tmp_path.chmod(0o700)
    with pytest.raises(ZygoteDied, match="locked in"):
        zygote.start_worker(tmp_path, QUICK)


# What honest code does with the libraries that it may use. Some of it opens files, asks for the user or counts the
# processors when it is first used: inside the sandbox, that is.
LIBRARIES = {
    "optimise": """
        import torch
        from torch import nn
        model = nn.Sequential(nn.Conv2d(1, 8, 3, 2, 1), nn.ReLU(), nn.ConvTranspose2d(8, 1, 4, 2, 1))
        optimiser = torch.optim.Adam(model.parameters())
        for _ in range(3):
            optimiser.zero_grad()
            loss = (model(torch.rand(16, 1, 28, 28)) - 0.5).pow(2).mean()
            loss.backward()
            optimiser.step()
        result = loss.item() > 0
    """,
    "threads": """
        import torch
        torch.set_num_threads(2)
        x = torch.randn(600, 600)
        result = torch.isfinite(x @ x).all().item()
        torch.set_num_threads(1)
    """,
    "distributions": """
        import torch
        from torch.distributions import Categorical, MixtureSameFamily, MultivariateNormal
        mixture = MixtureSameFamily(Categorical(torch.ones(3)), MultivariateNormal(torch.zeros(3, 2), torch.eye(2)))
        result = torch.isfinite(mixture.log_prob(mixture.sample((5,)))).all().item()
    """,
    "functional": """
        import torch
        result = torch.func.vmap(torch.func.grad(lambda x: (x**2).sum()))(torch.ones(3, 4)).sum().item() == 24
    """,
    "loader": """
        import torch
        from torch.utils.data import DataLoader, TensorDataset
        result = len(list(DataLoader(TensorDataset(torch.zeros(100, 3)), batch_size=10, shuffle=True))) == 10
    """,
    "t-SNE of few": """
        import numpy
        from sklearn.manifold import TSNE
        result = TSNE(perplexity=1.3, init="pca", random_state=0).fit_transform(numpy.eye(5)).shape == (5, 2)
    """,
    "thread pools": """
        import threadpoolctl, numpy
        result = len(threadpoolctl.threadpool_info()) > 0
    """,
    "threads that are joined": """
        import numpy, scipy.fft, scipy.spatial, torch
        from concurrent.futures import ThreadPoolExecutor
        from joblib import Parallel, delayed
        points = numpy.random.rand(500, 3)
        spectrum = scipy.fft.fft2(numpy.random.rand(64, 256, 256), workers=4)
        distances, _ = scipy.spatial.cKDTree(points).query(points, k=3, workers=4)
        squares = Parallel(n_jobs=2, backend="threading")(delayed(pow)(n, 2) for n in range(9))
        with ThreadPoolExecutor(4) as pool:
            sums = list(pool.map(lambda n: torch.ones(n, n).sum().item(), range(9)))
        futures = [torch.jit.fork(torch.sum, torch.ones(5)) for _ in range(3)]
        waited = [torch.jit.wait(future).item() for future in futures]
        result = squares == sums and waited == [5.0] * 3 and distances.shape == (500, 3) and spectrum.ndim == 3
    """,
    "saving": """
        import io, tempfile, torch
        buffer = io.BytesIO()
        torch.save({"weights": torch.ones(3)}, buffer)
        buffer.seek(0)
        with tempfile.SpooledTemporaryFile() as file:
            file.write(buffer.getvalue())
        result = torch.load(buffer)["weights"].sum().item() == 3
    """,
    "SciPy": """
        import scipy.stats, scipy.special, scipy.optimize
        result = bool(abs(scipy.stats.norm.cdf(0.0) - 0.5) < 1e-9)
    """,
    "silence": """
        import contextlib, os, tqdm
        with open(os.devnull, "w") as null, contextlib.redirect_stdout(null):
            print("not heard")
        result = sum(tqdm.tqdm(range(10))) == 45
    """,
    "picture": """
        import matplotlib.pyplot as plt
        from PIL import Image
        figure, axes = plt.subplots()
        axes.plot([1, 2, 3], label="line")
        axes.set_title(r"$\\sigma^2$, Größe")
        axes.legend()
        figure.savefig(scratch / "picture.png")
        result = Image.open(scratch / "picture.png").size == (640, 480)
    """,
}


@pytest.fixture(scope="module")
def torch_zygote(place):
    """As in grading: torch is loaded in the zygote."""
    with Zygote(ZygoteSettings(executor=place / "executor.py")) as started:
        yield started


@pytest.mark.slow
@pytest.mark.parametrize("use", LIBRARIES)
def test_libraries_work_inside_the_sandbox(torch_zygote, place, use):
    with torch_zygote.start_worker(place / "submission", Limits()) as backend:
        tags = {"path": {"$path": "picture.png"}} if use == "picture" else {}
        assert run(backend, LIBRARIES[use], **tags) is True


@pytest.mark.slow
def test_torchs_noise_begins_alike_in_every_worker(torch_zygote, place):
    draws = []
    for _ in range(2):
        with torch_zygote.start_worker(place / "submission", Limits()) as backend:
            draws.append(run(backend, "import torch; result = torch.rand(3).tolist()"))
    assert draws[0] == draws[1]


@linux
@pytest.mark.slow
def test_a_memory_bomb_of_tensors_is_an_error_in_the_worker(torch_zygote, place):
    with torch_zygote.start_worker(place / "submission", Limits(memory_bytes=200 << 20)) as backend:
        reply, _ = backend.execute({"code": "import torch\nx = []\nwhile True: x.append(torch.ones(1 << 20))"}, [])
        assert reply["error"]["type"] == "RuntimeError" and "memory" in reply["error"]["message"]
        assert run(backend, "x.clear(); result = 1") == 1
