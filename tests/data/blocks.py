"""Files that are large, quickly made, and the same nowhere."""

from __future__ import annotations

import random
from pathlib import Path

BLOCK = 1_000_000  # bytes


def write_blocks(path: Path, megabytes: int, seed: int = 1) -> Path:
    """So many megabytes of noise: one block of it, which each time begins with its number."""
    block = bytearray(random.Random(seed).randbytes(BLOCK))  # noqa: S311 - the same each time
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("wb") as to:
        for number in range(megabytes):
            block[:8] = number.to_bytes(8, "big")
            to.write(block)
    return path
