"""What is to be rented: does the region have it, may the account, and what stands in the way."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from functools import cached_property
from typing import Any

from mldeploy.doctor.checks import Finding, Fix, ok
from mldeploy.doctor.rented_price import trouble_or_lifetime
from mldeploy.errors import ConfigError, MldeployError
from mldeploy.prices import Size, Table, money
from mldeploy.providers import clock, tags
from mldeploy.providers.aws import find, images, network, quotas, trial
from mldeploy.providers.aws.doctor_account import unknown
from mldeploy.providers.aws.errors import WouldWorkError
from mldeploy.providers.aws.images import Image
from mldeploy.providers.aws.network import Place
from mldeploy.providers.aws.session import Session
from mldeploy.providers.aws.settings import AwsTarget
from mldeploy.providers.base import Thing


class Machine:
    """What several of the checks ask for, asked once."""

    def __init__(self, session: Session, target: AwsTarget, prices: Table) -> None:
        self.session = session
        self.target = target
        self.prices = prices

    # What, and what it costs

    def machine_type(self) -> Finding:
        region = self.session.region
        lacking = [each for each in self.target.machine_types if not self._zones(each)]
        if self.target.machine_type in lacking:
            return Finding(
                "machine type",
                "error",
                f"{region} has no {self.target.machine_type}.",
                f"mldeploy prices --region {region}   lists what there is, cheapest first",
            )
        for each in self.target.machine_types:
            self.prices.size(region, each)  # raises for one whose price nobody knows
        if lacking:
            return Finding(
                "machine type",
                "warning",
                f"{region} has no {', '.join(lacking)}, which or_machine_types names.",
                f"mldeploy prices --region {region}   lists what there is, cheapest first",
            )
        name = self.target.machine_type
        return ok(
            "machine type", f"{name} ({_sized(self._size)}) in {', '.join(self._zones(name))}"
        )

    def price(self) -> Finding:
        dearest = max(self.target.machine_types, key=self._an_hour)
        an_hour = self._an_hour(dearest)
        limit = self.target.max_price
        told = f"a {dearest} with {self.target.disk_gb} GB of disk and an address costs "
        told += f"${money(an_hour, an_hour=True)} an hour"
        cheaper = f"mldeploy prices --max {limit} --region {self.session.region}"
        time = trouble_or_lifetime(told, an_hour, self.target, cheaper)
        if isinstance(time, Finding):
            return time
        spot = ", as spot at most that" if self.target.spot else ""
        whole = self.prices.price(self.session.region, dearest, self.target.disk_gb).for_(time)
        return ok("price", f"{told}{spot}; ${money(whole)} until it ends itself")

    def price_table(self) -> Finding:
        region = self.session.region
        if stale := self.prices.staleness(clock.now(), region):
            told, _, update = stale.partition(" Newer ones: ")
            return Finding("price table", "warning", told, update)
        return ok("price table", f"of {self.prices.in_region(region).dated}")

    # What the account may have

    def quota(self) -> Finding:
        """Virtual CPUs at once. New accounts have few, and none with a GPU."""
        name, spot = self.target.machine_type, self.target.spot
        family = quotas.family_of(name)
        if family is None:
            return ok("quota", f"machines such as {name} are not counted by virtual CPUs")
        try:
            answer = self.session.call(
                "service-quotas",
                "get_service_quota",
                ServiceCode="ec2",
                QuotaCode=family.code(spot=spot),
            )
        except MldeployError as error:
            return unknown("quota", "The quota of the account", error)
        running = [one for one in self._running() if _counts(one, family, spot=spot)]
        used = sum(self._cpus_of(one) for one in running)
        ours = [one for one in running if tags.MANAGED in find.marks_of(one)]
        return quota_of(
            limit=int(answer["Quota"]["Value"]),
            used=used,
            needed=self._size.cpus,
            family=f"{'spot ' if spot else ''}{family.name}",
            machine_type=name,
            ours=[str(one["InstanceId"]) for one in ours],
            link=quotas.link(self.session.region, name, spot=spot),
        )

    def permissions(self) -> Finding:
        """EC2 itself is asked, by requests that it only judges."""
        place = self._place()
        zone = next(zone for zone in self._zones(self.target.machine_type) if zone in place.subnets)
        trials = (
            trial.machine(self.target, self._image.id, place.subnets[zone]),
            trial.group(place.vpc),
            trial.key(),
        )
        for method, what in trials:
            try:
                self.session.call("ec2", method, DryRun=True, **what)
            except WouldWorkError:
                continue
        return ok("permissions", "you may rent a machine, with its group and its key")

    # Where it stands, and with what

    def network(self) -> Finding:
        name, region = self.target.machine_type, self.session.region
        try:
            place = self._place()
        except ConfigError as error:
            fix = Fix(f"make it: {_words_for(error)}", lambda _: self._make_network())
            return Finding("network", "error", f"{error.what} {error.why}", error.do, fix)
        zones = [zone for zone in self._zones(name) if zone in place.subnets]
        if zones:
            return ok("network", f"{place.vpc}, the default one, has {', '.join(zones)}")
        zone = self._zones(name)[0]
        command = f"aws ec2 create-default-subnet --availability-zone {zone} --region {region}"
        return Finding(
            "network",
            "error",
            f"{place.vpc}, the default network, has no part in a zone with a {name}.",
            f"{command}   (costs nothing)",
            Fix(f"make one: {command}", lambda _: self._make_part(zone)),
        )

    def own_address(self) -> Finding:
        """Port 22 is opened for it alone."""
        if self.target.ssh_from:
            return ok("own address", f"{self.target.ssh_from} may log in, as ssh_from says")
        found = network.this_laptop().partition("/")[0]
        return ok("own address", f"{found}, from which alone one may log in")

    def image(self) -> Finding:
        found = self._image
        told = f"{found.id}, the newest of its makers"
        if found.least_gb <= self.target.disk_gb:
            return ok("image", told)
        return Finding(
            "image",
            "warning",
            f"{told}, needs a disk of {found.least_gb} GB: it gets one, which costs more than the "
            f"{self.target.disk_gb} GB that prices are shown for.",
            f'disk = "{found.least_gb}GB" in mldeploy.toml',
        )

    def orphans(self) -> Finding:
        """Only of this region: `mldeploy orphans` looks at all of them."""
        there = find.things(self.session, self.session.region)
        return orphans_of(there, clock.now(), self.session.region)

    # Small steps of the above

    def _an_hour(self, machine_type: str) -> Decimal:
        region = self.session.region
        return self.prices.price(region, machine_type, self.target.disk_gb).total

    def _zones(self, machine_type: str) -> list[str]:
        if machine_type not in self._asked_zones:
            self._asked_zones[machine_type] = network.zones_with(self.session, machine_type)
        return self._asked_zones[machine_type]

    @cached_property
    def _asked_zones(self) -> dict[str, list[str]]:
        return {}

    @property
    def _size(self) -> Size:
        return self.prices.size(self.session.region, self.target.machine_type)

    @cached_property
    def _image(self) -> Image:
        return images.newest(self.session, self.target.system, self._size)

    def _place(self) -> Place:
        return network.default_place(self.session)

    def _make_network(self) -> None:
        wanted = [{"Name": "isDefault", "Values": ["true"]}]
        if self.session.call("ec2", "describe_vpcs", Filters=wanted)["Vpcs"]:
            self._make_part(self._zones(self.target.machine_type)[0])
        else:
            self.session.call("ec2", "create_default_vpc")

    def _make_part(self, zone: str) -> None:
        self.session.call("ec2", "create_default_subnet", AvailabilityZone=zone)

    def _running(self) -> list[dict[str, Any]]:
        alive = [{"Name": "instance-state-name", "Values": ["pending", "running"]}]
        return find.instances(self.session, self.session.region, alive)

    def _cpus_of(self, instance: Mapping[str, Any]) -> int:
        if known := self.prices.known_sizes.get(instance["InstanceType"]):
            return known.cpus
        options = instance.get("CpuOptions", {})
        return int(options.get("CoreCount", 1)) * int(options.get("ThreadsPerCore", 1))


def quota_of(
    *,
    limit: int,
    used: int,
    needed: int,
    family: str,
    machine_type: str,
    ours: list[str],
    link: str,
) -> Finding:
    """Does one more fit? ``ours`` are machines of mldeploy among those that are counted."""
    ask = f"ask for more: {link} (a person decides; it takes hours to days)"
    if limit < needed:
        return Finding(
            "quota",
            "error",
            f"The quota of your account is {limit} virtual CPUs for the family {family}"
            f"{', as in most new accounts' if not limit else ''}; a {machine_type} needs {needed}.",
            f"{ask}, or another machine_type meanwhile",
        )
    told = f"a {machine_type} needs {needed} of {limit} virtual CPUs ({family}); {used} are in use"
    if used + needed <= limit:
        return ok("quota", told)
    if ours:
        return Finding(
            "quota",
            "warning",
            f"{told}, also by {', '.join(ours)} of mldeploy: for one more there is no room.",
            f"mldeploy orphans   shows whose they are; or {ask}",
        )
    return Finding(
        "quota", "error", f"{told}: for one more there is no room.", f"end some, or {ask}"
    )


def orphans_of(things: list[Thing], now: datetime, region: str) -> Finding:
    """What should have ended, and what costs money though its machine is gone."""
    machines = [one for one in things if one.kind == "machine"]
    overdue = [one for one in machines if one.expires_at and one.expires_at < now]
    alive = {one.rental for one in machines}
    alone = [one for one in things if one.rental not in alive and one.price]
    if overdue or alone:
        named = [f"{one.text} is past its end" for one in overdue]
        named += [f"{one.text} has no machine" for one in alone]
        an_hour = sum((one.price for one in overdue + alone), Decimal(0))
        return Finding(
            "orphans",
            "warning",
            f"{', '.join(named)}: ${money(an_hour, an_hour=True)} an hour.",
            "mldeploy orphans   shows all of it, and how to end it",
        )
    count = f"{len(machines)} machines" if len(machines) != 1 else "1 machine"
    return ok("orphans", f"{count} of mldeploy in {region}; nothing is past its end")


def _sized(size: Size) -> str:
    gpu = f", {size.gpu}" if size.gpu else ""
    return f"{size.cpus} virtual CPUs, {size.memory / 2**30:g} GB of memory{gpu}"


def _counts(instance: Mapping[str, Any], family: quotas.Family, *, spot: bool) -> bool:
    is_spot = instance.get("InstanceLifecycle") == "spot"
    return is_spot == spot and quotas.family_of(instance["InstanceType"]) == family


def _words_for(error: MldeployError) -> str:
    return error.do.partition("   ")[0]
