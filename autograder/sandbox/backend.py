"""The grader's end: starts the zygote, has it fork a worker for each task, and talks to that worker.

    with Zygote(Settings(executor=Path("autograder/door/executor.py"))) as zygote:
        zygote.protection.require(("uid", "seccomp"))
        with zygote.start_worker(folder, Limits()) as backend:
            reply, arrays = backend.execute(header, arrays)

Neither torch nor student code is imported here. Every wait has a deadline; a worker that misses one, or breaks the
protocol, is killed, and each later call on its backend fails at once with the same reason: a submission that hangs at
import is paid for once.
"""

from __future__ import annotations

import builtins
import contextlib
import os
import platform
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NoReturn

import numpy as np

from autograder.sandbox import layers, selfcheck
from autograder.sandbox.frames import Channel, FrameClosed, FrameError, FrameLimits, FrameTimeout
from autograder.sandbox.interpreter import Runtime, cache_folder, find_runtime
from autograder.sandbox.layers import Confinement, Limits, Protection
from autograder.sandbox.worker import receive_message, send_message

PACKAGE_ROOT = Path(__file__).resolve().parents[2]
BOOTSTRAP = (
    "import sys; sys.path[:] = sys.argv[2:];"
    "from autograder.sandbox.worker import run_zygote; run_zygote(int(sys.argv[1]), sys.argv[2])"
)
START_SECONDS = 120.0  # torch from a cold disk on half a processor
CONTROL_SECONDS = 20.0
PIPE_BYTES = 1 << 20
FILE_NAME = re.compile(r"[A-Za-z0-9_-][A-Za-z0-9_.-]{0,63}")
CONTROL_CHARACTERS = re.compile(r"[^\S\n\t ]|[\x00-\x08\x0b-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2066-\u2069]")


class WorkerDied(Exception):
    """The worker is gone, so the call has no answer; every later call on the same backend raises this again.

    Attributes:
        kind: "timeout", "crash", "protocol", "flood" or "closed".
        reason: one sentence for the student.
    """

    def __init__(self, kind: str, reason: str) -> None:
        super().__init__(reason)
        self.kind, self.reason = kind, reason


class ZygoteDied(Exception):
    """The zygote could not be started, or is gone. Not the submission's doing: it never runs there."""


@dataclass(frozen=True)
class Settings:
    """What the zygote is started with.

    Attributes:
        executor: Python file with the class `Executor(folder, scratch)`; it is loaded in the zygote.
        preload: modules to import there, once for all workers. pyplot among them: in the sandbox it could keep no font
            cache. scikit-learn not: few workers use it, and all others would carry its 80 MiB.
        layers: the most that is put on a worker; what the machine cannot do is left out (see `Zygote.protection`).
        secrets: files of the grader; the self-check tries to read them.
        environment: further environment variables of the zygote and its workers.
    """

    executor: Path | None
    preload: tuple[str, ...] = ("numpy", "torch", "matplotlib.pyplot")
    layers: tuple[str, ...] = layers.LAYERS
    secrets: tuple[Path, ...] = ()
    environment: Mapping[str, str] = field(default_factory=dict)


@contextlib.contextmanager
def workspace() -> Iterator[Path]:
    """A temporary folder that everybody may enter and only we may list or write: for what a worker is to read."""
    folder = Path(tempfile.mkdtemp(prefix="grading-")).resolve()
    try:
        folder.chmod(0o711)
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def clean_text(text: str, limit: int = 2000) -> str:
    """Text from a stranger, for people to read: control and direction characters removed, capped in length."""
    text = CONTROL_CHARACTERS.sub("", text)
    return text if len(text) <= limit else text[: limit - 1] + "…"


def exception_name(name: str) -> str:
    """The name of an exception's class where it is one of Python's own; for where no hidden input may ride on it.

    A class of the submission's can be called anything, the values that it was called with included.
    """
    known = getattr(builtins, name, None) if name.isidentifier() else None
    return name if isinstance(known, type) and issubclass(known, BaseException) else "an exception of its own"


