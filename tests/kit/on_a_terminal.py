"""A pseudo-terminal of a size, for what people see there."""

from __future__ import annotations

import fcntl
import os
import signal
import struct
import subprocess
import termios
from collections.abc import Sequence
from pathlib import Path

ROWS, COLUMNS = 24, 80


def on_a_terminal(command: Sequence[str], folder: Path, interrupt_at: str = "", **variables: str) -> tuple[int, str]:
    """Exit status of a program on a terminal, and all that it wrote, escapes included.

    Args:
        interrupt_at: press Ctrl-C as soon as this has been written.
        variables: of the environment, beside those of this process that say nothing of terminals.
    """
    ours, theirs = os.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", ROWS, COLUMNS, 0, 0))
    of_terminals = ("COLUMNS", "PYTEST", "NO_COLOR", "FORCE_COLOR", "PY_COLORS", "CI")
    environment = {name: value for name, value in os.environ.items() if not name.startswith(of_terminals)}
    environment |= {"TERM": "xterm", "OMP_NUM_THREADS": "1"} | variables
    process = subprocess.Popen(
        command, cwd=folder, env=environment, stdin=theirs, stdout=theirs, stderr=theirs, start_new_session=True
    )
    os.close(theirs)
    written = b""
    while True:
        try:
            piece = os.read(ours, 1 << 16)
        except OSError:  # Linux's way to say that nobody writes any more
            piece = b""
        if not piece:
            break
        written += piece
        if interrupt_at and interrupt_at.encode() in written:
            os.killpg(process.pid, signal.SIGINT)
            interrupt_at = ""
    os.close(ours)
    return process.wait(60), written.decode()
