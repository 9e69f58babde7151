"""The machine that one has already: nothing is rented, nothing is paid, nothing is taken away."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import TYPE_CHECKING

from mldeploy import who
from mldeploy.config import SshTarget
from mldeploy.errors import ConfigError
from mldeploy.prices import Price, Size
from mldeploy.providers.base import (
    Account,
    Ended,
    Intend,
    Listed,
    Order,
    Owner,
    Provider,
    Rented,
    Say,
)
from mldeploy.ssh import address

if TYPE_CHECKING:
    from mldeploy.config import RentedTarget

NOTHING = Price(
    Decimal(0), Decimal(0), Decimal(0), date(2026, 1, 1), "your own machine: no price of ours"
)
BEGINNING = datetime(1970, 1, 1, tzinfo=UTC)  # it was there before us


class Own(Provider):
    """Of an ``ssh`` target. Nobody is asked for anything: who wants to know logs in."""

    kind = "ssh"
    title = "your own machine"
    settings = SshTarget
    target: SshTarget

    def __init__(self, target: RentedTarget | SshTarget) -> None:
        super().__init__(target)
        if not isinstance(target, SshTarget):
            raise TypeError(f"{type(target).__name__} is no machine that one has already")

    def check(self) -> Account:
        return Account("own", self._user, self._host)

    def sizes(self) -> Sequence[tuple[Size, Decimal]]:
        return ()

    def price(self, machine_type: str) -> Price:
        return NOTHING

    def plan(self) -> Sequence[str]:
        return (f"nothing: {self.target.host} is there already, and costs nothing more",)

    def create(self, order: Order, intend: Intend, say: Say) -> Rented:
        return self.get(order.owner)

    def get(self, owner: Owner) -> Rented:
        return Rented(
            id=self.target.host,
            owner=owner,
            rental="",
            generation=0,
            state="running",
            machine_type="",
            place=self._host,
            address=self._host,
            port=address.parse(self.target.host).port or 22,
            user=self._user,
            host_key="",  # in the user's own known_hosts
            began=BEGINNING,
            expires_at=None,
            price=NOTHING,
            made_by="",
        )

    def last_generation(self, owner: Owner) -> int:
        return 0

    def let_in(self, rented: Rented, intend: Intend) -> None:
        """Whoever writes it into mldeploy.toml can log in."""

    def open_ports(self, rented: Rented, ports: tuple[int, ...], intend: Intend) -> None:
        """Its firewall is its owner's; `mldeploy doctor` looks whether it lets users through."""

    def extend(self, rented: Rented, expires_at: datetime | None, intend: Intend) -> None:
        raise ConfigError(
            "no-lifetime",
            what=f"{self.target.host} has no lifetime to extend.",
            why="It is your own machine: nobody ends it but you.",
            do="mldeploy status",
        )

    def destroy(self, owner: Owner, intend: Intend, say: Say) -> Ended:
        say(f"{self.target.host} stays as it is: it is your own machine, it was not rented")
        return Ended(removed=(), left=(), machines=(), at=datetime.now(UTC))

    def list_ours(self) -> Listed:
        return Listed(())

    @property
    def _host(self) -> str:
        """As it is written: it may be a name that only ~/.ssh/config knows."""
        return address.parse(self.target.host).destination.rpartition("@")[2]

    @property
    def _user(self) -> str:
        return address.parse(self.target.host).destination.rpartition("@")[0] or who.user()
