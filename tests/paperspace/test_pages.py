"""Lists come in pages, in an order that is asked for, and late."""

from __future__ import annotations

from typing import Any

import pytest

from tests.paperspace.asks import Asks
from tests.paperspace.standin import Paperspace

LISTS = ("/machines", "/machine-events", "/startup-scripts", "/public-ips", "/private-networks")


def all_of(ask: Asks, path: str, **query: Any) -> list[Any]:
    """As a good client: on while there is more."""
    items: list[Any] = []
    page = ask("GET", path, **query)
    for _ in range(50):
        items += page["items"]
        if not page["hasMore"]:
            return items
        page = ask("GET", path, **query, after=page["nextPage"])
    raise AssertionError("it never ends")


@pytest.fixture
def three(paperspace: Paperspace, ask: Asks) -> list[str]:
    """The ids of three machines, oldest first; there are three of everything else, too."""
    for letter in "abc":
        ask("POST", "/startup-scripts", {"name": f"mldeploy-{letter}", "script": "true"})
        ask("POST", "/public-ips", {"region": "ny2"})
        ask("POST", "/private-networks", {"name": f"mldeploy-{letter}", "region": "ny2"})
    return [ask.machine(name=f"mldeploy-{letter}") for letter in "bca"]


@pytest.mark.parametrize("path", [*LISTS, "/os-templates"])
def test_pages_together_are_the_whole(ask: Asks, three: list[str], path: str) -> None:
    whole = all_of(ask, path, limit=120)
    assert len(whole) >= 3
    assert all_of(ask, path, limit=1) == whole == all_of(ask, path, limit=2)


@pytest.mark.parametrize("to_spare", [False, True])
def test_the_last_page_may_name_a_next_one_or_not(
    paperspace: Paperspace, ask: Asks, three: list[str], to_spare: bool
) -> None:
    paperspace.account.pages_to_spare = to_spare
    for path in [*LISTS, "/os-templates"]:
        last = ask("GET", path, limit=120)
        assert (last["hasMore"], "nextPage" in last) == (False, to_spare)


def test_the_newest_is_the_first_unless_it_is_asked_otherwise(ask: Asks, three: list[str]) -> None:
    def names(**query: Any) -> str:
        return "".join(each["name"][-1] for each in all_of(ask, "/machines", limit=1, **query))

    assert names() == "acb"
    assert names(order="asc") == "bca"
    assert names(orderBy="name", order="asc") == "abc"


def test_what_is_gone_between_two_pages_leaves_nothing_out(
    paperspace: Paperspace, ask: Asks, three: list[str]
) -> None:
    first = ask("GET", "/machines", limit=1)
    ask("DELETE", f"/machines/{first['items'][0]['id']}")
    paperspace.settle()
    rest = all_of(ask, "/machines", after=first["nextPage"])
    assert {each["id"] for each in rest} == {three[0], three[1]}


def test_a_mark_of_nobodys_is_refused(ask: Asks) -> None:
    assert ask.code("GET", "/machines", after="nonsense") == "BAD_REQUEST"


def test_a_new_machine_is_not_in_the_lists_at_once(paperspace: Paperspace, ask: Asks) -> None:
    paperspace.lagging(in_lists=2, by_id=1)
    machine = ask.order()["data"]["id"]
    assert [len(ask("GET", "/machines")["items"]) for _ in range(3)] == [0, 0, 1]
    assert ask.state(machine) == "gone"
    assert ask.state(machine) != "gone"


def test_what_is_gone_may_be_listed_a_while(paperspace: Paperspace, ask: Asks) -> None:
    paperspace.lagging(gone_in_lists=1)
    machine = ask.machine()
    ask("DELETE", f"/machines/{machine}")
    paperspace.settle()
    assert ask.state(machine) == "gone"
    (seen,) = ask("GET", "/machines")["items"]
    assert seen["dtDeleted"] is not None
    assert ask("GET", "/machines")["items"] == []


def test_a_new_script_may_not_be_known_yet(paperspace: Paperspace, ask: Asks) -> None:
    paperspace.lagging(by_id=1, in_lists=1)
    script = ask("POST", "/startup-scripts", {"name": "mldeploy-a", "script": "true"})["id"]
    assert ask.order(startupScriptId=script)["code"] == "NOT_FOUND"
    assert ask("GET", "/startup-scripts")["items"] == []
    assert ask("GET", "/startup-scripts", name="DEPLOY-a")["items"][0]["id"] == script
