"""Tell the next student by what the zygote remembers of one's workers.

Goal: leak
Means: in hidden checks a worker ends with a status of its choice, of which the process that forks workers makes a note;
    the next student's worker is forked from it, and searches its own memory for that.
Expected: the process has never heard of another submission.
Ends: answers, crash
"""

import ctypes
import os
import re
import time

from known import attempt

STATUS = 93  # stands for a byte of a hidden input
NOTE, GOES_ON = b'{"status": ', b"93,"
PART = 1 << 22


def memory():
    """Copies of what this process may read and write, part by part."""
    with open("/proc/self/maps") as maps:
        for line in maps:
            begin, end, rights = re.match(r"(\w+)-(\w+) (\S+)", line).groups()
            if rights.startswith("rw"):
                for place in range(int(begin, 16), int(end, 16), PART):
                    yield ctypes.string_at(place, min(PART, int(end, 16) - place))


def search():
    """Whether there is a note of a worker that ended so, found within a second or two."""
    began = time.monotonic()
    for part in memory():
        if time.monotonic() > began + 1.5:
            break
        place = part.find(NOTE)
        while place >= 0:
            if part.startswith(GOES_ON, place + len(NOTE)):
                return STATUS
            place = part.find(NOTE, place + 1)
    raise LookupError


attempt("find a status", search)


def target(x, outpath=None):
    if int(x.flatten()[0]) != 1:
        os._exit(STATUS)
