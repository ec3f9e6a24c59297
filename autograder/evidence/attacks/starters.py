"""The assignment's own starters with an attack at the end of each."""

from __future__ import annotations

from autograder import tasks
from autograder.evidence.attacks.corpus import support
from autograder.release.starter import make_starter
from autograder.repository import SOLUTION

# The attack stands between these; support/take_over.py says what becomes of it.
BEFORE = "\n\nfrom take_over import take_over as _take_over\n\n_starter = set(globals())\n\n\n"
AFTER = '\n\nif "target" in globals():\n    _take_over(globals(), _starter)\n'


def taken_over(text: str) -> dict[str, str]:
    """Name to content of the files of code that are handed in, and of the modules that travel with every attack.

    Args:
        text: as in code/; every function and method of the starters is replaced by its `target`, if it has one.
    """
    modules = {task.file for task in tasks.load().tasks if task.file.endswith(".py")}
    sources = {name: (SOLUTION / name).read_text(encoding="utf-8") for name in modules}
    starters = {name: make_starter(source, name).text + BEFORE + text + AFTER for name, source in sources.items()}
    return support() | starters