class Zygote:
    """The process that workers are forked from, and the record of what protects us from them.

    Args:
        settings: see Settings.
        deadline: time.monotonic() at which the whole grading must be over; no call lasts longer than that.
    """

    def __init__(self, settings: Settings, deadline: float | None = None) -> None:
        self.settings = settings
        self.deadline = deadline
        self.protection = Protection()
        self._process: subprocess.Popen[bytes] | None = None
        self._backends: list[RemoteBackend] = []
        self._stack = contextlib.ExitStack()

    def __enter__(self) -> Zygote:
        try:
            self._workspace = self._stack.enter_context(workspace())
            possible, missing = layers.available_layers()
            missing |= {name: "not requested" for name in possible if name not in self.settings.layers}
            wanted = tuple(name for name in possible if name in self.settings.layers)
            self._first_id = layers.choose_identity() if "uid" in wanted else os.geteuid()
            self._count = 0
            self._runtime = find_runtime(for_other_user="uid" in wanted)
            self._start()
            self.protection = self._check_layers(wanted, missing)
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def pid(self) -> int:
        """Pid of the zygote."""
        assert self._process is not None
        return self._process.pid

    def start_worker(self, folder: Path, limits: Limits | None = None, scratch: bool = False) -> RemoteBackend:
        """Fork a worker for a submission.

        Args:
            folder: the unpacked submission, readable to everybody (see `workspace` and intake.unpack).
            limits: what this worker may use; the defaults of Limits where None.
            scratch: give it a folder for the files that messages name as {"$path": name}.

        Raises:
            ZygoteDied: no worker could be started, for a reason that is not the submission's.
        """
        confinement = self._confine(self.protection.layers, folder, limits or Limits(), scratch)
        return self._fork(confinement, {"folder": str(folder), "probe": None, "target": None})

    def close(self) -> None:
        """End every worker and the zygote; afterwards no process and no file of theirs is left."""
        for backend in list(self._backends):
            with contextlib.suppress(ZygoteDied):  # what cannot be killed one by one, `_kill_zygote` tries once more
                backend.close()
        if self._process is not None:
            self._control.close()  # the zygote's sign to kill its workers and exit
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._process.wait(CONTROL_SECONDS)
            self._kill_zygote()
            self._process = None
        self._stack.close()

    def _start(self) -> None:
        control, theirs = socket.socketpair()
        control.settimeout(START_SECONDS)
        errors = (self._workspace / "zygote.err").open("w+b")
        self._stack.callback(errors.close)
        paths = [str(path) for path in (PACKAGE_ROOT, *self._runtime.paths)]
        with theirs:
            self._process = subprocess.Popen(
                [sys.executable, "-s", "-c", BOOTSTRAP, str(theirs.fileno()), *paths],
                env={**_environment(self._runtime), **self.settings.environment},
                cwd="/",
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=errors,
                pass_fds=(theirs.fileno(),),
                start_new_session=True,
            )
        self._control = control
        self._errors = errors
        executor = str(self.settings.executor.resolve()) if self.settings.executor else None
        self._ask({"executor": executor, "preload": self.settings.preload, "workspace": str(self._workspace)})
        control.settimeout(CONTROL_SECONDS)

    def _ask(self, message: dict[str, Any], fds: tuple[int, ...] = ()) -> dict[str, Any]:
        """One request to the zygote and its answer."""
        try:
            send_message(self._control, message, fds)
            return receive_message(self._control)[0]
        except (OSError, EOFError) as error:
            self._errors.seek(0)
            said = clean_text(self._errors.read().decode("utf-8", "replace")[-2000:])
            raise ZygoteDied(f"the process that workers are forked from does not answer ({error}). {said}") from None
        except BaseException:
            # Interrupted before the answer came, which would be taken for the next one's. The zygote ends itself.
            self._control.close()
            raise

    def _kill_zygote(self) -> None:
        """Kill the zygote's whole session; then, as root, whatever may be left of its workers' uids."""
        assert self._process is not None
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()
        if "uid" in self.protection.layers:
            for pid in layers.processes_of(range(self._first_id, self._first_id + self._count)):
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)

    def _confine(self, worn: tuple[str, ...], folder: Path, limits: Limits, scratch: bool) -> Confinement:
        """A confinement with an identity of its own: no worker can reach another one's processes or files."""
        identity = self._first_id + self._count
        self._count += 1
        scratch_folder = None
        if scratch:
            scratch_folder = self._workspace / f"scratch-{self._count}"
            scratch_folder.mkdir()
            scratch_folder.chmod(0o711)
        readable = (*(str(path) for path in self._runtime.paths), str(folder))
        return Confinement(
            layers=worn,
            uid=identity,
            gid=identity,
            readable=readable,
            scratch=str(scratch_folder) if scratch_folder else None,
            limits=limits,
        )

    def _fork(self, confinement: Confinement, message: dict[str, Any]) -> RemoteBackend:
        if self._process is None:
            raise ZygoteDied("the zygote is closed")
        if self._process.poll() is not None:
            self._control.close()
            self._start()
        request_out, request_in = os.pipe()
        reply_out, reply_in = os.pipe()
        output_out, output_in = os.pipe()
        theirs = (request_out, reply_in, output_in)
        ours = (reply_out, request_in, output_out)
        try:
            pid = self._ask({"op": "fork", "confinement": confinement.to_json(), **message}, theirs)["pid"]
        except BaseException:
            for fd in ours:
                os.close(fd)
            raise
        finally:
            for fd in theirs:
                os.close(fd)
        backend = RemoteBackend(self, pid, ours, confinement)
        self._backends.append(backend)
        backend.hello = backend._receive_hello()
        return backend

    def _end(self, backend: RemoteBackend, wait: bool) -> dict[str, Any]:
        self._backends.remove(backend)
        try:
            return self._ask({"op": "end", "pid": backend.pid, "wait": wait})
        except ZygoteDied:
            # Its workers die with it (PR_SET_PDEATHSIG); `close` sees to what does not.
            return {"status": None, "left": []}

    def _check_layers(self, wanted: tuple[str, ...], missing: dict[str, str]) -> Protection:
        """Put on each layer by itself, then all of them, and keep those whose probes were all refused."""
        protection = Protection(
            missing=dict(missing),
            landlock_abi=layers.landlock_abi(),
            kernel=f"{platform.system()} {platform.release()}",
        )
        folder = self._workspace / "probed"
        folder.mkdir()
        folder.chmod(0o755)
        public = self._workspace / "public"
        public.write_text("readable to everybody, in no folder that a worker may read")
        public.chmod(0o644)
        secret = self._workspace / "secret"
        secret.touch(mode=0o600)
        target = {
            "grader": os.getpid(),
            "secrets": [str(path) for path in (secret, *self.settings.secrets)],
            "public": str(public),
            "folder": str(folder),
            "calls": selfcheck.raw_call_numbers(),
        }
        in_force = []
        for layer in wanted:
            try:
                found = self._probe((layer,), folder, target)[layer]
            except ZygoteDied as error:
                protection.missing[layer] = str(error)
                continue
            protection.proofs[layer] = found
            possible = [name for name, outcome in found.items() if outcome == "possible"]
            if possible:
                protection.missing[layer] = f"the self-check could {', '.join(possible[:3])}"
            else:
                in_force.append(layer)
        protection.layers = tuple(in_force)
        for layer, together in self._probe(protection.layers, folder, target).items():
            if "possible" in together.values():
                raise ZygoteDied(f"the layers of the sandbox do not work together: {layer}: {together}")
        return protection

    def _probe(self, worn: tuple[str, ...], folder: Path, target: dict[str, Any]) -> dict[str, dict[str, str]]:
        """Outcomes of the probes of `worn` in a worker that wears exactly these."""
        confinement = self._confine(worn, folder, Limits(), scratch=False)
        with self._fork(confinement, {"folder": str(folder), "probe": worn, "target": target}) as backend:
            return backend.hello["results"]


