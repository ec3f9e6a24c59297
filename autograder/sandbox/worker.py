"""The untrusted side: a zygote that has loaded torch, and the workers that it forks.

The zygote runs no student code and knows no secret: what it is told over its control socket are folders, ids and
limits. A worker is forked from it in milliseconds, closes the socket, locks itself in (layers.py) and only then lets
the executor load the submission. What comes from a worker reaches the grader directly, over pipes of its own.
"""

from __future__ import annotations

import builtins
import errno
import faulthandler
import functools
import gc
import importlib
import importlib.util
import io
import json
import os
import pathlib
import random
import select
import shutil
import signal
import socket
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, NoReturn

import numpy as np

from autograder.door.packages import PackageFinder
from autograder.sandbox import layers, selfcheck
from autograder.sandbox.frames import Channel, FrameClosed, FrameError
from autograder.sandbox.late_compiler import delay_compiler
from autograder.scratch import delete

REQUEST_FD, REPLY_FD, TRACE_FD = 3, 4, 5
BRANCH_GRACE = 10.0  # seconds that a branch gets to end its workers
WATCH_SECONDS = 0.05  # between two looks at the workers' memory
PACKAGES = PackageFinder(Path())
LARGEST_COPY, NO_DATA = 1 << 20, (".py", ".safetensors")  # bytes of a file of data that code finds where it runs
EXIT_GRACE = 0.5  # seconds that a worker which has closed its pipe gets to finish exiting by itself
TRACE_GRACE, TRACE_PAUSE = 0.5, 0.05  # seconds that a worker gets to say where it is, and between two lines
TRACE_BYTES = 16 << 10


def run_zygote(control_fd: int, package_root: str) -> NoReturn:
    """Serve the grader until it closes the control socket; then kill every worker and exit."""
    # Student code must find neither more of this package nor anything beside it.
    sys.path[:] = [entry for entry in sys.path if entry != package_root]
    for package in ("autograder", "autograder.door", "autograder.sandbox"):
        sys.modules[package].__path__ = []
    del sys.argv[1:]
    control = socket.socket(fileno=control_fd)
    settings, _ = receive_message(control)
    no_mounts = _own_mounts() if settings["mounts"] else "not requested"
    # Imported once for all workers: otherwise they would take a fifth of each worker's start.
    layers.landlock_abi()
    layers.load_seccomp()
    # From here on, for libraries too: some of them use others that happen to be installed.
    PACKAGES.folder = Path(settings["executor"] or "/").parent
    PACKAGES.install()
    gc.disable()  # looking for garbage among what is only just imported takes a tenth of the time
    for name in settings["preload"]:
        importlib.import_module(name)
    _limit_threads()
    delay_compiler()
    executor = _load_executor(Path(settings["executor"])) if settings["executor"] else None
    importlib.invalidate_caches()  # which imports what it needs, here and not in every worker
    # Frozen, so that no worker's collector writes to (and so copies) the pages that all share. There is hardly any
    # garbage among them: to collect it would take a third of a second and give nothing back.
    gc.freeze()
    gc.enable()
    send_message(control, {"ready": True, "no_mounts": no_mounts})
    _serve_grader(control, executor, settings["workspace"])


def _serve_grader(
    control: socket.socket, executor: Callable[[Path, Path | None], Any] | None, workspace: str
) -> NoReturn:
    """Fork workers, and end them, until the control socket is closed; then exit."""
    layers.become_subreaper()
    _ControlLoop(control, executor).serve()
    delete(Path(workspace))  # the grader does so too, unless it was killed
    os._exit(0)  # nothing to tidy up, and unloading torch takes half a second


def _own_mounts() -> str:
    """Put the layer "mounts" on; why not, if that fails."""
    try:
        layers.own_mounts()
    except OSError as error:
        return f"{error.strerror}; it takes CAP_SYS_ADMIN and Linux 5.12"
    return ""


def _limit_threads() -> None:
    """Use one thread: none may be started before a fork, and tasks are timed on a fraction of a processor."""
    torch = sys.modules.get("torch")
    if torch is not None:
        torch.set_num_threads(1)
        torch.set_num_interop_threads(1)


def _load_executor(path: Path) -> Callable[[Path, Path | None], Any]:
    """The class `Executor` of a file; modules beside the file can be imported only while it loads."""
    sys.path.insert(0, str(path.parent))
    try:
        spec = importlib.util.spec_from_file_location("executor", path)
        if spec is None or spec.loader is None:
            raise ImportError(f"{path} is not a Python file")
        module = importlib.util.module_from_spec(spec)
        sys.modules["executor"] = module
        spec.loader.exec_module(module)
    finally:
        sys.path.remove(str(path.parent))
    return module.Executor


