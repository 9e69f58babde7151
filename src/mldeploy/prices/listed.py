"""What a price list says of one region, whichever way it was read. Pure.

A price list names a product by attributes, the same ones in the Pricing API and in the bulk file.
One of them is what people mean by the price of ``t3.small``: on demand, Linux without licences, on
shared hardware, running.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal, InvalidOperation

from mldeploy.prices.files import Architecture, Size

GIB = 1024**3
MACHINE = {
    "operatingSystem": "Linux",
    "tenancy": "Shared",
    "preInstalledSw": "NA",
    "capacitystatus": "Used",
}
DISK = {"productFamily": "Storage", "volumeApiName": "gp3"}
ADDRESS = {"group": "VPCPublicIPv4Address"}


@dataclass(frozen=True)
class Offer:
    """One line of a price list: what it is, and US dollars for one ``unit`` of it."""

    attributes: Mapping[str, str]
    unit: str
    price: str


@dataclass(frozen=True)
class Listed:
    """A region's prices as a list had them on ``dated``.

    ``machines`` are US dollars an hour by type and ``sizes`` what those types are; ``disk`` is US
    dollars a GB-month and ``address`` US dollars an hour, None where the list said nothing of them.
    ``unknown`` are types that were left out because neither the list nor we know their size.
    """

    region: str
    dated: date
    machines: Mapping[str, Decimal]
    sizes: Mapping[str, Size]
    disk: Decimal | None = None
    address: Decimal | None = None
    unknown: tuple[str, ...] = ()


def collect(region: str, dated: date, offers: Iterable[Offer], known: Mapping[str, Size]) -> Listed:
    """``offers`` one by one, so that a list of any length fits into memory."""
    machines: dict[str, Decimal] = {}
    sizes: dict[str, Size] = {}
    unknown: set[str] = set()
    disk = address = None
    for offer in offers:
        price = _number(offer.price)
        if price <= 0:
            continue  # a reservation's hour, which is paid for elsewhere
        has = offer.attributes
        if offer.unit == "Hrs" and is_a(MACHINE, has) and has.get("instanceType"):
            name = has["instanceType"]
            size = known.get(name) or size_of(has, known)
            if size is None:
                unknown.add(name)
            elif _on_demand(has):
                # Twice the same type would be a mistake of ours: the dearer one is the safer.
                machines[name] = max(price, machines.get(name, price))
                sizes[name] = size
        elif offer.unit == "GB-Mo" and is_a(DISK, has):
            disk = max(price, disk or price)
        elif offer.unit == "Hrs" and is_a(ADDRESS, has) and _in_use(has):
            address = max(price, address or price)
    return Listed(region, dated, machines, sizes, disk, address, tuple(sorted(unknown)))


def is_a(wanted: Mapping[str, str], attributes: Mapping[str, str]) -> bool:
    return all(attributes.get(key) == value for key, value in wanted.items())


def size_of(attributes: Mapping[str, str], known: Mapping[str, Size]) -> Size | None:
    """The size of a type that is new to us, or None where the list does not tell.

    The list counts GPUs but does not name them: the name is that of the family, if we know it.
    """
    name, cpus = attributes.get("instanceType", ""), attributes.get("vcpu", "")
    memory, processor = attributes.get("memory", ""), attributes.get("physicalProcessor", "")
    number, _, unit = memory.replace(",", "").partition(" ")
    gib = _number(number)
    if not cpus.isdecimal() or unit != "GiB" or gib <= 0 or not processor:
        return None
    architecture: Architecture = "aarch64" if "Graviton" in processor else "x86_64"
    return Size(name, int(cpus), int(gib * GIB), architecture, _gpu(attributes, known))


def _gpu(attributes: Mapping[str, str], known: Mapping[str, Size]) -> str:
    count = attributes.get("gpu", "")
    if not count.isdecimal() or count == "0":
        return ""
    family = attributes["instanceType"].partition(".")[0] + "."
    names = {one.gpu.partition(" x ")[2] for name, one in known.items() if name.startswith(family)}
    return f"{count} x {min(names)}" if len(names) == 1 and "" not in names else f"{count} x GPU"


def _on_demand(attributes: Mapping[str, str]) -> bool:
    return (
        attributes.get("marketoption", "OnDemand") in ("OnDemand", "")
        and attributes.get("operation", "RunInstances") == "RunInstances"
    )


def _in_use(attributes: Mapping[str, str]) -> bool:
    return attributes.get("usagetype", "").endswith("PublicIPv4:InUseAddress")


def _number(text: str) -> Decimal:
    try:
        number = Decimal(text)
    except InvalidOperation:
        return Decimal(0)
    return number if number.is_finite() else Decimal(0)
