"""A home folder from which `ssh box` gets to a host of the lab, and what it knows of that host."""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.lab.host import Host

PROGRAMS = ("ssh", "scp", "sftp")


@dataclass(frozen=True)
class Laptop:
    """``environment`` is what a program needs so that its `ssh` is this laptop's."""

    home: Path
    alias: str

    @property
    def environment(self) -> dict[str, str]:
        """OpenSSH asks the user database for the home, not HOME: so its programs are wrapped."""
        path = os.pathsep.join([str(self.home / "bin"), os.environ.get("PATH", "")])
        without_agent = {name: value for name, value in os.environ.items() if name != AGENT}
        return without_agent | {"HOME": str(self.home), "PATH": path}

    @property
    def config(self) -> Path:
        return self.home / ".ssh" / "config"

    @property
    def known_hosts(self) -> Path:
        return self.home / ".ssh" / "known_hosts"

    def ssh(
        self, *words: str, timeout: float = 60, connect_seconds: int = 10
    ) -> subprocess.CompletedProcess[str]:
        """Run a command on the host as a program would: without questions."""
        options = ["-o", "BatchMode=yes", "-o", f"ConnectTimeout={connect_seconds}"]
        return subprocess.run(
            ["ssh", *options, self.alias, *words],
            env=self.environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=timeout,
        )


AGENT = "SSH_AUTH_SOCK"  # somebody's own keys have no part in a test


def write_laptop(host: Host, home: Path, *, alias: str, known: bool) -> Laptop:
    laptop = Laptop(home, alias)
    folder = laptop.config.parent
    folder.mkdir(parents=True, mode=0o700)
    key = folder / "id_ed25519"
    shutil.copy(host.key, key)
    key.chmod(0o600)
    write_config(host, laptop.config, alias=alias, key=key, known=known)
    programs = home / "bin"
    programs.mkdir()
    for name in PROGRAMS:
        if real := shutil.which(name):
            words = shlex.join([real, "-F", str(laptop.config)])
            (programs / name).write_text(f'#!/bin/sh\nexec {words} "$@"\n')
            (programs / name).chmod(0o755)
    return laptop


def write_config(host: Host, path: Path, *, alias: str, key: Path, known: bool = True) -> Path:
    """The configuration at ``path``, and known_hosts beside it: empty unless the host is known."""
    known_hosts = path.with_name("known_hosts")
    known_hosts.write_text(f"{host.known_hosts_line}\n" if known else "")
    path.write_text(
        f"""\
Host {alias}
    HostName {host.address}
    User {host.user}
    IdentityFile "{key}"
    IdentitiesOnly yes
    UserKnownHostsFile "{known_hosts}"
    GlobalKnownHostsFile none
"""
    )
    path.chmod(0o600)
    return path
