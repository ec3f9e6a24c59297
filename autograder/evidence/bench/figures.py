"""What a bench found: figures with their spread, a table of them, and what got worse since they were last recorded.

A document of figures, bench.json, is {"machine": what they were measured on, "figures": {bench: {figure: Figure}}}.
"""

from __future__ import annotations

import os
import platform
import re
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

# Changes below this are noise, however alike the runs were: another day, another layout of memory.
LEAST_NOISE = 0.05
LIBRARIES = ("torch", "numpy", "scipy", "scikit-learn")
RATIO = ""  # the unit of a ratio, which may be compared with that of another machine
BEGIN, END = "<!-- bench.json -->\n", "<!-- end of bench.json -->\n"


@dataclass(frozen=True)
class Measured:
    """Something measured several times; less is better.

    Attributes:
        unit: "s", "ms", "MiB", ...; RATIO for the quotient of two things that were measured in one run.
        low, high: the quartiles of the runs.
    """

    median: float
    low: float
    high: float
    unit: str
    runs: int

    @property
    def noise(self) -> float:
        """Half the distance of the quartiles, as a share of the median."""
        return (self.high - self.low) / 2 / self.median if self.median else 0.0


Figures = Mapping[str, Measured]


def figure(runs: Sequence[float], unit: str) -> Measured:
    """The median of some runs, with its spread."""
    low, _, high = statistics.quantiles(runs, method="inclusive") if len(runs) > 1 else [*runs] * 3
    return Measured(statistics.median(runs), low, high, unit, len(runs))


def ratio(runs: Sequence[float], others: Sequence[float]) -> Measured:
    """How much one thing takes of another: pair by pair, because each pair saw the same machine."""
    return figure([run / other for run, other in zip(runs, others, strict=True)], RATIO)


def machine() -> dict[str, Any]:
    """What figures depend on: processor, cores, threads (one, unless OMP_NUM_THREADS says more), versions."""
    versions = {"python": platform.python_version()}
    for library in LIBRARIES:
        try:
            versions[library] = version(library)
        except PackageNotFoundError:
            continue
    return {
        "processor": processor(),
        "cores": len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count(),
        "threads": int(os.environ.get("OMP_NUM_THREADS", "1")),
        "system": f"{platform.system()} {platform.machine()}",
        "versions": versions,
    }


def processor(cpuinfo: Path = Path("/proc/cpuinfo")) -> str:
    """The processor's name as it gives it itself."""
    found = re.search(r"^model name\s*: (.+)$", cpuinfo.read_text(), re.MULTILINE) if cpuinfo.is_file() else None
    return found.group(1).strip() if found else platform.processor() or platform.machine()


def read(document: Mapping[str, Any]) -> dict[str, dict[str, Measured]]:
    """The figures of a document, by bench; none where it has none that can be read."""
    try:
        return {
            bench: {name: Measured(**values) for name, values in figures.items()}
            for bench, figures in document.get("figures", {}).items()
        }
    except (AttributeError, TypeError):  # from before these figures
        return {}


def joined(document: Mapping[str, Any], benches: Mapping[str, Figures], here: Mapping[str, Any]) -> dict[str, Any]:
    """A document with new figures; others stay if they were measured on the same machine."""
    kept = document.get("figures", {}) if document.get("machine") == here and read(document) else {}
    new = {bench: {name: asdict(value) for name, value in figures.items()} for bench, figures in benches.items()}
    return {"machine": dict(here), "figures": {**kept, **new}}


def worse(new: Measured, old: Measured, same_machine: bool) -> float:
    """By what share a figure got worse, where that is more than noise; 0 if it did not, or cannot be compared."""
    if old.unit != new.unit or not (same_machine or new.unit == RATIO) or not old.median:
        return 0.0
    change = new.median / old.median - 1
    return change if change > max(LEAST_NOISE, new.noise + old.noise) else 0.0


def regressions(new: Mapping[str, Any], old: Mapping[str, Any]) -> list[str]:
    """A line for each figure of a document that got worse than in another by more than noise."""
    same, before = new["machine"] == old.get("machine"), read(old)
    return [
        f"{bench}: {name}: {shown(value)}, was {shown(before[bench][name])}: {share:.0%} worse"
        for bench, figures in read(new).items()
        for name, value in figures.items()
        if name in before.get(bench, {}) and (share := worse(value, before[bench][name], same))
    ]


def shown(value: Measured) -> str:
    """A figure with its unit: three digits."""
    digits = 2 if value.median < 10 else 1 if value.median < 100 else 0
    return f"{value.median:.{digits}f} {value.unit}".rstrip()


def table(document: Mapping[str, Any]) -> str:
    """The figures of a document as text, at most 80 columns, under a line about the machine."""
    on = document["machine"]
    versions = ", ".join(f"{name} {number.partition('+')[0]}" for name, number in on["versions"].items())
    lines = [f"{on['processor']}, {on['cores']} cores", versions, "", f"{'':<52}{'median':>12}{'spread':>9}{'runs':>6}"]
    for bench, figures in read(document).items():
        for name, value in figures.items():
            spread = f"±{value.noise:.0%}" if value.runs > 1 else "?"
            lines.append(f"{f'{bench}: {name}'[:51]:<52}{shown(value):>12}{spread:>9}{value.runs:>6}")
    return "\n".join(line[:80].rstrip() for line in lines)


def in_page(page: str, document: Mapping[str, Any]) -> str:
    """A page of Markdown with the table between its two marks; as it is, if it has none."""
    before, mark, rest = page.partition(BEGIN)
    _, end, after = rest.partition(END)
    return f"{before}{BEGIN}```text\n{table(document)}\n```\n{END}{after}" if mark and end else page
