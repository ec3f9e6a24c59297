"""One worker, as the grader sees it: sends it a submission's messages and takes its answers.

Every wait has a deadline; a worker that misses one, or breaks the protocol, is killed, and each later call on its
backend fails at once with the same reason: a submission that hangs at import is paid for once.
"""

from __future__ import annotations

import contextlib
import os
import re
import signal
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, NoReturn

import numpy as np

from autograder.sandbox.frames import (
    Channel,
    FrameClosed,
    FrameError,
    FrameLimits,
    FrameRefused,
    FrameTimeout,
    Held,
)
from autograder.sandbox.layers import Confinement, Excess, refuses_to_create
from autograder.sandbox.text import safe_text
from autograder.scratch import delete

PIPE_BYTES = 1 << 20
MOST_HELD = 64 << 20  # bytes of all arrays from workers that are in use at one time
MOST_HEADS = 2 << 20  # bytes of all that is no array, from one worker; the checks of the largest file need a tenth
FILE_NAME = re.compile(r"[A-Za-z0-9_-][A-Za-z0-9_.-]{0,63}")

TRACED = re.compile(r'File "([^"\n]+)", line ([0-9]{1,7}) in (\S+)')

UnderWay = tuple[str, int, str]  # of a call: file, line, function
Death = Literal["timeout", "crash", "memory", "protocol", "flood", "closed"]


class WorkerDied(Exception):
    """The worker is gone, so the call has no answer; every later call on the same backend raises this again.

    Attributes:
        kind: what it died of; "closed" if the grader has ended it.
        reason: one sentence for the student.
        calls: the calls that were under way, the innermost first, as far as it said that itself.
    """

    def __init__(self, kind: Death, reason: str, calls: tuple[UnderWay, ...] = ()) -> None:
        super().__init__(reason)
        self.kind, self.reason, self.calls = kind, reason, calls


@dataclass(frozen=True)
class Ending:
    """How a worker had ended when it was to be ended.

    Attributes:
        status: with which it had exited by itself, as Python gives it; None if it had not.
        excess: of what it took too much and was killed for, "" if it was not.
        trace: what it wrote of the calls that were under way, if that was asked.
    """

    status: int | None
    excess: Excess = ""
    trace: str = ""


class RemoteBackend:
    """A worker, as the backend of a `Submission`.

    Args:
        pid: its process id.
        fds: ends of its pipes: its answers, its requests, its standard output and error.
        confinement: what it has been locked into.
        end: kills it with all that it started, given its pid, whether to give it time to exit by itself, and whether to
            ask before where it is.
        held: counts the arrays that came from workers and are in use.
        deadline: time.monotonic() at which the whole grading must be over; None for no such limit.
    """

    def __init__(
        self,
        pid: int,
        fds: tuple[int, int, int],
        confinement: Confinement,
        end: Callable[[int, bool, bool], Ending],
        held: Held,
        deadline: float | None = None,
    ) -> None:
        self.pid = pid
        self._end_process, self._deadline = end, deadline
        self._confinement = confinement
        self._limits = confinement.limits
        self._fds = fds
        self._output = bytearray()
        self._output_bytes = 0
        self._request_id = 0
        self._scratch_names: set[str] = set()
        self._death: WorkerDied | None = None
        read_fd, write_fd, output_fd = fds
        os.set_blocking(output_fd, False)
        for fd in (read_fd, write_fd):
            _enlarge_pipe(fd)
        self._channel = Channel(
            read_fd, write_fd, FrameLimits(), drain_fd=output_fd, drain=self._keep_output, held=held
        )

    def __enter__(self) -> RemoteBackend:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def output(self) -> str:
        """What the submission printed so far, cleaned, and capped by Limits.output_bytes."""
        if self._death is None:
            with contextlib.suppress(_Flood):  # the next call will end it
                self._keep_output()
        return safe_text(self._output.decode("utf-8", "replace"), self._limits.output_bytes)

    def execute(
        self, header: dict[str, Any], arrays: list[np.ndarray], seconds: float | None = None
    ) -> tuple[dict[str, Any], list[np.ndarray]]:
        """Have one message executed; autograder/door/submission.py says what messages there are.

        Args:
            seconds: wall-clock limit for this call instead of Limits.call_seconds.

        Raises:
            WorkerDied: there is no answer, and there will be none from this backend.
            ValueError: the message cannot be sent (our own mistake; the worker lives on).
        """
        if self._death is not None:
            raise WorkerDied(self._death.kind, self._death.reason, self._death.calls)
        self._make_scratch_files(header)
        self._request_id += 1
        allowed, what = self._allowed(seconds)
        deadline = time.monotonic() + allowed
        try:
            try:
                self._channel.send(self._request_id, header, arrays, deadline)
            except FrameError as error:
                raise ValueError(f"the message cannot be sent: {error}") from None
            frame = self._channel.receive(deadline)
            if frame.request_id != self._request_id:
                raise FrameError("an answer to another request")
            if self._channel.head_bytes > MOST_HEADS:
                raise _Flood(f"more than {MOST_HEADS >> 20} MiB beside arrays came back")
            reply = _checked_reply(frame.body, len(frame.arrays))
        except FrameRefused:
            return _TOO_MUCH, []
        except FrameTimeout:
            self._die("timeout", f"no answer within {what}")
        except FrameClosed:
            self._die("crash", "the process ended during the call")
        except FrameError as error:
            self._die("protocol", f"the answer breaks the protocol: {error}")
        except _Flood as flood:
            self._die("flood", str(flood))
        except ValueError:
            raise
        except BaseException:
            # Interrupted in the middle of a frame: whatever comes next would be out of step.
            self.close()
            raise
        return reply, frame.arrays

    def close(self) -> None:
        """Kill the worker and everything that it started; calls made later raise WorkerDied."""
        if self._death is None:
            self._end(WorkerDied("closed", "the worker was closed"), wait=False)

    def _allowed(self, seconds: float | None) -> tuple[float, str]:
        """Seconds that a call may take now, and that limit in words."""
        allowed = self._limits.call_seconds if seconds is None else seconds
        if self._deadline is not None and self._deadline - time.monotonic() < allowed:
            return self._deadline - time.monotonic(), "the time for the whole grading"
        return allowed, f"{allowed:g} seconds"

    def receive_hello(self, seconds: float) -> dict[str, Any]:
        """The worker's first frame, sent when it is locked in and before it loads anything of the submission.

        It has the key "failed", with the reason, if the worker could not be locked in.
        """
        try:
            return self._channel.receive(time.monotonic() + seconds).body
        except (FrameTimeout, FrameClosed, FrameError) as error:
            return {"failed": f"{type(error).__name__}: {error}"}

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
                raise _Flood(f"more than {self._limits.flood_bytes >> 20} MiB were printed")
        return True

    def _make_scratch_files(self, tree: Any) -> None:
        """Create, empty, the files that a message names, for a worker that may write existing files and make none."""
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
        assert self._confinement.scratch is not None
        if not FILE_NAME.fullmatch(name):
            raise ValueError(f"{name!r} is not a plain file name")
        if not refuses_to_create(self._confinement.layers):
            return
        if len(self._scratch_names) >= self._limits.scratch_files:
            raise ValueError(f"a worker's scratch folder holds at most {self._limits.scratch_files} files")
        path = Path(self._confinement.scratch) / name
        path.touch(mode=0o600, exist_ok=False)
        if "uid" in self._confinement.layers:
            os.chown(path, self._confinement.uid, self._confinement.gid)
        self._scratch_names.add(name)

    def _die(self, kind: Death, reason: str) -> NoReturn:
        """End the worker, remember why, and raise it."""
        death = self._end(WorkerDied(kind, reason), wait=kind == "crash")
        raise WorkerDied(death.kind, death.reason, death.calls)

    def _end(self, death: WorkerDied, wait: bool) -> WorkerDied:
        """End the worker; remember, and return, why: its exit status may say more."""
        self._death = death
        try:
            ending = self._end_process(self.pid, wait, death.kind != "closed")
        finally:
            with contextlib.suppress(_Flood):
                self._keep_output()
            for fd in self._fds:
                os.close(fd)
            if self._confinement.scratch is not None:
                delete(Path(self._confinement.scratch))
        if death.kind == "crash" and ending.excess == "memory":
            most = self._limits.memory_bytes >> 20
            death = self._death = WorkerDied("memory", f"it may use {most} MiB of memory beyond PyTorch itself")
        elif death.kind == "crash" and ending.excess == "files":
            most, files = self._limits.scratch_bytes >> 20, self._limits.scratch_files
            death = self._death = WorkerDied("flood", f"it may write {most} MiB in {files} files and folders")
        elif death.kind == "crash" and ending.status is not None:
            words = _exit_words(ending.status)
            death = self._death = WorkerDied("crash", f"the process ended during the call: {words}")
        death.calls = _under_way(ending.trace)
        return death