def _environment(runtime: Runtime) -> dict[str, str]:
    """The whole environment of the zygote and its workers; nothing else is inherited."""
    environment = {
        "LANG": "C.UTF-8",
        "HOME": "/nonexistent",
        "USER": "student",  # torch asks for the user's name; the uid has none
        "CUDA_VISIBLE_DEVICES": "",  # a device cannot be opened in the sandbox
        "MPLBACKEND": "Agg",
        "MPLCONFIGDIR": str(cache_folder() / "matplotlib"),
        # torch's optimisers import its compiler, which makes sure that this folder exists; nothing is written there.
        "TORCHINDUCTOR_CACHE_DIR": str(cache_folder()),
        "PYTHONDONTWRITEBYTECODE": "1",
        # The order of sets must not make two gradings of one submission differ.
        "PYTHONHASHSEED": "0",
        "OBJC_DISABLE_INITIALIZE_FORK_SAFETY": "YES",  # macOS: we fork on purpose
        "MALLOC_ARENA_MAX": "2",
    }
    environment |= dict.fromkeys((f"{name}_NUM_THREADS" for name in ("OMP", "MKL", "OPENBLAS", "NUMEXPR")), "1")
    # A submission may ask for more threads. Without work they would wait busily and keep each other from working: on
    # fewer processors than threads, right code took four times as long.
    environment["OMP_WAIT_POLICY"] = "PASSIVE"
    for name in ("LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH"):  # some interpreters do not start without
        if name in os.environ:
            environment[name] = os.environ[name]
    if runtime.home is not None:
        environment["PYTHONHOME"] = str(runtime.home)
    return environment


