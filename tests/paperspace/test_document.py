"""Requests and answers are held to our own subset of the OpenAPI document."""

from __future__ import annotations

import random
from contextlib import suppress

import httpx
import pytest
from jsonschema import Draft202012Validator

from tests.paperspace import answers, document
from tests.paperspace.asks import Asks
from tests.paperspace.standin import Paperspace


def test_every_call_of_the_document_has_an_answer_and_no_other() -> None:
    assert {each.id for each in document.operations()} == set(answers.BY_ID)


def test_every_schema_is_one() -> None:
    for schema in document.document()["components"]["schemas"].values():
        Draft202012Validator.check_schema(schema)


def test_every_object_that_is_sent_or_told_is_closed() -> None:
    """A field that nobody wrote down is refused, and told by nobody."""
    schemas = document.document()["components"]["schemas"]
    open_ones = {
        name
        for name, schema in schemas.items()
        if schema.get("type") == "object" and schema.get("additionalProperties") is not False
    }
    assert open_ones == {"Session"}  # the real one tells more of a user than we know


def test_an_answer_of_ours_that_is_wrong_is_trouble(
    paperspace: Paperspace, ask: Asks, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(answers.BY_ID, "availability", lambda *_: {"available": "yes"})
    ask("GET", "/machine-availability", machineType="C5", region="ny2")
    assert len(paperspace.trouble) == 1
    paperspace.forgive()


@pytest.mark.parametrize("seed", range(4))
def test_whatever_is_asked_in_whatever_order_answers_are_right_and_bills_can_be_ended(
    paperspace: Paperspace, ask: Asks, seed: int
) -> None:
    chance = random.Random(seed)  # noqa: S311
    paperspace.stand_still()
    paperspace.lagging(in_lists=chance.randrange(3), by_id=chance.randrange(2))
    ids: list[str] = ["psnothere"]
    spent = paperspace.bill().total
    for step in range(60):
        machine = chance.choice(ids)
        if chance.random() < 0.1:
            paperspace.fail("*", chance.choice([None, "TOO_MANY_REQUESTS"]), when="after")
        with suppress(httpx.RemoteProtocolError):
            match chance.randrange(8):
                case 0 | 1:
                    kind = chance.choice(["static", "dynamic", "none"])
                    made = ask.order(name=f"mldeploy-{step}", publicIpType=kind)
                    ids += [made["data"]["id"]] if "data" in made else []
                case 2:
                    verb = chance.choice(["start", "stop", "restart"])
                    ask("PATCH", f"/machines/{machine}/{verb}", {})
                case 3:
                    ask("DELETE", f"/machines/{machine}")
                case 4 | 5:
                    ask("GET", f"/machines/{machine}")
                case 6:
                    ask("GET", "/machines", limit=chance.randrange(1, 4))
                    ask("GET", "/machine-events", machineId=machine)
                case 7:
                    paperspace.advance(chance.choice([1, 60, 7200]))
        assert paperspace.bill().total >= spent
        spent = paperspace.bill().total
        assert len(paperspace.machines) <= 5
        assert paperspace.trouble == []

    paperspace.account.faults.waiting.clear()
    paperspace.settle()
    for each in paperspace.machines:
        each.unseen_by_id = 0
        ask("DELETE", f"/machines/{each.id}")
    paperspace.settle()
    for address in paperspace.addresses:
        ask("DELETE", f"/public-ips/{address.id}")
    assert paperspace.bill().running == ()
    unfinished = [
        e for e in paperspace.account.events.values() if e.state in {"new", "in progress"}
    ]
    assert unfinished == []
