"""A torch checkpoint (zip with a pickle) under the name of the trained weights.

Goal: forge
Means: the zip that torch.save writes, with a hostile pickle and a bomb inside.
Expected: read as safetensors or not at all.
Row: wrong
"""

import pickle
import zipfile
from pathlib import Path
from typing import Any


class Exploit:
    def __reduce__(self) -> tuple[Any, ...]:
        return (print, ("HOSTILE code ran in the grader",))


def build(file: Path, example: Path) -> None:
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("archive/data.pkl", pickle.dumps(Exploit()))
        archive.writestr("archive/data/0", bytes(64 << 20))
