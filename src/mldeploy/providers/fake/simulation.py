"""The practice cloud without Docker: a machine is a folder, and a process that keeps its time.

Nothing is behind it but this computer. It is listed, extended, ended and billed like any other,
and it ends itself: its keeper (see `keeper`) does that with no help of ours. A machine whose keeper
is gone, as the computer was restarted, has ended.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from mldeploy import locks, who
from mldeploy.errors import FailedError
from mldeploy.providers import lifetime
from mldeploy.providers.base import Intend, Order, Owner, Rented, Say, State
from mldeploy.providers.fake import keeper, labels
from mldeploy.providers.fake.keeper import ENDED, EXPIRES, KEEPER_LOCK, MACHINE, SERVES
from mldeploy.providers.fake.settings import Fault

REMEMBERED = 5
LOCK_SECONDS = 30
KEEPER_SECONDS = 20.0

# A keeper is meant to outlive us; a Popen object that goes before its process makes Python warn.
_OUTLIVING_US: list[subprocess.Popen[bytes]] = []


class Simulation:
    """The machines of this user on this computer, in the user's state folder."""

    place = "simulation"

    def __init__(self) -> None:
        base = os.environ.get("XDG_STATE_HOME") or Path.home() / ".local" / "state"
        self.folder = Path(base) / "mldeploy" / "fake"

    # What there is

    def machines(self, owner: Owner | None = None) -> list[Rented]:
        found = [self._rented(folder) for folder in self._folders(owner)]
        return [machine for machine in found if machine.state != "ended"]

    def find(self, rental: str) -> Rented | None:
        folder = self._folder(rental)
        return self._rented(folder) if (folder / MACHINE).exists() else None

    def last_generation(self, owner: Owner) -> int:
        marks = [_marks(folder) for folder in self._folders(owner)]
        return max(map(labels.generation, marks), default=0)

    def end_it(self, machine: Rented) -> str:
        """The command that ends a machine without us: its keeper looks to the rest."""
        return f"rm -r {self._folder(machine.rental)}"

    # What changes it

    def make(
        self, order: Order, machine_type: str, fault: Fault | None, intend: Intend, say: Say
    ) -> None:
        say("there is no Docker here: the machine is simulated, by a process of this computer")
        self._forget_old(order.owner)
        folder = self._folder(order.rental)
        intend("machines.create", folder.name)
        with self._locked():
            if not (folder / MACHINE).exists():
                folder.mkdir(parents=True, exist_ok=True)
                marks = labels.of(order, machine_type, ssh_port=0, began=datetime.now(UTC))
                keeper.write(folder / EXPIRES, lifetime.in_file(order.expires_at) + "\n")
                keeper.write(folder / MACHINE, json.dumps(marks))  # from here on it is one
        self.complete(order, fault, intend, say)

    def complete(self, order: Order, fault: Fault | None, intend: Intend, say: Say) -> None:
        folder = self._folder(order.rental)
        with self._locked():
            if _state(folder) != "starting":
                return
            intend("keepers.start", folder.name)
            _start_keeper(folder)

    def admit(self, rented: Rented, public_key: str, intend: Intend) -> None:
        """It has no door."""

    def open_ports(self, rented: Rented, ports: tuple[int, ...], intend: Intend) -> None:
        """What serves there is reached by this computer alone."""

    def extend(self, rented: Rented, expires_at: datetime | None, intend: Intend) -> None:
        intend("machines.extend", rented.id)
        folder = self._folder(rented.rental)
        with self._locked():
            if _state(folder) not in ("starting", "running"):
                raise _has_ended(rented)
            keeper.write(folder / EXPIRES, lifetime.in_file(expires_at) + "\n")

    def remove(self, rented: Rented, intend: Intend) -> None:
        intend("machines.remove", rented.id)
        folder = self._folder(rented.rental)
        with self._locked():
            keeper.end(folder, "it was taken down")
        deadline = time.monotonic() + KEEPER_SECONDS
        while keeper.lives(folder) and time.monotonic() < deadline:
            time.sleep(0.02)

    def serves(self, rented: Rented, runs: Path) -> None:
        """What is started in that folder belongs to the machine, and ends with it."""
        keeper.write(self._folder(rented.rental) / SERVES, str(runs))

    # Small steps of the above

    def _folder(self, rental: str) -> Path:
        return self.folder / labels.name_of(rental)

    def _folders(self, owner: Owner | None) -> list[Path]:
        found = [file.parent for file in self.folder.glob(f"*/{MACHINE}")]
        if owner is None:
            return sorted(found)
        wanted = {labels.PROJECT: owner.project, labels.TARGET: owner.target}
        return sorted(folder for folder in found if wanted.items() <= _marks(folder).items())

    def _rented(self, folder: Path) -> Rented:
        said = keeper.read(folder / EXPIRES)
        expiry = lifetime.NEVER
        if said.isdigit():
            expiry = lifetime.as_tag(datetime.fromtimestamp(int(said), UTC))
        made = labels.rented(_marks(folder), _state(folder), self.place, expiry, _why(folder))
        return replace(made, user=who.user())

    def _forget_old(self, owner: Owner) -> None:
        with self._locked():
            old = [folder for folder in self._folders(owner) if _state(folder) == "ended"]
            old.sort(key=lambda folder: labels.generation(_marks(folder)))
            for folder in old[:-REMEMBERED]:
                shutil.rmtree(folder, ignore_errors=True)

    @contextmanager
    def _locked(self) -> Iterator[None]:
        """One change at a time; what is read is whole at any time."""
        from filelock import FileLock, Timeout

        self.folder.mkdir(parents=True, exist_ok=True)
        lock = FileLock(self.folder / "lock")
        try:
            lock.acquire(timeout=LOCK_SECONDS)
        except Timeout as error:
            raise locks.refused(
                "The practice cloud is being changed.", f"For {LOCK_SECONDS} s, by somebody else."
            ) from error
        try:
            yield
        finally:
            lock.release()


