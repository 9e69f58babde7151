"""What must hold for a machine on Paperspace, from the key to the price. Makes nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mldeploy.doctor.checks import Check, Finding, ok
from mldeploy.doctor.rented_price import trouble_or_lifetime
from mldeploy.errors import MldeployError
from mldeploy.prices import HOURS_A_MONTH, Price, money, table
from mldeploy.providers import clock
from mldeploy.providers.base import Thing
from mldeploy.providers.paperspace import shown, templates
from mldeploy.providers.paperspace.records import Availability, Machine, Standing, Template
from mldeploy.providers.paperspace.sayings import CONSOLE
from mldeploy.providers.paperspace.settings import REGIONS

if TYPE_CHECKING:
    from mldeploy.providers.paperspace.provider import Paperspace


def checks(provider: Paperspace) -> list[Check]:
    """Cheapest first."""
    look = Looking(provider)
    return [
        Check("api key", look.key),
        Check("identity", look.identity, needs="api key"),
        Check("account", look.account, needs="identity"),
        Check("price", look.price),
        Check("price table", look.price_table),
        Check("machine type", look.machine_type, needs="identity"),
        Check("available", look.available, needs="machine type"),
        Check("machines", look.machines, needs="identity"),
        Check("orphans", look.orphans, needs="identity"),
    ]


class Looking:
    def __init__(self, provider: Paperspace) -> None:
        self.provider = provider
        self.target = provider.target

    def key(self) -> Finding:
        """Where it was found; of the key itself nothing is said."""
        return ok("api key", f"in {self.provider.client.credentials.source}")

    def identity(self) -> Finding:
        who = self.provider.session
        return ok("identity", f"you are {who.user.email} in team {who.team.namespace}")

    def account(self) -> Finding:
        """A call that is in no document: not to be told it keeps nobody from renting."""
        try:
            told = self.provider.client.get("/billing/account-standing", Standing)
        except MldeployError:
            return ok("account", "Paperspace does not tell its standing")
        said = " ".join(told.messages)
        if told.is_admin_locked or not told.is_in_good_standing:
            return Finding(
                "account",
                "error",
                f"Paperspace has locked this team, or it is not in good standing. {said}".strip(),
                f"{CONSOLE}, Billing; or ask Paperspace's support",
            )
        if not told.has_payment_method:
            return Finding(
                "account",
                "error",
                f"The team has no means of payment: nothing can be rented. {said}".strip(),
                f"add a card: {CONSOLE}, Billing",
            )
        return ok("account", "in good standing, with a means of payment")

    def machine_type(self) -> Finding:
        """Each that mldeploy.toml names, and an image for it."""
        known = self.provider.client.pages("/os-templates", Template)
        chosen = {}
        for name in self.target.machine_types:
            try:
                chosen[name] = templates.chosen(known, name)
            except MldeployError as error:
                if self.target.template_id and error.code == "paperspace-no-template":
                    continue
                return Finding("machine type", "error", f"{error.what} {error.why}", error.do)
        if wanted := self.target.template_id:
            return self._own_template(wanted, known)
        told = ", ".join(f"{name}: {one.name} ({one.id})" for name, one in chosen.items())
        return ok("machine type", told)

    def _own_template(self, wanted: str, known: list[Template]) -> Finding:
        found = next((one for one in known if one.id == wanted), None)
        if found is None:
            return Finding(
                "machine type",
                "warning",
                f"template_id {wanted} is in no list: that is so with templates of your own, and "
                "with those that are no more.",
                "leave template_id out of mldeploy.toml if it is not your own",
            )
        lacking = [one for one in self.target.machine_types if one not in found.machine_types]
        if lacking:
            return Finding(
                "machine type",
                "error",
                f"{found.name} ({wanted}) is not for a {' or a '.join(lacking)}.",
                "leave template_id out of mldeploy.toml: then one that fits is looked up",
            )
        return ok("machine type", f"{found.name} ({wanted}), as template_id says")

    def available(self) -> Finding:
        region = REGIONS[self.target.place]
        free = {
            name: self.provider.client.get(
                "/machine-availability", Availability, machineType=name, region=region
            ).available
            for name in self.target.machine_types
        }
        some = [name for name, there in free.items() if there]
        if not some:
            return Finding(
                "available",
                "warning",
                f"There is no {' or '.join(free)} free in {self.target.place} just now.",
                "or_machine_types or another region in mldeploy.toml, or later",
            )
        return ok("available", f"{', '.join(some)} in {self.target.place}, just now")

    def price(self) -> Finding:
        dearest, price = self._dearest()
        told = f"a {dearest} with its disk costs ${money(price.total, an_hour=True)} an hour"
        cheaper = f"mldeploy prices --provider paperspace --max {self.target.max_price}"
        time = trouble_or_lifetime(told, price.total, self.target, cheaper)
        if isinstance(time, Finding):
            return time
        whole = f"{told}; ${money(price.for_(time))} until its lifetime is over"
        if self.target.on_expiry == "delete":
            return ok("price", whole)
        stays = money((price.disk + price.address) * HOURS_A_MONTH)
        return Finding(
            "price",
            "warning",
            f"{whole}; then it only stops, and costs ${stays} a month until it is taken down.",
            'on_expiry = "delete" in mldeploy.toml, or think of `mldeploy down`',
        )

    def price_table(self) -> Finding:
        prices = table(self.provider.kind)
        if stale := prices.staleness(clock.now(), self.target.place):
            return Finding("price table", "warning", stale.partition(" Newer")[0], UPDATE)
        here = prices.in_region(self.target.place)
        return ok("price table", f"of {here.dated} ({here.source})")

    def machines(self) -> Finding:
        """Of the whole team, others' too: their number has a limit."""
        limit = self.provider.session.team.max_machines
        there = [
            one
            for one in self.provider.client.pages("/machines", Machine)
            if one.dt_deleted is None
        ]
        if limit is None:
            return ok("machines", f"the team has {len(there)}; no limit is told")
        if len(there) < limit:
            return ok("machines", f"the team has {len(there)} of {limit}")
        return Finding(
            "machines",
            "error",
            f"The team has {len(there)} machines, and may have {limit}.",
            "mldeploy orphans   shows those of mldeploy; Paperspace's support raises the limit",
        )

    def orphans(self) -> Finding:
        return orphans_of(shown.things(self.provider.client))

    def _dearest(self) -> tuple[str, Price]:
        prices = {name: self.provider.price(name) for name in self.target.machine_types}
        return max(prices.items(), key=lambda one: one[1].total)


UPDATE = f"compare with {CONSOLE}; a newer mldeploy brings newer prices"


def orphans_of(things: list[Thing]) -> Finding:
    """What should have ended, and what costs money though its machine is gone or off."""
    now = clock.now()
    machines = [one for one in things if one.kind == "machine"]
    alive = {one.rental for one in machines}
    told = [
        f"{one.text} is past its end" for one in machines if one.expires_at and one.expires_at < now
    ]
    told += [
        f"{one.text} is stopped, and its disk costs money"
        for one in machines
        if one.state == "stopped" and not (one.expires_at and one.expires_at < now)
    ]
    alone = [one for one in things if one.rental not in alive and one.price]
    told += [f"{one.text} has no machine" for one in alone]
    if told:
        return Finding(
            "orphans",
            "warning",
            f"{', '.join(told)}.",
            "mldeploy orphans   shows all of it, and how to end it",
        )
    count = f"{len(machines)} machines" if len(machines) != 1 else "1 machine"
    return ok("orphans", f"{count} of mldeploy in this team; nothing is past its end")
