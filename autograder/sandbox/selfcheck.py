"""What a worker must not be able to do, tried from inside one: the evidence behind each layer that the log claims.

Every layer is put on by itself in a worker of its own, which then tries what that layer alone must refuse; a last
worker wears all of them. A probe *raises OSError* if it is refused and returns if it succeeds. None of them does
harm if it succeeds: signals are signal 0, programs to execute do not exist, forbidden calls get unusable arguments.
"""

from __future__ import annotations

import ctypes
import errno
import fcntl
import mmap
import os
import resource
import socket
import struct
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from autograder.sandbox import layers

PTRACE_SEIZE = 0x4206
HIGHEST_FD = 5  # standard streams, requests, replies, where the code is

# Forbidden calls that Python has no function for. With six zeros as arguments they do nothing, or fail with another
# error than the filter's ENOSYS.
RAW_CALLS = """
    ptrace process_vm_readv process_vm_writev unshare setns mount pivot_root chroot keyctl add_key request_key
    io_uring_setup io_uring_enter bpf perf_event_open userfaultfd memfd_create shmget msgget semget mq_open
    pidfd_open pidfd_send_signal pidfd_getfd rt_sigqueueinfo tkill setuid setgid setgroups setpriority
    sched_setaffinity inotify_init1 fanotify_init chmod fchmodat chown link symlink rename truncate mkdir unlink
    open_by_handle_at name_to_handle_at init_module swapon personality execveat
    flock statfs fstatfs sysinfo mincore fadvise64 pipe2 timer_create futex_waitv
"""
F_RDLCK, F_SETLK, F_OFD_SETLK = 0, 6, 37


@dataclass(frozen=True)
class Target:
    """What the probes aim at.

    Attributes:
        grader: pid of the grader.
        secrets: files that only the grader may read.
        public: a world-readable file outside everything that a worker may read.
        unread: a file in `folder`, readable to everybody, that has not been read since it was written.
        folder: the folder that stands for the submission.
        limits: the limits that rlimits were set from.
        calls: number of each of RAW_CALLS, and of futex, on this machine (looked up beforehand: it takes a library).
    """

    grader: int
    secrets: tuple[str, ...]
    public: str
    unread: str
    folder: str
    limits: layers.Limits
    calls: dict[str, int]


def try_layer(layer: str, target: Target) -> dict[str, str]:
    """Probe -> how it ended: the name of the error that refused it, or "possible", for the probes of one layer."""
    results = {}
    for name, probe in _probes(layer, target).items():
        try:
            probe()
        except (OSError, ValueError) as refused:
            code = getattr(refused, "errno", None)
            results[name] = errno.errorcode.get(code, type(refused).__name__) if code else type(refused).__name__
        else:
            results[name] = "possible"
    return results


def _probes(layer: str, target: Target) -> dict[str, Callable[[], Any]]:
    makers = {
        "session": _session_probes,
        "uid": _uid_probes,
        "mounts": _mount_probes,
        "rlimits": _rlimit_probes,
        "no_new_privs": lambda _: {"gain rights by a setuid program": _lacks_no_new_privs},
        "landlock": _landlock_probes,
        "seccomp": _seccomp_probes,
    }
    return makers[layer](target)


def _session_probes(target: Target) -> dict[str, Callable[[], Any]]:
    return {
        "be in the grader's session": lambda: _refuse_if(os.getsid(0) == os.getpid() == os.getpgrp()),
        "inherit a descriptor": lambda: _refuse_if(not _open_descriptors()),
        "read the grader's standard input": lambda: _refuse_if(os.path.samestat(os.fstat(0), os.stat(os.devnull))),
    }


def _secret_probes(target: Target) -> dict[str, Callable[[], Any]]:
    return {f"read {name}": partial(_read, name) for name in target.secrets}


def _uid_probes(target: Target) -> dict[str, Callable[[], Any]]:
    return _secret_probes(target) | {
        "become root": lambda: os.setresuid(0, 0, 0),
        "join group 0": lambda: os.setgroups([0]),
        "signal the grader": lambda: os.kill(target.grader, 0),
        "trace the grader": lambda: _ptrace(target.grader),
        "read the grader's environment": lambda: _read(f"/proc/{target.grader}/environ"),
        "read the grader's memory": lambda: _read(f"/proc/{target.grader}/mem"),
        "have a capability": lambda: _refuse_if(not _capabilities()),
        "write to the submission": lambda: _create(target.folder),
    }


