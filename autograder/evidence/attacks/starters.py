"""The assignment's own starters with an attack at the end of each."""

from __future__ import annotations

from autograder import tasks
from autograder.evidence.attacks.corpus import support
from autograder.repository import STUDENT

# An attack is put into a third of the files; every file meets a third of the attacks.
SHARES = 3
# The attack stands between these; support/take_over.py says what becomes of it.
BEFORE = "\n\nfrom take_over import take_over as _take_over\n\n_starter = set(globals())\n\n\n"
AFTER = '\n\nif "target" in globals():\n    _take_over(globals(), _starter)\n'


def taken_over(text: str, turn: int | None = None) -> dict[str, str]:
    """Name to content of the files of code that are handed in, and of the modules that travel with every attack.

    Args:
        text: as in code/; every function and method of the starters is replaced by its `target`, if it has one.
        turn: which files it is put into, every third one from this, while the others are missing, which costs no
            time; None for all.
    """
    modules = sorted(name for name in tasks.load().files if name.endswith(".py"))
    if turn is not None:
        modules = modules[turn % SHARES :: SHARES]
    starters = {name: (STUDENT / name).read_text(encoding="utf-8") + BEFORE + text + AFTER for name in modules}
    return support() | starters