class RemoteBackend:
    """A worker, as the backend of a `Submission`.

    Attributes:
        pid: its process id.
        hello: what it said when it was locked in.
    """

    def __init__(self, zygote: Zygote, pid: int, fds: tuple[int, int, int], confinement: Confinement) -> None:
        self.pid = pid
        self.hello: dict[str, Any] = {}
        self._zygote = zygote
        self._confinement = confinement
        self._limits = confinement.limits
        self._fds = fds
        self._output = bytearray()
        self._output_bytes = 0
        self._spent = 0.0
        self._request_id = 0
        self._scratch_names: set[str] = set()
        self._death: WorkerDied | None = None
        read_fd, write_fd, output_fd = fds
        os.set_blocking(output_fd, False)
        for fd in (read_fd, write_fd):
            _enlarge_pipe(fd)
        self._channel = Channel(read_fd, write_fd, FrameLimits(), drain_fd=output_fd, drain=self._keep_output)

    def __enter__(self) -> RemoteBackend:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def death(self) -> WorkerDied | None:
        """Why the worker is gone; None while it lives."""
        return self._death

    @property
    def output(self) -> str:
        """What the submission printed so far, cleaned, and capped by Limits.output_bytes."""
        if self._death is None:
            with contextlib.suppress(_Flood):  # the next call will end it
                self._keep_output()
        return clean_text(self._output.decode("utf-8", "replace"), self._limits.output_bytes)

    def execute(
        self, header: dict[str, Any], arrays: list[np.ndarray], seconds: float | None = None
    ) -> tuple[dict[str, Any], list[np.ndarray]]:
        """Have one message executed; see autograder/door/submission.py for what messages say.

        Args:
            seconds: wall-clock limit for this call instead of Limits.call_seconds.

        Raises:
            WorkerDied: there is no answer, and there will be none from this backend.
            ValueError: the message cannot be sent (our own mistake; the worker lives on).
        """
        if self._death is not None:
            raise WorkerDied(self._death.kind, self._death.reason)
        self._make_scratch_files(header)
        self._request_id += 1
        began = time.monotonic()
        allowed, what = self._allowed(seconds)
        deadline = began + allowed
        try:
            try:
                self._channel.send(self._request_id, header, arrays, deadline)
            except FrameError as error:
                raise ValueError(f"the message cannot be sent: {error}") from None
            frame = self._channel.receive(deadline)
            if frame.request_id != self._request_id:
                raise FrameError("an answer to another request")
            reply = _checked_reply(frame.body)
        except FrameTimeout:
            self._die("timeout", f"no answer within {what}")
        except FrameClosed:
            self._die("crash", "the process ended during the call")
        except FrameError as error:
            self._die("protocol", f"the answer breaks the protocol: {error}")
        except _Flood:
            self._die("flood", f"more than {self._limits.flood_bytes >> 20} MiB were printed")
        except ValueError:
            raise
        except BaseException:
            # Interrupted in the middle of a frame: whatever comes next would be out of step.
            self.close()
            raise
        finally:
            self._spent += time.monotonic() - began
        return reply, frame.arrays

    def close(self) -> None:
        """Kill the worker and everything that it started; calls made later raise WorkerDied."""
        if self._death is None:
            self._end(WorkerDied("closed", "the worker was closed"), wait=False)

    def _allowed(self, seconds: float | None) -> tuple[float, str]:
        """Seconds that a call may take now, and that limit in words."""
        choices = [
            (self._limits.call_seconds if seconds is None else seconds, "{:g} seconds"),
            (self._limits.task_seconds - self._spent, "the time for the whole task"),
        ]
        if self._zygote.deadline is not None:
            choices.append((self._zygote.deadline - time.monotonic(), "the time for the whole grading"))
        allowed, words = min(choices)
        return allowed, words.format(allowed)

    def _receive_hello(self) -> dict[str, Any]:
        """The worker's first frame, sent when it is locked in and before it loads anything of the submission."""
        try:
            body = self._channel.receive(time.monotonic() + CONTROL_SECONDS).body
        except (FrameTimeout, FrameClosed, FrameError) as error:
            body = {"failed": f"{type(error).__name__}: {error}"}
        if "failed" in body:
            said = self.output
            self.close()
            raise ZygoteDied(f"a worker could not be locked in: {body['failed']} {said}".strip())
        return body

    def _keep_output(self) -> bool:
        """Empty the pipe of the worker's standard output and error; False once it is closed."""
        for _ in range(16):
            try:
                chunk = os.read(self._fds[2], 1 << 16)
            except BlockingIOError:
                return True
            if not chunk:
                return False
            self._output_bytes += len(chunk)
            self._output += chunk[: self._limits.output_bytes - len(self._output)]
            if self._output_bytes > self._limits.flood_bytes:
                raise _Flood
        return True

    def _make_scratch_files(self, tree: Any) -> None:
        """Create, empty, the files that a message names: the worker may write existing files and make none."""
        if isinstance(tree, dict):
            name = tree.get("$path")
            if isinstance(name, str) and name not in self._scratch_names:
                self._make_scratch_file(name)
            for value in tree.values():
                self._make_scratch_files(value)
        elif isinstance(tree, list):
            for value in tree:
                self._make_scratch_files(value)

    def _make_scratch_file(self, name: str) -> None:
        if self._confinement.scratch is None:
            raise ValueError(f"{name!r} is to be written, but the worker was started without scratch=True")
        if not FILE_NAME.fullmatch(name):
            raise ValueError(f"{name!r} is no plain file name")
        if len(self._scratch_names) >= self._limits.scratch_files:
            raise ValueError(f"a worker's scratch folder holds at most {self._limits.scratch_files} files")
        path = Path(self._confinement.scratch) / name
        path.touch(mode=0o600, exist_ok=False)
        if "uid" in self._confinement.layers:
            os.chown(path, self._confinement.uid, self._confinement.gid)
        self._scratch_names.add(name)

    def _die(self, kind: str, reason: str) -> NoReturn:
        """End the worker, remember why, and raise it."""
        death = self._end(WorkerDied(kind, reason), wait=kind == "crash")
        raise WorkerDied(death.kind, death.reason)

    def _end(self, death: WorkerDied, wait: bool) -> WorkerDied:
        """End the worker; remember, and return, why: the zygote may know better."""
        self._death = death
        outcome = self._zygote._end(self, wait)
        if outcome["status"] is not None and death.kind == "crash":
            words = _exit_words(outcome["status"])
            death = self._death = WorkerDied("crash", f"the process ended during the call: {words}")
        with contextlib.suppress(_Flood):
            self._keep_output()
        for fd in self._fds:
            os.close(fd)
        if self._confinement.scratch is not None:
            shutil.rmtree(self._confinement.scratch, ignore_errors=True)
        if outcome["left"]:
            raise ZygoteDied(f"processes of the submission cannot be killed: {outcome['left']}")
        return death


