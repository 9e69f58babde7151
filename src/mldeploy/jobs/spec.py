"""What is run as a job: a table ``[jobs.NAME]``, which `mldeploy run --task NAME` starts."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import timedelta
from typing import Annotated

import msgspec

NAME = r"[a-z0-9][a-z0-9_-]{0,31}"  # of a task, as of a target
DURATION = r"^[1-9]\d*[smhd]$"
UNKNOWN = "?"  # begins a source that nobody has said yet where it is

Text = Annotated[str, msgspec.Meta(pattern=r"\S")]
Inside = Annotated[str, msgspec.Meta(pattern=r"^(?!/)(?!(.*/)?\.\.(/|$)).*\S")]


@dataclass(frozen=True)
class Mount:
    """Data that a job finds at the absolute path ``at``.

    ``source`` is NAME, NAME/N, s3://BUCKET/PREFIX, or a local path that begins with . or /
    """

    source: str
    at: str


class Task(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A command with all that it needs. ``command`` is one shell string."""

    command: Text
    on: Annotated[str, msgspec.Meta(pattern=f"^{NAME}$")] | None = None  # a target
    gpu: bool = False
    machine_type: Text | None = None  # of a rented machine
    max_runtime: Annotated[str, msgspec.Meta(pattern=DURATION)] | None = None
    message: str = ""
    env: dict[str, str] = {}
    # SOURCE:MOUNT each, as after --data; a source that begins with ? is one to fill in.
    data: tuple[Annotated[str, msgspec.Meta(pattern=r"^\S.*:[^\s:]+$")], ...] = ()
    # A file for pip, in place of the project's locked group `train`.
    requirements: Inside | None = None
    base: Text | None = None  # the image to build on
    python: Annotated[str, msgspec.Meta(pattern=r"^3\.\d{1,2}$")] | None = None
    # The paths that FloydHub had are there: /floyd/home, /floyd/input and /output.
    floyd: bool = False
    # A folder, seen from the code, whose files are kept as well as those in $MLDEPLOY_OUTPUTS.
    outputs: Inside = "outputs"

    @property
    def longest(self) -> timedelta | None:
        """``max_runtime`` as time; None where nothing ends the job but its command."""
        if self.max_runtime is None:
            return None
        unit = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}[self.max_runtime[-1]]
        return timedelta(**{unit: int(self.max_runtime[:-1])})

    @property
    def unanswered(self) -> tuple[str, ...]:
        """The entries of ``data`` of which nobody has said yet where they are."""
        return tuple(each for each in self.data if each.startswith(UNKNOWN))


def is_name(text: str) -> bool:
    """Can a task be called so?"""
    return re.fullmatch(NAME, text) is not None


# What a person is told in place of a pattern, by the key.
EXPECTED = {
    "command": 'one line for the shell, such as "python train.py --epochs 5"',
    "on": 'the name of a target of this file, such as "aws"',
    "gpu": "true or false",
    "max_runtime": 'a duration, such as "90m", "4h" or "2d"',
    "message": 'a text, such as "a smaller learning rate"',
    "data": 'a list of SOURCE:MOUNT, such as ["mnist/2:/input", "./images:/input/images"]',
    "requirements": "the path of a file for pip in this project, such as requirements.txt",
    "python": 'a version of Python, such as "3.11"',
    "floyd": "true or false",
    "outputs": 'a folder in this project, such as "outputs"',
}
