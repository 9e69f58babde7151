"""Is there an engine, may this user speak to it, and if not: what exactly is in the way?"""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mldeploy.doctor.checks import Finding, ok
from mldeploy.engines.docker_client import connect, told, without_password
from mldeploy.errors import FailedError

if TYPE_CHECKING:
    import docker

ANSWER_SECONDS = 15  # for one question; its registry may be the slow one
USUAL_SOCKET = Path("/var/run/docker.sock")
WITHOUT = '     (a target of kind "process" needs no Docker)'


@dataclass(frozen=True)
class Facts:
    """What the engine says of itself; ``asked`` and ``answered`` are our own clock's."""

    info: Mapping[str, Any]
    version: Mapping[str, Any]
    asked: datetime
    answered: datetime


class Reach:
    """The one connection that all checks share; made when the first of them asks.

    ``fresh`` makes one that has more patience, for a fix; whoever asks for it closes it.
    """

    def __init__(self, fresh: Callable[[], docker.DockerClient] = connect) -> None:
        self.fresh = fresh

    @cached_property
    def client(self) -> docker.DockerClient:
        client = self.fresh()
        client.api.timeout = ANSWER_SECONDS
        return client

    @property
    def address(self) -> str:
        """Where it really is connected to; of a socket the client's own name says nothing."""
        socket = getattr(self.client.api.adapters.get("http+docker://"), "socket_path", None)
        return f"unix://{socket}" if socket else without_password(self.client.api.base_url)

    @cached_property
    def facts(self) -> Facts:
        with told():
            version = self.client.version()
            asked = datetime.now(UTC)
            info = self.client.info()
            return Facts(info, version, asked, datetime.now(UTC))


def command() -> Finding:
    """The `docker` command, which we don't use and people do."""
    found = shutil.which("docker")
    if found is None:
        return ok("docker command", "not installed, and not needed: mldeploy speaks to the engine")
    return ok("docker command", f"{found} (mldeploy does not need it)")


def engine(reach: Reach) -> Finding:
    try:
        facts = reach.facts
    except FailedError as error:
        return unreachable(
            error,
            environment=os.environ,
            other_sockets=[path for path in _usual_elsewhere() if _is_socket(path)],
            groups=_groups(),
        )
    name, version = facts.info.get("OperatingSystem"), facts.version.get("Version")
    kind = " (rootless)" if is_rootless(facts.info) else ""
    return ok("engine", f"Docker {version}{kind} on {name}, at {reach.address}")


@dataclass(frozen=True)
class Groups:
    """Of this user: those it was given, and those that this session really has."""

    owner_of_socket: str | None
    given: frozenset[str]
    held: frozenset[str]


def unreachable(
    error: FailedError,
    *,
    environment: Mapping[str, str],
    other_sockets: Iterable[Path],
    groups: Groups,
) -> Finding:
    """The finding for an engine that can't be spoken to, with the remedy that fits this machine."""
    named = environment.get("DOCKER_HOST")
    remedy = error.do
    if error.code == "docker-denied":
        remedy = _to_be_let_in(groups)
    elif _is_about_tls(error.why):
        remedy = (
            "the engine wants TLS: export DOCKER_TLS_VERIFY=1 DOCKER_CERT_PATH=…  "
            "(the folder with ca.pem, cert.pem and key.pem)"
        )
    elif named:
        remedy = f"unset DOCKER_HOST     (it says {without_password(named)})" + WITHOUT
    elif there := next(iter(other_sockets), None):
        remedy = f"export DOCKER_HOST=unix://{there}     (an engine listens there)"
    return Finding("engine", "error", f"{error.what} {error.why}", remedy)


def is_rootless(info: Mapping[str, Any]) -> bool:
    return any("name=rootless" in option for option in info.get("SecurityOptions") or [])


def _to_be_let_in(groups: Groups) -> str:
    group = groups.owner_of_socket or "docker"
    if group in groups.given and group not in groups.held:
        why = "you are in the group, this session is not yet"
        return f"log out and in again, or: newgrp {group}     ({why})"
    if group == "root":
        return "let Docker be started with a group `docker`: sudo groupadd docker, then restart it"
    return (
        f"sudo usermod -aG {group} $USER   then log out and in again     "
        f"(whoever is in `{group}` can become root on this machine; "
        "without that: https://docs.docker.com/engine/security/rootless/)"
    )


def _is_about_tls(why: str) -> bool:
    return any(word in why for word in ("HTTPS server", "CERTIFICATE", "SSLError", "tls:", "TLS"))


def _usual_elsewhere() -> list[Path]:
    """Where engines listen: Docker, rootless Docker, Docker Desktop, Colima, Rancher, OrbStack."""
    runtime = os.environ.get("XDG_RUNTIME_DIR", f"/run/user/{os.getuid()}")
    home = Path.home()
    return [
        USUAL_SOCKET,
        Path(runtime, "docker.sock"),
        home / ".docker/desktop/docker.sock",
        home / ".docker/run/docker.sock",
        home / ".colima/default/docker.sock",
        home / ".rd/docker.sock",
        home / ".orbstack/run/docker.sock",
    ]


def _is_socket(path: Path) -> bool:
    try:
        return path.is_socket()
    except OSError:  # a folder that this user may not look into
        return False


def _groups() -> Groups:
    import grp
    import pwd

    def name_of(number: int) -> str:
        try:
            return grp.getgrgid(number).gr_name
        except KeyError:
            return str(number)

    try:
        user = pwd.getpwuid(os.getuid()).pw_name
    except KeyError:
        user = ""
    try:
        owner = name_of(USUAL_SOCKET.stat().st_gid)
    except OSError:
        owner = None
    given = frozenset(each.gr_name for each in grp.getgrall() if user in each.gr_mem)
    return Groups(owner, given, frozenset(name_of(number) for number in os.getgroups()))
