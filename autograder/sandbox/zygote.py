"""Starts the process that workers are forked from, has it fork them, and proves what protects us from them.

    with Zygote(ZygoteSettings(executor=Path("autograder/door/executor.py"))) as zygote:
        zygote.protection.require(("uid", "seccomp"))
        with zygote.start_worker(folder, Limits()) as backend:
            reply, arrays = backend.execute(header, arrays)

One that serves several submissions has a branch for each: `with Branch(zygote) as branch: branch.start_worker(...)`.

Neither torch nor student code is imported here.
"""

from __future__ import annotations

import contextlib
import os
import platform
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from autograder.sandbox import layers, selfcheck, traces
from autograder.sandbox.backend import MOST_HELD, Ending, RemoteBackend
from autograder.sandbox.frames import Held
from autograder.sandbox.interpreter import Runtime, cache_folder, find_runtime
from autograder.sandbox.layers import Confinement, Limits, Protection
from autograder.sandbox.text import safe_text
from autograder.sandbox.worker import receive_message, send_message
from autograder.scratch import temporary_folder

PACKAGE_ROOT = Path(__file__).resolve().parents[2]
BOOTSTRAP = (
    "import sys; sys.path[:] = sys.argv[2:];"
    "from autograder.sandbox.worker import run_zygote; run_zygote(int(sys.argv[1]), sys.argv[2])"
)
START_SECONDS = 120.0  # torch from a cold disk on half a processor
CONTROL_SECONDS = 20.0


class ZygoteDied(Exception):
    """The zygote could not be started, or is gone. Not the submission's doing: it never runs there."""


@dataclass(frozen=True)
class ZygoteSettings:
    """What the zygote is started with.

    Attributes:
        executor: Python file with the class `Executor(folder, scratch)`; it is loaded in the zygote.
        preload: modules to import there, once for all workers. pyplot is among them because it cannot keep a font
            cache in the sandbox; scikit-learn is not, because few workers use it and all would carry its 80 MiB.
        layers: the most that is put on a worker; what the machine cannot do is left out (see `Zygote.protection`).
        secrets: files of the grader; the self-check tries to read them.
        environment: further environment variables of the zygote and its workers.
        among_many: whether other submissions are graded on this machine: see traces.py.
    """

    executor: Path | None
    preload: tuple[str, ...] = ("numpy.random", "torch", "matplotlib.pyplot", "matplotlib.backends.backend_agg")
    layers: tuple[str, ...] = layers.LAYERS
    secrets: tuple[Path, ...] = ()
    environment: Mapping[str, str] = field(default_factory=dict)
    among_many: bool = False


@contextlib.contextmanager
def workspace() -> Iterator[Path]:
    """A temporary folder that everybody may enter and only we may list or write: for what a worker is to read."""
    with temporary_folder("grading", mode=0o711) as folder:
        yield folder


