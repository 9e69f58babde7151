"""What else a machine has: scripts that run once or again, addresses that outlive it, networks."""

from __future__ import annotations

from typing import Any

import pytest

from tests.paperspace.asks import Asks
from tests.paperspace.standin import Paperspace


def script(ask: Asks, **settings: Any) -> str:
    """The id of a new one."""
    sent = {"name": "mldeploy-a", "script": "#!/bin/sh\necho secret\n"} | settings
    made: str = ask("POST", "/startup-scripts", sent)["id"]
    return made


def restarted(paperspace: Paperspace, ask: Asks, machine: str) -> list[str]:
    """What has run in it by then."""
    ask("PATCH", f"/machines/{machine}/restart", {})
    paperspace.settle()
    return next(each.ran for each in paperspace.machines if each.id == machine)


def test_the_text_of_a_script_is_never_told_again(ask: Asks) -> None:
    made = script(ask)
    told = [
        ask("GET", f"/startup-scripts/{made}"),
        ask("GET", "/startup-scripts"),
        ask("PUT", f"/startup-scripts/{made}", {"name": "mldeploy-b"}),
        ask("DELETE", f"/startup-scripts/{made}"),
    ]
    assert "secret" not in str(told)
    assert ask.code("GET", f"/startup-scripts/{made}") == "NOT_FOUND"


@pytest.mark.parametrize(("once", "times"), [(True, 1), (False, 2)])
def test_a_script_runs_once_or_at_every_start(
    paperspace: Paperspace, ask: Asks, once: bool, times: int
) -> None:
    made = script(ask, isRunOnce=once)
    machine = ask.machine(startupScriptId=made)
    assert ask("GET", f"/startup-scripts/{made}")["assignedMachineIds"] == [machine]
    assert len(restarted(paperspace, ask, machine)) == times


def test_a_script_that_is_deleted_before_the_machine_is_up_does_not_run(
    paperspace: Paperspace, ask: Asks
) -> None:
    made = script(ask)
    ask.order(startupScriptId=made)
    ask("DELETE", f"/startup-scripts/{made}")
    paperspace.settle()
    assert paperspace.machines[0].ran == []


def test_a_script_may_fail_to_run_and_nobody_says_so(paperspace: Paperspace, ask: Asks) -> None:
    paperspace.skip_scripts()
    machine = ask.machine(startupScriptId=script(ask))
    assert ask.state(machine) == "ready"
    assert paperspace.machines[0].ran == []


def test_a_script_can_be_assigned_later_and_switched_off(paperspace: Paperspace, ask: Asks) -> None:
    machine, made = ask.machine(), script(ask)
    ask("POST", f"/startup-scripts/{made}/assign", {"machineId": machine})
    assert len(restarted(paperspace, ask, machine)) == 1
    ask("PUT", f"/startup-scripts/{made}", {"isEnabled": False})
    assert len(restarted(paperspace, ask, machine)) == 1
    ask("PUT", f"/startup-scripts/{made}", {"isEnabled": True})
    unassigned = ask("POST", f"/startup-scripts/{made}/unassign", {"machineId": machine})
    assert unassigned["assignedMachineIds"] == []
    assert len(restarted(paperspace, ask, machine)) == 1


def test_a_static_address_outlives_its_machine_and_costs_on(
    paperspace: Paperspace, ask: Asks
) -> None:
    machine = ask.machine(publicIpType="static")
    (address,) = ask("GET", "/public-ips")["items"]
    assert address["assignedMachineId"] == machine
    assert ask("GET", f"/machines/{machine}")["publicIp"] == address["publicIp"]
    path = f"/public-ips/{address['publicIp']}"
    assert ask.code("DELETE", path) == "PRECONDITION_FAILED"
    ask("PATCH", f"/machines/{machine}/stop", {})
    paperspace.settle()
    assert ask("GET", f"/machines/{machine}")["publicIp"] == address["publicIp"]
    ask("DELETE", f"/machines/{machine}")
    paperspace.settle()
    assert paperspace.bill().running == (f"address {address['publicIp']}",)
    ask("DELETE", path)
    assert (paperspace.bill().running, ask("GET", "/public-ips")["items"]) == ((), [])


def test_a_machine_may_change_its_kind_of_address(paperspace: Paperspace, ask: Asks) -> None:
    machine = ask.machine(publicIpType="none")
    path = f"/machines/{machine}"
    static = ask("PUT", path, {"publicIpType": "static"})["data"]["publicIp"]
    assert [each.id for each in paperspace.addresses] == [static]
    dynamic = ask("PUT", path, {"publicIpType": "dynamic"})["data"]["publicIp"]
    assert dynamic not in {None, static}
    assert paperspace.addresses[0].machine_id is None  # and it costs on
    assert f"address {static}" in paperspace.bill().running
    assert ask("PUT", path, {"publicIpType": "none"})["data"]["publicIp"] is None


def test_an_address_goes_from_one_machine_to_another(paperspace: Paperspace, ask: Asks) -> None:
    first, second = ask.machine(), ask.machine(name="mldeploy-b")
    address = ask("POST", "/public-ips", {"region": "ny2"})["publicIp"]
    for machine in (first, second):
        told = ask("PUT", f"/public-ips/{address}", {"machineId": machine})
        assert told["assignedMachineId"] == machine
    assert ask("GET", f"/machines/{second}")["publicIp"] == address
    assert ask("GET", f"/machines/{first}")["publicIp"] is None
    assert ask.code("GET", f"/public-ips/{address}") == "NOT_FOUND"  # there is no such call


def test_a_network_with_machines_in_it_stays(paperspace: Paperspace, ask: Asks) -> None:
    network = ask("POST", "/private-networks", {"name": "mldeploy-a", "region": "ny2"})["id"]
    machine = ask.machine(networkId=network)
    path = f"/private-networks/{network}"
    assert ask("GET", f"/machines/{machine}")["networkId"] == ask("GET", path)["id"]
    assert ask.code("DELETE", path) == "PRECONDITION_FAILED"
    ask("DELETE", f"/machines/{machine}")
    paperspace.settle()
    ask("DELETE", path)
    assert paperspace.networks == []
