"""An `ssh` program that leads to this very machine: what is run over there runs here.

It has the few ways of OpenSSH's that we use, and none of its network.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from mldeploy.ssh.address import Address
from mldeploy.ssh.connection import Connection

PROGRAM = """\
#!/bin/sh
for word in "$@"; do
  case "$word" in
    -G) printf '%s\\n' 'hostname 203.0.113.7' 'user me' 'port 22' 'userknownhostsfile /none'; exit;;
    -O) exit 0;;
  esac
  last=$word
done
if [ -e "$SSH_SAYS" ]; then cat "$SSH_SAYS" >&2; exit 255; fi
if [ -e "$HOME/.bashrc" ]; then . "$HOME/.bashrc"; fi
case "$last" in "sh -c "*) last="exec $last";; esac  # who ends us ends it
exec sh -c "$last"
"""


def connect(place: Path, patch: pytest.MonkeyPatch, tell: list[str] | None = None) -> Connection:
    """To the folder ``place``, which is the home over there. Close it.

    ssh fails with what is written to the file ``place/ssh-says``, while that is there.
    """
    programs = place / "bin"
    programs.mkdir(parents=True)
    add_program(place, "ssh", PROGRAM)
    patch.setenv("PATH", f"{programs}:/usr/bin:/bin:/usr/sbin:/sbin")
    patch.setenv("HOME", str(place))
    patch.setenv("XDG_CACHE_HOME", str(place / "cache"))
    patch.setenv("SSH_SAYS", str(place / "ssh-says"))
    patch.setenv("MLDEPLOY_SSH_PATIENCE", "1")
    said = tell if tell is not None else []
    return Connection(Address("box"), asking=False, tell=said.append)


def add_program(place: Path, name: str, text: str) -> None:
    program = place / "bin" / name
    program.write_text(text)
    program.chmod(0o755)
