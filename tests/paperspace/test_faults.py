"""What goes wrong on purpose, and what has happened all the same."""

from __future__ import annotations

import httpx
import pytest

from tests.paperspace.asks import MACHINE, Asks
from tests.paperspace.document import wrong_error
from tests.paperspace.refusals import STATUS
from tests.paperspace.standin import Paperspace


@pytest.mark.parametrize("code", STATUS)
def test_every_code_comes_with_its_status_as_often_as_was_asked(
    paperspace: Paperspace, ask: Asks, code: str
) -> None:
    paperspace.fail("GET /machines", code, times=2, details={"why": "a test"})
    for _ in range(2):
        assert ask.code("GET", "/machines") == code
    assert ask("GET", "/machines")["items"] == []
    assert wrong_error(paperspace.calls[0].answer) == []


def test_an_error_may_come_with_a_good_status(paperspace: Paperspace, ask: Asks) -> None:
    paperspace.fail("POST /machines", "INTERNAL_SERVER_ERROR", status=200)
    response = ask.response("POST", "/machines", MACHINE)
    assert (response.status_code, response.json()["code"]) == (200, "INTERNAL_SERVER_ERROR")
    assert paperspace.machines == []


def test_the_nth_call_fails_and_no_other(paperspace: Paperspace, ask: Asks) -> None:
    paperspace.fail("GET /os-*", "INTERNAL_SERVER_ERROR", skip=2)
    found = [ask.response("GET", "/os-templates").status_code for _ in range(4)]
    assert found == [200, 200, 500, 200]


def test_a_cut_before_has_no_effect(paperspace: Paperspace, ask: Asks) -> None:
    paperspace.fail("POST /machines")
    with pytest.raises(httpx.RemoteProtocolError):
        ask.order()
    assert paperspace.machines == []
    assert paperspace.calls_of("POST /machines")[0].status is None


def test_a_cut_after_has_all_of_it(paperspace: Paperspace, ask: Asks) -> None:
    paperspace.fail("POST /machines", when="after")
    with pytest.raises(httpx.RemoteProtocolError):
        ask.order()
    assert [each.name for each in paperspace.machines] == ["mldeploy-a"]
    assert paperspace.bill().an_hour > 0


def test_an_error_after_the_effect_is_no_proof_of_anything(
    paperspace: Paperspace, ask: Asks
) -> None:
    machine = ask.machine()
    paperspace.fail("DELETE /machines/*", "INTERNAL_SERVER_ERROR", when="after")
    assert ask.code("DELETE", f"/machines/{machine}") == "INTERNAL_SERVER_ERROR"
    paperspace.settle()
    assert paperspace.machines == []


def test_who_asks_too_often_must_wait(paperspace: Paperspace, ask: Asks) -> None:
    paperspace.stand_still()
    paperspace.allow(3, seconds=10)
    codes = [ask.response("GET", "/machines").status_code for _ in range(5)]
    assert codes == [200, 200, 200, 429, 429]
    paperspace.advance(11)
    assert ask.response("GET", "/machines").status_code == 200


def test_a_proxy_in_front_of_it_answers_in_words_of_its_own(
    paperspace: Paperspace, ask: Asks
) -> None:
    paperspace.fail("POST /machines", raw="<html>Bad gateway</html>", when="after")
    with pytest.raises(ValueError, match="Expecting value"):
        ask.order()
    assert len(paperspace.machines) == 1
    paperspace.fail("GET /machines", raw="<html>Bad gateway</html>")
    response = ask.response("GET", "/machines")
    assert (response.status_code, response.headers["Content-Type"]) == (502, "text/html")


def test_who_is_to_wait_may_be_told_how_long(paperspace: Paperspace, ask: Asks) -> None:
    paperspace.fail("GET /machines", "TOO_MANY_REQUESTS", headers={"Retry-After": "7"})
    assert ask.response("GET", "/machines").headers["Retry-After"] == "7"


def test_without_a_socket_a_slow_answer_is_waited_for_in_the_accounts_time(
    paperspace: Paperspace, ask: Asks
) -> None:
    paperspace.stand_still()
    before = paperspace.now()
    paperspace.delay("POST /machines", 90)
    with pytest.raises(httpx.ReadTimeout):
        ask.order()
    assert len(paperspace.machines) == 1
    assert (paperspace.now() - before).total_seconds() == ask.client.timeout.read
    paperspace.delay("POST /machines", 1)
    assert "event" in ask.order(name="mldeploy-b")


def test_a_delete_that_was_accepted_may_come_to_nothing(paperspace: Paperspace, ask: Asks) -> None:
    machine = ask.machine()
    paperspace.next_delete_fails()
    event = ask("DELETE", f"/machines/{machine}")["event"]["id"]
    paperspace.settle()
    assert ask("GET", f"/machine-events/{event}")["error"] == "Internal error"
    assert ask.state(machine) == "ready"
    ask("DELETE", f"/machines/{machine}")
    paperspace.settle()
    assert ask.state(machine) == "gone"


def test_the_events_of_a_machine_may_go_with_it(paperspace: Paperspace, ask: Asks) -> None:
    paperspace.account.events_stay = False
    machine = ask.machine()
    event = ask("DELETE", f"/machines/{machine}")["event"]["id"]
    assert ask("GET", f"/machine-events/{event}")["state"] == "new"
    paperspace.settle()
    assert ask.code("GET", f"/machine-events/{event}") == "NOT_FOUND"


def test_a_machine_may_fail_to_come_up_and_stays_on_the_bill(
    paperspace: Paperspace, ask: Asks
) -> None:
    paperspace.next_machine_fails("No capacity in ny2")
    made = ask.order()
    paperspace.settle()
    event = ask("GET", f"/machine-events/{made['event']['id']}")
    assert (event["state"], event["error"]) == ("error", "No capacity in ny2")
    assert ask.state(made["data"]["id"]) == "provisioning"
    assert len(paperspace.bill().running) == 2
    ask("DELETE", f"/machines/{made['data']['id']}")
    paperspace.settle()
    assert paperspace.bill().running == ()