class _Flood(Exception):
    """More was printed than Limits.flood_bytes."""


def _checked_reply(body: dict[str, Any]) -> dict[str, Any]:
    """A reply in which `ok` is a bool and an error is four short, clean strings; FrameError for anything else."""
    if not isinstance(body.get("ok"), bool):
        raise FrameError("a reply must say whether it is ok")
    if body["ok"]:
        return body
    error = body.get("error")
    if not isinstance(error, dict):
        raise FrameError("a reply that is not ok must have an error")
    texts = {key: error.get(key, "") for key in ("type", "message", "where", "stage")}
    if not all(isinstance(text, str) for text in texts.values()):
        raise FrameError("an error must be described by strings")
    texts = {key: clean_text(text, 2000 if key == "message" else 100) for key, text in texts.items()}
    if not texts["type"].isidentifier():
        texts["type"] = "Exception"
    return {"ok": False, "error": texts}


def _enlarge_pipe(fd: int) -> None:
    """Fewer, larger reads and writes, where the system allows it."""
    import fcntl

    with contextlib.suppress(OSError, AttributeError):
        fcntl.fcntl(fd, fcntl.F_SETPIPE_SZ, PIPE_BYTES)


def _exit_words(status: int) -> str:
    """An exit status, as Python gives it, in words for a student."""
    if status >= 0:
        return f"it exited with status {status}"
    known: dict[int, str] = {
        signal.SIGXCPU: "it used more processor time than a task may",
        signal.SIGKILL: "it was killed (perhaps out of memory)",
        signal.SIGSEGV: "it crashed (segmentation fault)",
        signal.SIGABRT: "it aborted",
        signal.SIGXFSZ: "it wrote a file that is too large",
    }
    return known.get(-status, f"it was killed by signal {-status}")
