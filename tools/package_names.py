"""`python -m tools.package_names`: writes autograder/door/package_names.py anew from requirements/base.txt.

The names under which packages are imported are not those under which they are installed; what is installed here tells.
"""

import re
import sys
import textwrap
from importlib.metadata import packages_distributions
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
LOCK = ROOT / "requirements" / "base.txt"
MODULE = ROOT / "autograder" / "door" / "package_names.py"
HEADER = '''"""What the packages of requirements/base.txt are imported as, by `python -m tools.package_names`."""

NAMES = {{
{names},
}}  # fmt: skip
'''


def locked() -> set[str]:
    """The packages of the lock, on whatever system: names in their normal form."""
    lines = LOCK.read_text(encoding="utf-8").splitlines()
    return {normal(line.split("==")[0]) for line in lines if not line.startswith("#")}


def normal(package: str) -> str:
    return re.sub(r"[-_.]+", "-", package).lower()


def import_names() -> dict[str, set[str]]:
    """Installed package, its name in normal form, to the names of its modules at the top."""
    found: dict[str, set[str]] = {}
    for module, packages in packages_distributions().items():
        for package in packages:
            found.setdefault(normal(package), set()).add(module.partition("/")[0])
    return found


def text() -> str:
    """What MODULE should say. A package that is not installed here is taken to be imported by its own name."""
    installed = import_names()
    names = sorted(set().union(*(installed.get(package, {package.replace("-", "_")}) for package in locked())))
    quoted = ", ".join(f'"{name}"' for name in names)
    lines = textwrap.wrap(quoted, 110, initial_indent=" " * 4, subsequent_indent=" " * 4)
    return HEADER.format(names="\n".join(lines))


def main() -> int:
    MODULE.write_text(text(), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
