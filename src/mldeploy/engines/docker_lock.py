"""The lock of a target, where it runs: a volume that only one can have made.

Making a volume is the engine's own test-and-set: a second one of that name is the first one, with
the first one's labels. It needs no image, no folder on the machine and no connection kept open.
A lock of a crashed command stays. On the laptop that made it, a lock of this operating system says
whether that command is gone, and then it is taken over; another laptop's is only named.
"""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

from mldeploy import locks
from mldeploy.engines.docker_names import HOST, Names
from mldeploy.errors import RefusedError
from mldeploy.who import laptop, user_and_host

if TYPE_CHECKING:
    import docker

WHAT = "This target is being changed by somebody else."


@contextmanager
def held(client: docker.DockerClient, names: Names, here: Path, action: str) -> Iterator[None]:
    """Hold the target for one action; ``here`` is the folder of this laptop's own lock."""
    with locks.held(here / "lock", action, what=WHAT):
        if _is_ours(facts := _facts(client, names)):
            _remove(client, names)  # ours, and whoever made it no longer holds `here`
        nonce = secrets.token_hex(8)
        labels = names.labels(
            "lock",
            who=user_and_host(),
            pid=str(os.getpid()),
            action=action,
            at=locks.now(),
            nonce=nonce,
        )
        made = client.volumes.create(names.lock, labels=labels)
        facts = made.attrs.get("Labels") or {}
        if facts.get("mldeploy.nonce") != nonce:
            raise refused(names, facts)
        try:
            yield
        finally:
            try:
                _remove(client, names)
            except KeyboardInterrupt:  # just then: it would lock out every other laptop
                _remove(client, names)
                raise


def refuse_if_held(client: docker.DockerClient, names: Names, here: Path) -> None:
    locks.refuse_if_held(here / "lock", what=WHAT)
    facts = _facts(client, names)
    if facts and not _is_ours(facts):
        raise refused(names, facts)


def break_it(client: docker.DockerClient, names: Names, here: Path) -> str | None:
    """Remove the lock, whoever made it; refused while a command of this laptop holds it."""
    locks.refuse_if_held(here / "lock", what=WHAT)
    facts = _facts(client, names)
    if facts is None:
        return None
    _remove(client, names)
    return _holder(facts)


def refused(names: Names, facts: dict[str, str]) -> RefusedError:
    return locks.refused(
        WHAT,
        f"{_holder(facts)}.",
        "wait for it; if that command is surely gone: mldeploy unlock " + names.target,
    )


def _holder(facts: dict[str, str]) -> str:
    who, pid, action, at = (facts.get(f"mldeploy.{n}", "?") for n in ("who", "pid", "action", "at"))
    return f"{who} (pid {pid}) has been at `{action}` since {at}"


def _facts(client: docker.DockerClient, names: Names) -> dict[str, str] | None:
    import docker

    try:
        return dict(client.volumes.get(names.lock).attrs.get("Labels") or {})
    except docker.errors.NotFound:
        return None


def _is_ours(facts: dict[str, str] | None) -> bool:
    return facts is not None and facts.get(HOST) == laptop()


def _remove(client: docker.DockerClient, names: Names) -> None:
    import docker

    with suppress(docker.errors.NotFound):
        client.volumes.get(names.lock).remove()
