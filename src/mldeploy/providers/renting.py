"""The runbook of renting: look, refuse, ask, write down, rent. And how an end is moved.

Whatever happens in the middle, the next `up` goes on with the same order, and `down` finds what
there is by its tags.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from mldeploy.config import RentedTarget
from mldeploy.errors import ConfigError, FailedError, MldeployError, RefusedError
from mldeploy.prices import as_tag, money
from mldeploy.project import Project
from mldeploy.providers import clock, lifetime, limits, provider_of
from mldeploy.providers.base import (
    Account,
    Order,
    OrderUsedError,
    Owner,
    Provider,
    Rented,
    UnknownOutcomeError,
)
from mldeploy.providers.shelf import Shelf
from mldeploy.ui import Ui
from mldeploy.who import user_and_host

# An order whose reply was lost is in the cloud's lists by then, or was never carried out.
SETTLED = timedelta(minutes=2)
MOST_GENERATIONS = 5  # machines that ended between two looks of ours


@dataclass(frozen=True)
class Desk:
    """One target's place for renting: whose, with whom, and what this laptop knows."""

    project: Project
    name: str
    target: RentedTarget
    provider: Provider
    owner: Owner
    ui: Ui

    @classmethod
    def of(cls, project: Project, name: str, target: RentedTarget, ui: Ui) -> Desk:
        owner = Owner(project.config.project.name, name)
        return cls(project, name, target, provider_of(target), owner, ui)

    def shelf(self, account: Account) -> Shelf:
        return Shelf.of(self.target.kind, account, self.owner)

    @property
    def lifetime(self) -> timedelta | None:
        return lifetime.parse(self.target.ttl)


def rent(desk: Desk) -> Rented | None:
    """Rent a machine for a target that has none, and return while it boots; None if it has one.

    Raises RefusedError when a limit or the person says no; nothing was made then.
    """
    if (found := desk.provider.get(desk.owner)) and found.state != "ending":
        _usable(desk, found)
        return None
    account = desk.provider.check()
    shelf = desk.shelf(account)
    with shelf.lock("up"):
        refuse(desk)
        _ask(desk, account)
        _refuse_elsewhere(desk, account)
        for tried in range(MOST_GENERATIONS):
            last = desk.provider.last_generation(desk.owner)
            # Only now: one that is counted is also found. It was made while the question was open,
            # or a moment before this command.
            if (found := desk.provider.get(desk.owner)) and found.state != "ending":
                _usable(desk, found)
                return None
            order = _order(desk, shelf, account, last, tried=tried > 0)
            shelf.write_order(order)
            try:
                rented = _create(desk, shelf, order)
            except OrderUsedError as error:
                desk.ui.note(error.why)
                continue
            if rented.state not in ("ended", "ending"):
                most = limits.until_the_end(rented.price, rented.began, rented.expires_at)
                shelf.add_receipt(rented.rental, rented.began, most)
                return rented
            desk.ui.note(f"the machine of an earlier order has ended ({rented.why or 'by itself'})")
    raise FailedError(
        "machines-end",
        what=f"No machine for {desk.name} stays.",
        why=f"{MOST_GENERATIONS} were asked for, and each had ended already.",
        do=f"mldeploy doctor {desk.name}",
    )


def refuse(desk: Desk) -> None:
    """Raise what a limit says to the renting of any of the target's machine types."""
    bill = bill_of(desk)
    for machine_type in desk.target.machine_types:
        price = desk.provider.price(machine_type)
        limits.refuse_above_price(desk.name, machine_type, price, desk.target.max_price)
        limits.refuse_above_budget(
            desk.name,
            limits.ceiling(price, desk.lifetime),
            bill,
            desk.project.config.project.budget,
            desk.lifetime,
        )


def bill_of(desk: Desk) -> limits.Bill:
    """What the project's other rented machines cost this month; asked only if there is a budget."""
    if desk.project.config.project.budget is None:
        return limits.Bill()
    from mldeploy.providers.bill import of_this_month

    return of_this_month(desk.project, apart_from=desk.name)


def extend(desk: Desk, machine: Rented, until: datetime | None) -> None:
    """Write a new end where other laptops see it; the machine itself was told before."""
    shelf = desk.shelf(desk.provider.check())
    desk.provider.extend(machine, until, shelf.intend)
    most = limits.until_the_end(machine.price, machine.began, until)
    shelf.add_receipt(machine.rental, machine.began, most)


def _refuse_elsewhere(desk: Desk, account: Account) -> None:
    """A region that was changed in mldeploy.toml must not make a second machine of it."""
    listed = desk.provider.list_ours()
    if listed.unsure:
        raise FailedError(
            "place-silent",
            what=f"{desk.provider.title} does not tell what there is in "
            f"{', '.join(listed.unsure)}.",
            why="; ".join(f"{place}: {why}" for place, why in listed.silent),
            do=f"in a minute: mldeploy up {desk.name}",
        )
    for thing in listed.things:
        alive = thing.kind == "machine" and thing.state not in ("ending", "ended")
        if alive and thing.owner == desk.owner and not account.place.endswith(thing.place):
            raise RefusedError(
                "machine-elsewhere",
                what=f"{desk.name} has a machine in {thing.place} already: {thing.id}.",
                why=f"mldeploy.toml says {account.place} now; two would cost twice.",
                do=f"mldeploy down {desk.name}   (finds it there), then: mldeploy up {desk.name}",
            )


