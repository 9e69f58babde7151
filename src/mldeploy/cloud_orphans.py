"""Everything of ours in the clouds whose credentials are here, whoever rented it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from mldeploy.errors import MldeployError
from mldeploy.prices import money
from mldeploy.providers import installed
from mldeploy.providers.base import Owner, Provider, Thing


@dataclass(frozen=True)
class CloudGroup:
    """What is there of one target. ``trouble`` says why it should not be; empty if it may."""

    provider: str
    owner: Owner
    things: tuple[Thing, ...]
    trouble: str

    @property
    def price(self) -> Decimal:
        """US dollars an hour."""
        return sum((thing.price for thing in self.things), Decimal(0))

    def as_dict(self) -> dict[str, Any]:
        return {
            "provider": self.provider,
            "project": self.owner.project,
            "target": self.owner.target,
            "trouble": self.trouble or None,
            "price_per_hour": money(self.price, an_hour=True),
            "price_per_day": money(self.price * 24),
            "things": [_thing(thing) for thing in self.things],
        }


@dataclass(frozen=True)
class Looked:
    """``silent`` are the places that gave no answer, and why: what is there is not known."""

    groups: tuple[CloudGroup, ...]
    silent: tuple[tuple[str, str], ...]
    asked: tuple[str, ...]


def providers() -> list[Provider]:
    """Those that there is somebody to ask with; raises what is wrong with the credentials."""
    made = (load().anywhere() for _, load in sorted(installed().items()))
    return [provider for provider in made if provider is not None]


def look(now: datetime) -> Looked:
    """Ask each provider, in all its places. One that can't be asked is told as silent."""
    groups: list[CloudGroup] = []
    silent: list[tuple[str, str]] = []
    asked: list[str] = []
    for kind, load in sorted(installed().items()):
        try:
            provider = load().anywhere()
            if provider is None:
                continue
            listed = provider.list_ours()
        except MldeployError as error:
            silent.append((kind, f"{error.what} {error.why} do: {error.do}"))
            continue
        groups += grouped(provider.title, listed.things, now)
        silent += [(f"{kind} {place}", why) for place, why in listed.silent]
        asked += [f"{kind} {place}" for place in listed.asked]
    return Looked(tuple(groups), tuple(silent), tuple(asked))


def grouped(provider: str, things: Iterable[Thing], now: datetime) -> list[CloudGroup]:
    """The decision, on values: which belong together, and which of them should be no more."""
    by_owner: dict[tuple[str, str], list[Thing]] = {}
    for thing in things:
        by_owner.setdefault((thing.owner.project, thing.owner.target), []).append(thing)
    return [
        CloudGroup(provider, Owner(*names), tuple(members), _trouble(members, now))
        for names, members in sorted(by_owner.items())
    ]


def _trouble(members: list[Thing], now: datetime) -> str:
    machines = [one for one in members if one.kind == "machine"]
    for one in machines:
        if one.expires_at and one.expires_at < now:
            return f"its lifetime was over at {one.expires_at.isoformat()}, and it lives"
        if one.state == "stopped":
            return "it is stopped, and its disk costs money"
    if len(machines) > 1:
        return f"there are {len(machines)} machines where one was meant"
    if not machines and any(one.price for one in members):
        return "it was left behind by a machine that is no more, and costs money"
    return ""


def _thing(thing: Thing) -> dict[str, Any]:
    return {
        "kind": thing.kind,
        "id": thing.id,
        "place": thing.place,
        "state": thing.state,
        "price_per_hour": money(thing.price, an_hour=True),
        "began": thing.began.isoformat() if thing.began else None,
        "expires_at": thing.expires_at.isoformat() if thing.expires_at else None,
        "made_by": thing.made_by,
        "end_it": thing.end_it,
        "page": thing.page,
    }
