"""Things as the API writes them."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from tests.paperspace import catalogue
from tests.paperspace.account import Account, Address, Event, Machine, Network, Script
from tests.paperspace.catalogue import GIB, Template

FIRST_DAY = "2022-05-04T12:00:00.000Z"
PLAIN = ("autoSnapshotFrequency", "autoSnapshotSaveCount", "restorePointFrequency")


def machine(it: Machine) -> dict[str, Any]:
    gpu = it.type.gpu
    gpus = [{"name": gpu[0], "memory": str(gpu[1] * GIB), "count": 1}] if gpu else None
    shuts_down = bool(it.settings.get("autoShutdownEnabled", False))
    return {
        "id": it.id,
        "name": it.name,
        "state": it.state,
        "os": it.template.system,
        "machineType": it.type.label,
        "agentType": it.template.agent,
        "cpus": it.type.cpus,
        "ram": str(it.type.ram_gib * GIB),
        "storageTotal": str(it.disk_gb * GIB),
        "storageUsed": str(3 * GIB),
        "accelerators": gpus,
        "region": it.region,
        "privateIp": _private(it),
        "networkId": it.settings.get("networkId"),
        "publicIp": it.address,
        "publicIpType": it.address_type,
        "autoShutdownEnabled": shuts_down,
        "autoShutdownTimeout": it.settings.get("autoShutdownTimeout") if shuts_down else None,
        "autoShutdownForce": it.settings.get("autoShutdownForce") if shuts_down else None,
        "autoSnapshotEnabled": bool(it.settings.get("autoSnapshotEnabled", False)),
        "restorePointEnabled": bool(it.settings.get("restorePointEnabled", False)),
        "updatesPending": False,
        "dtCreated": time(it.created),
        "dtModified": time(it.modified or it.created),
        "dtDeleted": maybe(it.deleted),
        "usageRate": float(it.type.price),
        "storageRate": float(catalogue.DISK_A_MONTH[it.disk_gb]),
        "reservation": None,
    } | {name: it.settings.get(name) for name in PLAIN}


def _private(it: Machine) -> str | None:
    if it.state == "provisioning":
        return None
    return it.own_address or f"10.42.{it.number // 250}.{it.number % 250 + 2}"


def event(it: Event) -> dict[str, Any]:
    return {
        "id": it.id,
        "name": it.name,
        "state": it.state,
        "machineId": it.machine_id,
        "error": it.error,
        "dtCreated": time(it.created),
        "dtStarted": maybe(it.started),
        "dtFinished": maybe(it.finished),
    }


def script(it: Script) -> dict[str, Any]:
    """Its text is not told again."""
    return {
        "id": it.id,
        "name": it.name,
        "isEnabled": it.enabled,
        "isRunOnce": it.run_once,
        "assignedMachineIds": sorted(it.assigned),
        "dtCreated": time(it.created),
        "dtDeleted": maybe(it.deleted),
    }


def address(it: Address) -> dict[str, Any]:
    return {
        "publicIp": it.id,
        "region": it.region,
        "assignedMachineId": it.machine_id,
        "dtCreated": time(it.created),
    }


def network(it: Network) -> dict[str, Any]:
    return {
        "id": it.id,
        "name": it.name,
        "region": it.region,
        "network": "10.42.0.0",
        "netmask": "255.255.255.0",
        "dtCreated": time(it.created),
    }


def template(account: Account, it: Template) -> dict[str, Any]:
    types = [
        {"machineTypeLabel": label, "isAvailable": not account.is_short(label, "ny2")}
        for label in it.types
    ]
    return {
        "id": it.id,
        "name": it.name,
        "agentType": it.agent,
        "operatingSystemLabel": it.system,
        "defaultSizeGb": it.default_gb,
        "dtCreated": FIRST_DAY,
        "availableMachineTypes": types,
    }


def time(it: datetime) -> str:
    return it.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def maybe(it: datetime | None) -> str | None:
    return None if it is None else time(it)
