"""The boot of a machine that was just rented, watched while the release is being built."""

from __future__ import annotations

import socket
import subprocess
import threading
import time
from dataclasses import dataclass, field

from mldeploy.errors import FailedError, MldeployError
from mldeploy.providers.base import Owner, Provider, Rented

LOOK_SECONDS = 2.0


@dataclass
class Boot:
    """Watches in a thread. ``moments`` are what was seen, by the clock of `time.monotonic`."""

    provider: Provider
    owner: Owner
    moments: list[tuple[float, str]] = field(default_factory=list)
    rented: Rented | None = None
    _trouble: MldeployError | None = None

    def __post_init__(self) -> None:
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True, name="boot")

    def start(self) -> Boot:
        self._mark("rented")
        self._thread.start()
        return self

    def stop(self) -> None:
        self._stopped.set()

    def wait(self) -> Rented:
        """Return when its sshd greets; raises FailedError if it does not, or the machine ended."""
        while self._thread.is_alive():  # in steps, so that Ctrl+C is heard
            self._thread.join(timeout=0.5)
        if self._trouble:
            raise self._trouble
        if self.rented is None:
            raise AssertionError("the watch ended without a result")
        return self.rented

    def _shows_its_key(self, now: Rented) -> bool:
        """Until then a login would be refused, or be a login to who knows whom."""
        if not self.provider.shows_its_key_late or not now.host_key:
            return True
        return _shown_key(now.address or "", now.port) == now.host_key

    def mark(self, what: str) -> None:
        """Something else that happened meanwhile, for the timeline."""
        self._mark(what)

    def _mark(self, what: str) -> None:
        self.moments.append((time.monotonic(), what))

    def _watch(self) -> None:
        try:
            self.rented = self._until_it_greets()
            self._mark("the machine boots")
        except MldeployError as error:
            self._trouble = error

    def _until_it_greets(self) -> Rented:
        deadline = time.monotonic() + self.provider.boot_seconds
        runs = False
        while not self._stopped.is_set():
            now = self.provider.get(self.owner)
            if now and now.state in ("ending", "ended", "stopped"):
                raise _ended(now)
            if now and now.state == "running" and now.address:
                if not runs:
                    runs = True
                    self._mark("the cloud starts a machine")
                if _greets(now.address, now.port) and self._shows_its_key(now):
                    return now
            if time.monotonic() > deadline:
                raise _silent(self.owner, now, self.provider.boot_seconds)
            self._stopped.wait(LOOK_SECONDS if not runs else LOOK_SECONDS / 2)
        raise FailedError("stopped", what="Interrupted.", why="Ctrl+C", do="mldeploy up")


def _shown_key(address: str, port: int) -> str:
    """The ed25519 key that an sshd shows; empty where it shows none."""
    command = ["ssh-keyscan", "-T", "5", "-t", "ed25519", "-p", str(port), address]
    try:
        ran = subprocess.run(
            command, check=False, stdin=subprocess.DEVNULL, capture_output=True, timeout=20
        )
    except (OSError, subprocess.SubprocessError):
        return ""
    lines = [line.split() for line in ran.stdout.decode(errors="replace").splitlines()]
    return next((" ".join(words[1:3]) for words in lines if len(words) > 2), "")


def _greets(address: str, port: int) -> bool:
    try:
        with socket.create_connection((address, port), timeout=2) as asking:
            return asking.recv(4) == b"SSH-"
    except OSError:
        return False


def _ended(machine: Rented) -> FailedError:
    return FailedError(
        "machine-ended",
        what=f"The machine {machine.id} ended while it was starting.",
        why=machine.why or f"Its state is {machine.state!r}.",
        do=f"mldeploy up {machine.owner.target}   (rents another one)",
    )


def _silent(owner: Owner, machine: Rented | None, seconds: float) -> FailedError:
    if machine is None:
        why = "The provider listed it in none of its answers."
    elif machine.address is None:
        why = f"It is {machine.state}, and has no address."
    else:
        why = f"Nothing answers at port {machine.port} of {machine.address}."
    return FailedError(
        "machine-unreachable",
        what=f"The machine of {owner.target} did not come within {seconds / 60:.0f} minutes.",
        why=why + " A network that blocks outgoing ssh looks the same.",
        do=f"mldeploy doctor {owner.target}; try again: mldeploy up {owner.target}; "
        f"end it: mldeploy down {owner.target}",
    )