def _marks(folder: Path) -> dict[str, str]:
    try:
        found: dict[str, str] = json.loads(keeper.read(folder / MACHINE))
    except ValueError:  # removed meanwhile
        return {}
    return found


def _state(folder: Path) -> State:
    kept = keeper.lives(folder)
    if (folder / ENDED).exists():
        return "ending" if kept else "ended"
    if kept:
        return "ending" if keeper.is_over(keeper.read(folder / EXPIRES), time.time()) else "running"
    return "ended" if (folder / KEEPER_LOCK).exists() else "starting"


def _why(folder: Path) -> str:
    if said := keeper.read(folder / ENDED):
        return said
    return "" if _state(folder) != "ended" else "its keeper is gone: this computer was restarted"


def _start_keeper(folder: Path) -> None:
    """Return when it keeps the time; what it says goes nowhere, as nobody is there to read it."""
    words = [sys.executable, "-m", keeper.__name__, str(folder)]
    process = subprocess.Popen(
        words,
        cwd=folder,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    _OUTLIVING_US.append(process)
    deadline = time.monotonic() + KEEPER_SECONDS
    while not keeper.lives(folder):
        if process.poll() is not None or time.monotonic() > deadline:
            keeper.end(folder, "its keeper did not start")
            raise FailedError(
                "keeper-did-not-start",
                what="The simulated machine did not start.",
                why=f"Its keeper, {' '.join(words)}, ended or said nothing.",
                do="type that command to see why; or start Docker, then: mldeploy up",
            )
        time.sleep(0.02)


def _has_ended(rented: Rented) -> FailedError:
    return FailedError(
        "machine-ended",
        what=f"{rented.id} can't be extended: it has ended.",
        why="Its lifetime was over, or it was taken down.",
        do="mldeploy up",
    )
