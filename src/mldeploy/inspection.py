"""Looking without changing: `status`, `plan`, `history`, `predict`."""

from __future__ import annotations

import json
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from mldeploy import certificate_shown, release
from mldeploy.config import FarTarget, ProcessTarget, RentedTarget, Target
from mldeploy.engines import engine_for
from mldeploy.engines.base import Engine, Serving
from mldeploy.errors import FailedError, MldeployError
from mldeploy.project import Project
from mldeploy.ui import Ui

if TYPE_CHECKING:
    from pathlib import Path

    from mldeploy.golden import Request
    from mldeploy.plan import Facts, Renting
    from mldeploy.providers.base import Rented


def status(project: Project, name: str, target: Target) -> dict[str, Any]:
    """What runs on a target, with the keys that scripts rely on."""
    from dataclasses import asdict

    from mldeploy.measures import measure

    engine = engine_for(project, name, target)
    machine = engine.rented()
    serving = _serving(engine, machine)
    if serving.state == "unhealthy" and serving.url is None:
        return _only_the_bill(name, target, serving, machine)
    there = engine.replicas() if serving.state != "down" else []
    counted = asdict(measure(one.metrics for one in there)) if there else None
    own = engine.authority() if serving.state != "down" else None
    made = _record(engine, serving.release)
    return describe(name, target, serving, made, own, machine) | {
        **certificate_shown.facts(serving.url, own, certificate_shown.named(project, target)),
        "state": serving.state,
        "health": serving.detail,
        "started_at": serving.started_at,
        **_rent_of(machine),
        "each_replica": [
            {
                "name": one.name,
                "state": one.state,
                "release": one.release,
                "started_at": one.started_at,
                "restarts": one.restarts,
                "memory_bytes": one.memory,
            }
            for one in there
        ],
        "measures": counted,
    }


def _serving(engine: Engine, machine: Rented | None) -> Serving:
    """What a rented machine costs is told also when it can't be asked what it does."""
    try:
        return engine.serving()
    except MldeployError as error:
        if machine is None:
            raise
        return Serving("unhealthy", detail=f"{error.what} {error.why}")


def _only_the_bill(
    name: str, target: Target, serving: Serving, machine: Rented | None
) -> dict[str, Any]:
    return describe(name, target, serving, None, None, machine) | {
        **certificate_shown.facts(None, None, None),
        "state": serving.state,
        "health": serving.detail,
        "started_at": None,
        **_rent_of(machine),
        "each_replica": [],
        "measures": None,
    }


def _rent_of(machine: Rented | None) -> dict[str, Any]:
    """What the machine of a rented target costs, and when it ends; nothing for one's own."""
    if machine is None:
        return {"cost_so_far": "0.00", "machine": None}
    from mldeploy.prices import cost_so_far, money

    return {
        "cost_so_far": money(cost_so_far(machine.price, machine.began, datetime.now(UTC))),
        "machine": {
            "id": machine.id,
            "type": machine.machine_type,
            "place": machine.place,
            "state": machine.state,
            "address": machine.address,
            "began": machine.began.isoformat(timespec="seconds"),
            "made_by": machine.made_by,
            "page": machine.page,
            "prices_dated": machine.price.dated.isoformat(),
        },
    }


def price_and_end(machine: Rented | None) -> dict[str, Any]:
    """The keys of `up` and `status` that a script watches for the bill."""
    from mldeploy.prices import money

    if machine is None:
        return {"expires_at": None, "price_per_hour": "0.00"}
    ends = machine.expires_at.isoformat() if machine.expires_at else None
    hourly = money(machine.price.total, an_hour=True)
    return {"expires_at": ends, "price_per_hour": hourly}


