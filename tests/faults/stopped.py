"""A real `mldeploy` that gets a signal at one exact moment, too short to be hit from outside.

usage: python -m tests.faults.stopped WHERE WHEN COUNT SIGNAL WORD…

WHERE is `module:name` or `module:Class.name`; the signal comes `before` or `after` the COUNTth call
of it.
"""

from __future__ import annotations

import functools
import importlib
import itertools
import os
import signal
import sys
from typing import Any


def stop_at(where: str, when: str, count: int, number: int) -> None:
    module, _, path = where.partition(":")
    holder: Any = importlib.import_module(module)
    *outer, name = path.split(".")
    for each in outer:
        holder = getattr(holder, each)
    real = getattr(holder, name)
    calls = itertools.count(1)

    @functools.wraps(real)
    def stopped(*args: Any, **options: Any) -> Any:
        mine = next(calls) == count
        if mine and when == "before":
            os.kill(os.getpid(), number)
        found = real(*args, **options)
        if mine and when == "after":
            os.kill(os.getpid(), number)
        return found

    setattr(holder, name, stopped)


if __name__ == "__main__":
    where, when, count, number, *words = sys.argv[1:]
    signal.signal(signal.SIGINT, signal.default_int_handler)
    stop_at(where, when, int(count), signal.Signals[number])

    from mldeploy.cli.main import main

    main(words)
