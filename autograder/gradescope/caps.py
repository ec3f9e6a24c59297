"""Runs a command under the memory and processor limits of a Gradescope container, and measures what it took.

cgroup v1 and v2 where this user may make groups (root, or a delegated group); elsewhere nothing is capped, the process
tree is measured instead, and the report says so.
"""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO

import psutil

MIB = 1 << 20
PERIOD_US = 100_000
SAMPLE_SECONDS = 0.05
MOUNT = Path("/sys/fs/cgroup")


@dataclass(frozen=True)
class Caps:
    """A container. The defaults are Gradescope's.

    Attributes:
        memory_mib: of all processes together, page cache included.
        cpus: share of a processor.
        seconds: wall-clock time after which everything is killed.
    """

    memory_mib: float = 768
    cpus: float = 0.5
    seconds: float = 600


@dataclass(frozen=True)
class Usage:
    """What a command took.

    Attributes:
        status: exit status; None when it was killed for its time.
        seconds: wall-clock time.
        cpu_seconds: processor time of all processes.
        peak_mib: highest memory of all processes together, sampled 20 times a second, without reclaimable page cache.
        capped: "cgroup v1", "cgroup v2", or "" when nothing was capped and figures come from the process tree.
        left: processes that it left behind.
    """

    status: int | None
    seconds: float
    cpu_seconds: float
    peak_mib: float
    capped: str
    left: int


class Group:
    """A control group; this base class is the fallback that caps nothing and looks at the process tree."""

    kind = ""

    def __init__(self) -> None:
        self._cpu: dict[int, float] = {}
        self._root: psutil.Process | None = None

    def enter(self) -> None:
        """Put the calling process into the group (between fork and exec)."""

    def watch(self, pid: int) -> None:
        self._root = psutil.Process(pid)

    def pids(self) -> list[int]:
        if self._root is None:
            return []
        try:
            return [self._root.pid, *(child.pid for child in self._root.children(recursive=True))]
        except psutil.NoSuchProcess:
            return []

    def memory(self) -> int:
        """Bytes in use now; pages shared by several processes count once."""
        total = 0
        for pid in self.pids():
            with contextlib.suppress(psutil.Error, AttributeError):
                process = psutil.Process(pid)
                times = process.cpu_times()
                self._cpu[pid] = times.user + times.system
                # PSS where there is one (Linux), resident memory elsewhere.
                full = process.memory_full_info()
                total += getattr(full, "pss", full.rss)
        return total

    def cpu_seconds(self) -> float:
        return sum(self._cpu.values())

    def remove(self) -> None:
        """Leave nothing behind."""


class GroupV1(Group):
    kind = "cgroup v1"

    def __init__(self, caps: Caps) -> None:
        super().__init__()
        # Below the group that we are in ourselves: in a container the mount's top is often not ours.
        own = dict(line.split(":", 2)[1:] for line in Path("/proc/self/cgroup").read_text().splitlines())
        self._folders = {}
        try:
            for controller in ("memory", "cpu", "cpuacct"):
                parent = next((path for names, path in own.items() if controller in names.split(",")), "/")
                folder = MOUNT / controller / parent.lstrip("/") / f"gradescope-{os.getpid()}-{time.monotonic_ns()}"
                if not folder.parent.is_dir():
                    folder = MOUNT / controller / folder.name
                folder.mkdir()
                self._folders[controller] = folder
            (self._folders["memory"] / "memory.limit_in_bytes").write_text(str(int(caps.memory_mib * MIB)))
            (self._folders["cpu"] / "cpu.cfs_period_us").write_text(str(PERIOD_US))
            (self._folders["cpu"] / "cpu.cfs_quota_us").write_text(str(int(caps.cpus * PERIOD_US)))
        except OSError:
            self.remove()
            raise

    def enter(self) -> None:
        for folder in self._folders.values():
            (folder / "cgroup.procs").write_text(str(os.getpid()))

    def pids(self) -> list[int]:
        return [int(pid) for pid in (self._folders["memory"] / "cgroup.procs").read_text().split()]

    def memory(self) -> int:
        figures = _figures(self._folders["memory"] / "memory.stat")
        return figures["total_rss"] + figures.get("total_shmem", 0)

    def cpu_seconds(self) -> float:
        return int((self._folders["cpuacct"] / "cpuacct.usage").read_text()) / 1e9

    def remove(self) -> None:
        for folder in self._folders.values():
            with contextlib.suppress(OSError):
                folder.rmdir()


