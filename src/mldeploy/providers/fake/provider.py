"""The practice cloud as a provider: its rules are here, its machines in `docker_cloud`.

Where there is no Docker they are simulated: see `simulation`. Both are looked at for what there is,
since Docker may have been installed, or taken away, meanwhile.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from decimal import Decimal
from functools import cached_property
from typing import TYPE_CHECKING

from mldeploy import who
from mldeploy.errors import FailedError, MldeployError
from mldeploy.prices import Price, Size, money
from mldeploy.providers.base import (
    ALIVE,
    Account,
    Ended,
    Intend,
    Listed,
    Order,
    Owner,
    Provider,
    Rented,
    Say,
    Thing,
)
from mldeploy.providers.fake import labels, play_money, refusals
from mldeploy.providers.fake.docker_cloud import DockerCloud
from mldeploy.providers.fake.settings import FakeTarget
from mldeploy.providers.fake.simulation import Simulation

if TYPE_CHECKING:
    from mldeploy.config import RentedTarget
    from mldeploy.doctor.checks import Check, Finding
    from mldeploy.engines.base import Engine
    from mldeploy.project import Project


class Fake(Provider):
    """Rents containers of this computer's Docker, for play money."""

    kind = "fake"
    title = "the practice cloud"
    settings = FakeTarget
    target: FakeTarget
    sold_out: tuple[str, ...] = play_money.NEVER_FREE

    def __init__(self, target: RentedTarget) -> None:
        super().__init__(target)
        if not isinstance(target, FakeTarget):
            raise TypeError(f"{type(target).__name__} is no target of the practice cloud")

    @classmethod
    def anywhere(cls) -> Fake:
        """It asks for no credentials."""
        return cls(FakeTarget())

    # What there is to be had

    def check(self) -> Account:
        if self._docker and not self._docker.on_this_computer:
            raise FailedError(
                "engine-elsewhere",
                what="The practice cloud needs a Docker Engine on this very computer.",
                why="DOCKER_HOST, or the docker context, names one of another.",
                do="docker context use default     (or: unset DOCKER_HOST)",
            )
        return Account("practice", who.user(), (self._docker or self._simulation).place)

    def sizes(self) -> Sequence[tuple[Size, Decimal]]:
        return play_money.MACHINES

    def price(self, machine_type: str) -> Price:
        return play_money.price(machine_type, self.target.disk_gb)

    def plan(self) -> Sequence[str]:
        size = play_money.size(self.target.machine_type)
        price = self.price(size.name)
        disk = money(price.disk, an_hour=True)
        return (
            f"a machine {size.name}: {size.cpus} cpus, {size.memory // play_money.GB} GB memory, "
            f"${money(price.machine, an_hour=True)} an hour",
            f"its disk of {self.target.disk_gb} GB, ${disk} an hour, which goes with it",
            f"a public address, ${money(price.address, an_hour=True)} an hour (here 127.0.0.1)",
            "all of it play money: it is a container of this computer's Docker, nothing is paid",
        )

    # Renting

    def create(self, order: Order, intend: Intend, say: Say) -> Rented:
        fault = self.target.fault
        if fault == "denied":
            raise refusals.denied(who.user())
        if found := self._find(order.rental):
            self._cloud_of(found).complete(order, fault, intend, say)
            return self._find(order.rental) or found
        if fault == "quota":
            raise refusals.over_quota(order)
        cloud = self._docker or self._simulation
        cloud.make(order, self._free_type(order, say), fault, intend, say)
        if fault == "lost-reply":
            raise refusals.reply_lost(labels.name_of(order.rental))
        if made := self._find(order.rental):
            return made
        raise FailedError(
            "machine-vanished",
            what=f"The machine {labels.name_of(order.rental)} was made, and is gone.",
            why="Somebody removed it in the same moment.",
            do="mldeploy up",
        )

    def _find(self, rental: str) -> Rented | None:
        return next((found for each in self._clouds if (found := each.find(rental))), None)

    def _free_type(self, order: Order, say: Say) -> str:
        taken = set(self.sold_out)
        if self.target.fault == "no-capacity":
            taken.add(order.machine_types[0])
        for machine_type in order.machine_types:
            if machine_type not in taken:
                return machine_type
            say(f"there is no {machine_type} free now")
        raise refusals.no_capacity(order)

    # What is rented

    def get(self, owner: Owner) -> Rented | None:
        return min(self._machines(owner), key=_most_alive, default=None)

    def last_generation(self, owner: Owner) -> int:
        return max(each.last_generation(owner) for each in self._clouds)

    def let_in(self, rented: Rented, intend: Intend) -> None:
        """Its port 22 is published on this computer's loopback, wherever this computer is."""

    def admit(self, rented: Rented, public_key: str, intend: Intend) -> None:
        self._cloud_of(rented).admit(rented, public_key, intend)

    def open_ports(self, rented: Rented, ports: tuple[int, ...], intend: Intend) -> None:
        self._cloud_of(rented).open_ports(rented, ports, intend)

    def extend(self, rented: Rented, expires_at: datetime | None, intend: Intend) -> None:
        """The machine's own file is the note that :meth:`list_ours` reads: labels stay for ever."""
        self._cloud_of(rented).extend(rented, expires_at, intend)

    def destroy(self, owner: Owner, intend: Intend, say: Say) -> Ended:
        machines = self._machines(owner)
        for machine in machines:
            say(f"{machine.id} is ended")
            self._cloud_of(machine).remove(machine, intend)
        there = {machine.id for machine in self._machines(owner)}
        things = [_thing(one, self._cloud_of(one).end_it(one)) for one in machines]
        return Ended(
            removed=tuple(thing for thing in things if thing.id not in there),
            left=tuple(thing for thing in things if thing.id in there),
            machines=tuple(machines),
            at=datetime.now(UTC),
        )

    def list_ours(self) -> Listed:
        things, asked = _things(self._simulation), [self._simulation.place]
        silent: list[tuple[str, str]] = []
        try:
            if self._docker:
                asked.append(self._docker.place)
                things += _things(self._docker)
        except MldeployError as error:
            silent.append((DockerCloud.place, f"{error.what} {error.why}"))
        return Listed(tuple(things), tuple(silent), tuple(asked))

    def engine(self, project: Project, name: str) -> Engine | None:
        """A process of this computer where the machine is simulated, or would be."""
        from mldeploy.providers.fake.engine import SimulatedEngine

        simulated = SimulatedEngine(project, name, self.target)
        if simulated.rented():
            return simulated
        try:
            return None if self._docker else simulated
        except MldeployError:
            return None  # there is Docker, and something is wrong with it

    def checks(self) -> list[Check]:
        from mldeploy.doctor.checks import Check

        return [Check("practice cloud", self._look)]

    def _look(self) -> Finding:
        from mldeploy.doctor.checks import ok

        account = self.check()
        return ok("practice cloud", f"{account.who} can rent here, on {account.place}: play money")

    # Where machines are

    def _machines(self, owner: Owner) -> list[Rented]:
        return [machine for each in self._clouds for machine in each.machines(owner)]

    def _cloud_of(self, machine: Rented) -> DockerCloud | Simulation:
        return next(each for each in self._clouds if each.place == machine.place)

    @property
    def _clouds(self) -> list[DockerCloud | Simulation]:
        return [*([self._docker] if self._docker else []), self._simulation]

    @cached_property
    def _simulation(self) -> Simulation:
        return Simulation()

    @cached_property
    def _docker(self) -> DockerCloud | None:
        """None where there is none; one that hangs, or refuses this user, is an error."""
        from mldeploy.engines import docker_client

        try:
            return DockerCloud(docker_client.connect())
        except FailedError as error:
            if error.code == "no-docker":
                return None
            raise


def _most_alive(machine: Rented) -> tuple[bool, int]:
    return (machine.state not in ALIVE, -machine.generation)


def _things(cloud: DockerCloud | Simulation) -> list[Thing]:
    return [_thing(machine, cloud.end_it(machine)) for machine in cloud.machines()]


def _thing(machine: Rented, end_it: str) -> Thing:
    return Thing(
        kind="machine",
        id=machine.id,
        place=machine.place,
        owner=machine.owner,
        rental=machine.rental,
        state=machine.state,
        price=machine.price.total,
        began=machine.began,
        expires_at=machine.expires_at,
        end_it=end_it,
        page=machine.page,
        made_by=machine.made_by,
    )
