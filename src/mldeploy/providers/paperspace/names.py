"""What the names of our things say. Pure.

Paperspace has no tags: a name is the one thing of ours that its lists show. A machine's says whose
it is, which renting, and when its lifetime is over; the name of its startup script, which is our
note of an order, says the rest. Neither is unique there.

    mldeploy-PROJECT-TARGET-pLENGTH-gGENERATION-RENTAL-KEY-EXPIRES       a machine
    mldeploy-PROJECT-TARGET-pLENGTH-gGENERATION-RENTAL-KEY:HOSTKEY:…     a note

LENGTH is that of the project's name, as both names may have dashes; KEY begins the hash of the
host's key, and ties a machine to the note of the laptop that ordered it.
"""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from typing import Literal

from mldeploy.prices import Price
from mldeploy.providers import lifetime
from mldeploy.providers.base import Order, Owner

PREFIX = "mldeploy-"
STEM = (
    r"mldeploy-(?P<both>.+)-p(?P<length>\d+)-g(?P<generation>\d+)-(?P<rental>[0-9a-f]+)"
    r"-(?P<key>[0-9a-f]{6})"
)
MACHINE = re.compile(STEM + r"-(?P<expires>never|\d{8}T\d{6}Z)")
NOTE = re.compile(
    STEM
    + r":(?P<host_key>[\w-]{43}|):(?P<made_by>[^:]*):(?P<state>begun|made|told|ended)(?P<rest>.*)"
)
TIME = "%Y%m%dT%H%M%SZ"
ED25519 = b"\0\0\0\x0bssh-ed25519\0\0\0\x20"  # what every such public key begins with
State = Literal["begun", "made", "told", "ended"]


@dataclass(frozen=True)
class Stem:
    """What the names of a machine and of its note have in common."""

    owner: Owner
    generation: int
    rental: str
    key: str

    def __str__(self) -> str:
        project, target = self.owner.project, self.owner.target
        whose = f"{PREFIX}{project}-{target}-p{len(project)}"
        return f"{whose}-g{self.generation}-{self.rental}-{self.key}"


@dataclass(frozen=True)
class Made:
    """Of the machine that came of an order; ``address`` is a static one, to be given back."""

    id: str
    machine_type: str
    place: str
    price: Price
    began: datetime
    expires_at: datetime | None
    address: str = ""


@dataclass(frozen=True)
class Note:
    """``state``: the order was begun; a machine of it was seen; that has heard all it is to be
    told, and the script is empty; all of it was ended."""

    stem: Stem
    host_key: str
    made_by: str
    state: State
    made: Made | None = None

    def __str__(self) -> str:
        return ":".join(
            (str(self.stem), packed(self.host_key), self.made_by, self.state, *_written(self.made))
        )

    @property
    def has_machine(self) -> bool:
        """As far as anybody knows."""
        return self.state in ("made", "told") and self.made is not None

    def of(self, state: State, made: Made | None) -> Note:
        return replace(self, state=state, made=made)


def stem_of(order: Order) -> Stem:
    key = hashlib.sha256(" ".join(order.host_key.split()[:2]).encode()).hexdigest()[:6]
    return Stem(order.owner, order.generation, order.rental, key)


def machine(stem: Stem, expires_at: datetime | None) -> str:
    return f"{stem}-{_time(expires_at)}"


def read_machine(name: str) -> tuple[Stem, datetime | None] | None:
    """None for a machine that is not ours."""
    found = MACHINE.fullmatch(name)
    stem = _stem(found)
    return (stem, _moment(found["expires"])) if found and stem else None


def begun(order: Order) -> Note:
    by = re.sub(r"[^A-Za-z0-9@._-]", "-", order.made_by)
    return Note(stem_of(order), " ".join(order.host_key.split()[:2]), by, "begun")


def read_note(name: str, source: Callable[[str, str], str]) -> Note | None:
    """None for a startup script that is not ours. ``source`` tells that of a price, by place and
    machine type: names would be too long with it."""
    found = NOTE.fullmatch(name)
    stem = _stem(found)
    if not found or not stem:
        return None
    state: State = found["state"]  # type: ignore[assignment]
    made = _read(found["rest"].removeprefix(":").split(":"), source)
    return Note(stem, unpacked(found["host_key"]), found["made_by"], state, made)


def packed(host_key: str) -> str:
    """The 32 bytes of an ed25519 key, as text; nothing of what is none."""
    words = host_key.split()
    if len(words) < 2 or words[0] != "ssh-ed25519":
        return ""
    blob = base64.b64decode(words[1])
    return base64.urlsafe_b64encode(blob[-32:]).decode().rstrip("=")


def unpacked(text: str) -> str:
    if not text:
        return ""
    blob = ED25519 + base64.urlsafe_b64decode(text + "=")
    return f"ssh-ed25519 {base64.b64encode(blob).decode()}"


def _stem(found: re.Match[str] | None) -> Stem | None:
    if not found:
        return None
    both, length = found["both"], int(found["length"])
    project, dash, target = both[:length], both[length : length + 1], both[length + 1 :]
    if dash != "-" or not target:
        return None
    return Stem(Owner(project, target), int(found["generation"]), found["rental"], found["key"])


def _written(made: Made | None) -> tuple[str, ...]:
    if made is None:
        return ()
    price = made.price
    return (
        *(made.id, made.machine_type, made.place),
        *(f"{amount:f}" for _, amount in price.parts()),
        price.dated.strftime("%Y%m%d"),
        _time(made.began),
        _time(made.expires_at),
        made.address,
    )


def _read(words: list[str], source: Callable[[str, str], str]) -> Made | None:
    """None also for what somebody damaged: the machine and the price table say most of it."""
    try:
        name, machine_type, place, alone, disk, ip, dated, began, expires, address = words
        day = datetime.strptime(dated, "%Y%m%d").replace(tzinfo=UTC).date()
        price = Price(Decimal(alone), Decimal(disk), Decimal(ip), day, source(place, machine_type))
        start = _moment(began)
        if start is None:
            return None
        return Made(name, machine_type, place, price, start, _moment(expires), address)
    except (ValueError, InvalidOperation):
        return None


def _time(moment: datetime | None) -> str:
    return lifetime.NEVER if moment is None else moment.astimezone(UTC).strftime(TIME)


def _moment(text: str) -> datetime | None:
    if text == lifetime.NEVER:
        return None
    return datetime.strptime(text, TIME).replace(tzinfo=UTC)
