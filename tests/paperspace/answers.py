"""Every call but those of machines; `BY_ID` has them all."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from tests.paperspace import answers_machines as machines
from tests.paperspace import catalogue, pages, written
from tests.paperspace.account import Account, Address, Machine, Network, Script
from tests.paperspace.answers_machines import region_of
from tests.paperspace.bill import an_hour
from tests.paperspace.refusals import Refused

Answer = Callable[[Account, dict[str, Any]], Any]


def session(account: Account, asked: dict[str, Any]) -> dict[str, Any]:
    user = {"id": "u7d2k", "email": "learner@example.invalid", "teamMemberships": []}
    team = {"id": "t3mx9", "namespace": "tlearner", "isPrivate": False}
    return {"user": user, "team": team | {"maxMachines": account.max_machines}}


def account_standing(account: Account, asked: dict[str, Any]) -> dict[str, Any]:
    if account.standing is None:
        raise Refused("NOT_FOUND")
    return account.standing


def list_templates(account: Account, asked: dict[str, Any]) -> dict[str, Any]:
    found = [
        each for each in account.templates if asked.get("name", "").lower() in each.name.lower()
    ]
    size = asked.get("limit", account.page_size)
    ids = [each.id for each in found]
    begin = ids.index(asked["after"]) + 1 if asked.get("after") in ids else 0
    shown = found[begin : begin + size]
    answer: dict[str, Any] = {
        "hasMore": len(found) > begin + size,
        "items": [written.template(account, each) for each in shown],
    }
    if shown and (answer["hasMore"] or account.pages_to_spare):
        answer["nextPage"] = shown[-1].id
    return answer


def list_scripts(account: Account, asked: dict[str, Any]) -> dict[str, Any]:
    wanted = asked.get("name", "").lower()
    found = [each for each in pages.listed(account.scripts.values()) if wanted in each.name.lower()]
    return pages.page(account, found, asked, written.script)[0]


def create_script(account: Account, asked: dict[str, Any]) -> dict[str, Any]:
    script = Script(
        **account.named("ss", asked["name"]),
        text=asked["script"],
        run_once=asked["isRunOnce"],
        unseen_by_id=account.lag.by_id,
        unseen_in_lists=account.lag.in_lists,
    )
    account.scripts[script.id] = script
    return written.script(script)


def get_script(account: Account, asked: dict[str, Any]) -> dict[str, Any]:
    return written.script(account.seen(account.scripts, asked["id"]))


def update_script(account: Account, asked: dict[str, Any]) -> dict[str, Any]:
    script: Script = account.seen(account.scripts, asked["id"])
    account.touched(script, "update")
    script.name = asked.get("name", script.name)
    script.text = asked.get("script", script.text)
    script.run_once = asked.get("isRunOnce", script.run_once)
    script.enabled = asked.get("isEnabled", script.enabled)
    return written.script(script)


def delete_script(account: Account, asked: dict[str, Any]) -> dict[str, Any]:
    script: Script = account.seen(account.scripts, asked["id"])
    account.touched(script, "delete")
    script.deleted = account.now()
    script.still_listed = account.lag.gone_in_lists
    return written.script(script)


def assign_script(account: Account, asked: dict[str, Any]) -> dict[str, Any]:
    script: Script = account.seen(account.scripts, asked["id"])
    machine: Machine = account.seen(account.machines, asked["machineId"])
    account.touched(machine, "assignment of a script")
    script.assigned.add(machine.id)
    return written.script(script)


def unassign_script(account: Account, asked: dict[str, Any]) -> dict[str, Any]:
    script: Script = account.seen(account.scripts, asked["id"])
    account.touched(script, "unassignment")
    script.assigned.discard(asked["machineId"])
    return written.script(script)


def list_addresses(account: Account, asked: dict[str, Any]) -> dict[str, Any]:
    region = region_of(asked["region"]) if "region" in asked else None
    found = pages.listed(account.addresses.values())
    found = [each for each in found if region in {None, each.region}]
    return pages.page(account, found, asked, written.address)[0]


def claim_address(account: Account, asked: dict[str, Any]) -> dict[str, Any]:
    fields = account.named("ip")
    fields["id"] = fields["name"] = account.free_address()
    address = Address(
        **fields, region=region_of(asked["region"]), unseen_in_lists=account.lag.in_lists
    )
    account.addresses[address.id] = address
    rate = an_hour(catalogue.STATIC_ADDRESS_A_MONTH)
    account.meter(address, "address", rate, address.created)
    return written.address(address)


def assign_address(account: Account, asked: dict[str, Any]) -> dict[str, Any]:
    address: Address = account.seen(account.addresses, asked["ip"])
    account.touched(address, "assignment")
    if address.machine_id in account.machines:
        account.machines[address.machine_id].address = None
    address.machine_id = asked["machineId"]
    if address.machine_id is not None:
        machine: Machine = account.seen(account.machines, address.machine_id)
        account.touched(machine, "assignment of an address")
        machine.address, machine.address_type = address.id, "static"
    return written.address(address)


def release_address(account: Account, asked: dict[str, Any]) -> dict[str, Any]:
    address: Address = account.seen(account.addresses, asked["ip"])
    account.touched(address, "release")
    if address.machine_id is not None:
        raise Refused("PRECONDITION_FAILED", "This public IP is assigned to a machine.")
    now = account.now()
    address.deleted, address.still_listed = now, account.lag.gone_in_lists
    account.unmeter(address, now)
    return written.address(address)


def list_networks(account: Account, asked: dict[str, Any]) -> dict[str, Any]:
    region = region_of(asked["region"]) if "region" in asked else None
    found = [
        each
        for each in pages.listed(account.networks.values())
        if asked.get("name", "").lower() in each.name.lower() and region in {None, each.region}
    ]
    return pages.page(account, found, asked, written.network)[0]


def create_network(account: Account, asked: dict[str, Any]) -> dict[str, Any]:
    network = Network(**account.named("nw", asked["name"]), region=region_of(asked["region"]))
    account.networks[network.id] = network
    return written.network(network)


def get_network(account: Account, asked: dict[str, Any]) -> dict[str, Any]:
    return written.network(account.seen(account.networks, asked["id"]))


def delete_network(account: Account, asked: dict[str, Any]) -> dict[str, Any]:
    network: Network = account.seen(account.networks, asked["id"])
    account.touched(network, "delete")
    inside = [m for m in account.machines.values() if m.settings.get("networkId") == network.id]
    if any(each.exists for each in inside):
        raise Refused("PRECONDITION_FAILED", "There are machines in this network.")
    network.deleted = account.now()
    return written.network(network)


BY_ID: dict[str, Answer] = {
    each.__name__: each
    for each in (
        *(session, account_standing, list_templates),
        *(list_scripts, create_script, get_script, update_script, delete_script),
        *(assign_script, unassign_script),
        *(list_addresses, claim_address, assign_address, release_address),
        *(list_networks, create_network, get_network, delete_network),
        *(machines.availability, machines.list_machines, machines.get_machine),
        *(machines.create_machine, machines.update_machine, machines.delete_machine),
        *(machines.start_machine, machines.stop_machine, machines.restart_machine),
        *(machines.list_events, machines.get_event),
    )
}
