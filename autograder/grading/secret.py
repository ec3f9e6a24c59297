"""The assignment's secret: all random inputs of the checks are derived from it and the check's name.

With one secret the same submission gets the same score on every machine and in every re-grade; without knowing it,
nobody can work out a hidden check's inputs. It is made at random once, stays out of git and out of every command line,
and travels to Gradescope inside the autograder's zip. Keep it as long as the assignment runs.
"""

from __future__ import annotations

import os
import secrets
from datetime import datetime
from pathlib import Path

from autograder.repository import ROOT

SECRET_FILE = ROOT / "autograder" / "secret.txt"
VARIABLE = "AUTOGRADER_SECRET"
SHORTEST = 16  # characters; fewer could be guessed


class SecretError(Exception):
    """There is no usable secret; the message says what to do."""


def load_secret(file: Path | None = None, create: bool = True) -> str:
    """The secret from `file`, else from the environment variable, else from SECRET_FILE.

    The variable is removed from this process's environment, so that no child inherits it.

    Args:
        create: make SECRET_FILE if there is no secret yet.

    Raises:
        SecretError: there is none, or it is too short.
    """
    from_variable = os.environ.pop(VARIABLE, None)
    if file is None and from_variable is not None:
        return _checked(from_variable, f"the environment variable {VARIABLE}")
    path = SECRET_FILE if file is None else file
    if file is None and create and not path.exists():
        _create(path)
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise SecretError(f"the assignment's secret cannot be read from {path}: {error}") from None
    return _checked(text, str(path))


def renew(path: Path = SECRET_FILE) -> Path | None:
    """Make a new secret; the old one, if there is one, stays beside it, with the date on which it was made in its name.

    Returns:
        Where the old one is now.

    Raises:
        SecretError: it cannot be moved, or no new one can be written.
    """
    aside = None
    if path.exists():
        made = datetime.fromtimestamp(path.stat().st_mtime).date().isoformat()
        names = (f"{path.stem}-{made}{number}{path.suffix}" for number in ("", *(f"-{n}" for n in range(2, 1000))))
        aside = next(place for name in names if not (place := path.with_name(name)).exists())
        try:
            path.rename(aside)
        except OSError as error:
            raise SecretError(f"{path} cannot be moved: {error}") from None
    _create(path)
    return aside


def _create(path: Path) -> None:
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        return  # another grading has just made it
    except OSError as error:
        raise SecretError(f"no secret yet, and none can be written to {path}: {error}; set {VARIABLE}") from None
    with open(descriptor, "w", encoding="ascii") as file:
        file.write(secrets.token_hex(32) + "\n")


def _checked(text: str, source: str) -> str:
    secret = text.strip()
    if len(secret) < SHORTEST:
        raise SecretError(f"the secret in {source} has fewer than {SHORTEST} characters")
    return secret
