"""The layers between student code and everything else; each used where the machine allows it, each reported.

    layer         keeps student code from                                 needs
    session       signals by group, inherited descriptors and environment  POSIX
    uid           other users' files and processes, capabilities           root (CAP_SETUID, CAP_SETGID)
    mounts        traces of what was read, and the sight of processes      root (CAP_SYS_ADMIN), Linux 5.12
    rlimits       taking CPU, memory, threads, disk without end            POSIX (what the kernel enforces of it)
    no_new_privs  gaining rights by setuid programs                        Linux 3.5
    landlock      every file but Python's and the submission's             Linux 5.13; signals outwards: 6.12 (ABI 6)
    seccomp       sockets, processes, exec, ptrace, namespaces, ...        Linux 3.17 and libseccomp 2

`enter` puts them on, in the forked worker, after torch is loaded and before any student code is; all but "mounts",
which the zygote has put on for whatever it forks (`own_mounts`). Layers overlap on purpose: a kernel that lacks one of
them (Landlock before 5.13, say, which some graders' hosts still run) leaves the others. `selfcheck.py` proves each one
by itself.

Bindings. Landlock: landlockpy (pure Python, no dependencies, ABI 1 to 11, released most recently) rather than
py-landlock (ABI 1 to 7, two processor types) or landlock (a pre-release). seccomp: pyseccomp, ctypes over the
distribution's libseccomp 2, whose own Python binding is in no package index.

The filter is a list of what is allowed. A list of what is forbidden ages with every kernel: a system call that is newer
than the list would be open. What is not allowed fails with ENOSYS; C libraries then fall back to older calls.
"""

from __future__ import annotations

import contextlib
import ctypes
import errno
import os
import random
import resource
import signal
import sys
import time
from collections.abc import Collection, Iterable, Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Literal

Excess = Literal["", "memory", "files"]  # of what a worker takes more than it may

LINUX = sys.platform == "linux"
LAYERS = ("session", "uid", "mounts", "rlimits", "no_new_privs", "landlock", "seccomp")

MIB = 1 << 20
STACK_BYTES = 8 * MIB  # of a program; those of threads count as its data
# What libraries write to late, though they have it from the start: as much more than its limit may a worker hold.
LATE_BYTES = 64 * MIB

# prctl(2)
PR_SET_PDEATHSIG, PR_SET_DUMPABLE, PR_CAPBSET_DROP = 1, 4, 24
PR_SET_CHILD_SUBREAPER, PR_SET_NO_NEW_PRIVS, PR_GET_NO_NEW_PRIVS = 36, 38, 39

# unshare(2), mount(2), mount_setattr(2), whose number is the same on all processors
CLONE_NEWNS, MS_SLAVE, SYS_MOUNT_SETATTR, AT_FDCWD, AT_RECURSIVE = 0x20000, 1 << 19, 442, -100, 0x8000
MS_FOR_DATA = 2 | 4 | 8 | 1024  # no setuid programs, devices, programs, access times
MOUNT_ATTR_NOATIME, MOUNT_ATTR_ATIMES = 0x10, 0x70

# What the dynamic loader and the C library open for a module that is imported late; nothing here is private.
SYSTEM_FILES = ("/lib", "/lib64", "/usr/lib", "/usr/lib64", "/usr/local/lib", "/etc/ld.so.cache", "/dev/urandom")
HARDWARE_FILES = ("/proc/cpuinfo", "/sys/devices/system/cpu")
# scikit-learn finds out in the first which libraries have threads to be limited.
OWN_FILES = ("maps", "status")


class SandboxError(Exception):
    """A layer that was asked for could not be put on."""


class Unprotected(Exception):
    """Grading requires certain layers, and not all of them are in force."""


@dataclass(frozen=True)
class Limits:
    """What one worker may use.

    Attributes:
        call_seconds: wall-clock time of one call.
        cpu_seconds: processor time of the worker.
        memory_bytes: memory beyond what the fork itself brings along. The kernel refuses more data; what it does not
            count as data is seen by `resident_bytes`.
        threads: threads (and processes, if the seccomp filter is missing).
        open_files: open descriptors.
        scratch_files, scratch_bytes: files and folders in the scratch folder, and bytes of all together; workers
            without such a folder can write no file at all.
        output_bytes: how much of what is printed is kept.
        flood_bytes: how much may be printed before the worker is killed.
    """

    call_seconds: float = 20.0
    cpu_seconds: int = 120
    memory_bytes: int = 384 * MIB
    threads: int = 32
    open_files: int = 128
    scratch_files: int = 256
    scratch_bytes: int = 64 * MIB
    output_bytes: int = 1 << 16
    flood_bytes: int = 16 * MIB


