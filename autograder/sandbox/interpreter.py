"""Where the worker's Python lives, and a copy of it for when the student's uid could not read it there.

Every module that student code imports lazily is opened *after* the worker has become an unprivileged user. A Python
below a home of mode 0700 (pyenv under /root, say) is closed to that user from then on. Such directories, and only
those, are mirrored once into a root-owned, world-readable cache, by hard links where the file system allows it.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import site
import stat
import sys
import sysconfig
from dataclasses import dataclass
from pathlib import Path

from autograder.scratch import temporary_folder

# Parts of a standard library that no student code needs; the static library alone outweighs the rest.
LEFT_OUT = {"site-packages", "dist-packages", "test", "tests", "idlelib", "turtledemo", "ensurepip", "tkinter"}


@dataclass(frozen=True)
class Runtime:
    """The Python that a worker sees.

    Attributes:
        home: value of PYTHONHOME, or None if the interpreter finds its own standard library.
        paths: the whole sys.path of a worker, before the submission is added.
    """

    home: Path | None
    paths: tuple[Path, ...]


def cache_folder() -> Path:
    """A folder, private to us for writing, that outlives this process; made if it is missing."""
    base = Path("/var/cache") if os.geteuid() == 0 else Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache"))
    folder = base / "autograder"
    folder.mkdir(mode=0o755, parents=True, exist_ok=True)
    found = folder.stat()
    if found.st_uid != os.geteuid() or found.st_mode & 0o022:
        raise PermissionError(f"{folder} must belong to uid {os.geteuid()} and be writable to nobody else")
    return folder


def standard_library() -> tuple[Path, ...]:
    """Directories of this interpreter's standard library."""
    names = ("stdlib", "platstdlib")
    folders = [Path(sysconfig.get_path(name)) for name in names]
    # A virtual environment's platstdlib is a folder of its own with nothing in it.
    folders = [folder for folder in folders if (folder / "os.py").exists()]
    return tuple(dict.fromkeys([*folders, *(folder / "lib-dynload" for folder in folders)]))


def installed_packages() -> tuple[Path, ...]:
    """Directories of installed packages that this interpreter uses, in the order of its sys.path."""
    known = {*site.getsitepackages(), sysconfig.get_path("purelib"), sysconfig.get_path("platlib")}
    if site.ENABLE_USER_SITE:
        known.add(site.getusersitepackages())
    return tuple(Path(entry) for entry in dict.fromkeys(sys.path) if entry in known and Path(entry).is_dir())


def open_to_others(folder: Path) -> bool:
    """Whether a user without rights of their own can list `folder` and read what lies directly in it."""
    folder = folder.resolve()
    if any(not parent.stat().st_mode & stat.S_IXOTH for parent in folder.parents):
        return False
    if folder.stat().st_mode & 0o005 != 0o005:
        return False
    return all(entry.stat().st_mode & stat.S_IROTH for entry in os.scandir(folder) if not entry.is_symlink())


def find_runtime(for_other_user: bool) -> Runtime:
    """The running interpreter's runtime; with `for_other_user`, mirrored where another user could not read it."""
    library, packages = standard_library(), installed_packages()
    if not for_other_user:
        return Runtime(home=None, paths=(*library, *packages))
    # A link may lie in a folder that others cannot enter, and lead to one that they can.
    library, packages = (tuple(folder.resolve() for folder in folders) for folders in (library, packages))
    home = None
    if not all(open_to_others(folder) for folder in library):
        name = f"python{sys.version_info.major}.{sys.version_info.minor}"
        mirrored = mirror(library[0], Path("lib") / name, LEFT_OUT)
        home = mirrored.parent.parent
        library = (mirrored, mirrored / "lib-dynload")
    packages = tuple(
        folder if open_to_others(folder) else mirror(folder, Path("packages"), {"__pycache__"}) for folder in packages
    )
    return Runtime(home=home, paths=(*library, *packages))


def mirror(source: Path, below: Path, left_out: set[str]) -> Path:
    """A world-readable copy of `source` in the cache, at CACHE/<key>/<below>; an existing, current one is used again.

    The key depends on the names and times of everything directly in `source`, where installing a package shows.
    """
    entries = sorted((entry.name, entry.stat(follow_symlinks=False).st_mtime_ns) for entry in os.scandir(source))
    key = hashlib.sha256(repr((str(source), entries)).encode()).hexdigest()[:20]
    target = cache_folder() / key
    if not target.exists():
        with temporary_folder("mirror", cache_folder(), mode=0o755) as building:
            _copy_readable(source, building / below, left_out)
            try:
                building.rename(target)
            except OSError:
                # Somebody else may have built the same mirror in the meantime; any other failure is ours.
                if not target.exists():
                    raise
    return target / below


def _copy_readable(source: Path, target: Path, left_out: set[str]) -> None:
    """Copy a tree without `left_out` (names at its top) so that everybody may read and nobody else may write it."""
    _make_open_folder(target)
    for entry in os.scandir(source):
        if entry.name in left_out or entry.name.startswith("config-"):
            continue
        copy = target / entry.name
        if entry.is_dir():
            _copy_readable(Path(entry.path), copy, set())
        elif entry.is_file():
            _copy_file(Path(entry.path), copy)


def _make_open_folder(folder: Path) -> None:
    """`mkdir -p` with mode 0755, whatever the umask is."""
    if not folder.exists():
        _make_open_folder(folder.parent)
        folder.mkdir()
        folder.chmod(0o755)


def _copy_file(source: Path, copy: Path) -> None:
    real = source.resolve()
    if real.stat().st_mode & 0o022 == 0 and real.stat().st_mode & stat.S_IROTH:
        try:
            os.link(real, copy)
            return
        except OSError:
            pass  # another file system: copy instead
    shutil.copy2(real, copy)
    copy.chmod(0o644)