def send_message(control: socket.socket, message: dict[str, Any], fds: tuple[int, ...] = ()) -> None:
    """One JSON object over the control socket, with descriptors. Both ends are ours."""
    data = json.dumps(message).encode() + b"\n"
    sent = socket.send_fds(control, [data], fds) if fds else 0
    control.sendall(data[sent:])


def receive_message(control: socket.socket) -> tuple[dict[str, Any], list[int]]:
    """Counterpart of `send_message`; EOFError once the other end is closed."""
    data, fds = b"", []
    while not data.endswith(b"\n"):
        chunk, more, _, _ = socket.recv_fds(control, 1 << 16, 8)
        if not chunk:
            raise EOFError("the control socket is closed")
        data += chunk
        fds += more
    return json.loads(data), fds


class _ControlLoop:
    """Serves the grader's requests: fork a worker, say how it ended, end it; the same for branches (zygote.Branch). It
    ends workers that hold too much memory, or too many files.

    The kernel counts what a program asks for as data, and that is refused in time. It does not count stacks, nor what
    was there at the fork and is written to only now; nor files, but where a worker has a disk of its own.
    """

    def __init__(self, control: socket.socket, executor: Callable[[Path, Path | None], Any] | None) -> None:
        self._control = control
        self._executor = executor
        self._workers: dict[int, layers.Confinement] = {}
        self._pins: dict[int, list[int]] = {}
        self._traces: dict[int, int] = {}  # where a worker says where it is
        self._branches: set[int] = set()
        self._spent: dict[str, float] = {}  # by the branch that ended last, with its workers
        self._most: dict[int, int] = {}  # resident bytes of each worker, by its pid
        self._excess: dict[int, layers.Excess] = {}  # of which workers were killed, by their pids

    def serve(self) -> None:
        handlers = {"fork": self._fork, "end": self._end, "branch": self._branch}
        handlers |= {"ended": self._ended, "end_branch": self._end_branch}
        while True:
            while not select.select([self._control], [], [], WATCH_SECONDS if self._workers else None)[0]:
                self._end_excessive()
            try:
                message, fds = receive_message(self._control)
            except (EOFError, ConnectionResetError):
                break
            send_message(self._control, handlers[message["op"]](message, fds))
        for pid in list(self._workers):
            self._end({"pid": pid}, [])

    def _fork(self, message: dict[str, Any], fds: list[int]) -> dict[str, Any]:
        confinement = layers.Confinement.from_json(message["confinement"])
        go_out, go_in = os.pipe()
        trace_out, trace_in = os.pipe()
        fds = [*fds, trace_in]
        pid = os.fork()
        if pid == 0:
            os.close(go_in)
            os.read(go_out, 1)
            _worker(message, confinement, fds, self._executor, os.getppid())
        self._traces[pid] = trace_out
        self._pins[pid] = layers.pin_own_files(pid)
        if "rlimits" in confinement.layers:
            self._most[pid] = layers.resident_bytes(pid) + confinement.limits.memory_bytes + layers.LATE_BYTES
        os.write(go_in, b"!")
        for fd in (*fds, go_out, go_in):
            os.close(fd)
        self._workers[pid] = confinement
        return {"pid": pid}

    def _branch(self, message: dict[str, Any], fds: list[int]) -> dict[str, Any]:
        pid = os.fork()
        if pid == 0:
            os.setsid()
            self._control.close()
            _serve_grader(socket.socket(fileno=fds[0]), self._executor, message["workspace"])
        os.close(fds[0])
        self._branches.add(pid)
        return {"pid": pid}

    def _ended(self, message: dict[str, Any], fds: list[int]) -> dict[str, Any]:
        """Whether a branch is no more."""
        pid = message["pid"]
        if pid in self._branches:
            ended, _, usage = os.wait4(pid, os.WNOHANG)
            if ended:
                self._branches.remove(pid)
                self._spent = {"cpu_seconds": usage.ru_utime + usage.ru_stime, "peak": usage.ru_maxrss}
        return {"ended": pid not in self._branches}

    def _end_branch(self, message: dict[str, Any], fds: list[int]) -> dict[str, Any]:
        """Wait for a branch, whose socket is closed, to end its workers and exit; after a while, kill it. Say what it
        and its workers took."""
        deadline = time.monotonic() + BRANCH_GRACE
        while not self._ended(message, [])["ended"]:
            if time.monotonic() > deadline:
                os.killpg(message["pid"], signal.SIGKILL)
            time.sleep(0.002)
        return self._spent

    def _end(self, message: dict[str, Any], fds: list[int]) -> dict[str, Any]:
        """Kill a worker with all that it started; say how it had ended, if it had, where it was, if that is asked, and
        what could not be killed."""
        pid = message["pid"]
        confinement = self._workers.pop(pid, None)
        if confinement is None:  # it belonged to a zygote before us
            return {"status": None, "left": [], "excess": "", "trace": ""}
        self._most.pop(pid, None)
        ended = _ended_by_itself(pid, EXIT_GRACE if message.get("wait") else 0.0)
        trace = _trace(pid, self._traces[pid]) if message.get("trace") else ""
        for kill in (os.killpg, os.kill):
            try:
                kill(pid, signal.SIGKILL)
            except (ProcessLookupError, PermissionError):
                continue
        _, status = os.waitpid(pid, 0)
        for fd in (*self._pins.pop(pid), self._traces.pop(pid)):
            os.close(fd)
        left = []
        if "uid" in confinement.layers:
            left = layers.kill_processes_of(confinement.uid, confinement.gid)
        self._kill_orphans()
        excess = self._excess.pop(pid, "")
        exit_code = os.waitstatus_to_exitcode(status) if ended else None
        return {"status": exit_code, "left": left, "excess": excess, "trace": trace}

    def _end_excessive(self) -> None:
        """Kill the workers that take more than they may; the grader finds out by their pipes, and asks."""
        for pid in self._workers.keys() - self._excess.keys():
            excess = self._excess_of(pid)
            if excess:
                os.kill(pid, signal.SIGKILL)  # it stays ours, dead or alive, until it is waited for
                self._excess[pid] = excess

    def _excess_of(self, pid: int) -> layers.Excess:
        """Of what a worker takes too much, "" if of nothing."""
        confinement = self._workers[pid]
        if pid in self._most and layers.resident_bytes(pid) > self._most[pid]:
            return "memory"
        return "files" if layers.overfull(confinement) else ""

    def _kill_orphans(self) -> None:
        """Kill adopted descendants of former workers until there are none (fork bombs need several rounds)."""
        for _ in range(1000):
            orphans = [pid for pid in layers.children_of(os.getpid()) if pid not in {*self._workers, *self._branches}]
            if not orphans:
                return
            for pid in orphans:
                os.kill(pid, signal.SIGKILL)
                os.waitpid(pid, 0)


