"""What this laptop keeps of a rented machine: the order, the keys, and what it was about to do.

It lies in the user's state folder, not in the project's: whoever deletes a project's folder still
gets into the machine, and can end it. None of it is the truth about the machine, which is in the
cloud; without it, another laptop's `down` and `orphans` work as well.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from contextlib import AbstractContextManager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING

from mldeploy import locks
from mldeploy.errors import FailedError
from mldeploy.providers import clock
from mldeploy.providers.base import Account, Order, Owner

if TYPE_CHECKING:
    from collections.abc import Iterator

ORDER, JOURNAL, RECEIPTS = "order.json", "journal.jsonl", "receipts.jsonl"
KEEP_BYTES = 1_000_000  # of a journal; what is older says nothing any more


@dataclass(frozen=True)
class Shelf:
    """The folder for one owner in one account of a provider."""

    folder: Path

    @classmethod
    def of(cls, kind: str, account: Account, owner: Owner) -> Shelf:
        base = os.environ.get("XDG_STATE_HOME") or Path.home() / ".local" / "state"
        where = Path(base) / "mldeploy" / "rented" / kind / account.id
        return cls(where / owner.project / owner.target)

    def lock(self, action: str) -> AbstractContextManager[None]:
        """One renting or ending at a time on this laptop; two laptops meet in the cloud."""
        return locks.held(
            self.folder / "lock", action, what="This machine is being rented or ended already."
        )

    # The order

    def order(self) -> Order | None:
        """The last one that was written down; None also where it can't be read any more."""
        import msgspec

        with suppress(OSError, msgspec.MsgspecError):
            return msgspec.json.decode((self.folder / ORDER).read_bytes(), type=Order)
        return None

    def write_order(self, order: Order) -> None:
        import msgspec

        self._write(ORDER, msgspec.json.encode(order))

    def forget_order(self) -> None:
        """After the machine's end: its keys open nothing any more."""
        (self.folder / ORDER).unlink(missing_ok=True)
        shutil.rmtree(self._keys, ignore_errors=True)

    # Keys. One pair lets this laptop in, the other is what the machine shows.

    @property
    def _keys(self) -> Path:
        return self.folder / "keys"

    @property
    def login_key(self) -> Path:
        return self._keys / "id_ed25519"

    @property
    def known_hosts(self) -> Path:
        return self._keys / "known_hosts"

    def make_keys(self, comment: str) -> tuple[str, str, str]:
        """New pairs: the public one for logging in, the host's public and private ones."""
        shutil.rmtree(self._keys, ignore_errors=True)
        self._keys.mkdir(parents=True, mode=0o700)
        login = _key_pair(self.login_key, comment)
        host_file = self._keys / "host"
        host = _key_pair(host_file, comment)
        private = host_file.read_text(encoding="utf-8")
        host_file.unlink()  # from here on the order has it
        host_file.with_suffix(".pub").unlink()
        return login, host, private

    def take_login_key(self, made: Path) -> None:
        """Keep the pair that was made in another shelf's folder."""
        self._keys.mkdir(parents=True, mode=0o700, exist_ok=True)
        theirs = Shelf(made).login_key
        for name in (theirs.name, f"{theirs.name}.pub"):
            shutil.copy2(theirs.with_name(name), self._keys / name)

    def know_host(self, name: str, host_key: str) -> None:
        """What ssh compares the machine's key with: nobody has to say yes to a fingerprint."""
        self._keys.mkdir(parents=True, mode=0o700, exist_ok=True)
        line = f"{name} {' '.join(host_key.split()[:2])}\n"
        if not self.known_hosts.exists() or self.known_hosts.read_text("utf-8") != line:
            self.known_hosts.write_text(line, encoding="utf-8")

    # The journal: written before each call that changes something in the cloud

    def intend(self, call: str, about: str) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        at = clock.now().isoformat(timespec="seconds")
        entry = {"at": at, "pid": os.getpid(), "call": call, "about": about}
        file = self.folder / JOURNAL
        if file.exists() and file.stat().st_size > KEEP_BYTES:
            file.replace(file.with_suffix(".old"))
        with file.open("a", encoding="utf-8") as journal:
            journal.write(json.dumps(entry) + "\n")
            journal.flush()
            os.fsync(journal.fileno())

    def may_have_made(self, order: Order, call: str) -> bool:
        """Was ``call``, which makes the machine of an order, about to be made? Yes if nobody says
        which call that is."""
        return not call or any(
            one["call"] == call and datetime.fromisoformat(one["at"]) >= order.made_at
            for one in self.journal()
        )

    def journal(self) -> list[dict[str, str]]:
        with suppress(OSError):
            lines = (self.folder / JOURNAL).read_text(encoding="utf-8").splitlines()
            return [json.loads(line) for line in lines if line.endswith("}")]
        return []

    @property
    def last_intended(self) -> datetime | None:
        """When this laptop was last about to change something there."""
        return max((datetime.fromisoformat(one["at"]) for one in self.journal()), default=None)

    # Receipts, for the month's budget

    def add_receipt(self, rental: str, at: datetime, cost: Decimal) -> None:
        """What a rental costs, US dollars: at its beginning the most, at its end what it was.

        The last word counts. A machine that ends itself has none but the first.
        """
        self.folder.mkdir(parents=True, exist_ok=True)
        receipt = {"rental": rental, "at": at.isoformat(timespec="seconds"), "cost": str(cost)}
        with (self.folder / RECEIPTS).open("a", encoding="utf-8") as file:
            file.write(json.dumps(receipt) + "\n")

    def costs_in(self, month: str, apart_from: str = "") -> Decimal:
        """US dollars of all rentals of a month (2026-11), but for one that is still alive."""
        last = {one["rental"]: one for one in self._receipts()}
        return sum(
            (
                Decimal(one["cost"])
                for rental, one in last.items()
                if rental != apart_from and month_of(datetime.fromisoformat(one["at"])) == month
            ),
            Decimal(0),
        )

    def _receipts(self) -> Iterator[dict[str, str]]:
        with suppress(OSError):
            for line in (self.folder / RECEIPTS).read_text(encoding="utf-8").splitlines():
                if line.endswith("}"):  # a crash may have cut the last one
                    yield json.loads(line)

    def _write(self, name: str, content: bytes) -> None:
        """Whole or not at all, and for nobody else's eyes."""
        self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        draft = self.folder / f"{name}.{os.getpid()}"
        try:
            with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as f:
                f.write(content)
                f.flush()
                os.fsync(f.fileno())
            draft.replace(self.folder / name)
        finally:
            draft.unlink(missing_ok=True)


def _key_pair(file: Path, comment: str) -> str:
    """Made by ssh's own tool, without a passphrase: commands run while nobody is there."""
    command = ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", comment, "-f", str(file)]
    try:
        subprocess.run(
            command, check=True, stdin=subprocess.DEVNULL, capture_output=True, timeout=60
        )
    except (OSError, subprocess.SubprocessError) as error:
        raise FailedError(
            "no-ssh",
            what="No key for the machine could be made.",
            why=f"ssh-keygen: {error}",
            do="sudo apt install openssh-client   (on Windows: Settings, Optional features)",
        ) from error
    return " ".join(file.with_suffix(".pub").read_text(encoding="utf-8").split()[:2])


def month_of(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%Y-%m")
