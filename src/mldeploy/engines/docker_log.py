"""The logs of several containers as one, in the order of time, with or without an end.

Each line has the engine's own stamp, in nanoseconds. A stream that breaks off is taken up behind
the last stamp seen, so that no line is missing or comes twice; no clock but the engine's is asked.
"""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from mldeploy.engines.docker_names import ALIAS, Names
from mldeploy.errors import FailedError, MldeployError

if TYPE_CHECKING:
    import docker
    from docker.models.containers import Container

LOOK_SECONDS = 1.0  # how often to look for replicas that came since


def log_of(
    client: docker.DockerClient,
    names: Names,
    aliases: list[str],
    *,
    role: str = "replica",
    lines: int | None,
    since: datetime | None,
    follow: bool,
) -> Iterator[str]:
    """The last ``lines`` of all of them together; several are told apart by their names."""
    there = _containers(client, names, role)
    shown = [c for c in there if not aliases or c.labels.get(ALIAS) in aliases] or there
    if not shown and not follow:
        raise FailedError(
            "no-log",
            what="There is no log.",
            why="No container of this target is there.",
            do=f"mldeploy up {names.target}",
        )
    several = len(shown) > 1
    written = {each: _stamped(each, lines, since) for each in shown}
    places = {str(each.id): Place.after(written.get(each) or _last(each)) for each in there}
    merged = sorted(
        (stamp, _name(each), text) for each, pairs in written.items() for stamp, text in pairs
    )
    chosen = merged if lines is None else merged[-lines:] if lines else []
    for _, name, text in chosen:
        yield f"{name}  {text}" if several else text
    if follow:
        yield from _follow(client, names, role, places)


@dataclass
class Place:
    """How far a container's log was read: the last stamp, and how many lines had it."""

    stamp: str = ""
    count: int = 0

    @classmethod
    def after(cls, pairs: list[tuple[str, str]]) -> Place:
        place = cls()
        for stamp, _ in pairs:
            place.pass_by(stamp)
        return place

    def pass_by(self, stamp: str) -> None:
        self.count = self.count + 1 if stamp == self.stamp else 1
        self.stamp = stamp

    @property
    def second(self) -> int | None:
        """What the engine is asked for lines since: it takes no finer stamp as it was given.

        None for all: Docker's library refuses a 0.
        """
        if not self.stamp:
            return None
        whole = datetime.fromisoformat(self.stamp[: len("2026-11-23T12:00:00")])
        return int(whole.replace(tzinfo=UTC).timestamp())


def _follow(
    client: docker.DockerClient, names: Names, role: str, places: dict[str, Place]
) -> Iterator[str]:
    """New lines of all that run, and of those that come later; ends when its reader goes."""
    lines: queue.Queue[str] = queue.Queue()
    followed: set[str] = set()
    looked = 0.0
    while True:
        if time.monotonic() - looked > LOOK_SECONDS:
            looked = time.monotonic()
            for container in _containers(client, names, role):
                known = str(container.id)
                if known not in followed and container.status == "running":
                    followed.add(known)
                    words = (container, lines, followed, places.setdefault(known, Place()))
                    threading.Thread(target=_pump, args=words, daemon=True).start()
        with suppress(queue.Empty):
            yield lines.get(timeout=0.2)


def _pump(container: Container, lines: queue.Queue[str], followed: set[str], place: Place) -> None:
    import docker
    import requests
    import urllib3

    # A container that ends, or an engine that goes away, ends its stream: others go on.
    broken = (
        docker.errors.DockerException,
        requests.exceptions.RequestException,
        urllib3.exceptions.HTTPError,
        MldeployError,
        OSError,
    )
    with suppress(*broken):
        kept = b""
        seen = Place(place.stamp, place.count)
        stream = container.logs(stream=True, follow=True, timestamps=True, since=seen.second)
        for chunk in stream:
            *whole, kept = (kept + chunk).split(b"\n")
            for line in whole:
                stamp, _, text = line.decode("utf-8", "replace").partition(" ")
                if is_old(stamp, seen):
                    continue
                place.pass_by(stamp)
                lines.put(f"{_name(container)}  {text}")
    followed.discard(str(container.id))  # a replica that starts again is followed again


def is_old(stamp: str, seen: Place) -> bool:
    """Was this line seen before the stream began? Counts those of the very last stamp down."""
    if stamp != seen.stamp:
        return stamp < seen.stamp
    seen.count -= 1
    return seen.count >= 0


def _stamped(
    container: Container, lines: int | None, since: datetime | None
) -> list[tuple[str, str]]:
    """Stamp and text of each line."""
    import docker

    tail: Any = "all" if lines is None else lines
    text = ""
    with suppress(docker.errors.NotFound):  # a replica that has just ended
        text = container.logs(timestamps=True, tail=tail, since=since).decode("utf-8", "replace")
    pairs = (line.partition(" ") for line in text.removesuffix("\n").split("\n") if line)
    return [(stamp, rest) for stamp, _, rest in pairs]


def _last(container: Container) -> list[tuple[str, str]]:
    """Of a container of which nothing is shown, or nothing is there to show."""
    return _stamped(container, 1, None)


def _containers(client: docker.DockerClient, names: Names, role: str) -> list[Container]:
    return list(client.containers.list(all=True, filters=names.ours(role), ignore_removed=True))


def _name(container: Container) -> str:
    return str(container.labels.get(ALIAS, "edge"))
