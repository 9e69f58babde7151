"""The contract between the runbooks and whoever rents machines.

A provider knows its cloud's calls, and nothing of releases, engines or words to the user. Truth
lives in the cloud: what a provider says of a machine it reads there, from the tags that it put on
everything it made, never from a note of this laptop.

What holds for every method:

- It raises only errors of :mod:`mldeploy.errors`, in three parts, and every wait has a bound.
- It may be called again after a crash, a lost reply or Ctrl+C at any point, from any laptop.
- Whatever it makes carries the owner, the rental and the expiry, from the call that makes it on:
  there is no moment at which a machine exists that :meth:`Provider.list_ours` can't find.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import TYPE_CHECKING, ClassVar, Literal

from mldeploy.errors import FailedError
from mldeploy.prices import Price, Size

if TYPE_CHECKING:
    from mldeploy.config import RentedTarget, SshTarget
    from mldeploy.doctor.checks import Check
    from mldeploy.engines.base import Engine
    from mldeploy.project import Project

# Called with the name of a cloud's call and what it is about, before the call is made.
Intend = Callable[[str, str], None]
# Called with a sentence for the person who waits.
Say = Callable[[str], None]

State = Literal["starting", "running", "ending", "stopped", "ended"]
ALIVE: tuple[State, ...] = ("starting", "running", "stopped")  # such a machine may be used again


ROOM = ("quota", "available", "machines")


class UnknownOutcomeError(FailedError):
    """No answer came to what was asked for: a machine may exist, and `up` or `down` must look."""


class NotKnownError(FailedError):
    """The cloud knows no such thing: it is no more, or is not seen yet."""


class OrderUsedError(FailedError):
    """An order of this generation was carried out before, with other particulars, and no machine
    of it is alive: the next generation is to be ordered."""


@dataclass(frozen=True)
class Owner:
    """Whose a thing is: a target of a project."""

    project: str
    target: str

    def __str__(self) -> str:
        return f"{self.project}/{self.target}"


@dataclass(frozen=True)
class Account:
    """``who`` we are to the provider, in which account (``id``), and where (``place``)."""

    id: str
    who: str
    place: str


@dataclass(frozen=True)
class Order:
    """All that :meth:`Provider.create` needs to know. It is written down before the first call.

    ``rental`` names this one renting, ``generation`` counts those of its owner: both go into what
    makes a repeated call find the machine of the first one. ``prices`` are those of the machine
    types now, US dollars an hour. ``ports`` are opened to everybody, 22 to this laptop alone.
    ``expires_at`` is None for a machine that is to live until it is taken down.
    """

    owner: Owner
    rental: str
    generation: int
    machine_types: tuple[str, ...]
    prices: dict[str, str]  # as :func:`mldeploy.prices.as_tag` writes them
    disk_gb: int
    ports: tuple[int, ...]
    made_by: str
    made_at: datetime
    expires_at: datetime | None
    public_key: str  # lets this laptop in
    host_key: str  # the public one that the machine shows
    private_host_key: str  # handed to the machine at its first boot; in no log, plan or tag
    images: tuple[str, ...] = ()  # to have when it is up, where they can be had
    tried: bool = True  # may a machine have come of it already? As far as this laptop knows
    place: str = ""  # where it is to be, as the account's; empty in orders of before


@dataclass(frozen=True)
class Rented:
    """One machine, as the provider's cloud shows it now.

    ``id`` is the cloud's own name for it. ``address`` is None until it has one. ``began`` is when
    the bill began; ``price`` is that of its launch. ``page`` is where a person sees it.
    """

    id: str
    owner: Owner
    rental: str
    generation: int
    state: State
    machine_type: str
    place: str
    address: str | None
    port: int
    user: str
    host_key: str
    began: datetime
    expires_at: datetime | None
    price: Price
    made_by: str
    page: str = ""
    why: str = ""  # in the cloud's words, why it is ending or ended
    parts: tuple[str, ...] = ()  # what else belongs to it, in words


@dataclass(frozen=True)
class Thing:
    """One thing of ours in the cloud, whoever made it.

    ``kind`` is ``machine``, ``disk``, ``address``, ``group``, ``key`` or the provider's own word.
    ``price`` is US dollars an hour while it is there. ``end_it`` is the command, and ``page`` the
    address in the browser, by which a person ends it without us.
    """

    kind: str
    id: str
    place: str
    owner: Owner
    rental: str
    state: str
    price: Decimal
    began: datetime | None
    expires_at: datetime | None
    end_it: str
    page: str
    made_by: str = ""

    @property
    def text(self) -> str:
        return f"{self.kind} {self.id} in {self.place}"


@dataclass(frozen=True)
class Ended:
    """What :meth:`Provider.destroy` did: the cloud itself lists nothing but ``left`` any more.

    ``machines`` are those that ran, as they were before the end; ``at`` is when the last one was
    seen ended. ``unsure`` are places that gave no answer: what is there is not known.
    """

    removed: tuple[Thing, ...]
    left: tuple[Thing, ...]
    machines: tuple[Rented, ...]
    at: datetime
    unsure: tuple[str, ...] = ()


@dataclass(frozen=True)
class Listed:
    """All of ours, and the places that gave no answer: what is there is not known.

    ``unsure`` are those of the silent ones that did not refuse: another time they may answer.
    """

    things: tuple[Thing, ...]
    silent: tuple[tuple[str, str], ...] = ()  # place, why
    asked: tuple[str, ...] = field(default=())
    unsure: tuple[str, ...] = ()


class Provider(ABC):
    """Rents the machine of one target. Made without asking anybody; asking needs credentials."""

    kind: ClassVar[str]  # as in mldeploy.toml, and the name of its entry point
    title: ClassVar[str]  # for people
    makes: ClassVar[str] = ""  # the call, as it is intended, before which no machine can exist
    # Does its sshd answer before it has the host key that was made for it? Then that is waited for.
    shows_its_key_late: ClassVar[bool] = False
    boot_seconds: ClassVar[float] = 420  # from the request to an sshd that greets
    settings: ClassVar[
        type[RentedTarget] | type[SshTarget]
    ]  # the keys of its targets in mldeploy.toml

    def __init__(self, target: RentedTarget | SshTarget) -> None:
        self.target = target

    @classmethod
    def anywhere(cls) -> Provider | None:
        """One to list and to end with, from credentials alone and no project; None without any.

        Asks nobody: it says whether there is somebody to ask.
        """
        return None

    @abstractmethod
    def check(self) -> Account:
        """Who we are there. Raises what stands in the way of renting, with the remedy."""

    @abstractmethod
    def sizes(self) -> Sequence[tuple[Size, Decimal]]:
        """The machine types that can be rented there, and US dollars an hour; cheapest first."""

    @abstractmethod
    def price(self, machine_type: str) -> Price:
        """Of a machine of that type with the target's disk; raises ConfigError for one that is
        not in the price table: nothing is rented whose price nobody knows. Asks nobody."""

    @abstractmethod
    def plan(self) -> Sequence[str]:
        """What :meth:`create` would make, a line each. Asks nobody, changes nothing."""

    @abstractmethod
    def create(self, order: Order, intend: Intend, say: Say) -> Rented:
        """Rent the machine of an order, and return as soon as the cloud has one, mostly
        ``starting``.

        The same order again, also one whose first reply was lost, gives the same machine, also
        when that has ended meanwhile: never a second one. Machine types and zones are tried in
        order where there is no capacity. Raises :class:`UnknownOutcomeError` where a machine may
        have been made; with any other error none was, and what else it made is removed or told by
        :meth:`list_ours`.
        """

    @abstractmethod
    def get(self, owner: Owner) -> Rented | None:
        """The owner's machine: the one that is alive, else one that is ending; None when there
        is none, also when it has ended."""

    def ended(self, owner: Owner) -> Rented | None:
        """The owner's last machine that has ended, with the cloud's reason in ``why``; None where
        the cloud tells nothing of it, or no more."""
        del owner
        return None

    @abstractmethod
    def last_generation(self, owner: Owner) -> int:
        """The highest generation that the cloud remembers of this owner; 0 for none."""

    @abstractmethod
    def let_in(self, rented: Rented, intend: Intend) -> None:
        """Make sure that this laptop, from where it is now, reaches port 22 of the machine."""

    def admit(self, rented: Rented, public_key: str, intend: Intend) -> None:
        """Let the owner of that key log in, from now on or for a minute; for another laptop.

        Raises FailedError where the provider has no means to.
        """
        raise FailedError(
            "no-key-here",
            what=f"This laptop has no key for the machine of {rented.owner}.",
            why=f"It was rented by {rented.made_by}, and {self.title} can't let another key in.",
            do=f"work from there, or: mldeploy down {rented.owner.target}",
        )

    @abstractmethod
    def open_ports(self, rented: Rented, ports: tuple[int, ...], intend: Intend) -> None:
        """Make these, and no others, the ports that everybody reaches."""

    @abstractmethod
    def extend(self, rented: Rented, expires_at: datetime | None, intend: Intend) -> None:
        """Write the new expiry where :meth:`list_ours` reads it; the machine was told before."""

    @abstractmethod
    def destroy(self, owner: Owner, intend: Intend, say: Say) -> Ended:
        """End everything of the owner, wherever it is, and wait until the cloud says so.

        Nothing there is no error. Never says of a thing that it was removed which the cloud still
        lists: that is ``left``.
        """

    @abstractmethod
    def list_ours(self) -> Listed:
        """Everything of ours, of all owners and in all places, with nothing but credentials."""

    def engine(self, project: Project, name: str) -> Engine | None:
        """The engine of the target's machine, rented or not, where that is not Docker's over SSH;
        None for that one."""
        return None

    def checks(self) -> list[Check]:
        """What `mldeploy doctor` looks at, cheapest first."""
        return []

    def room(self) -> list[Check]:
        """Those of the checks that say whether the account may have one machine more: looked at
        before a machine is asked for that many accounts may not have, such as one with a GPU."""
        return [check for check in self.checks() if check.name in ROOM]
