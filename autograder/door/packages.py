"""Which packages code under test may import: those that students are told to install, the same wherever it runs."""

import os
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from importlib.machinery import ModuleSpec, PathFinder
from pathlib import Path
from types import ModuleType

from autograder.door.package_names import NAMES


class PackageFinder(PathFinder):
    """Finds modules as Python does, but only Python's own, those of NAMES, and those that lie in a folder.

    What else happens to be installed is not there on every machine that grades. So it is not there for the code under
    test, nor for the libraries that it uses.

    Attributes:
        folder: of the code under test, or of another one whose modules may be imported.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def find_spec(  # type: ignore[override]  # PathFinder is used as a class
        self, name: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        spec = PathFinder.find_spec(name, path, target)
        if spec is None or path is not None or name in NAMES or name in sys.stdlib_module_names:
            return spec
        places = spec.submodule_search_locations or [spec.origin or os.sep]
        return spec if any(self._allows(Path(os.path.abspath(place))) for place in places) else None

    def _allows(self, place: Path) -> bool:
        library = Path(os.__file__).parent  # some of its modules are called after the platform
        return place.is_relative_to(self.folder) or place.parent in (library, library / "lib-dynload")

    def install(self) -> None:
        """Find modules in place of Python's own finder."""
        sys.meta_path[:] = [self if finder is PathFinder else finder for finder in sys.meta_path]


@contextmanager
def only_packages(folder: Path) -> Iterator[None]:
    """Let nothing else be imported, but for what lies in `folder`."""
    finder = PackageFinder(folder)
    finder.install()
    try:
        yield
    finally:
        sys.meta_path[:] = [PathFinder if found is finder else found for found in sys.meta_path]
