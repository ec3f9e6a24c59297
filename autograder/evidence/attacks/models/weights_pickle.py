"""A pickle under the name of the trained weights.

Goal: forge
Means: a file that runs code when unpickled, as torch.load would.
Expected: read as safetensors or not at all.
Row: wrong
"""

import pickle
from pathlib import Path
from typing import Any


class Exploit:
    def __reduce__(self) -> tuple[Any, ...]:
        return (print, ("HOSTILE code ran in the grader",))


def build(file: Path, example: Path) -> None:
    file.write_bytes(pickle.dumps(Exploit()))
