"""The exit statuses, the same for every command."""

from enum import IntEnum


class Exit(IntEnum):
    """What a command's exit status says."""

    DONE = 0
    FAILED = 1  # something went wrong on our side
    NOTHING = 2  # bad arguments, or nothing to grade
    LEFT_OUT = 3  # graded, but something that was handed in was left out
    INTERRUPTED = 130
