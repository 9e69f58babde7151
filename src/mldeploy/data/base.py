"""The contract of what keeps versions, and what a job gets of it.

The layout is the same everywhere: ``objects/<sha256>``, ``versions/<name>/<N>.json`` and, while a
push is on its way, ``drafts/<digest>.json``: what a draft lists is not cleared away.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from mldeploy.data.progress import Progress
from mldeploy.data.scan import Local
from mldeploy.data.versions import Manifest


@dataclass(frozen=True)
class Bind:
    """``source`` is an absolute path on the machine of the job, to be seen at ``at`` in it.

    ``version`` and ``digest`` say for the job's record what lies there.
    """

    source: str
    at: str
    version: str = ""
    digest: str = ""


class Store(ABC):
    """Versions of data at one place; ``called`` is where, such as "on box" or "in s3://my-data",
    ``typed`` what one types for it.

    Methods raise errors of :mod:`mldeploy.errors`. A number is never given twice, also not after
    its version was removed.
    """

    called: str
    typed: str

    @abstractmethod
    def manifests(self, name: str | None = None) -> list[Manifest]:
        """Every version, or those of one name; oldest first."""

    @abstractmethod
    def next_number(self, name: str) -> int:
        """One more than the highest that was ever given."""

    @abstractmethod
    def draft(self, manifest: Manifest) -> None:
        """Say what is going to come: from now on nobody clears it away."""

    @abstractmethod
    def lacking(self, objects: Mapping[str, int]) -> set[str]:
        """Which of these hashes are not here whole."""

    @abstractmethod
    def send(self, files: Sequence[Local], progress: Progress) -> None:
        """Have these here, each proved by its hash after it arrived.

        What was cut off goes on where it was. ``progress`` counts what is sent, and what is not
        sent again as there already.
        """

    @abstractmethod
    def publish(self, manifest: Manifest) -> bool:
        """Let everybody see it under its number, at once and whole; False if that is taken."""

    @abstractmethod
    def fetch(self, objects: Mapping[str, int], into: Path, progress: Progress) -> None:
        """Have files of these hashes in a folder here, proved; what is there whole stays.

        A file that is not whole is ``<sha256>.part``; it goes on where it was.
        """

    @abstractmethod
    def remove(self, manifest: Manifest) -> int:
        """Remove a version and the objects that nothing else needs; the bytes that are free now."""


def newest(manifests: Sequence[Manifest], name: str, number: int | None) -> Manifest | None:
    """That version, or the one with the highest number."""
    found = [
        one for one in manifests if one.name == name and number in (None, one.number)
    ]  # fmt: skip
    return max(found, key=lambda one: one.number, default=None)