def _mount_probes(target: Target) -> dict[str, Callable[[], Any]]:
    return {
        "leave a trace by reading": lambda: _leave_trace(target.unread),
        "see other users' processes": lambda: _refuse_if("hidepid=invisible" in _own_proc()),
    }


def _rlimit_probes(target: Target) -> dict[str, Callable[[], Any]]:
    limits = target.limits
    bounds = {
        "CPU time": (resource.RLIMIT_CPU, limits.cpu_seconds + 1),
        "open files": (resource.RLIMIT_NOFILE, limits.open_files),
        "file size": (resource.RLIMIT_FSIZE, limits.scratch_bytes),
        "core dumps": (resource.RLIMIT_CORE, 0),
    }
    probes: dict[str, Callable[[], Any]] = {
        f"have more {name}": partial(_exceed, kind, bound) for name, (kind, bound) in bounds.items()
    }
    if layers.LINUX:
        probes["take more memory"] = lambda: _take_memory(2 * limits.memory_bytes)
    return probes


def _landlock_probes(target: Target) -> dict[str, Callable[[], Any]]:
    probes = _secret_probes(target) | {
        "read a public file": lambda: _read(target.public),
        "list the root folder": lambda: os.listdir("/"),
        "read about the grader in /proc": lambda: _read(f"/proc/{target.grader}/status"),
        "list /proc": lambda: os.listdir("/proc"),
        "create a file in /tmp": lambda: _create("/tmp"),
        "create a file in /dev/shm": lambda: _create("/dev/shm"),
        "create a file in the submission": lambda: _create(target.folder),
    }
    if layers.landlock_abi() >= 6:
        probes["signal the grader"] = lambda: os.kill(target.grader, 0)
    return probes


def _seccomp_probes(target: Target) -> dict[str, Callable[[], Any]]:
    probes: dict[str, Callable[[], Any]] = {
        "open a TCP socket": lambda: socket.socket(socket.AF_INET, socket.SOCK_STREAM).close(),
        "open a TCP socket (IPv6)": lambda: socket.socket(socket.AF_INET6, socket.SOCK_STREAM).close(),
        "open a UDP socket": lambda: socket.socket(socket.AF_INET, socket.SOCK_DGRAM).close(),
        "open a Unix socket": lambda: socket.socket(socket.AF_UNIX, socket.SOCK_STREAM).close(),
        "open a netlink socket": lambda: socket.socket(socket.AF_NETLINK, socket.SOCK_RAW).close(),
        "open a socket pair": _socket_pair,
        "start a process": _fork,
        "execute a program": _execute_nothing,
        "signal the grader": lambda: os.kill(target.grader, 0),
        "signal everybody": lambda: os.kill(-1, 0),
        "trace the grader": lambda: _ptrace(target.grader),
        "lower another process's limits": lambda: resource.prlimit(target.grader, resource.RLIMIT_CORE),
        "share anonymous memory": partial(_map, mmap.MAP_SHARED),
        "take memory that grows downwards": partial(_map, mmap.MAP_PRIVATE | layers.MAP_GROWSDOWN),
        "lock a file": partial(_lock, F_SETLK),
        "lock a file until it is closed": partial(_lock, F_OFD_SETLK),
        "read the grader's clock": lambda: time.clock_gettime(~target.grader << 3 | 2),
        "ask for the grader's session": lambda: os.getsid(target.grader),
        "ask for the grader's processors": lambda: os.sched_getaffinity(target.grader),
        "ask for the grader's priority": lambda: os.getpriority(os.PRIO_PROCESS, target.grader),
    }
    if "futex" in target.calls:
        probes["wait where another process may wake"] = partial(_wait_in_a_file, target.calls["futex"])
    for name, number in target.calls.items():
        if name in RAW_CALLS.split():
            probes[f"call {name}"] = partial(_raw_call, number)
    return probes


def raw_call_numbers() -> dict[str, int]:
    """Numbers of RAW_CALLS, and of futex, for this processor; empty if pyseccomp is missing."""
    sc = layers.load_seccomp()
    if sc is None:
        return {}
    numbers = {name: sc.resolve_syscall(sc.Arch.NATIVE, name) for name in [*RAW_CALLS.split(), "futex"]}
    return {name: number for name, number in numbers.items() if number >= 0}


