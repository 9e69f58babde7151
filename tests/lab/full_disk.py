"""A small disk, filled to the last bytes and given back."""

from __future__ import annotations

import os
from pathlib import Path

FILLER = "filler"
LARGEST, SMALLEST = 256 * 1024**2, 4096


def free(folder: Path) -> int:
    """Bytes that are free on the disk mounted at ``folder``."""
    found = os.statvfs(folder)
    return found.f_bavail * found.f_frsize


def fill(folder: Path, leave: int) -> None:
    """Take all space on it but ``leave`` bytes."""
    with (folder / FILLER).open("ab") as filler:
        step = LARGEST
        while step >= SMALLEST:
            wanted = min(step, free(folder) - leave)
            if wanted <= 0:
                return
            try:
                os.posix_fallocate(filler.fileno(), filler.seek(0, os.SEEK_END), wanted)
            except OSError:  # room for a piece of this size there is not
                step //= 2


def empty(folder: Path) -> None:
    """Give back what ``fill`` took."""
    (folder / FILLER).unlink(missing_ok=True)
