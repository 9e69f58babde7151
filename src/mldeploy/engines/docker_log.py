"""The logs of several containers as one, in the order of time, with or without an end."""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from datetime import datetime
from typing import TYPE_CHECKING, Any

from mldeploy.engines.docker_names import ALIAS, Names
from mldeploy.errors import FailedError

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
    written = sorted(line for each in shown for line in _stamped(each, lines, since))
    chosen = written if lines is None else written[-lines:] if lines else []
    for _, name, text in chosen:
        yield f"{name}  {text}" if several else text
    if follow:
        yield from _follow(client, names, role)


def _follow(client: docker.DockerClient, names: Names, role: str) -> Iterator[str]:
    """New lines of all that run, and of those that come later; ends when its reader goes."""
    lines: queue.Queue[str] = queue.Queue()
    followed: set[str] = set()
    began = {"": time.time()}  # and, by container, when its last stream ended
    looked = 0.0
    while True:
        if time.monotonic() - looked > LOOK_SECONDS:
            looked = time.monotonic()
            for container in _containers(client, names, role):
                known = str(container.id)
                if known not in followed and container.status == "running":
                    followed.add(known)
                    words = (container, lines, followed, began)
                    threading.Thread(target=_pump, args=words, daemon=True).start()
        with suppress(queue.Empty):
            yield lines.get(timeout=0.2)


def _pump(
    container: Container, lines: queue.Queue[str], followed: set[str], began: dict[str, float]
) -> None:
    import docker
    import requests

    # A container that ends, or an engine that goes away, ends its stream: others go on.
    with suppress(docker.errors.DockerException, requests.exceptions.RequestException, OSError):
        kept = b""
        start = began.get(str(container.id), began[""])
        for chunk in container.logs(stream=True, follow=True, since=int(start)):
            *whole, kept = (kept + chunk).split(b"\n")
            for line in whole:
                lines.put(f"{_name(container)}  {line.decode('utf-8', 'replace')}")
    began[str(container.id)] = time.time()
    followed.discard(str(container.id))  # a replica that starts again is followed again


def _stamped(
    container: Container, lines: int | None, since: datetime | None
) -> list[tuple[str, str, str]]:
    tail: Any = "all" if lines is None else lines
    text = container.logs(timestamps=True, tail=tail, since=since).decode("utf-8", "replace")
    pairs = (line.partition(" ") for line in text.splitlines())
    return [(stamp, _name(container), rest) for stamp, _, rest in pairs]


def _containers(client: docker.DockerClient, names: Names, role: str) -> list[Container]:
    return list(client.containers.list(all=True, filters=names.ours(role), ignore_removed=True))


def _name(container: Container) -> str:
    return str(container.labels.get(ALIAS, "edge"))
