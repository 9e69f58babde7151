"""One exact moment in a command: just before or after the n-th call of something in it."""

from __future__ import annotations

import functools
import importlib
import itertools
from collections.abc import Callable
from typing import Any


def at(where: str, when: str, count: int, act: Callable[[], None]) -> None:
    """Let ``act`` be done ``before`` or ``after`` the ``count``-th call of ``where``.

    That is ``module:name`` or ``module:Class.name``.
    """
    module, _, path = where.partition(":")
    holder: Any = importlib.import_module(module)
    *outer, name = path.split(".")
    for each in outer:
        holder = getattr(holder, each)
    real = getattr(holder, name)
    calls = itertools.count(1)

    @functools.wraps(real)
    def watched(*args: Any, **options: Any) -> Any:
        mine = next(calls) == count
        if mine and when == "before":
            act()
        found = real(*args, **options)
        if mine and when == "after":
            act()
        return found

    setattr(holder, name, watched)
