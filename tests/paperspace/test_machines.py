"""A machine's life: what takes a while, in which order, and what the events tell."""

from __future__ import annotations

import pytest

from tests.paperspace.asks import MACHINE, Asks
from tests.paperspace.standin import Paperspace


def test_a_machine_comes_up_a_look_at_a_time_and_gets_its_address_last(ask: Asks) -> None:
    made = ask.order()
    assert (made["data"]["state"], made["event"]["state"]) == ("provisioning", "new")
    seen = []
    for _ in range(5):
        machine = ask("GET", f"/machines/{made['data']['id']}")
        seen.append((machine["state"], machine["publicIp"] is not None))
    assert seen == [
        ("provisioning", False),  # the event begins
        ("provisioning", False),
        ("serviceready", False),
        ("ready", False),
        ("ready", True),
    ]


def test_an_event_is_done_before_the_machine_is_ready(ask: Asks) -> None:
    made = ask.order()
    event = f"/machine-events/{made['event']['id']}"
    assert [ask("GET", event)["state"] for _ in range(3)] == ["new", "in progress", "done"]
    assert ask("GET", event)["error"] is None
    assert ask("GET", "/machine-events", machineId=made["data"]["id"])["items"][0]["dtFinished"]


def test_what_takes_its_time_is_not_sped_up_by_looking(paperspace: Paperspace, ask: Asks) -> None:
    paperspace.stand_still()
    paperspace.paced(looks=0, starting=120, settling=30)
    machine = ask.order()["data"]["id"]
    assert {ask.state(machine) for _ in range(5)} == {"provisioning"}
    paperspace.advance(120)
    assert ask.state(machine) == "serviceready"
    paperspace.advance(30)
    assert ask.state(machine) == "ready"


def test_what_nobody_looks_at_goes_on_all_the_same(paperspace: Paperspace, ask: Asks) -> None:
    machine = ask.machine()
    ask("DELETE", f"/machines/{machine}")
    paperspace.advance(600)
    assert paperspace.machines == []


def test_a_machine_without_the_wish_for_an_address_never_gets_one(ask: Asks) -> None:
    machine = ask.machine(publicIpType="none")
    assert ask("GET", f"/machines/{machine}")["publicIp"] is None


def test_a_stop_releases_a_dynamic_address_and_a_start_gives_another(
    paperspace: Paperspace, ask: Asks
) -> None:
    machine = ask.machine()
    first = ask("GET", f"/machines/{machine}")["publicIp"]
    assert ask("PATCH", f"/machines/{machine}/stop", {})["data"]["state"] == "stopping"
    paperspace.settle()
    off = ask("GET", f"/machines/{machine}")
    assert (off["state"], off["publicIp"]) == ("off", None)
    assert ask("PATCH", f"/machines/{machine}/start", {})["event"]["name"] == "start"
    paperspace.settle()
    assert ask("GET", f"/machines/{machine}")["publicIp"] not in {None, first}


def test_a_restart_ends_ready_with_the_same_address(paperspace: Paperspace, ask: Asks) -> None:
    machine = ask.machine()
    first = ask("GET", f"/machines/{machine}")["publicIp"]
    assert ask("PATCH", f"/machines/{machine}/restart", {})["data"]["state"] == "restarting"
    paperspace.settle()
    now = ask("GET", f"/machines/{machine}")
    assert (now["state"], now["publicIp"]) == ("ready", first)


def test_to_start_what_is_starting_is_refused_in_these_words(ask: Asks) -> None:
    machine = ask.order()["data"]["id"]
    refused = ask("PATCH", f"/machines/{machine}/start", {})
    assert refused["message"] == "This machine is currently starting."


@pytest.mark.parametrize("verb", ["start", "stop", "restart"])
def test_what_does_not_fit_the_state_is_refused(ask: Asks, verb: str) -> None:
    machine = ask.order()["data"]["id"]
    assert ask.code("PATCH", f"/machines/{machine}/{verb}", {}) == "PRECONDITION_FAILED"


def test_a_delete_takes_a_while_and_then_there_is_nothing(ask: Asks) -> None:
    machine = ask.machine()
    gone = ask("DELETE", f"/machines/{machine}")
    assert gone["event"]["name"] == "deactivate"
    assert ask.code("DELETE", f"/machines/{machine}") == "CONFLICT"
    assert [ask.state(machine) for _ in range(3)] == ["stopping", "stopping", "gone"]
    assert ask("GET", f"/machine-events/{gone['event']['id']}")["state"] == "done"
    assert ask("GET", "/machines")["items"] == []


