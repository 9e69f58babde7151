"""What a user writes after `ssh`, and what the user's ssh configuration makes of it."""

from __future__ import annotations

import re
import subprocess
from dataclasses import dataclass
from pathlib import Path

from mldeploy.errors import ConfigError, FailedError

CONFIG_SECONDS = 20  # `Match exec` in a configuration runs programs


@dataclass(frozen=True)
class Address:
    """``destination`` is ``host`` or ``user@host``; ``port`` is None where ssh is to find it.

    ``options`` are words for ssh, for a machine that the user's configuration knows nothing of.
    """

    destination: str
    port: int | None = None
    options: tuple[str, ...] = ()

    @property
    def words(self) -> list[str]:
        """The end of an ssh command line, before the remote command."""
        port = ["-p", str(self.port)] if self.port is not None else []
        return [*self.options, *port, "--", self.destination]

    def __str__(self) -> str:
        return self.destination + (f":{self.port}" if self.port is not None else "")


@dataclass(frozen=True)
class Resolved:
    """What `ssh -G` says: where it would connect to, as whom, and the files it knows hosts from.

    ``through`` is the jump host or the proxy's command on the way there, if there is one.
    """

    hostname: str
    user: str
    port: int
    known_hosts: tuple[Path, ...]
    alias: str  # the name that a host key is looked up by, where it isn't the host name
    through: str = ""

    @property
    def known_as(self) -> str:
        """As this host stands in a known_hosts file."""
        name = self.alias or self.hostname
        return name if self.port == 22 or self.alias else f"[{name}]:{self.port}"


def parse(host: str) -> Address:
    """``ubuntu@203.0.113.7:2222``, ``box``; raises ConfigError for a port that is none."""
    name, separator, port = host.rpartition(":")
    if not separator:
        return Address(host)
    if not 1 <= int(port) <= 65535:
        raise ConfigError(
            "invalid-config",
            what=f"{host} has no port that exists.",
            why=f"{port} is not between 1 and 65535.",
            do="mend `host` in mldeploy.toml",
        )
    return Address(name, int(port))


def resolve(address: Address) -> Resolved:
    """Ask ssh itself: `Host` patterns, `Include` and `Match` are its business. Sends nothing."""
    try:
        done = subprocess.run(
            [program(), "-G", *address.words],
            capture_output=True,
            text=True,
            timeout=CONFIG_SECONDS,
        )
    except subprocess.TimeoutExpired as error:
        raise _bad_configuration(f"It took more than {CONFIG_SECONDS} s to read.") from error
    if done.returncode != 0:
        raise _bad_configuration(done.stderr.strip()[-300:])
    return read(done.stdout)


def read(printed: str) -> Resolved:
    """Of the lines that `ssh -G` prints."""
    found: dict[str, str] = {}
    for line in printed.splitlines():
        key, _, value = line.partition(" ")
        found.setdefault(key.lower(), value)

    def said(key: str) -> str:
        return "" if found.get(key, "none") == "none" else found[key]

    return Resolved(
        hostname=found["hostname"],
        user=found["user"],
        port=int(found["port"]),
        known_hosts=tuple(
            Path(one).expanduser()
            for one in re.split(r" (?=[/~])", found.get("userknownhostsfile", "none"))
            if one != "none"
        ),
        alias=said("hostkeyalias"),
        through=said("proxyjump") or said("proxycommand"),
    )


def program() -> str:
    """The system's ssh; raises FailedError where there is none."""
    import shutil

    if found := shutil.which("ssh"):
        return found
    raise FailedError(
        "no-ssh",
        what="There is no `ssh` program here.",
        why="mldeploy reaches other machines with the system's own ssh, and its configuration.",
        do="sudo apt install openssh-client   (on Windows: Settings, Optional features, OpenSSH)",
    )


def _bad_configuration(why: str) -> ConfigError:
    return ConfigError(
        "ssh-configuration",
        what="ssh can't read its configuration.",
        why=why,
        do="mend ~/.ssh/config, then try: ssh -G HOST",
    )