def describe(
    name: str,
    target: Target,
    serving: Serving,
    made: release.Release | None,
    authority: str | None = None,
    machine: Rented | None = None,
) -> dict[str, Any]:
    """The keys that `up` and `status` share. Money is US dollars as a decimal string.

    ``authority`` as :meth:`Engine.authority` gives it.
    """
    from mldeploy.certificates import fingerprint

    return {
        "target": name,
        "kind": target.kind,
        "url": serving.url,
        "certificate": getattr(target, "certificate", "none"),
        "acme_directory": getattr(target, "acme_directory", None),
        "ca_fingerprint": fingerprint(authority) if authority else None,
        "release": serving.release,
        "model": made.model if made else None,
        "model_version": made.model_version if made else None,
        "run_id": made.run_id if made else None,
        "commit": made.commit if made else None,
        "replicas": serving.replicas,
        **price_and_end(machine),
    }


def history(project: Project, name: str, target: Target) -> list[dict[str, Any]]:
    """Every event of a target, newest first, joined with what is known of its release."""
    engine = engine_for(project, name, target)
    serving = engine.serving()
    there = {made.name: made for made in engine.releases()}
    rows, marked = [], False
    for event in reversed(engine.history()):
        made = there.get(event.release or "")
        took_over = event.action in ("up", "rollback", "scale")
        now = took_over and not marked and event.release == serving.release
        marked = marked or now
        rows.append(
            event.as_dict()
            | {
                "state": _state(event.action, serving.state if now else None, made is not None),
                "dirty": made.dirty if made else None,
                "metric": (event.metric_name, event.metric_value) if event.metric_name else None,
            }
        )
    return rows


@dataclass(frozen=True)
class Prediction:
    """One real prediction: ``milliseconds`` as the caller waited for it."""

    url: str
    request: Any
    response: Any
    release: str | None
    milliseconds: float
    curl: str
    tunnelled: bool  # asked through ssh: `curl` wants the address that `mldeploy open` prints


def predict(
    project: Project, name: str, target: Target, *, path: str | None, body: Any | None
) -> Prediction:
    """Ask what serves on a target; without a body, the first golden request of its release.

    Raises :class:`FailedError` if nothing serves, if it can't prove who it is (then it is not told
    the key), or with the service's own words if it refuses.
    """
    import ssl
    from http.client import HTTPException

    from mldeploy.http_json import post

    engine = engine_for(project, name, target)
    serving = engine.serving()
    if serving.state not in ("serving", "unhealthy") or serving.url is None:
        raise FailedError(
            "nothing-serves",
            what=f"Nothing serves on {name}.",
            why=f"Its state is {serving.state!r}: {serving.detail}.",
            do=f"mldeploy up {name}",
        )
    example = _example(project, engine, serving) if body is None or path is None else None
    asked = body if body is not None else example.body if example else {}
    route = path or (example.path if example else "/predict")
    url = serving.url + route
    own, also = engine.authority(), certificate_shown.named(project, target)
    began = time.perf_counter()
    try:
        with engine.reached(serving.url) as here:
            answer = post(
                here + route,
                asked,
                timeout=60,
                headers=_authorization(engine),
                authority=own,
                also=also,
            )
    except ssl.SSLError as error:
        raise certificate_shown.not_proven(error, url, name, own) from error
    except (OSError, HTTPException) as error:
        raise FailedError(
            "no-answer",
            what=f"{url} did not answer.",
            why=f"{error}.",
            do=f"mldeploy logs {name} -n 50",
        ) from error
    took = (time.perf_counter() - began) * 1000
    if answer.status != 200:
        raise FailedError(
            "request-refused",
            what=f"The service answered with status {answer.status}.",
            why=answer.text[:1000] or "It gave no reason.",
            do=f"curl {serving.url}/docs.json     (says what it accepts)",
        )
    by = answer.headers.get("x-mldeploy-release")
    key_of = name if engine.keys() else None
    believed = certificate_shown.as_file(project, name, own or also)
    # What a tunnel leads to is nowhere when it is closed: `mldeploy open` holds one and prints it.
    tunnelled = here != serving.url
    by_hand = f"$ADDRESS{route}" if tunnelled else url
    line = curl(by_hand, asked, key_of=key_of, authority=believed)
    return Prediction(url, asked, answer.json(), by, took, line, tunnelled)


