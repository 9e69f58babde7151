"""The contract between the Docker engine's code and the machine that the engine is on.

The engine is spoken to over its API alone, through ``client``; what else differs between this
machine and one behind SSH is here, and nowhere else.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import docker

    from mldeploy.images.recipe import ImageStep
    from mldeploy.ui import Ui


class Machine(ABC):
    """One computer with a Docker engine. Methods raise errors of :mod:`mldeploy.errors` only."""

    @abstractmethod
    def connect(self) -> docker.DockerClient:
        """A client of its engine, which has answered once. The same one each time."""

    @abstractmethod
    def host(self) -> str:
        """The name or address under which users reach its ports; asks nobody."""

    @abstractmethod
    def holder_of(self, port: int) -> str | None:
        """Who listens on a port of it, in words; None when it is free, or nobody can know."""

    @abstractmethod
    def make(self, steps: Sequence[ImageStep], ui: Ui) -> None:
        """Have these images, the last of which is a release's, on its engine.

        Only what the engine lacks is made. What ends it early, also Ctrl+C, leaves no build at
        work and no half of an image; the next call goes on from what is there.
        """

    @abstractmethod
    def clear(self) -> None:
        """Remove from it what was sent there and is not needed any more; called by a `down`."""

    @abstractmethod
    def make_ready(self, ui: Ui) -> None:
        """Give it what it lacks to run releases; a person is asked before anything is changed."""

    @contextmanager
    def reached(self, url: str) -> Iterator[str]:
        """The address at which this laptop reaches ``url`` of it, as long as the context lasts."""
        yield url

    @abstractmethod
    def keep_reached(self) -> None:
        """Make the way there again if it broke; called now and then while one is held open."""

    @abstractmethod
    def login(self) -> list[str]:
        """The command that opens a shell on it; raises ConfigError where there is no such thing."""
