"""It says no where the real one does, with a code, and with issues where a field is wrong."""

from __future__ import annotations

from typing import Any

import pytest

from tests.paperspace.asks import MACHINE, Asks
from tests.paperspace.standin import Paperspace


@pytest.mark.parametrize(
    ("path", "body", "about"),
    [
        ("/machines", MACHINE | {"tags": ["a"]}, "tags"),
        ("/machines", MACHINE | {"diskSize": 77}, "77"),
        ("/machines", MACHINE | {"publicIpType": "elastic"}, "elastic"),
        ("/machines", MACHINE | {"autoShutdownTimeout": "2"}, "number"),
        ("/startup-scripts", {"name": "a"}, "script"),
        ("/public-ips", {}, "region"),
    ],
)
def test_a_wrong_body_gets_its_issues(ask: Asks, path: str, body: Any, about: str) -> None:
    refused = ask("POST", path, body)
    assert refused["code"] == "BAD_REQUEST"
    assert about in " ".join(issue["message"] for issue in refused["issues"])


@pytest.mark.parametrize("query", [{"limit": 0}, {"limit": 121}, {"limit": "x"}, {"colour": "red"}])
def test_a_wrong_query_is_refused(ask: Asks, query: dict[str, Any]) -> None:
    assert ask.code("GET", "/machines", **query) == "BAD_REQUEST"


def test_availability_needs_type_and_region(ask: Asks) -> None:
    assert ask.code("GET", "/machine-availability", machineType="C5") == "BAD_REQUEST"
    assert ask.code("GET", "/machine-availability", region="ny2") == "BAD_REQUEST"


@pytest.mark.parametrize(
    ("headers", "content", "status"),
    [
        ({"Content-Type": "application/json"}, b"", 400),
        ({"Content-Type": "application/json"}, b"{}", 200),
        ({"Content-Type": "text/plain"}, b"", 200),
        ({}, b"", 200),
    ],
)
def test_an_empty_body_must_not_be_announced_as_json(
    paperspace: Paperspace, ask: Asks, headers: dict[str, str], content: bytes, status: int
) -> None:
    path = f"/machines/{ask.machine()}/stop"
    response = ask.client.patch(path, headers=headers, content=content)
    assert response.status_code == status


def test_a_body_that_is_not_announced_as_json_is_not_read(ask: Asks) -> None:
    response = ask.client.post("/startup-scripts", content=b'{"name": "a", "script": "b"}')
    assert response.json()["code"] == "BAD_REQUEST"


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"templateId": "tnothere"}, "NOT_FOUND"),
        ({"machineType": "H100"}, "BAD_REQUEST"),  # not of this template
        ({"machineType": "B200"}, "BAD_REQUEST"),
        ({"region": "mars1"}, "BAD_REQUEST"),
        ({"startupScriptId": "ssnothere"}, "NOT_FOUND"),
        ({"networkId": "nwnothere"}, "NOT_FOUND"),
    ],
)
def test_an_order_for_what_is_not_there_makes_nothing(
    paperspace: Paperspace, ask: Asks, changes: dict[str, Any], code: str
) -> None:
    refused = ask.code("POST", "/machines", MACHINE | changes)
    assert refused == code
    assert paperspace.machines == []
    assert paperspace.bill().running == ()


def test_a_team_has_so_many_machines_and_no_more(paperspace: Paperspace, ask: Asks) -> None:
    paperspace.account.max_machines = 2
    paperspace.somebody_elses()
    ask.machine()
    assert ask.order(name="mldeploy-b")["code"] == "FORBIDDEN"


def test_a_type_that_is_not_to_be_had_is_said_so_and_refused(
    paperspace: Paperspace, ask: Asks
) -> None:
    paperspace.no_capacity("C5", "ny2")
    asked = {"machineType": "C5", "region": "ny2"}
    assert ask("GET", "/machine-availability", **asked) == {"available": False}
    assert ask("GET", "/machine-availability", **asked | {"region": "ca1"}) == {"available": True}
    assert ask.order()["code"] == "PRECONDITION_FAILED"
    paperspace.capacity_again()
    assert "event" in ask.order()


def test_a_type_that_nobody_knows_is_not_available(ask: Asks) -> None:
    asked = {"machineType": "B200", "region": "ny2"}
    assert ask("GET", "/machine-availability", **asked) == {"available": False}


def test_capacity_may_go_between_the_question_and_the_order(
    paperspace: Paperspace, ask: Asks
) -> None:
    paperspace.no_capacity_after_all("C5")
    asked = {"machineType": "C5", "region": "ny2"}
    assert ask("GET", "/machine-availability", **asked) == {"available": True}
    assert ask.order()["code"] == "PRECONDITION_FAILED"
    assert paperspace.machines == []


def test_a_machine_that_was_off_may_find_no_place_any_more(
    paperspace: Paperspace, ask: Asks
) -> None:
    machine = ask.machine()
    ask("PATCH", f"/machines/{machine}/stop", {})
    paperspace.settle()
    paperspace.no_capacity("C5")
    assert ask.code("PATCH", f"/machines/{machine}/start", {}) == "PRECONDITION_FAILED"


def test_the_standing_of_the_account_is_told_where_the_call_is_there(
    paperspace: Paperspace, ask: Asks
) -> None:
    assert ask.code("GET", "/billing/account-standing") == "NOT_FOUND"
    standing = {
        "hasPaymentMethod": False,
        "isAdminLocked": False,
        "isInGoodStanding": False,
        "messages": ["Add a payment method."],
    }
    paperspace.account.standing = standing
    assert ask("GET", "/billing/account-standing") == standing