def _usable(desk: Desk, found: Rented) -> None:
    if found.state == "stopped":
        raise FailedError(
            "machine-stopped",
            what=f"The machine of {desk.name} is stopped.",
            why=f"{found.why or 'Somebody stopped it by hand.'} Its disk goes on costing money.",
            do=f"start it there ({found.page}), or: mldeploy down {desk.name}",
        )
    if found.machine_type not in desk.target.machine_types:
        desk.ui.note(
            f"{desk.name} runs on a {found.machine_type}; another type takes "
            f"`mldeploy down {desk.name}` first"
        )


def _ask(desk: Desk, account: Account) -> None:
    ui, target = desk.ui, desk.target
    price = desk.provider.price(target.machine_type)
    ui.note(f"rent on {desk.provider.title}, as {account.who}, in {account.place}:")
    for line in desk.provider.plan():
        ui.note(f"  {line}")
    cost = f"${money(price.total, an_hour=True)} an hour"
    if desk.lifetime is None:
        ui.note(f"  {cost}, ${money(price.month)} a month, UNTIL YOU TAKE IT DOWN: it has no end")
    else:
        ui.note(
            f"  {cost}; it ends itself after {lifetime.words(desk.lifetime)}, "
            f"with ${money(price.for_(desk.lifetime))} at most"
        )
    if ui.agreed or ui.ask("Rent it?"):
        return
    raise RefusedError(
        "not-agreed",
        what=f"Nothing was rented for {desk.name}.",
        why="Nobody said yes.",
        do=f"mldeploy up {desk.name} --yes   (in a script); the price: mldeploy plan {desk.name}",
    )


def _order(desk: Desk, shelf: Shelf, account: Account, last: int, *, tried: bool) -> Order:
    """The one that was begun and may have been carried out; a new one if that was ``tried``."""
    begun = shelf.order()
    if begun and not shelf.may_have_made(begun, desk.provider.makes):
        # Nothing can have come of it: there is nothing to wait for.
        if begun.generation > last and _is_wanted(desk, account, begun):
            return replace(begun, tried=False)
        generation = max(last, begun.generation) + 1
        return new_order(desk, shelf, account, generation, clock.now())
    wanted = begun is not None and _is_wanted(desk, account, begun)
    if begun and begun.generation > last and wanted and not tried:
        desk.ui.note("go on with the order of an earlier `up`")
        return begun
    if begun and begun.generation > last and not tried and (age := _age(shelf, begun)) < SETTLED:
        # Its machine may exist and not be listed yet: another order could make a second one.
        raise FailedError(
            "order-unsettled",
            what=f"An order for {desk.name} with other settings was begun "
            f"{int(age.total_seconds())} s ago.",
            why="It isn't known yet whether a machine came of it.",
            do=f"in two minutes: mldeploy up {desk.name}; or end what there is: "
            f"mldeploy down {desk.name}",
        )
    generation = max(last, begun.generation if begun else 0) + 1
    return new_order(desk, shelf, account, generation, clock.now())


def _is_wanted(desk: Desk, account: Account, begun: Order) -> bool:
    return begun.place in ("", account.place) and _still_wanted(desk, begun)


def new_order(desk: Desk, shelf: Shelf, account: Account, generation: int, now: datetime) -> Order:
    from mldeploy.doctor.ssh_ports import listening_after

    login, host, private = shelf.make_keys(f"mldeploy {desk.owner}")
    types = desk.target.machine_types
    return Order(
        owner=desk.owner,
        rental=rental_of(desk.owner, generation),
        generation=generation,
        machine_types=types,
        prices={each: as_tag(desk.provider.price(each)) for each in types},
        disk_gb=desk.target.disk_gb,
        ports=listening_after(desk.target),
        made_by=user_and_host(),
        made_at=now.replace(microsecond=0),
        expires_at=lifetime.end_of(now, desk.lifetime),
        public_key=login,
        host_key=host,
        private_host_key=private,
        images=_images(desk),
        place=account.place,
        tried=False,
    )


def rental_of(owner: Owner, generation: int) -> str:
    """The same on every laptop: two that rent at the same moment ask for the same machine."""
    text = f"{owner.project}\0{owner.target}\0{generation}"
    return hashlib.sha256(text.encode()).hexdigest()[:10]


def _still_wanted(desk: Desk, begun: Order) -> bool:
    now = clock.now()
    return begun.machine_types == desk.target.machine_types and (
        begun.expires_at is None or begun.expires_at - now > lifetime.SOON / 5
    )


def _age(shelf: Shelf, begun: Order) -> timedelta:
    """Since the last call that it led to: an order may be tried again much later."""
    return clock.now() - max(begun.made_at, shelf.last_intended or begun.made_at)


def _create(desk: Desk, shelf: Shelf, order: Order) -> Rented:
    with desk.ui.step(f"rent a {order.machine_types[0]} on {desk.provider.title}") as step:
        try:
            rented = desk.provider.create(order, shelf.intend, desk.ui.note)
        except (UnknownOutcomeError, OrderUsedError):
            raise
        except MldeployError:
            shelf.forget_order()  # it is known that nothing came of it
            raise
        step.say(f"{rented.id}, a {rented.machine_type} in {rented.place}")
    return rented


def _images(desk: Desk) -> tuple[str, ...]:
    """What a release will be built on and stand behind: pulled while the machine boots."""
    from mldeploy import edge
    from mldeploy.images.ingredients import python_version
    from mldeploy.images.recipe import base_for

    try:
        base = desk.target.base or base_for(python_version(desk.project.python()), None)
    except (MldeployError, ConfigError):
        return (edge.IMAGE,)
    return (base, edge.IMAGE)
