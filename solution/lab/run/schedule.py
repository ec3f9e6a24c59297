"""In which order parts run, how many at a time, and how long that should take (provided)."""

import heapq
from collections.abc import Collection
from graphlib import TopologicalSorter

from lab.files import wrapped
from lab.run.part import Part

# More processes than this would wait for the longest training, and take memory.
MOST_PROCESSES = 4
# The matrices are small: more threads than this would wait for one another.
MOST_THREADS = 4
MOST_ROWS = 12  # of a plan


def share_out(cores: int, processes: int | None = None) -> tuple[int, int]:
    """How many parts run at a time, as was asked for or else one on each core, and with how many threads each.

    Cores that are left when there is no use for another process become threads: the longest training is then what
    everything waits for.
    """
    processes = processes or min(cores, MOST_PROCESSES)
    return processes, max(1, min(cores // processes, MOST_THREADS))


def urgency(part: Part, parts: list[Part]) -> float:
    """Seconds from the start of a part to the end of the longest chain of parts that wait for it."""
    return part.seconds + max((urgency(other, parts) for other in parts if part.name in other.needs), default=0.0)


def timetable(parts: list[Part], processes: int) -> list[tuple[float, float, str]]:
    """When each part should begin and end, in seconds, and its name; what is not among the parts is finished."""
    wanted = {part.name: part for part in parts}
    order = TopologicalSorter({part.name: [need for need in part.needs if need in wanted] for part in parts})
    order.prepare()
    now, ready, rows = 0.0, [], []
    running: list[tuple[float, str]] = []  # a heap: when each ends
    while order.is_active():
        ready = sorted([*ready, *order.get_ready()], key=lambda name: urgency(wanted[name], parts))
        while ready and len(running) < processes:
            name = ready.pop()
            rows.append((now, now + wanted[name].seconds, name))
            heapq.heappush(running, (rows[-1][1], name))
        now, name = heapq.heappop(running)
        order.done(name)
    return rows


def plan(parts: list[Part], finished: Collection[str], cores: int, processes: int, threads: int) -> str:
    """What a run would do, for the terminal."""
    # Processes that share a core wait for one another.
    slower = max(1.0, min(processes, len(parts)) * threads / cores)
    rows = [(slower * begin, slower * end, name) for begin, end, name in timetable(parts, processes)]
    seconds = max((end for _, end, _ in rows), default=0)
    # The longest ones get a line each, as many as a small window has room for.
    longest = {name for _, _, name in sorted(rows, key=lambda row: row[0] - row[1])[:MOST_ROWS]}
    others = [name for _, _, name in rows if name not in longest]
    of_each = "a thread each" if threads == 1 else f"{threads} threads each"
    lines = [
        f"{cores} processor core{'s'[: cores > 1]} to use: {processes} part{'s'[: processes > 1]} at a time, {of_each}",
        f"{len(parts)} parts to run, {len(finished)} finished; about {seconds:.0f} s",
        "",
        *(f"  {begin:6.0f} s to {end:4.0f} s  {name}" for begin, end, name in rows if name in longest),
        *(
            wrapped("  and ", f"{len(others)} shorter one{'s'[: len(others) != 1]}: {', '.join(others)}")
            if others
            else []
        ),
    ]
    return "\n".join(lines)