def _refuse_if(condition: bool) -> None:
    """Turn a state that is as it should be into the refusal that a probe reports."""
    if condition:
        raise PermissionError(errno.EPERM, "not possible")


def _exceed(kind: int, bound: int) -> None:
    _refuse_if(0 <= resource.getrlimit(kind)[1] <= bound)


def _socket_pair() -> None:
    for end in socket.socketpair():
        end.close()


def _open_descriptors() -> list[int]:
    found = []
    for fd in range(HIGHEST_FD + 1, 1024):
        try:
            os.fstat(fd)
        except OSError:
            continue
        found.append(fd)
    return found


def _read(name: str) -> None:
    with open(name, "rb") as file:
        file.read(1)


def _leave_trace(name: str) -> None:
    before = os.stat(name).st_atime_ns
    _read(name)
    _refuse_if(os.stat(name).st_atime_ns == before)


def _own_proc() -> str:
    """The line about the /proc that was mounted last."""
    lines = Path("/proc/self/mountinfo").read_text().splitlines()
    return [line for line in lines if line.split()[4] == "/proc"][-1]


def _create(folder: str) -> None:
    with tempfile.NamedTemporaryFile(dir=folder):
        pass


def _capabilities() -> int:
    status = Path("/proc/self/status").read_text().splitlines()
    words = [line.split()[1] for line in status if line.startswith(("CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb"))]
    return sum(int(word, 16) for word in words)


def _lacks_no_new_privs() -> None:
    _refuse_if(layers.prctl(layers.PR_GET_NO_NEW_PRIVS) == 1)


def _take_memory(size: int) -> None:
    try:
        # A mapping, not bytes(size): if it is possible after all, not a page of it is touched.
        mmap.mmap(-1, size, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS).close()
    except MemoryError:
        raise OSError(errno.ENOMEM, "no memory") from None


def _map(flags: int) -> None:
    mmap.mmap(-1, 4096, flags=flags | mmap.MAP_ANONYMOUS).close()


def _lock(command: int) -> None:
    """Place a read lock that harms nobody."""
    with open(os.devnull, "rb") as file:
        fcntl.fcntl(file, command, struct.pack("hhqqi4x", F_RDLCK, os.SEEK_SET, 0, 1, 0))


def _wait_in_a_file(futex: int) -> None:
    """Wait, for a millionth of a second, in a page of a file that others may map as well."""
    libc = ctypes.CDLL(None, use_errno=True)
    libc.mmap.restype = ctypes.c_void_p
    with open(os.__file__, "rb") as file:
        flags = (mmap.PROT_READ, mmap.MAP_PRIVATE, file.fileno())
        place = libc.mmap(None, ctypes.c_size_t(4), *flags, ctypes.c_long(0))
    value = ctypes.c_uint.from_address(place).value
    timeout = (ctypes.c_long * 2)(0, 1000)
    libc.syscall(ctypes.c_long(futex), ctypes.c_void_p(place), 0, ctypes.c_uint(value), timeout, None, 0)
    libc.munmap(ctypes.c_void_p(place), ctypes.c_size_t(4))
    if ctypes.get_errno() != errno.ETIMEDOUT:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))


def _fork() -> None:
    child = os.fork()
    if child == 0:
        os._exit(0)
    os.waitpid(child, 0)


def _execute_nothing() -> None:
    try:
        os.execv("/nonexistent/program", ["program"])
    except FileNotFoundError:
        return  # the kernel looked for it: executing is possible


def _ptrace(pid: int) -> None:
    """Attach to `pid` without stopping it; our exit detaches."""
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.ptrace(ctypes.c_long(PTRACE_SEIZE), ctypes.c_long(pid), None, None) < 0:
        raise OSError(ctypes.get_errno(), "ptrace")


def _raw_call(number: int) -> None:
    """Raise if the filter refuses the call; a call that the kernel itself rejects for its arguments was possible."""
    libc = ctypes.CDLL(None, use_errno=True)
    result = libc.syscall(ctypes.c_long(number), *[ctypes.c_long(0)] * 6)
    if result < 0 and ctypes.get_errno() == errno.ENOSYS:
        raise OSError(errno.ENOSYS, os.strerror(errno.ENOSYS))
