"""A real `mldeploy` that halts at one exact moment until harm is done; :mod:`harmed` starts it.

usage: python -m tests.faults.halted WHERE WHEN COUNT FOLDER WORD…

At the moment, as in :mod:`tests.faults.stopped`, the file `reached` appears in FOLDER, and once
`go` is there the command goes on.
"""

from __future__ import annotations

import sys
import time
from pathlib import Path

from tests.faults.moment import at

WAIT_SECONDS = 120


def halt(folder: Path) -> None:
    (folder / "reached").touch()
    deadline = time.monotonic() + WAIT_SECONDS
    while not (folder / "go").exists():
        if time.monotonic() > deadline:
            raise TimeoutError("nobody said go")
        time.sleep(0.02)


if __name__ == "__main__":
    where, when, count, folder, *words = sys.argv[1:]
    at(where, when, int(count), lambda: halt(Path(folder)))

    from mldeploy.cli.main import main

    main(words)
