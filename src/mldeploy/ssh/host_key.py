"""An unknown host: its key is shown, a person is asked, and only then is it written down."""

from __future__ import annotations

import subprocess
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from mldeploy.errors import FailedError, MldeployError
from mldeploy.ssh import trouble
from mldeploy.ssh.address import Address, Resolved, program
from mldeploy.ssh.options import OPTIONS

SECONDS = 60


@dataclass(frozen=True)
class HostKey:
    """``lines`` are for a known_hosts file; ``fingerprint`` is what a person compares."""

    lines: str
    fingerprint: str


def fetch(address: Address, there: Resolved) -> HostKey:
    """The key that the host shows, by the user's own way there (jump hosts too). Logs in nowhere.

    ssh itself fetches it into an empty file of our own: ssh-keyscan knows no jump hosts.
    """
    with tempfile.TemporaryDirectory(prefix="mld-") as folder:
        known = Path(folder, "known_hosts")
        known.touch(mode=0o600)
        said = _knock(
            address,
            "StrictHostKeyChecking=accept-new",
            f"UserKnownHostsFile={known}",
            "GlobalKnownHostsFile=none",
            "HashKnownHosts=no",
        )
        lines = known.read_text(encoding="utf-8")
        if not lines:
            raise trouble.explain(said, address, there)
        shown = subprocess.run(
            ["ssh-keygen", "-l", "-f", str(known)], capture_output=True, text=True, timeout=20
        )
    fingerprints = [" ".join(line.split()[1::2]) for line in shown.stdout.splitlines()]
    return HostKey(lines, ", ".join(fingerprints))


def verify(address: Address, there: Resolved) -> None:
    """Does the host show the key that it is known by? Raises what stands in the way; no login."""
    said = _knock(address, "StrictHostKeyChecking=yes").strip()
    # Nobody is let in like this, and it is said only to who has accepted the key. A jump host
    # that refuses is not the last to speak.
    if said and "permission denied" not in said.splitlines()[-1].lower():
        raise explained(said, address, there)


def explained(said: str, address: Address, there: Resolved) -> MldeployError:
    """What ssh said, with the fingerprint that a person must compare for a host never met."""
    error = trouble.explain(said, address, there)
    if error.code != trouble.UNKNOWN_KEY:
        return error
    try:
        shown = fetch(address, there).fingerprint
    except MldeployError:  # an unknown jump host: of what is behind it nothing is seen yet
        return error
    return trouble.explain(said, address, there, shown)


def learn(
    address: Address, there: Resolved, say: Callable[[str], None], ask: Callable[[str], bool]
) -> bool:
    """Show the key, and write it where the user's ssh looks if ``ask`` says yes; else False."""
    file = _memory(address, there)
    key = fetch(address, there)
    say(f"{address} has never been met from here. It shows this key:")
    say(f"  {key.fingerprint}")
    say("The provider of the machine shows the same one, in its console or its first log.")
    if not ask(f"Is that the key of {there.hostname}?"):
        return False
    write_down(key, file)
    say(f"written to {file}")
    return True


def write_down(key: HostKey, file: Path) -> None:
    file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    before = file.read_text(encoding="utf-8") if file.exists() else ""
    gap = "" if not before or before.endswith("\n") else "\n"
    file.touch(mode=0o600)  # one that is there keeps its own
    with file.open("a", encoding="utf-8") as known:
        known.write(gap + key.lines)


def _memory(address: Address, there: Resolved) -> Path:
    """The file of the user's in which ssh would find the key again."""
    for file in there.known_hosts:
        if file.is_file() or not file.exists():  # /dev/null is neither
            return file
    raise FailedError(
        "ssh-remembers-nothing",
        what=f"The host key of {address} can't be written down.",
        why="Your ssh configuration keeps no file of hosts that were met (UserKnownHostsFile).",
        do=f"in ~/.ssh/config, below Host {address}: UserKnownHostsFile ~/.ssh/known_hosts",
    )


def _knock(address: Address, *options: str) -> str:
    """Connect without any means to log in; what ssh says of that."""
    words = [word for option in options for word in ("-o", option)]
    command = [
        program(), "-S", "none", *OPTIONS, *words,
        "-o", "UpdateHostKeys=no",
        "-o", "BatchMode=yes",
        "-o", "PreferredAuthentications=none",
        *address.words, "true",
    ]  # fmt: skip
    try:
        return subprocess.run(
            command, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=SECONDS
        ).stderr
    except subprocess.TimeoutExpired:
        return "connection timed out"
