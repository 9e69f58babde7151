"""What an action would change, what it would cost, and who could reach it. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal

from mldeploy.engines.base import Serving
from mldeploy.prices import Price, by_parts, money
from mldeploy.providers import lifetime, limits
from mldeploy.release import main_metric


@dataclass(frozen=True)
class Facts:
    """What a plan is made from. ``model_version`` is None when there is no champion yet."""

    target: str
    kind: str
    address: str
    port: int
    replicas: int
    certificate: str
    url: str
    of_the_world: bool  # could a public authority reach that?
    opens: tuple[int, ...]  # of a machine that others reach, to them
    serving: Serving
    model: str
    model_version: str | None
    run_id: str | None
    metrics: Mapping[str, float]
    commit: str | None
    dirty: bool
    served_commit: str | None
    served_model_version: str | None
    renting: Renting | None = None


@dataclass(frozen=True)
class Renting:
    """What a rented machine costs and how long it lives.

    ``creates`` is empty when it is there already, and then ``expires_at`` is its end; ``lifetime``
    is None for ever. ``refused`` is what a limit says against it.
    """

    provider: str
    who: str
    creates: tuple[str, ...]
    price: Price
    lifetime: timedelta | None
    expires_at: datetime | None
    refused: str = ""

    @property
    def until_end(self) -> Decimal:
        return limits.ceiling(self.price, self.lifetime)


@dataclass(frozen=True)
class Plan:
    """Prices are US dollars as decimal strings: an hour, and if it is forgotten for a month."""

    target: str
    kind: str
    creates: tuple[str, ...]
    changes: tuple[str, ...]
    removes: tuple[str, ...]
    reachable_by: str
    opens: tuple[int, ...]
    price_per_hour: str
    price_per_month: str
    expires_at: str | None
    missing: tuple[str, ...]
    renting: Renting | None = None

    def as_dict(self) -> dict[str, object]:
        return {
            "target": self.target,
            "kind": self.kind,
            "creates": list(self.creates),
            "changes": list(self.changes),
            "removes": list(self.removes),
            "reachable_by": self.reachable_by,
            "opens": list(self.opens),
            "price_per_hour": self.price_per_hour,
            "price_until_end": money(self.renting.until_end) if self.renting else "0.00",
            "price_per_month": self.price_per_month,
            "prices_dated": self.renting.price.dated.isoformat() if self.renting else None,
            "expires_at": self.expires_at,
            "missing": list(self.missing),
            "refused": self.renting.refused or None if self.renting else None,
        }


def plan(facts: Facts) -> Plan:
    """The plan of the next `up` of a target; a machine of the user's own costs nothing."""
    rented = facts.renting
    serves = facts.serving.state in ("serving", "unhealthy")
    return Plan(
        target=facts.target,
        kind=facts.kind,
        creates=(*(rented.creates if rented else ()), *_creates(facts, serves)),
        changes=_changes(facts, serves),
        removes=_removes(facts) if serves else (),
        reachable_by=_reachable_by(facts),
        opens=facts.opens,
        price_per_hour=money(rented.price.total, an_hour=True) if rented else "0.00",
        price_per_month=money(rented.price.month) if rented else "0.00",
        expires_at=rented.expires_at.isoformat() if rented and rented.expires_at else None,
        renting=rented,
        missing=() if facts.model_version else (f"{facts.model}: train first (make train)",),
    )


def text_of(made: Plan) -> str:
    """The plan as a person reads it."""
    lines = [f"mldeploy up {made.target}   ({made.kind}) would"]
    for verb, things in (
        ("need", made.missing),
        ("create", made.creates),
        ("change", made.changes),
        ("remove", made.removes),
    ):
        lines += [f"  {verb:<7} {thing}" for thing in things]
    lines += [
        f"  reached by {made.reachable_by}",
        *([f"  opens   {_ports(made.opens)}"] if made.opens else []),
        *(_bill(made.renting, made.target) if made.renting else _OWN),
    ]
    return "\n".join(lines)


_OWN = (
    "  price      $0.00 an hour, $0.00 if forgotten for a month: it is your own machine",
    "  lifetime   until `mldeploy down`, or until this machine is switched off",
)