class Zygote:
    """The process that workers are forked from, and the record of what protects us from them. For one submission; for
    more see Branch.

    Args:
        settings: see ZygoteSettings.
        deadline: time.monotonic() at which the whole grading must be over; no call of a worker that is started
            afterwards lasts longer than that.
    """

    def __init__(self, settings: ZygoteSettings, deadline: float | None = None) -> None:
        self.settings = settings
        self.deadline = deadline
        self.protection = Protection()
        self._process: subprocess.Popen[bytes] | None = None
        self._backends: dict[int, RemoteBackend] = {}  # pid -> a living worker's
        self._held = Held(MOST_HELD)
        self._stack = contextlib.ExitStack()
        # What the last branch took, with its workers: processor seconds, and the largest one's memory, as ru_maxrss.
        self.spent: dict[str, float] = {}

    def __enter__(self) -> Zygote:
        try:
            self._workspace = self._stack.enter_context(workspace())
            possible, missing = layers.available_layers()
            missing |= {name: "not requested" for name in possible if name not in self.settings.layers}
            wanted = tuple(name for name in possible if name in self.settings.layers)
            self._first_id = layers.choose_identity() if "uid" in wanted else os.geteuid()
            self._count = 0
            self._runtime = find_runtime(for_other_user="uid" in wanted)
            self._mounts = "mounts" in wanted
            no_mounts = self._start()
            if self._mounts and no_mounts:
                missing["mounts"] = no_mounts
                wanted = tuple(name for name in wanted if name != "mounts")
            self.protection = self._check_layers(wanted, missing)
            if self.settings.among_many:
                self._silence_files()
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

    def start_worker(self, folder: Path, limits: Limits | None = None) -> RemoteBackend:
        """Fork a worker for a submission. It has a folder of its own for the files that it writes, and those that
        messages name as {"$path": name}.

        Args:
            folder: the unpacked submission, readable to everybody (see `workspace` and intake.unpack).
            limits: what this worker may use; the defaults of Limits if None.

        Raises:
            ZygoteDied: no worker could be started, for a reason that is not the submission's.
        """
        self._ensure_running()  # before there is a folder for the worker: one that is started anew has a new workspace
        confinement = self._confine(self.protection.layers, folder, limits or Limits(), scratch=True)
        backend, _ = self._fork(confinement, {"folder": str(folder), "probe": None, "target": None})
        return backend

    def close(self) -> None:
        """End every worker and the zygote; afterwards no process and no file of theirs is left."""
        for backend in list(self._backends.values()):
            with contextlib.suppress(ZygoteDied):  # what cannot be killed one by one, `_kill_zygote` tries once more
                backend.close()
        self._stop()
        self._stack.close()

    def _silence_files(self) -> None:
        """Where workers have no mounts of their own, keep the files that they may read from telling of it."""
        if "mounts" in self.settings.layers and "mounts" not in self.protection.layers and layers.LINUX:
            system = (*layers.SYSTEM_FILES, *layers.HARDWARE_FILES)
            traces.silence([*self._runtime.paths, *map(Path, system)])

    def _stop(self) -> None:
        if self._process is not None:
            self._control.close()  # tells the zygote to kill its workers and exit
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._process.wait(CONTROL_SECONDS)
            self._kill_zygote()
            self._process = None

    def _ensure_running(self) -> None:
        """Start the process anew if it has ended.

        Raises:
            ZygoteDied: we have ended it.
        """
        if self._process is None:
            raise ZygoteDied("the zygote is closed")
        # A process that was forked from ours cannot wait for it: there, what is asked of a dead one fails.
        if os.getpid() == self._starter and self._process.poll() is not None:
            self._control.close()
            self._workspace = self._stack.enter_context(workspace())  # it may have deleted the other one
            self._start()

    def _start(self) -> str:
        """Start the process; why it has no mounts of its own, or ""."""
        self._starter = os.getpid()
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
        settings = {"executor": executor, "preload": self.settings.preload, "workspace": str(self._workspace)}
        ready = self._ask({**settings, "mounts": self._mounts})
        control.settimeout(CONTROL_SECONDS)
        return ready["no_mounts"]

    def _ask(self, message: dict[str, Any], fds: tuple[int, ...] = ()) -> dict[str, Any]:
        """One request to the zygote and its answer."""
        try:
            send_message(self._control, message, fds)
            return receive_message(self._control)[0]
        except (OSError, EOFError) as error:
            self._errors.seek(0)
            said = safe_text(self._errors.read().decode("utf-8", "replace")[-2000:])
            raise ZygoteDied(f"the process that workers are forked from does not answer ({error}). {said}") from None
        except BaseException:
            # Interrupted before the answer came, which would be taken for the next one's. The zygote ends itself.
            self._control.close()
            raise

    def _kill_zygote(self) -> None:
        """Kill the zygote's whole session, and what may be left of its workers."""
        assert self._process is not None
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()
        self._kill_workers()

    def _kill_workers(self) -> None:
        """As root, kill what may be left of our workers' uids."""
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
            # Not numbered: a name would tell how many workers there have been.
            scratch_folder = Path(tempfile.mkdtemp(prefix="scratch-", dir=self._workspace))
            if "uid" in worn:
                os.chown(scratch_folder, identity, identity)
        readable = (*(str(path) for path in self._runtime.paths), str(folder))
        return Confinement(
            layers=worn,
            uid=identity,
            gid=identity,
            readable=readable,
            scratch=str(scratch_folder) if scratch_folder else None,
            limits=limits,
        )

    def _fork(self, confinement: Confinement, message: dict[str, Any]) -> tuple[RemoteBackend, dict[str, Any]]:
        """(a new worker, what it said when it was locked in)."""
        self._ensure_running()
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
        backend = self._backends[pid] = RemoteBackend(pid, ours, confinement, self._end, self._held, self.deadline)
        hello = backend.receive_hello(CONTROL_SECONDS)
        if "failed" in hello:
            said = backend.output
            backend.close()
            raise ZygoteDied(f"a worker could not be locked in: {hello['failed']} {said}".strip())
        return backend, hello

    def _end(self, pid: int, wait: bool, trace: bool) -> Ending:
        """See `RemoteBackend`. Raises ZygoteDied if not all that the worker started can be killed."""
        del self._backends[pid]
        try:
            ended = self._ask({"op": "end", "pid": pid, "wait": wait, "trace": trace})
        except ZygoteDied:
            # Its workers die with it (PR_SET_PDEATHSIG); `close` deals with the rest.
            return Ending(None)
        if ended["left"]:
            raise ZygoteDied(f"processes of the submission cannot be killed: {ended['left']}")
        return Ending(ended["status"], ended["excess"], ended["trace"])

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
        unread = folder / "unread"
        unread.write_text("has not been read since it was written")
        unread.chmod(0o644)
        secret = self._workspace / "secret"
        secret.touch(mode=0o600)
        target = {
            "grader": os.getpid(),
            "secrets": [str(path) for path in (secret, *self.settings.secrets)],
            "public": str(public),
            "unread": str(unread),
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
        backend, hello = self._fork(confinement, {"folder": str(folder), "probe": worn, "target": target})
        backend.close()
        return hello["results"]


class Branch(Zygote):
    """A zygote for one of several submissions; a context manager.

    It is a process that is forked from a zygote before anything is known of the submission. User ids, folders and
    memory are new, so no worker finds a trace of the submissions before: not even how many workers they had, or how
    these ended, which a process that forks workers knows.

    Args:
        trunk: what it is forked from; it starts no worker itself.
        deadline: as of Zygote.
    """

    def __init__(self, trunk: Zygote, deadline: float | None = None) -> None:
        super().__init__(trunk.settings, deadline)
        self.protection = trunk.protection
        self._trunk = trunk
        self._pid: int | None = None

    def __enter__(self) -> Branch:
        try:
            self._workspace = self._stack.enter_context(workspace())
            self._first_id = layers.choose_identity() if "uid" in self.protection.layers else os.geteuid()
            self._count = 0
            self._runtime = self._trunk._runtime
            self._silence_files()
            self._start()
        except BaseException:
            self.close()
            raise
        return self

    @property
    def pid(self) -> int:
        """Pid of the process."""
        assert self._pid is not None
        return self._pid

    def _start(self) -> str:
        self._trunk._ensure_running()
        self._errors = self._trunk._errors
        self._control, theirs = socket.socketpair()
        self._control.settimeout(CONTROL_SECONDS)
        try:
            message = {"op": "branch", "workspace": str(self._workspace)}
            self._pid = self._trunk._ask(message, (theirs.fileno(),))["pid"]
        except BaseException:
            self._control.close()  # ends a process of whose start we have not heard
            raise
        finally:
            theirs.close()
        return ""

    def _ensure_running(self) -> None:
        if self._pid is None:
            raise ZygoteDied("the zygote is closed")
        self._trunk._ensure_running()
        if self._trunk._ask({"op": "ended", "pid": self._pid})["ended"]:
            self._control.close()
            self._workspace = self._stack.enter_context(workspace())  # it deletes the other one
            self._start()

    def _stop(self) -> None:
        if self._pid is not None:
            self._control.close()  # tells the process to kill its workers and exit
            pid, self._pid = self._pid, None
            with contextlib.suppress(ZygoteDied):
                self._trunk.spent = self._trunk._ask({"op": "end_branch", "pid": pid})
            self._kill_workers()


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
        # It would try to make a semaphore, and print that it may not.
        "JOBLIB_MULTIPROCESSING": "0",
        "PYTHONDONTWRITEBYTECODE": "1",
        # The order of sets must not make two gradings of one submission differ.
        "PYTHONHASHSEED": "0",
        "OBJC_DISABLE_INITIALIZE_FORK_SAFETY": "YES",  # macOS: we fork on purpose
        "MALLOC_ARENA_MAX": "2",
        # Memory that is given back is asked for again at the next call; fetching it takes a fifth of a worker's time.
        "MALLOC_MMAP_THRESHOLD_": str(4 << 20),
        "MALLOC_TRIM_THRESHOLD_": str(256 << 20),
        "MALLOC_TOP_PAD_": str(4 << 20),
    }
    environment |= dict.fromkeys((f"{name}_NUM_THREADS" for name in ("OMP", "MKL", "OPENBLAS", "NUMEXPR")), "1")
    # A submission may ask for more threads. Those without work would wait busily and keep others from working: on
    # fewer processors than threads, right code took four times as long.
    environment["OMP_WAIT_POLICY"] = "PASSIVE"
    for name in ("LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH"):  # some interpreters do not start without
        if name in os.environ:
            environment[name] = os.environ[name]
    if runtime.home is not None:
        environment["PYTHONHOME"] = str(runtime.home)
    return environment