@dataclass(frozen=True)
class Confinement:
    """Everything that a worker needs to lock itself in. Travels to it as JSON.

    Attributes:
        layers: names from LAYERS.
        uid, gid: who the worker becomes; used by the layer "uid".
        readable: files and folders that Landlock leaves readable, besides the system's libraries.
        scratch: folder of its own for the files that it writes, or None.
        limits: see Limits.
    """

    layers: tuple[str, ...]
    uid: int
    gid: int
    readable: tuple[str, ...]
    scratch: str | None
    limits: Limits

    def to_json(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def from_json(cls, document: dict[str, Any]) -> Confinement:
        values = dict(document)
        return cls(
            layers=tuple(values.pop("layers")),
            readable=tuple(values.pop("readable")),
            limits=Limits(**values.pop("limits")),
            **values,
        )


@dataclass
class Protection:
    """Which layers are in force on this machine, and the evidence: for the log and for results.json.

    Attributes:
        layers: names of the layers that are in force, each proven by its probes.
        missing: name of a layer that is not in force -> why.
        landlock_abi: 0 if the kernel has no Landlock.
        kernel: release of the running kernel.
        proofs: layers tried -> probe -> how it ended (an errno's name, or "possible").
    """

    layers: tuple[str, ...] = ()
    missing: dict[str, str] = field(default_factory=dict)
    landlock_abi: int = 0
    kernel: str = ""
    proofs: dict[str, dict[str, str]] = field(default_factory=dict)

    def require(self, layers: Iterable[str]) -> None:
        """Raise Unprotected unless each of `layers` is in force."""
        absent = [name for name in layers if name not in self.layers]
        if absent:
            reasons = "; ".join(f"{name}: {self.missing.get(name, 'not requested')}" for name in absent)
            raise Unprotected(f"refusing to grade without these layers of the sandbox: {reasons}")

    def describe(self) -> str:
        """One line for the log."""
        missing = "".join(f"; no {name} ({reason})" for name, reason in self.missing.items())
        return f"sandbox: {', '.join(self.layers)}{missing}; Landlock ABI {self.landlock_abi}, kernel {self.kernel}"


def available_layers() -> tuple[tuple[str, ...], dict[str, str]]:
    """(layers that this process could put on a child, name -> why for the others). Nothing is proven here."""
    missing: dict[str, str] = {}
    if os.geteuid() != 0:
        missing.update(dict.fromkeys(("uid", "mounts"), "the grader does not run as root"))
    if not LINUX:
        missing.update(dict.fromkeys(("uid", "mounts", "no_new_privs", "landlock", "seccomp"), "only Linux has it"))
    else:
        if landlock_abi() == 0:
            missing["landlock"] = "the kernel has no Landlock (Linux 5.13), or landlockpy is not installed"
        if load_seccomp() is None:
            missing["seccomp"] = "pyseccomp or libseccomp2 is not installed"
    return tuple(name for name in LAYERS if name not in missing), missing


def landlock_abi() -> int:
    """The kernel's Landlock ABI; 0 if there is none."""
    if not LINUX:
        return 0
    try:
        import landlockpy
    except ImportError:
        return 0
    try:
        return landlockpy.abi_version()
    except OSError:  # a container's own seccomp profile may forbid even the question
        return 0


def load_seccomp() -> Any:
    """The module pyseccomp, or None if it or libseccomp is missing."""
    if not LINUX:
        return None
    try:
        import pyseccomp
    except (ImportError, RuntimeError, OSError):
        return None
    return pyseccomp


def prctl(option: int, value: int = 0) -> int:
    """prctl(2) with one argument; raises OSError."""
    libc = ctypes.CDLL(None, use_errno=True)
    result = libc.prctl(option, ctypes.c_ulong(value), *[ctypes.c_ulong(0)] * 3)
    if result < 0:
        raise OSError(ctypes.get_errno(), f"prctl({option}): {os.strerror(ctypes.get_errno())}")
    return result


def become_subreaper() -> None:
    """Make orphaned descendants (daemons) our children, so that they can be found and killed."""
    if LINUX:
        prctl(PR_SET_CHILD_SUBREAPER, 1)


def own_mounts() -> None:
    """Give this process, and all that it forks, mounts of its own, in which reading leaves no access times, and /proc
    shows to a user without rights only what is that user's.

    Raises:
        OSError: the kernel refuses; what was done until then stays, and harms nobody.
    """
    libc = ctypes.CDLL(None, use_errno=True)
    _checked("unshare", libc.unshare(CLONE_NEWNS))
    # What is set, what is cleared, propagation (what others mount appears here, and not the other way round), none.
    attributes = (ctypes.c_uint64 * 4)(MOUNT_ATTR_NOATIME, MOUNT_ATTR_ATIMES, MS_SLAVE, 0)
    every = (ctypes.c_long(AT_FDCWD), b"/", ctypes.c_long(AT_RECURSIVE))
    size = ctypes.c_size_t(ctypes.sizeof(attributes))
    _checked("mount_setattr", libc.syscall(ctypes.c_long(SYS_MOUNT_SETATTR), *every, attributes, size))
    _checked("mount", libc.mount(b"proc", b"/proc", b"proc", ctypes.c_ulong(0), b"hidepid=invisible"))


def _checked(what: str, result: int) -> None:
    """Raise OSError if a function of the C library has failed."""
    if result < 0:
        raise OSError(ctypes.get_errno(), f"{what}: {os.strerror(ctypes.get_errno())}")


def _mount_scratch(confinement: Confinement) -> None:
    """Put a file system of its own on the scratch folder: nobody else sees it, and it ends with the process.

    Raises:
        SandboxError: the kernel refuses.
    """
    limits, owner = confinement.limits, f",uid={confinement.uid},gid={confinement.gid}"
    options = f"size={limits.scratch_bytes},nr_inodes={limits.scratch_files + 1},mode=0700"
    options += owner if "uid" in confinement.layers else ""
    libc = ctypes.CDLL(None, use_errno=True)
    try:
        _checked("unshare", libc.unshare(CLONE_NEWNS))
        place = os.fsencode(str(confinement.scratch))
        _checked("mount", libc.mount(b"tmpfs", place, b"tmpfs", ctypes.c_ulong(MS_FOR_DATA), options.encode()))
    except OSError as error:
        raise SandboxError(f"mounts: {error}") from None


def enter(confinement: Confinement) -> None:
    """Lock the calling process in, for good. It must have one thread and have loaded what it needs from elsewhere.

    Raises:
        SandboxError: a requested layer could not be put on; the caller must exit.
    """
    layers, limits = confinement.layers, confinement.limits
    os.umask(0o077)
    if has_own_disk(confinement):
        _mount_scratch(confinement)
    # Opened while we may still open anything; the rights count from `restrict` on.
    ruleset = _landlock_ruleset(confinement) if "landlock" in layers else None
    seccomp_filter = _seccomp_filter(confinement) if "seccomp" in layers else None
    if LINUX:
        _set_first_victim()
    if "uid" in layers:
        drop_privileges(confinement.uid, confinement.gid)
    if LINUX:
        # Both are reset by a change of uid, so not earlier.
        prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
        prctl(PR_SET_DUMPABLE, 0)
    if "rlimits" in layers:
        _set_rlimits(limits, scratch=confinement.scratch is not None, own_uid="uid" in layers)
    if "no_new_privs" in layers:
        prctl(PR_SET_NO_NEW_PRIVS, 1)
    if ruleset is not None:
        ruleset.restrict()
        ruleset.close()
    if seccomp_filter is not None:
        try:
            seccomp_filter.load()
        except OSError as error:
            raise SandboxError(f"seccomp: the filter could not be loaded: {error}") from None


def refuses_to_create(worn: Collection[str]) -> bool:
    """Whether, with these layers on, the seccomp filter refuses O_CREAT: without Landlock nothing else keeps files from
    filling the disk."""
    return "seccomp" in worn and "landlock" not in worn


def has_own_disk(confinement: Confinement) -> bool:
    """Whether the scratch folder is a file system that is made for the worker, of a fixed size."""
    return confinement.scratch is not None and {"mounts", "landlock"} <= set(confinement.layers)


def overfull(confinement: Confinement) -> bool:
    """Whether the scratch folder holds more than it may, where the kernel does not see to that.

    No file in it has ever been removed: see REMOVALS.
    """
    if confinement.scratch is None or has_own_disk(confinement):
        return False
    left, files, folders = confinement.limits.scratch_bytes, confinement.limits.scratch_files, [confinement.scratch]
    try:
        while folders:
            with os.scandir(folders.pop()) as entries:
                for entry in entries:
                    files -= 1
                    left -= entry.stat(follow_symlinks=False).st_size
                    folders += [entry.path] if entry.is_dir(follow_symlinks=False) else []
                    if files < 0 or left < 0:
                        return True
    except OSError:  # a folder that cannot be listed, or whose path is too long
        return True
    return False


def pin_own_files(pid: int) -> list[int]:
    """Descriptors that keep the kernel's entries for OWN_FILES of a process alive; to be held as long as it runs.

    A Landlock rule is about an entry of the kernel's cache, not about a name. Were memory to run short, the entry would
    be dropped from the cache, and the file that is then looked up would be another one, without a rule. Call it before
    the process makes its rules.
    """
    files = (Path(f"/proc/{pid}") / name for name in OWN_FILES)
    return [os.open(file, os.O_PATH) for file in files if LINUX and file.exists()]


def resident_bytes(pid: int) -> int:
    """Memory that a process holds and no file could give back, as of now; 0 where the system does not say.

    Pages count whoever else has them, too, so take differences. Readable for every user, of every process.
    """
    try:
        words = Path(f"/proc/{pid}/statm").read_text(encoding="ascii").split()
    except OSError:
        return 0
    resident, of_files = int(words[1]), int(words[2])
    return (resident - of_files) * os.sysconf("SC_PAGE_SIZE")


def _set_first_victim() -> None:
    """If the machine runs out of memory, let the kernel kill this process and no other."""
    with contextlib.suppress(OSError):  # a container may mask /proc; the rlimits hold anyway
        Path("/proc/self/oom_score_adj").write_text("1000")


def drop_privileges(uid: int, gid: int) -> None:
    """Become `uid`:`gid` without supplementary groups or capabilities, with no way back; SandboxError if that fails."""
    try:
        for capability in range(64):
            try:
                prctl(PR_CAPBSET_DROP, capability)
            except OSError as error:
                if error.errno != errno.EINVAL:  # past the last capability
                    raise
                break
        os.setgroups([])
        os.setresgid(gid, gid, gid)
        os.setresuid(uid, uid, uid)
    except OSError as error:
        raise SandboxError(f"uid: {error}") from None
    if os.getresuid() != (uid,) * 3 or os.getresgid() != (gid,) * 3 or os.getgroups():
        raise SandboxError("uid: the kernel reports an identity other than the one asked for")


def _set_rlimits(limits: Limits, scratch: bool, own_uid: bool) -> None:
    wanted = {
        resource.RLIMIT_CORE: 0,
        resource.RLIMIT_CPU: limits.cpu_seconds,
        resource.RLIMIT_NOFILE: limits.open_files,
        # Without a scratch folder not one byte can be written to any file.
        resource.RLIMIT_FSIZE: limits.scratch_bytes if scratch else 0,
    }
    if own_uid:
        # Counts the uid's processes on the whole machine: only fit for a uid that nobody else has.
        wanted[resource.RLIMIT_NPROC] = limits.threads
    if LINUX:
        pages = os.sysconf("SC_PAGE_SIZE")
        # Pages of: program, resident, shared, text, library, data and stack, dirty.
        sizes = [int(word) * pages for word in Path("/proc/self/statm").read_text().split()]
        # DATA bounds the memory that is really private; AS, more loosely, whatever else can be mapped (libraries that
        # are imported late, the threads' stacks and the address space that malloc reserves for them).
        wanted[resource.RLIMIT_DATA] = sizes[5] + limits.memory_bytes
        wanted[resource.RLIMIT_STACK] = STACK_BYTES
        wanted[resource.RLIMIT_AS] = sizes[0] + limits.memory_bytes + 1024 * MIB
    for name, value in wanted.items():
        soft, hard = resource.getrlimit(name)
        value = value if hard == resource.RLIM_INFINITY else min(value, hard)
        # One second between SIGXCPU, which names the reason, and the SIGKILL that cannot be ignored.
        extra = 1 if name == resource.RLIMIT_CPU and (hard == resource.RLIM_INFINITY or value < hard) else 0
        try:
            resource.setrlimit(name, (value, value + extra))
        except (OSError, ValueError) as error:
            raise SandboxError(f"rlimits: {name}: {error}") from None


def _landlock_ruleset(confinement: Confinement) -> Any:
    import landlockpy
    from landlockpy import AccessFS, Scope

    try:
        ruleset = landlockpy.Ruleset(scoped=Scope.ABSTRACT_UNIX_SOCKET | Scope.SIGNAL)
        own = (f"/proc/self/{name}" for name in OWN_FILES)
        for name in (*confinement.readable, *SYSTEM_FILES, *HARDWARE_FILES, *own):
            _allow(ruleset, Path(name), AccessFS.READ_FILE | AccessFS.READ_DIR)
        _allow(ruleset, Path("/dev/null"), AccessFS.READ_FILE | AccessFS.WRITE_FILE)
        if confinement.scratch is not None:
            writing = AccessFS.WRITE_FILE | AccessFS.TRUNCATE | AccessFS.MAKE_REG | AccessFS.MAKE_DIR
            if has_own_disk(confinement):
                writing |= AccessFS.REMOVE_FILE | AccessFS.REMOVE_DIR | AccessFS.REFER
            _allow(ruleset, Path(confinement.scratch), AccessFS.READ_FILE | AccessFS.READ_DIR | writing)
    except OSError as error:
        raise SandboxError(f"landlock: {error}") from None
    return ruleset


def _allow(ruleset: Any, path: Path, access: Any) -> None:
    """Grant `access` below `path`, if there is such a path; on a file, without the rights that only folders have."""
    from landlockpy import AccessFS

    if path.exists():
        ruleset.allow_path(path, access if path.is_dir() else access & ~AccessFS.READ_DIR)


# What PyTorch, NumPy, SciPy, scikit-learn and matplotlib need of Linux, and interpreters generally.
# Not among them is what two workers could talk by: locks on files that both may read, free space and memory, numbers
# that the kernel counts for all (inodes of new pipes), and what lies in memory of a file (mincore, fadvise).
ALLOWED_CALLS = """
    read write readv writev pread64 pwrite64 preadv pwritev lseek _llseek close close_range dup dup2 dup3
    fstat fstat64 stat stat64 lstat lstat64 newfstatat fstatat64 statx
    access faccessat faccessat2 readlink readlinkat getcwd chdir fchdir getdents getdents64
    ftruncate fsync fdatasync umask
    munmap mprotect mremap madvise brk msync
    get_robust_list set_robust_list set_tid_address rseq membarrier sched_yield
    gettid getpid getppid getuid geteuid getgid getegid getresuid getresgid getgroups getpgrp
    getrlimit ugetrlimit getrusage times uname getcpu getrandom
    sched_get_priority_max sched_get_priority_min
    clock_nanosleep nanosleep gettimeofday time
    rt_sigaction rt_sigprocmask rt_sigreturn rt_sigpending rt_sigtimedwait rt_sigsuspend sigaltstack pause
    alarm setitimer getitimer
    poll ppoll select pselect6 epoll_create epoll_create1 epoll_ctl epoll_wait epoll_pwait eventfd2
    wait4 waitid exit exit_group restart_syscall arch_prctl
"""

# In a scratch folder; elsewhere Landlock refuses them.
MAKING_CALLS = ("mkdir", "mkdirat")
REMOVING_CALLS = ("unlink", "unlinkat", "rmdir", "rename", "renameat", "renameat2")
# Libraries that copy a file set these. Nobody else sees the copy; of other files, the owner must not be able to.
RIGHTS_AND_TIMES = ("chmod", "fchmod", "fchmodat", "fchmodat2", "utime", "utimes", "futimesat", "utimensat")
# Where the kernel does not bound the folder's size, a removed file that is still open would be counted by nobody.
REMOVALS = ("unlink", "unlinkat", "rmdir")

# No locks (refused like everything else: who gets EACCES from one believes that it is held, and waits for it), and no
# F_SETOWN, F_SETSIG: they send signals to others.
ALLOWED_FCNTL = (0, 1, 2, 3, 4, 1030, 1032)
ALLOWED_IOCTL = (0x5401, 0x5413, 0x541B, 0x5421, 0x5450, 0x5451)  # TCGETS TIOCGWINSZ FIONREAD FIONBIO FIONCLEX FIOCLEX
ALLOWED_PRCTL = (2, 3, 15, 16, 21, 23, PR_GET_NO_NEW_PRIVS, 0x53564D41)  # getters; names of threads and of mappings
# About ourselves only: of another worker they would tell that it exists, and which threads it has.
ABOUT_OURSELVES = ("getpgid", "getsid", "sched_getaffinity", "sched_getparam", "sched_getscheduler")
# Clocks of the whole machine, of this process, of this thread; larger numbers (taken as unsigned) hold a pid.
LAST_CLOCK = 11

FUTEX_PRIVATE, FUTEX_OPERATION = 0x80, 0xFF  # the flag; what is to be done, with it
FUTEX_WAIT, FUTEX_WAKE, FUTEX_WAIT_BITSET, FUTEX_WAKE_BITSET = 0, 1, 9, 10
CLONE_THREAD = 0x00010000
MAP_SHARED, MAP_ANONYMOUS, MAP_GROWSDOWN = 0x01, 0x20, 0x0100


def _seccomp_filter(confinement: Confinement) -> Any:
    """The filter for the calling process; rules that compare with its own pid make it good for this process only."""
    sc = load_seccomp()
    if sc is None:
        raise SandboxError("seccomp: pyseccomp or libseccomp2 is not installed")
    equal, masked = sc.EQ, sc.MASKED_EQ
    own = os.getpid()
    rules: list[tuple[str, tuple[Any, ...]]] = [(name, ()) for name in ALLOWED_CALLS.split()]
    # Threads, but no processes. clone3 hides its flags in memory; without it the C library uses clone.
    rules.append(("clone", (sc.Arg(0, masked, CLONE_THREAD, CLONE_THREAD),)))
    # Signals to ourselves (abort, raise): even a grader with our own uid is out of reach.
    rules += [(name, (sc.Arg(0, equal, own),)) for name in ("kill", "tgkill")]
    # Our own limits: with our own uid, another process could be starved by lowering its limits.
    rules.append(("prlimit64", (sc.Arg(0, equal, 0),)))
    rules += [(name, (sc.Arg(0, equal, pid),)) for name in ABOUT_OURSELVES for pid in (0, own)]
    rules += [("getpriority", (sc.Arg(0, equal, os.PRIO_PROCESS), sc.Arg(1, equal, pid))) for pid in (0, own)]
    rules += [(name, (sc.Arg(0, sc.LE, LAST_CLOCK),)) for name in ("clock_gettime", "clock_getres")]
    # Only within this process. Two that map one file could wait for and wake each other there: see below.
    rules.append(("futex", (sc.Arg(1, masked, FUTEX_PRIVATE, FUTEX_PRIVATE),)))
    rules += [("futex", (sc.Arg(1, masked, FUTEX_OPERATION, wake),)) for wake in (FUTEX_WAKE, FUTEX_WAKE_BITSET)]
    rules += [("fcntl", (sc.Arg(1, equal, command),)) for command in ALLOWED_FCNTL]
    rules += [("ioctl", (sc.Arg(1, equal, command),)) for command in ALLOWED_IOCTL]
    rules += [("prctl", (sc.Arg(0, equal, option),)) for option in ALLOWED_PRCTL]
    # Shared anonymous memory is counted by no limit but AS: refuse it by requiring either flag to be absent. What grows
    # downwards counts as a stack, not as data.
    rules += [("mmap", (sc.Arg(3, masked, flag | MAP_GROWSDOWN, 0),)) for flag in (MAP_SHARED, MAP_ANONYMOUS)]
    # O_TMPFILE makes a file without a name. O_CREAT is allowed if it can be: opening an existing file with "w" sets it.
    refused = os.O_TMPFILE & ~os.O_DIRECTORY | (os.O_CREAT if refuses_to_create(confinement.layers) else 0)
    rules += [("open", (sc.Arg(1, masked, refused, 0),)), ("openat", (sc.Arg(2, masked, refused, 0),))]
    answers = [(sc.ALLOW, name, arguments) for name, arguments in rules]
    # The C and C++ libraries wait like this for the end of a thread, say, and wake the same way. They take EAGAIN for
    # "look again", and so go on asking; nobody is found waiting.
    again = sc.ERRNO(errno.EAGAIN)
    answers += [
        (again, "futex", (sc.Arg(1, masked, FUTEX_OPERATION, wait),)) for wait in (FUTEX_WAIT, FUTEX_WAIT_BITSET)
    ]
    if confinement.scratch is not None and "landlock" in confinement.layers:
        own_disk = has_own_disk(confinement)
        answers += [(sc.ALLOW, name, ()) for name in (*MAKING_CALLS, *(REMOVING_CALLS if own_disk else ()))]
        answered_as_done = RIGHTS_AND_TIMES + (() if own_disk else REMOVALS)
        answers += [(sc.ERRNO(0), name, ()) for name in answered_as_done]
        answers.append((sc.ERRNO(errno.ENOTSUP), "listxattr", ()))  # asked before a file is copied
    seccomp_filter = sc.SyscallFilter(sc.ERRNO(errno.ENOSYS))
    for action, name, arguments in answers:
        try:
            seccomp_filter.add_rule(action, name, *arguments)
        except OSError:
            continue  # not a call of this processor or of this libseccomp: then it stays refused
    return seccomp_filter


def choose_identity() -> int:
    """An id (for uids and gids from it upwards) that nothing on this machine uses, in reach of our user namespace.

    Unusual, because RLIMIT_NPROC and "kill everything of that uid" count and hit a uid across containers.
    """
    reach = 1 << 16
    try:
        for line in Path("/proc/self/uid_map").read_text().splitlines():
            inside, _, count = (int(word) for word in line.split())
            reach = max(reach, inside + count)
    except OSError:
        pass  # no user namespaces: the kernel maps everything, 16 bits are always there
    low, high = (1_000_000_000, 2_000_000_000) if reach > 2_000_000_000 else (reach * 2 // 3, reach - 1000)
    used = {uids[0] for _, _, uids, _ in _processes()}
    chooser = random.SystemRandom()
    while True:
        first = chooser.randrange(low, high)
        if not used & set(range(first, first + 1000)):
            return first


def _processes() -> Iterator[tuple[int, int, tuple[int, ...], str]]:
    """(pid, parent's pid, uids: real, effective, saved, file system; state letter) of every process we can see."""
    for entry in Path("/proc").iterdir() if LINUX else ():
        if not entry.name.isdigit():
            continue
        try:
            # The owner of /proc/PID will not do: it is root for a process that is not dumpable.
            status = (entry / "status").read_text()
        except OSError:
            continue
        fields = dict(
            line.split(":", 1) for line in status.splitlines() if line.startswith(("State:", "PPid:", "Uid:"))
        )
        uids = tuple(int(word) for word in fields["Uid"].split())
        yield int(entry.name), int(fields["PPid"]), uids, fields["State"].split()[0]


def processes_of(wanted: range) -> list[int]:
    """Pids of the living processes that have one of these uids as any of their user ids."""
    return [pid for pid, _, uids, state in _processes() if any(uid in wanted for uid in uids) and state not in "ZX"]


def children_of(parent: int) -> list[int]:
    """Pids of the children of `parent`, zombies included."""
    return [pid for pid, found, _, _ in _processes() if found == parent]


def kill_processes_of(uid: int, gid: int, seconds: float = 5.0) -> list[int]:
    """Kill everything that runs as `uid` and return the pids of what is left after `seconds` (normally nothing).

    Call it as root in a process that may fork (the zygote, not the grader).
    """
    deadline = time.monotonic() + seconds
    while True:
        left = processes_of(range(uid, uid + 1))
        if not left or time.monotonic() > deadline:
            return left
        # One kill(-1) from a process of that uid reaches all of them at once: nobody can fork away from it, as
        # from a loop over pids. It spares its caller, whom the others may shoot or stop first: hence the loop.
        helper = os.fork()
        if helper == 0:
            try:
                drop_privileges(uid, gid)
                os.kill(-1, signal.SIGKILL)
            finally:
                os._exit(0)
        for pid in left:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        for _ in range(50):
            time.sleep(0.002)
            if os.waitpid(helper, os.WNOHANG)[0]:
                break
        else:
            os.kill(helper, signal.SIGKILL)
            os.waitpid(helper, 0)