class GroupV2(Group):
    kind = "cgroup v2"

    def __init__(self, caps: Caps) -> None:
        super().__init__()
        own = Path("/proc/self/cgroup").read_text().rpartition("0::")[2].splitlines()[0]
        for parent in (MOUNT / own.lstrip("/"), MOUNT):
            self._folder = parent / f"gradescope-{os.getpid()}-{time.monotonic_ns()}"
            try:
                with contextlib.suppress(OSError):
                    (parent / "cgroup.subtree_control").write_text("+memory +cpu")
                self._folder.mkdir()
                (self._folder / "memory.max").write_text(str(int(caps.memory_mib * MIB)))
                (self._folder / "cpu.max").write_text(f"{int(caps.cpus * PERIOD_US)} {PERIOD_US}")
                return
            except OSError:
                self.remove()
                if parent == MOUNT:
                    raise

    def enter(self) -> None:
        (self._folder / "cgroup.procs").write_text(str(os.getpid()))

    def pids(self) -> list[int]:
        return [int(pid) for pid in (self._folder / "cgroup.procs").read_text().split()]

    def memory(self) -> int:
        figures = _figures(self._folder / "memory.stat")
        return figures["anon"] + figures.get("shmem", 0)

    def cpu_seconds(self) -> float:
        return _figures(self._folder / "cpu.stat")["usage_usec"] / 1e6

    def remove(self) -> None:
        with contextlib.suppress(OSError):
            self._folder.rmdir()


def _figures(file: Path) -> dict[str, int]:
    """A file of lines "name number"."""
    return {name: int(value) for name, value in (line.split() for line in file.read_text().splitlines())}


def make_group(caps: Caps) -> Group:
    """The strictest group that this machine lets us make."""
    kinds = (GroupV2, GroupV1) if (MOUNT / "cgroup.controllers").exists() else (GroupV1, GroupV2)
    for kind in kinds:
        with contextlib.suppress(OSError, ValueError, LookupError):
            return kind(caps)
    return Group()


@contextlib.contextmanager
def group_for(caps: Caps) -> Iterator[Group]:
    """A group; at the end every process in it is killed and the group removed."""
    group = make_group(caps)
    try:
        yield group
    finally:
        for _ in range(100):
            pids = group.pids()
            for pid in pids:
                with contextlib.suppress(ProcessLookupError, PermissionError):
                    os.kill(pid, signal.SIGKILL)
            if not pids:
                break
            time.sleep(0.02)
        group.remove()


def run(command: Sequence[str], caps: Caps, environment: Mapping[str, str], folder: Path, output: IO[bytes]) -> Usage:
    """Run a command in `folder` under the caps, with this environment and no other; its output goes to `output`."""
    began = time.monotonic()
    with group_for(caps) as group:
        process = subprocess.Popen(
            command,
            env=dict(environment),
            cwd=folder,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            preexec_fn=group.enter,
        )
        group.watch(process.pid)
        peak, status = 0, None
        while status is None and time.monotonic() - began < caps.seconds:
            peak = max(peak, group.memory())
            with contextlib.suppress(subprocess.TimeoutExpired):
                status = process.wait(SAMPLE_SECONDS)
        seconds = time.monotonic() - began
        if status is None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()
        left = len([pid for pid in group.pids() if pid != process.pid])
        cpu_seconds = group.cpu_seconds()
    return Usage(status, seconds, cpu_seconds, peak / MIB, group.kind, left)
