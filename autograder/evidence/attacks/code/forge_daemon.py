"""Leave a process behind that writes results.json after grading.

Goal: forge
Means: fork twice with setsid, vfork and posix_spawn, subprocess, multiprocessing, execv.
Expected: no process can be started; if a kernel lacks seccomp they start, cannot reach the file, and are killed.
"""

import ctypes
import multiprocessing
import os
import subprocess
import sys
import time

from known import FORGED, RESULTS, attempt


def daemon():
    if os.fork():
        return "forked"
    os.setsid()
    if os.fork():
        os._exit(0)
    for _ in range(3000):
        try:
            with open(RESULTS, "w") as file:
                file.write(FORGED)
        except OSError:
            time.sleep(0.1)


def wait():
    time.sleep(300)


attempt("fork", daemon)
attempt("forkpty", os.forkpty)
attempt("libc fork", lambda: 1 / (1 + ctypes.CDLL(None).fork()))
attempt("spawn", lambda: os.posix_spawn("/bin/sh", ["sh", "-c", "sleep 300"], {}))
attempt("subprocess", lambda: subprocess.Popen([sys.executable, "-c", "import time; time.sleep(300)"]))
attempt("shell", lambda: subprocess.Popen("sleep 300", shell=True))
attempt("multiprocessing", multiprocessing.get_context("fork").Process(target=wait).start)
attempt("spawned", multiprocessing.get_context("spawn").Process(target=wait).start)
attempt("exec", lambda: os.execv("/bin/sh", ["sh"]))
attempt("system", lambda: 1 / (os.system("sleep 300 &") != -1 and os.system("true") == 0))
