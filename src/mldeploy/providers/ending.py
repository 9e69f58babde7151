"""The runbook of ending: settle what was begun, end everything of the owner, write the receipt."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal

from mldeploy.errors import Interrupted
from mldeploy.prices import by_parts, money
from mldeploy.prices.amounts import LEAST_BILLED
from mldeploy.providers import clock
from mldeploy.providers.base import Ended, Rented, Thing
from mldeploy.providers.renting import SETTLED, Desk
from mldeploy.providers.shelf import Shelf

LOOK_SECONDS = 5.0


@dataclass(frozen=True)
class Bill:
    """What one machine cost: US dollars by part, in cents that sum to the total."""

    id: str
    machine_type: str
    place: str
    began: datetime
    ended: datetime
    hourly: Decimal
    parts: tuple[tuple[str, Decimal], ...]
    dated: str

    @property
    def hours(self) -> Decimal:
        return Decimal((self.ended - self.began) // timedelta(seconds=1)) / 3600

    @property
    def total(self) -> Decimal:
        return sum((amount for _, amount in self.parts), Decimal(0))

    def as_dict(self) -> dict[str, object]:
        return {
            "machine": self.id,
            "machine_type": self.machine_type,
            "place": self.place,
            "began": self.began.isoformat(timespec="seconds"),
            "ended": self.ended.isoformat(timespec="seconds"),
            "hours": f"{self.hours:.2f}",
            "price_per_hour": money(self.hourly, an_hour=True),
            "cost": money(self.total),
            "parts": {name: money(amount) for name, amount in self.parts},
            "prices_dated": self.dated,
        }


def end(desk: Desk) -> Ended:
    """End it all. Returns when the cloud lists nothing of the owner, or with what is left."""
    account = desk.provider.check()
    shelf = desk.shelf(account)
    with shelf.lock("down"):
        _settle(desk, shelf)
        with desk.ui.step(f"end everything of {desk.owner} on {desk.provider.title}") as step:
            try:
                ended = desk.provider.destroy(desk.owner, shelf.intend, desk.ui.note)
            except KeyboardInterrupt as error:
                raise Interrupted(
                    f"It may be ending already: mldeploy down {desk.name} goes on, and proves it."
                ) from error
            step.say(f"{len(ended.removed)} removed, {len(ended.left)} left")
        for machine in ended.machines:
            note = bill(machine, ended.at)
            shelf.add_receipt(machine.rental, ended.at, note.total)
        if not ended.left and not ended.unsure:
            shelf.forget_order()
    return ended


def bill(machine: Rented, ended: datetime) -> Bill:
    """As the cloud bills: by the second that was begun, a minute at the least."""
    passed = max(ended - machine.began, LEAST_BILLED)
    time = timedelta(seconds=-(-passed // timedelta(seconds=1)))
    return Bill(
        id=machine.id,
        machine_type=machine.machine_type,
        place=machine.place,
        began=machine.began,
        ended=ended,
        hourly=machine.price.total,
        parts=tuple(by_parts(machine.price, time)),
        dated=machine.price.dated.isoformat(),
    )


def costs(thing: Thing) -> str:
    """What is left, in words, with what it goes on costing."""
    a_day = f", ${money(thing.price * 24)} a day" if thing.price else ""
    return f"{thing.text} ({thing.state}){a_day}"


def _settle(desk: Desk, shelf: Shelf) -> None:
    """An order whose reply never came may have made a machine that no list shows yet."""
    order = shelf.order()
    if order is None or desk.provider.get(desk.owner) is not None:
        return
    if not shelf.may_have_made(order, desk.provider.makes):
        return
    if order.generation <= desk.provider.last_generation(desk.owner):
        return
    begun = shelf.last_intended
    if begun is None or clock.now() - begun > SETTLED:
        return
    with desk.ui.step("an order was begun; see whether a machine came of it"):
        deadline = clock.monotonic() + SETTLED.total_seconds()
        while clock.monotonic() < deadline and _unsettled(desk, begun):
            clock.sleep(LOOK_SECONDS)


def _unsettled(desk: Desk, begun: datetime) -> bool:
    return clock.now() - begun < SETTLED and desk.provider.get(desk.owner) is None
