"""What the command lines share (provided): devices and folders, checked before any work starts."""

from __future__ import annotations

import os
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path


class InputError(ValueError):
    """Something that was asked for cannot be; the message says what, and what to do."""


def choose_device(name: str) -> str:
    """Turn "auto", "cpu", "cuda" (or "cuda:1") or "mps" into a device that is there.

    Raises:
        InputError: for an unknown name, or a device that this machine or this build of PyTorch does not have.
    """
    if name == "cpu":
        return name
    import torch

    kind, _, number = name.partition(":")
    if kind not in ("auto", "cpu", "cuda", "mps") or (number and not (kind == "cuda" and number.isdigit())):
        raise InputError(f"unknown device {name!r}: choose auto, cpu, cuda or mps")
    cuda, mps = torch.cuda.is_available(), torch.backends.mps.is_available()
    if kind == "auto":
        return "cuda" if cuda else "mps" if mps else "cpu"
    if kind == "cuda" and not (cuda and int(number or 0) < torch.cuda.device_count()):
        raise InputError(
            f"no device {name} here: PyTorch sees {torch.cuda.device_count()} CUDA devices; try --device cpu"
        )
    if kind == "mps" and not mps:
        raise InputError("no device mps here: it needs a Mac with Apple silicon; try --device cpu")
    return name


def writable_folder(path: Path) -> Path:
    """Make the folder if it is missing, and make sure that files can be written there.

    Raises:
        InputError: when it is no folder or nothing can be written to it.
    """
    path = Path(path).absolute()
    try:
        path.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile(dir=path, prefix=".writable-"):
            pass
    except OSError as error:
        raise InputError(f"cannot write to the folder {path}: {error.strerror}; choose another with --out") from error
    return path


@contextmanager
def alone_in(folder: Path) -> Iterator[None]:
    """Keep other runs out of a folder of results, until the block ends or this process does.

    Raises:
        InputError: there is one already; the message says which process.
    """
    from filelock import FileLock, Timeout

    says, lock = folder / ".running", FileLock(folder / ".running.lock")
    try:
        lock.acquire(timeout=0)
    except Timeout:
        who = says.read_text(encoding="utf-8") if says.is_file() else "another process"
        raise InputError(
            f"{who} works in {folder} already: wait until it has ended, or choose another folder with --out"
        ) from None
    try:
        says.write_text(f"main.py (process {os.getpid()}, since {time.strftime('%H:%M')})", encoding="utf-8")
        yield
    finally:
        for path in (says, Path(lock.lock_file)):
            with suppress(PermissionError):  # Windows keeps the one that is locked, and deletes it itself
                path.unlink(missing_ok=True)
        lock.release()


def usable_cores(quota: Path = Path("/sys/fs/cgroup/cpu.max")) -> int:
    """Number of processor cores that this process may use: those that there are, or fewer if a container has a limit.

    Args:
        quota: says how many microseconds of processor time the container may take in how many.
    """
    cores = physical_cpus()
    with suppress(OSError, ValueError):  # no such limit: no such file, or "max" in it
        allowed, period = map(int, quota.read_text().split())
        cores = min(cores, max(1, round(allowed / period)))
    return cores


def physical_cpus() -> int:
    """Number of processor cores that this process may run on, hyper-threads counted once where that can be told."""
    if not hasattr(os, "sched_getaffinity"):
        return os.cpu_count() or 1
    cores = set()
    for cpu in os.sched_getaffinity(0):
        siblings = Path(f"/sys/devices/system/cpu/cpu{cpu}/topology/thread_siblings_list")
        cores.add(siblings.read_text() if siblings.exists() else str(cpu))
    return len(cores)
