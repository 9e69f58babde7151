"""Machines and their events."""

from __future__ import annotations

from typing import Any

from tests.paperspace import catalogue, life, pages, parts, written
from tests.paperspace.account import OURS, Account, Event, Machine, Script
from tests.paperspace.bill import an_hour
from tests.paperspace.refusals import Refused

KEYS = pages.BY_CREATION | {"name": lambda it: it.name, "state": lambda it: it.state}
APART = {"name", "machineType", "templateId", "diskSize", "region", "publicIpType"}
COMING_UP = {"provisioning", "starting", "restarting", "serviceready"}


def availability(account: Account, asked: dict[str, Any]) -> dict[str, Any]:
    region, label = region_of(asked["region"]), asked["machineType"]
    account.asked_for.setdefault((label, region), []).append(account.now())
    return {"available": label in catalogue.TYPES and not account.is_short(label, region)}


def list_machines(account: Account, asked: dict[str, Any]) -> dict[str, Any]:
    """The filter of names is a loose one."""
    region = region_of(asked["region"]) if "region" in asked else None
    found = [
        each
        for each in pages.listed(account.machines.values())
        if asked.get("name", "").lower() in each.name.lower()
        if region in {None, each.region}
        if asked.get("machineType") in {None, each.type.label}
        if asked.get("agentType") in {None, each.template.agent}
    ]
    answer, shown = pages.page(account, found, asked, written.machine, KEYS)
    for each in shown:
        life.looked(each)
    return answer


def get_machine(account: Account, asked: dict[str, Any]) -> dict[str, Any]:
    machine: Machine = account.seen(account.machines, asked["id"])
    life.looked(machine)
    return written.machine(machine)


def create_machine(account: Account, asked: dict[str, Any]) -> dict[str, Any]:
    region = region_of(asked["region"])
    label = asked["machineType"]
    template = next((each for each in account.templates if each.id == asked["templateId"]), None)
    if template is None:
        raise Refused("NOT_FOUND", "Template not found")
    if label not in template.types:
        raise Refused("BAD_REQUEST", f"Machine type {label} is not available for this template")
    script: Script | None = None
    if "startupScriptId" in asked:
        script = account.seen(account.scripts, asked["startupScriptId"])
    if "networkId" in asked:
        account.seen(account.networks, asked["networkId"])
    _look_for_trouble(account, asked, region)
    if sum(each.exists for each in account.machines.values()) >= account.max_machines:
        raise Refused("FORBIDDEN", "You have reached the maximum number of machines for your team")
    if account.is_short(label, region, at_create=True):
        raise Refused("PRECONDITION_FAILED", f"{label} is out of capacity in this region")
    machine = Machine(
        **account.named("ps", asked["name"]),
        type=catalogue.TYPES[label],
        template=template,
        region=region,
        disk_gb=asked["diskSize"],
        address_type=asked.get("publicIpType", account.address_by_default),
        script_id=script.id if script else None,
        settings={name: value for name, value in asked.items() if name not in APART},
        unseen_by_id=account.lag.by_id,
        unseen_in_lists=account.lag.in_lists,
    )
    if script:
        script.assigned.add(machine.id)
    return _both(machine, life.begin(account, machine, start=asked["startOnCreate"]))


def update_machine(account: Account, asked: dict[str, Any]) -> dict[str, Any]:
    machine: Machine = account.seen(account.machines, asked["id"])
    account.touched(machine, "update")
    _check_change(machine, asked)
    now = account.now()
    machine.name = asked.get("name", machine.name)
    if label := asked.get("machineType"):
        machine.type = catalogue.TYPES[label]
    if size := asked.get("diskSize"):
        machine.disk_gb = size
        account.unmeter(machine, now, "storage")
        account.meter(machine, "storage", an_hour(catalogue.DISK_A_MONTH[size]), now)
    if kind := asked.get("publicIpType"):
        parts.readdress(account, machine, kind)
    told = {name: value for name, value in asked.items() if name not in APART | {"id"}}
    machine.settings |= told
    machine.modified = now
    event = Event(**account.named("ev", "update"), machine_id=machine.id, state="done")
    event.started = event.finished = now
    account.events[event.id] = event
    return _both(machine, event)