# What a check is told when there is no room for an answer.
_TOO_MUCH: dict[str, Any] = {
    "ok": False,
    "error": {
        "type": "TooMuch",
        "message": f"the arrays that a check has at one time may take {MOST_HELD >> 20} MiB in all",
        "where": "",
        "stage": "limit",
    },
}


class _Flood(Exception):
    """More has come than we want to read; the message says of what."""


def _checked_reply(body: dict[str, Any], arrays: int) -> dict[str, Any]:
    """A reply in which `ok` is a bool and an error is four short, clean strings; FrameError for anything else.

    Args:
        arrays: how many there are for the body to name, each at most once: a check would compute with each of its
            names as if it were another array.
    """
    if not isinstance(body.get("ok"), bool):
        raise FrameError("a reply must say whether it is ok")
    if body["ok"]:
        named = list(_named_arrays(body))
        if not all(type(place) is int and 0 <= place < arrays for place in named):
            raise FrameError("an array is named that is not there")
        if len(set(named)) < len(named):
            raise FrameError("an array is named more than once")
        return body
    error = body.get("error")
    if not isinstance(error, dict):
        raise FrameError("a reply that is not ok must have an error")
    texts = {key: error.get(key, "") for key in ("type", "message", "where", "stage")}
    if not all(isinstance(text, str) for text in texts.values()):
        raise FrameError("an error must be described by strings")
    texts = {key: safe_text(text, 2000 if key == "message" else 100) for key, text in texts.items()}
    if not texts["type"].isidentifier():
        texts["type"] = "Exception"
    return {"ok": False, "error": texts}


def _named_arrays(tree: Any) -> Iterator[Any]:
    """The places of the arrays that a value names; its depth is bounded, as every frame's."""
    if isinstance(tree, dict):
        if "$array" in tree:
            yield tree["$array"]
        tree = list(tree.values())
    for below in tree if isinstance(tree, list) else ():
        if isinstance(below, (dict, list)):
            yield from _named_arrays(below)


def _under_way(trace: str) -> tuple[UnderWay, ...]:
    """The calls in what `faulthandler` writes, or in what code wrote in its place."""
    return tuple((file, int(line), function) for file, line, function in TRACED.findall(trace))


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
        signal.SIGXCPU: "it used more processor time than it may",
        signal.SIGKILL: "it was killed (perhaps out of memory)",
        signal.SIGSEGV: "it crashed (segmentation fault)",
        signal.SIGABRT: "it aborted",
        signal.SIGXFSZ: "it wrote a file that is too large",
    }
    return known.get(-status, f"it was killed by signal {-status}")