def curl(url: str, body: Any, *, key_of: str | None = None, authority: Path | None = None) -> str:
    """The same request as a person types it; the key of ``key_of`` is asked for, not shown.

    ``authority`` is a file with the root certificate to believe in place of the system's.
    """
    import shlex

    data = shlex.quote(json.dumps(body, ensure_ascii=False))
    words = [f"curl -s {url}", "-H 'Content-Type: application/json'"]
    if authority:
        words.append(f"--cacert {shlex.quote(str(authority))}")
    if key_of:
        words.append(f'-H "Authorization: Bearer $(mldeploy keys show {key_of} --plain)"')
    return " ".join([*words, f"-d {data}"])


def _authorization(engine: Engine) -> dict[str, str]:
    held = engine.keys()
    return {"Authorization": f"Bearer {held[-1].key}"} if held else {}


def plan_facts(project: Project, name: str, target: Target, ui: Ui) -> Facts:
    """Gather what :func:`mldeploy.plan.plan` decides from."""
    from mldeploy import build
    from mldeploy.champion import Champion
    from mldeploy.doctor.ssh_ports import listening_after
    from mldeploy.edge.certificate import of_the_world
    from mldeploy.plan import Facts
    from mldeploy.project import git_state

    model = project.config.project.served.model
    engine = engine_for(project, name, target)
    serving = engine.serving()
    made = _record(engine, serving.release)
    git = git_state(project.root)
    champion: Champion | None = None
    try:
        champion = build.look_up_champion(project, ui)
    except FailedError as error:
        if error.code != "no-champion":
            raise
    return Facts(
        target=name,
        kind=target.kind,
        address=getattr(target, "address", "127.0.0.1"),
        port=target.port if isinstance(target, ProcessTarget) else target.published,
        replicas=getattr(target, "replicas", 1),
        certificate="none" if isinstance(target, ProcessTarget) else target.certificate,
        url=engine.url,
        of_the_world=of_the_world(urlsplit(engine.url).hostname or ""),
        opens=listening_after(target) if isinstance(target, FarTarget) else (),
        serving=serving,
        model=model,
        model_version=champion.version if champion else None,
        run_id=champion.run_id if champion else None,
        metrics=champion.metrics if champion else {},
        commit=git.commit,
        dirty=git.dirty,
        served_commit=made.commit if made else None,
        served_model_version=made.model_version if made else None,
        renting=_renting(project, name, target, engine, ui)
        if isinstance(target, RentedTarget)
        else None,
    )


def _renting(project: Project, name: str, target: RentedTarget, engine: Engine, ui: Ui) -> Renting:
    from mldeploy.errors import RefusedError
    from mldeploy.plan import Renting
    from mldeploy.providers import renting

    desk = renting.Desk.of(project, name, target, ui)
    account = desk.provider.check()
    if there := engine.rented():
        lifetime = there.expires_at - there.began if there.expires_at else None
        known = (there.price, lifetime, there.expires_at)
        return Renting(desk.provider.title, account.who, (), *known)
    refused = ""
    try:
        renting.refuse(desk)
    except RefusedError as error:
        refused = f"{error.what} {error.why}"
    price = desk.provider.price(target.machine_type)
    creates = tuple(desk.provider.plan())
    return Renting(desk.provider.title, account.who, creates, price, desk.lifetime, None, refused)


def _example(project: Project, engine: Engine, serving: Serving) -> Request:
    from mldeploy import golden

    there = {made.name for made in engine.releases()}
    if serving.release in there:
        return engine.golden(serving.release).requests[0]
    return golden.read(project.golden).requests[0]


def _record(engine: Engine, name: str | None) -> release.Release | None:
    return next((made for made in engine.releases() if made.name == name), None) if name else None


def _state(action: str, serving: str | None, kept: bool) -> str:
    if serving:
        return serving
    if action in ("refused", "down"):
        return action
    return "kept" if kept else "removed"