def _trace(pid: int, fd: int) -> str:
    """The calls that are under way in a child, or were when it crashed, as `faulthandler` writes them, or what code
    wrote in their place."""
    os.kill(pid, signal.SIGUSR1)
    deadline = time.monotonic() + TRACE_GRACE
    trace, patience = b"", TRACE_GRACE
    while len(trace) < TRACE_BYTES and patience > 0 and select.select([fd], [], [], patience)[0]:
        chunk = os.read(fd, TRACE_BYTES)
        patience = min(TRACE_PAUSE, deadline - time.monotonic()) if chunk else 0.0
        trace += chunk
    return trace[:TRACE_BYTES].decode("utf-8", "replace")


def _ended_by_itself(pid: int, seconds: float) -> bool:
    """Whether a child has exited or been killed, without reaping it; waits up to `seconds` for it."""
    if not hasattr(os, "waitid"):  # macOS; its exit status is right anyway if it came before our signal
        time.sleep(seconds)
        return True
    deadline = time.monotonic() + seconds
    while os.waitid(os.P_PID, pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is None:
        if time.monotonic() >= deadline:
            return False
        time.sleep(0.005)
    return True


def _worker(
    message: dict[str, Any],
    confinement: layers.Confinement,
    fds: list[int],
    executor: Callable[[Path, Path | None], Any] | None,
    zygote: int,
) -> NoReturn:
    """The forked child, from the fork to its exit."""
    status, leave = 1, os._exit
    try:
        os.setsid()
        _place_descriptors(*fds)
        # Written by the handler itself, in whatever the code is.
        faulthandler.register(signal.SIGUSR1, file=TRACE_FD, all_threads=False)
        faulthandler.enable(TRACE_FD, all_threads=False)
        # What ends by a signal is told by the handler above.
        os._exit = _exit_with_a_trace(leave)  # type: ignore[assignment]
        channel = Channel(REQUEST_FD, REPLY_FD)
        try:
            layers.enter(confinement)
            if os.getppid() != zygote:  # it died before we asked to die with it
                leave(1)
            os.listdir(message["folder"])
            _settle(Path(message["folder"]), confinement)
        except (layers.SandboxError, OSError) as error:
            channel.send(0, {"failed": f"{type(error).__name__}: {error}"}, [], None)
            leave(1)
        if message["probe"] is not None:
            limits = confinement.limits
            target = selfcheck.Target(**{**message["target"], "limits": limits})
            results = {layer: selfcheck.try_layer(layer, target) for layer in message["probe"]}
            channel.send(0, {"results": results}, [], None)
        else:
            assert executor is not None  # only probes do without
            channel.send(0, {"ready": True}, [], None)
            PACKAGES.folder = Path(message["folder"]).resolve()
            scratch = Path(confinement.scratch) if confinement.scratch else None
            if layers.refuses_to_create(confinement.layers):
                _open_without_creating()
            _serve(channel, executor(Path(message["folder"]), scratch))
        status = 0
    finally:
        # Neither the zygote's exit handlers nor its buffers are ours.
        leave(status)


def _exit_with_a_trace(leave: Callable[[int], NoReturn]) -> Callable[[int], NoReturn]:
    """`os._exit` for code, which says first from where it was called."""

    def _exit(status: int) -> NoReturn:
        faulthandler.dump_traceback(TRACE_FD, all_threads=False)
        leave(status)

    return _exit


def _settle(folder: Path, confinement: layers.Confinement) -> None:
    """Go where the code runs: to the scratch folder, with copies of the data that were handed in, if files can be made
    there; else to the submission's folder."""
    if confinement.scratch is None or layers.refuses_to_create(confinement.layers):
        os.chdir(folder)
        return
    os.chdir(confinement.scratch)
    os.environ["HOME"] = os.getcwd()
    if not layers.has_own_disk(confinement):  # no file can be removed there, and so none renamed
        os.rename = os.replace = lambda source, target, **_: shutil.copyfile(source, target)
    for path in folder.rglob("*"):
        if path.is_file() and path.suffix not in NO_DATA and path.stat().st_size <= LARGEST_COPY:
            copy = path.relative_to(folder)
            copy.parent.mkdir(parents=True, exist_ok=True)
            copy.write_bytes(path.read_bytes())


def _place_descriptors(request: int, reply: int, output: int, trace: int) -> None:
    """Leave open exactly: 0 null, 1 and 2 the captured output, 3 requests, 4 replies, 5 for where the code is."""
    import fcntl

    null = os.open(os.devnull, os.O_RDONLY)
    sources = [null, output, output, request, reply, trace]
    # Out of the way first: a source may lie where another one must go.
    moved = [fcntl.fcntl(fd, fcntl.F_DUPFD, 64) for fd in sources]
    for place, fd in enumerate(moved):
        os.dup2(fd, place)
    # The zygote has a handful of descriptors; where close_range(2) is missing, a limit of a billion would take minutes.
    os.closerange(len(sources), 4096)


def _open_without_creating() -> None:
    """Let `open` write existing files (a picture, /dev/null) where the kernel refuses O_CREAT, which "w" implies."""
    original = io.open

    @functools.wraps(original)
    def open_existing(*args: Any, **kwargs: Any) -> Any:
        if len(args) < 8:  # `opener` is the eighth
            kwargs.setdefault("opener", open_descriptor)
        return original(*args, **kwargs)

    def open_descriptor(path: str, flags: int) -> int:
        try:
            return os.open(path, flags & ~os.O_CREAT)
        except FileNotFoundError:
            if flags & os.O_CREAT:
                raise PermissionError(errno.EACCES, "No file can be made here", path) from None
            raise

    builtins.open = io.open = open_existing
    if hasattr(pathlib, "_NormalAccessor"):  # Python 3.10, whose paths have got hold of io.open already
        pathlib._NormalAccessor.open = staticmethod(open_existing)


def _serve(channel: Channel, executor: Any) -> None:
    """Answer requests until the grader closes the pipe."""
    # The state that the zygote drew at its start differs from one grading to the next.
    random.seed(0)
    np.random.seed(0)
    if "torch" in sys.modules:
        sys.modules["torch"].default_generator.manual_seed(0)  # without looking for a GPU, as torch.manual_seed does
    # Libraries ask for the name of the temporary folder when they are imported (torch's optimisers do), and fail if
    # there is none to write to. A name is all they need.
    tempfile.tempdir = os.getcwd()
    while True:
        try:
            request = channel.receive(None)
        except FrameClosed:
            return
        try:
            body, arrays = executor.execute(request.body, request.arrays)
        except BaseException as error:  # including SystemExit and KeyboardInterrupt from student code
            body, arrays = _failure(error, "call"), []
        _flush()
        try:
            channel.send(request.request_id, body, arrays, None)
        except FrameError as error:
            channel.send(request.request_id, _failure(error, "limit"), [], None)


def _failure(error: BaseException, stage: str) -> dict[str, Any]:
    message = str(error)[:2000].encode("utf-8", "replace").decode()
    return {"ok": False, "error": {"type": type(error).__name__, "message": message, "stage": stage}}


def _flush() -> None:
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except Exception:  # student code may have replaced, closed or broken it
            continue