def test_a_machine_may_be_deleted_while_it_comes_up(paperspace: Paperspace, ask: Asks) -> None:
    made = ask.order()
    ask("DELETE", f"/machines/{made['data']['id']}")
    assert ask("GET", f"/machine-events/{made['event']['id']}")["state"] == "cancelled"
    paperspace.settle()
    assert paperspace.machines == []


def test_a_machine_that_is_not_to_start_is_off(paperspace: Paperspace, ask: Asks) -> None:
    assert ask.state(ask.machine(startOnCreate=False)) == "off"


def test_a_change_is_seen_and_is_an_event(ask: Asks) -> None:
    machine = ask.machine()
    changed = ask("PUT", f"/machines/{machine}", {"name": "mldeploy-b", "diskSize": 100})
    assert changed["data"]["name"] == "mldeploy-b"
    assert changed["event"]["state"] == "done"
    assert ask.code("PUT", f"/machines/{machine}", {"diskSize": 50}) == "BAD_REQUEST"
    assert ask.code("PUT", f"/machines/{machine}", {"machineType": "H100"}) == "BAD_REQUEST"
    assert ask.code("PUT", f"/machines/{machine}", {"machineType": "C7"}) == "PRECONDITION_FAILED"


def test_names_are_not_unique_and_their_filter_is_loose(paperspace: Paperspace, ask: Asks) -> None:
    first, second = ask.machine(), ask.machine()
    other = ask.machine(name="mldeploy-abc")
    found = ask("GET", "/machines", name="mldeploy-a")["items"]
    assert {each["id"] for each in found} == {first, second, other}
    assert paperspace.trouble == ["2 machines of mldeploy-a"]
    ask("DELETE", f"/machines/{second}")
    paperspace.settle()


def test_lists_can_be_narrowed(ask: Asks) -> None:
    machine = ask.machine(region="East Coast (NY2)")
    assert ask("GET", f"/machines/{machine}")["region"] == "ny2"
    for query in ({"region": "ca1"}, {"machineType": "P4000"}, {"agentType": "LinuxDesktop"}):
        assert ask("GET", "/machines", **query)["items"] == []
    assert len(ask("GET", "/machines", region="East Coast (NY2)")["items"]) == 1


def test_the_shutdown_by_the_clock_only_stops(paperspace: Paperspace, ask: Asks) -> None:
    paperspace.instant()
    machine = ask.machine(autoShutdownEnabled=True, autoShutdownTimeout=2, autoShutdownForce=True)
    paperspace.advance(2 * 3600 - 60)
    assert ask.state(machine) == "ready"
    paperspace.advance(120)
    assert ask.state(machine) == "off"
    assert paperspace.bill().running == (f"storage {machine}",)


def test_taken_as_idle_time_the_shutdown_never_comes_to_who_is_busy(
    paperspace: Paperspace, ask: Asks
) -> None:
    paperspace.account.auto_shutdown = False
    machine = ask.machine(autoShutdownEnabled=True, autoShutdownTimeout=2)
    paperspace.advance(9 * 3600)
    assert ask.state(machine) == "ready"


def test_what_a_machine_is_can_be_read_from_it(ask: Asks) -> None:
    machine = ask("GET", f"/machines/{ask.machine(machineType='P4000', diskSize=100)}")
    assert machine["accelerators"] == [
        {"name": "Quadro P4000", "memory": str(8 * 1024**3), "count": 1}
    ]
    assert (machine["usageRate"], machine["storageRate"]) == (0.51, 7.0)
    assert machine["storageTotal"] == str(100 * 1024**3)


def test_no_two_machines_have_the_same_private_address(ask: Asks) -> None:
    told = [ask("GET", f"/machines/{ask.machine(name=f'mldeploy-{one}')}") for one in "ab"]
    assert len({each["privateIp"] for each in told} - {None}) == 2


def test_the_order_that_these_tests_begin_with_needs_nothing_else(ask: Asks) -> None:
    for field in ("name", "machineType", "templateId", "diskSize", "region"):
        without = {name: value for name, value in MACHINE.items() if name != field}
        assert ask.code("POST", "/machines", without) == "BAD_REQUEST"