def _bill(renting: Renting, target: str) -> list[str]:
    """The three prices that count, and what they are made of."""
    price = renting.price
    parts = ", ".join(f"{name} ${money(each, an_hour=True)}" for name, each in price.parts())
    lines = [
        f"  price      ${money(price.total, an_hour=True)} an hour "
        f"({parts}; price list of {price.dated})"
    ]
    if renting.lifetime is None:
        lines.append(f"             ${money(price.month)} a month, for as long as it is there")
        lines.append(f"  lifetime   NONE: it costs until `mldeploy down {target}`")
    else:
        whole = ", ".join(f"{n} ${money(a)}" for n, a in by_parts(price, renting.lifetime))
        lines.append(f"             ${money(renting.until_end)} until its lifetime ends ({whole})")
        lines.append(
            f"             ${money(price.month)} if it had none and were forgotten a month"
        )
        ends = f", at {renting.expires_at.isoformat()}" if renting.expires_at else ""
        lines.append(
            f"  lifetime   {lifetime.words(renting.lifetime)}{ends}: then it ends itself, with the "
            f"laptop off too; `mldeploy extend {target} 2h` moves that"
        )
    lines.append(f"  account    {renting.who}")
    if renting.refused:
        lines.append(f"  REFUSED    {renting.refused}")
    return lines


def _ports(numbers: tuple[int, ...]) -> str:
    word = "ports" if len(numbers) > 1 else "port"
    return f"{word} {', '.join(map(str, numbers))} of that machine, and no other"


def _creates(facts: Facts, serves: bool) -> tuple[str, ...]:
    version = "the champion"
    if facts.model_version and facts.run_id:
        metric = main_metric(facts.metrics)
        shown = f", {metric[0]} {metric[1]:.3f}" if metric else ""
        version = f"model version {facts.model_version} (run {facts.run_id[:8]}{shown})"
    made = f"a release of {version} and {_code(facts.commit, facts.dirty)}"
    if facts.kind == "process":
        where = "beside the one that serves" if serves else f"on port {facts.port}"
        return (f"{made} (a folder in .mldeploy/)", f"one server process {where}")
    replicas = f"{facts.replicas} replica{'s' if facts.replicas > 1 else ''}"
    if serves:
        return (f"{made} (an image)", f"{replicas} beside what serves, on the private network")
    return (
        f"{made} (an image)",
        f"{replicas} on a private network of their own",
        f"the edge in front of them (Caddy), on {_edge_at(facts)}, with an API key",
    )


def _edge_at(facts: Facts) -> str:
    if facts.certificate in ("domain", "address"):
        return "ports 80 and 443"
    return f"{facts.address}:{facts.port}"


def _removes(facts: Facts) -> tuple[str, ...]:
    old = "the server" if facts.kind == "process" else "the replicas"
    return (f"{old} of {facts.serving.release}, once the new one has proved itself",)


def _reachable_by(facts: Facts) -> str:
    if not facts.url:
        sealed = "its address is known when it is rented"
        return f"everybody who has the API key; {sealed}" if facts.opens else "nobody but by ssh"
    if facts.kind == "process":
        return f"programs on this machine only, at http://127.0.0.1:{facts.port}"
    if facts.kind == "docker" and facts.address.startswith("127."):
        return f"programs on this machine that have the API key, at {facts.url}"
    if facts.address.startswith("127."):
        return "nobody but who may log in to it and has the API key: mldeploy open " + facts.target
    if facts.certificate == "none":
        return (
            f"everybody in reach of it who has the API key, at {facts.url}, WITHOUT ENCRYPTION: "
            "the key can be read on the way"
        )
    how = {
        "domain": "with a public certificate",
        "address": "with a public certificate for the bare address, else one of its own authority",
        "own": "with a certificate of its own authority, which `predict` verifies",
    }["own" if facts.certificate == "address" and not facts.of_the_world else facts.certificate]
    return f"everybody who has the API key, at {facts.url}, {how}"


def _changes(facts: Facts, serves: bool) -> tuple[str, ...]:
    if not serves:
        return ()
    changes = []
    if facts.model_version and facts.served_model_version != facts.model_version:
        changes.append(f"model version {facts.served_model_version} → {facts.model_version}")
    if facts.served_commit != facts.commit or facts.dirty:
        was = _code(facts.served_commit, dirty=False)
        changes.append(f"{was} → {_code(facts.commit, facts.dirty)}")
    return tuple(changes) or ("nothing that shows in git or in the registry",)


def _code(commit: str | None, dirty: bool) -> str:
    if commit is None:
        return "the code as it is (no git commit)"
    return f"commit {commit[:7]}" + (" with uncommitted changes" if dirty else "")
