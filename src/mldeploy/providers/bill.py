"""What a project's rented machines cost this month, as far as this laptop and the clouds know."""

from __future__ import annotations

from decimal import Decimal

from mldeploy.config import RentedTarget
from mldeploy.project import Project
from mldeploy.providers import clock, limits, provider_of
from mldeploy.providers.base import Owner
from mldeploy.providers.limits import Bill
from mldeploy.providers.shelf import Shelf, month_of


def of_this_month(project: Project, apart_from: str | None = None) -> Bill:
    """Of all rented targets; of the one ``apart_from`` only what ended, as it is being decided on.

    Receipts are this laptop's: what another laptop rented and took down is not in it.
    """
    month = month_of(clock.now())
    spent = running = Decimal(0)
    for name, target in project.config.targets.items():
        if not isinstance(target, RentedTarget):
            continue
        provider = provider_of(target)
        owner = Owner(project.config.project.name, name)
        machine = provider.get(owner)
        shelf = Shelf.of(target.kind, provider.check(), owner)
        spent += shelf.costs_in(month, apart_from=machine.rental if machine else "")
        if machine and name != apart_from:
            running += limits.until_the_end(machine.price, machine.began, machine.expires_at)
    return Bill(spent, running)
