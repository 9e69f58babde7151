"""What would be rented, in plain words, with what nobody expects of it. Pure."""

from __future__ import annotations

from mldeploy.prices import Price, Size, money
from mldeploy.providers.paperspace.settings import REGIONS, PaperspaceTarget


def lines(target: PaperspaceTarget, size: Size, disk_gb: int, price: Price) -> list[str]:
    gpu = f", {size.gpu}" if size.gpu else ""
    memory = f"{size.memory / 2**30:g} GB"
    found = [
        f"a machine {size.name} ({size.cpus} CPUs, {memory}{gpu}) in {REGIONS[target.place]}",
        f"a disk of {disk_gb} GB, which goes with it"
        + (f" (asked for {target.disk_gb}; sold in steps)" if disk_gb != target.disk_gb else ""),
        "a static address, given back by `down`"
        if target.public_address == "static"
        else "a public address, which goes with it",
        "no firewall, as Paperspace has none: everybody reaches each port that listens. That is "
        + ("ssh alone" if target.private else "ssh and the service")
        + "; passwords are switched off",
        "a startup script, which tells the machine what to be",
        *_at_the_end(target, price),
    ]
    if target.or_machine_types:
        found.append(f"or, where none is free: {', '.join(target.or_machine_types)}")
    return found


def _at_the_end(target: PaperspaceTarget, price: Price) -> list[str]:
    """After its lifetime. A machine that is merely switched off is paid for."""
    stays = money((price.disk + price.address) * 730)
    if target.on_expiry == "stop":
        return [
            "after its lifetime it STOPS, and is not deleted: its disk"
            + (" and its address" if price.address else "")
            + f" go on costing ${stays} a month until `mldeploy down`"
        ]
    found = [
        "your Paperspace API key, in a file on the machine that root alone reads: with it the "
        'machine deletes itself after its lifetime (on_expiry = "stop" keeps the key here)'
    ]
    if price.address:
        found.append(
            "a machine that deletes itself leaves the static address behind: "
            f"${money(price.address * 730)} a month until `mldeploy down`"
        )
    return found
