"""What belongs to a machine: the scripts that run in it, and the address it is reached at."""

from __future__ import annotations

from tests.paperspace import catalogue
from tests.paperspace.account import Account, Address, Machine
from tests.paperspace.bill import an_hour


def scripts_now(account: Account, machine: Machine, *, first: bool) -> list[str]:
    """Read when the machine comes up: one that was deleted before does not run."""
    return [
        each.text
        for each in account.scripts.values()
        if each.exists and each.enabled and machine.id in each.assigned
        if first or not each.run_once or each.text not in machine.ran
    ]


def script_at_boot(account: Account, machine: Machine) -> str | None:
    if account.scripts_skipped:
        return None
    return next(iter(scripts_now(account, machine, first=True)), None)


def scripts_again(account: Account, machine: Machine) -> list[str]:
    return scripts_now(account, machine, first=False)


def claim(account: Account, machine: Machine) -> None:
    """A static address belongs to the team: it outlives the machine."""
    found = account.named("ip", foreign=machine.foreign)
    found["id"] = found["name"] = account.free_address()
    address = Address(**found, region=machine.region, machine_id=machine.id)
    account.addresses[address.id] = address
    account.meter(address, "address", an_hour(catalogue.STATIC_ADDRESS_A_MONTH), address.created)


def address(account: Account, machine: Machine) -> str | None:
    """A real machine is reached at its own alone: a static one becomes that one."""
    static = next((a for a in account.addresses.values() if a.machine_id == machine.id), None)
    if machine.own_address:
        if static:
            _renamed(account, static, machine.own_address)
        return machine.own_address if machine.address_type != "none" else None
    if static:
        return static.id
    if machine.address:  # it has not been off
        return machine.address
    return account.free_address() if machine.address_type == "dynamic" else None


def readdress(account: Account, machine: Machine, kind: str) -> None:
    """Another kind of address: what was static stays the team's, and is paid for."""
    if kind == machine.address_type:
        return
    detach(account, machine)
    machine.address_type, machine.address = kind, None
    if kind == "static":
        claim(account, machine)
    if machine.state == "ready":
        machine.address = address(account, machine)


def _renamed(account: Account, static: Address, address: str) -> None:
    del account.addresses[static.id]
    for each in account.meters:
        each.id = address if each.id == static.id else each.id
    static.id = static.name = address
    account.addresses[address] = static


def detach(account: Account, machine: Machine) -> None:
    for each in account.addresses.values():
        if each.machine_id == machine.id:
            each.machine_id = None
