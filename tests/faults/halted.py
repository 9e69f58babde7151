"""A real `mldeploy` that halts at one exact moment until harm is done; :mod:`harmed` starts it.

usage: python -m tests.faults.halted WHERE WHEN COUNT FOLDER WORD…

At the moment, as in :mod:`tests.faults.stopped`, the file `reached` appears in FOLDER, and once
`go` is there the command goes on.
"""

from __future__ import annotations

import functools
import importlib
import itertools
import sys
import time
from pathlib import Path
from typing import Any

WAIT_SECONDS = 120


def halt_at(where: str, when: str, count: int, folder: Path) -> None:
    module, _, path = where.partition(":")
    holder: Any = importlib.import_module(module)
    *outer, name = path.split(".")
    for each in outer:
        holder = getattr(holder, each)
    real = getattr(holder, name)
    calls = itertools.count(1)

    @functools.wraps(real)
    def halted(*args: Any, **options: Any) -> Any:
        mine = next(calls) == count
        if mine and when == "before":
            halt(folder)
        found = real(*args, **options)
        if mine and when == "after":
            halt(folder)
        return found

    setattr(holder, name, halted)


def halt(folder: Path) -> None:
    (folder / "reached").touch()
    deadline = time.monotonic() + WAIT_SECONDS
    while not (folder / "go").exists():
        if time.monotonic() > deadline:
            raise TimeoutError("nobody said go")
        time.sleep(0.02)


if __name__ == "__main__":
    where, when, count, folder, *words = sys.argv[1:]
    halt_at(where, when, int(count), Path(folder))

    from mldeploy.cli.main import main

    main(words)
