"""What one `floyd run` asked for, wherever it was written: in floyd.yml or on a command line."""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from typing import Literal

Machine = Literal["cpu", "cpu2", "gpu", "gpu2"]
MACHINES: tuple[Machine, ...] = ("cpu", "gpu", "cpu2", "gpu2")
MODES = ("job", "serve", "jupyter")
MOST_INPUTS = 5
MOUNT = r"/?[A-Za-z0-9_.-]+/?"  # a name, not a path: mounts were never inside of each other


@dataclass(frozen=True)
class Input:
    """Data of FloydHub's, such as ``mckay/datasets/mnist/1``, and the name of its mount."""

    source: str
    mount: str

    @property
    def at(self) -> str:
        """Where a job found it."""
        return f"/floyd/input/{self.mount}"


@dataclass(frozen=True)
class Asked:
    """None where nothing was said of it. ``max_runtime`` is in seconds."""

    machine: Machine | None = None
    env: str | None = None
    command: str | None = None
    description: str | None = None
    max_runtime: int | None = None
    mode: str | None = None
    input: tuple[Input, ...] | None = None

    def over(self, below: Asked) -> Asked:
        """What is said here, and for the rest what is said below."""
        names = [field.name for field in fields(self)]
        said = {name: value for name in names if (value := getattr(self, name)) is not None}
        return replace(below, **said)