def start_machine(account: Account, asked: dict[str, Any]) -> dict[str, Any]:
    machine: Machine = account.seen(account.machines, asked["id"])
    account.touched(machine, "start")
    if machine.state in COMING_UP:
        raise Refused("PRECONDITION_FAILED", "This machine is currently starting.")
    if machine.state != "off":
        raise Refused("PRECONDITION_FAILED", f"This machine is currently {machine.state}.")
    if account.is_short(machine.type.label, machine.region, at_create=True):
        raise Refused("PRECONDITION_FAILED", f"{machine.type.label} is out of capacity")
    return _both(machine, life.start(account, machine))


def stop_machine(account: Account, asked: dict[str, Any]) -> dict[str, Any]:
    machine: Machine = account.seen(account.machines, asked["id"])
    account.touched(machine, "stop")
    if machine.state not in {"ready", "serviceready"}:
        raise Refused("PRECONDITION_FAILED", f"This machine is currently {machine.state}.")
    return _both(machine, life.stop(account, machine))


def restart_machine(account: Account, asked: dict[str, Any]) -> dict[str, Any]:
    machine: Machine = account.seen(account.machines, asked["id"])
    account.touched(machine, "restart")
    if machine.state != "ready":
        raise Refused("PRECONDITION_FAILED", f"This machine is currently {machine.state}.")
    return _both(machine, life.restart(account, machine))


def delete_machine(account: Account, asked: dict[str, Any]) -> dict[str, Any]:
    """One that is being deleted already is refused."""
    machine: Machine = account.seen(account.machines, asked["id"])
    account.touched(machine, "delete")
    under_way = machine.event
    if under_way and under_way.name == "deactivate" and under_way.state != "error":
        raise Refused("CONFLICT", "This machine is currently being deleted.")
    return _both(machine, life.delete(account, machine))


def list_events(account: Account, asked: dict[str, Any]) -> dict[str, Any]:
    wanted = asked.get("machineId")
    found = [each for each in account.events.values() if wanted in {None, each.machine_id}]
    answer, shown = pages.page(account, found, asked, written.event)
    for machine_id in {each.machine_id for each in shown}:
        life.looked(account.machines[machine_id])
    return answer


def get_event(account: Account, asked: dict[str, Any]) -> dict[str, Any]:
    event: Event = account.seen(account.events, asked["id"])
    if not account.events_stay and not account.machines[event.machine_id].exists:
        raise Refused("NOT_FOUND")
    life.looked(account.machines[event.machine_id])
    return written.event(event)


def region_of(name: str) -> str:
    found = catalogue.region_of(name)
    if found is None:
        raise Refused("BAD_REQUEST", f"Unknown region {name!r}")
    return found


def _check_change(machine: Machine, asked: dict[str, Any]) -> None:
    label = asked.get("machineType")
    if label is not None and label not in machine.template.types:
        raise Refused("BAD_REQUEST", f"Machine type {label} is not available for this machine")
    if label is not None and machine.state != "off":
        raise Refused("PRECONDITION_FAILED", "The machine must be off to change its type")
    if asked.get("diskSize", machine.disk_gb) < machine.disk_gb:
        raise Refused("BAD_REQUEST", "A disk can not become smaller")


def _look_for_trouble(account: Account, asked: dict[str, Any], region: str) -> None:
    about = f"create of {asked['name']}"
    if not account.was_asked_for(asked["machineType"], region):
        account.trouble.append(f"{about}, and nobody asked whether there is one")
    if not asked["name"].startswith(OURS):
        account.trouble.append(f"{about}, which is no name of ours")
    if asked["emailPassword"]:
        account.trouble.append(f"{about} with a password by mail")


def _both(machine: Machine, event: Event) -> dict[str, Any]:
    return {"data": written.machine(machine), "event": written.event(event)}
