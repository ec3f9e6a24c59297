"""Fill the disk by files that nobody can see.

Goal: deny
Means: large files that are removed, replaced or only mapped while we keep hold of them; files with holes that are
    filled through memory.
Expected: their bytes count, or they cannot be removed; on a slow disk the time ends first.
Ends: answers, flood, crash, timeout
Scratch: yes
"""

import mmap
import os
import time

from known import attempt

held = []


def hold(number):
    name = f"held{number % 2}"
    with open(name, "w+b", 0) as file:
        if file.write(bytes(1 << 24)) < 1 << 24:
            raise OSError(28, "full")
        held.append(mmap.mmap(file.fileno(), 1 << 24))
    os.replace(name, "other") if number % 3 else os.remove(name)


def fill():
    for number in range(100):
        hold(number)
    time.sleep(1)


def holes():
    for number in range(100):
        with open(f"holes{number}", "w+b") as file:
            file.truncate(1 << 24)
            memory = mmap.mmap(file.fileno(), 1 << 24)
        held.append(memory)
        for place in range(0, 1 << 24, 4096):
            memory[place] = 1


def target(x, outpath=None, remember=None):
    attempt("fill", fill)
    held.clear()
    attempt("holes", holes)
