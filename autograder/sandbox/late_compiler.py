"""Keeps torch's compiler out of workers that do not compile: it saves each that trains 100 MiB and over a second.

torch's optimisers import `torch._dynamo` when they are first used, only to tell it to leave them alone. A module that
does nothing when told so stands in for it here. Asked for anything else, it loads the real one and passes that on.
"""

from __future__ import annotations

import importlib
import sys
import types
from collections.abc import Callable
from typing import Any

NAME = "torch._dynamo"


class LateCompiler(types.ModuleType):
    """Stands for torch._dynamo until more of it is needed than these two functions."""

    def disable(self, function: Callable[..., Any] | None = None, *_: Any, **__: Any) -> Callable[..., Any]:
        """Mark a function as one not to be compiled: nothing is. Without a function: a decorator that does so."""
        return (lambda decorated: decorated) if function is None else function

    def graph_break(self, *_: Any, **__: Any) -> None:
        """End what is being compiled: nothing is."""

    def __getattr__(self, name: str) -> Any:
        # `inspect` asks every module for its file, in the midst of other imports. Submodules need the path.
        if name.startswith("__") and name != "__path__":
            raise AttributeError(name)
        if sys.modules.get(NAME) is self:
            del sys.modules[NAME]
        # From here on torch and all later imports have the real one.
        return getattr(importlib.import_module(NAME), name)


def delay_compiler() -> None:
    """Put the stand-in in place, if torch has been imported and its compiler has not."""
    torch: Any = sys.modules.get("torch")
    if torch is not None and NAME not in sys.modules:
        sys.modules[NAME] = torch._dynamo = LateCompiler(NAME)
