"""Looking without changing: `status`, `plan`, `history`, `predict`."""

from __future__ import annotations

import json
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from mldeploy import release
from mldeploy.config import Target
from mldeploy.engines import engine_for
from mldeploy.engines.base import Serving
from mldeploy.errors import FailedError
from mldeploy.project import Project
from mldeploy.ui import Ui

if TYPE_CHECKING:
    from mldeploy.golden import Request
    from mldeploy.plan import Facts


def status(project: Project, name: str, target: Target) -> dict[str, Any]:
    """What runs on a target, with the keys that scripts rely on."""
    serving = engine_for(project, name, target).serving()
    made = _record(project, serving.release)
    return describe(name, target, serving, made) | {
        "state": serving.state,
        "health": serving.detail,
        "started_at": serving.started_at,
        "cost_so_far": "0.00",
    }


def describe(
    name: str, target: Target, serving: Serving, made: release.Release | None
) -> dict[str, Any]:
    """The keys that `up` and `status` share. Money is US dollars as a decimal string."""
    return {
        "target": name,
        "kind": target.kind,
        "url": serving.url,
        "release": serving.release,
        "model": made.model if made else None,
        "model_version": made.model_version if made else None,
        "run_id": made.run_id if made else None,
        "commit": made.commit if made else None,
        "replicas": serving.replicas,
        "expires_at": None,
        "price_per_hour": "0.00",
    }


def history(project: Project, name: str, target: Target) -> list[dict[str, Any]]:
    """Every event of a target, newest first, joined with what is known of its release."""
    engine = engine_for(project, name, target)
    serving = engine.serving()
    rows, marked = [], False
    for event in reversed(engine.history()):
        made = _record(project, event.release)
        took_over = event.action in ("up", "rollback")
        now = took_over and not marked and event.release == serving.release
        marked = marked or now
        rows.append(
            event.as_dict()
            | {
                "state": _state(event.action, serving.state if now else None, made is not None),
                "model_version": made.model_version if made else None,
                "run_id": made.run_id if made else None,
                "commit": made.commit if made else None,
                "dirty": made.dirty if made else None,
                "metric": release.main_metric(made.metrics) if made else None,
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


def predict(
    project: Project, name: str, target: Target, *, path: str | None, body: Any | None
) -> Prediction:
    """Ask what serves on a target; without a body, the first golden request of its release.

    Raises :class:`FailedError` if nothing serves, or with the service's own words if it refuses.
    """
    from http.client import HTTPException

    from mldeploy.http_json import post

    serving = engine_for(project, name, target).serving()
    if serving.state not in ("serving", "unhealthy") or serving.url is None:
        raise FailedError(
            "nothing-serves",
            what=f"Nothing serves on {name}.",
            why=f"Its state is {serving.state!r}: {serving.detail}.",
            do=f"mldeploy up {name}",
        )
    example = _example(project, serving) if body is None or path is None else None
    asked = body if body is not None else example.body if example else {}
    url = serving.url + (path or (example.path if example else "/predict"))
    began = time.perf_counter()
    try:
        answer = post(url, asked, timeout=60)
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
    return Prediction(
        url, asked, answer.json(), answer.headers.get("x-mldeploy-release"), took, curl(url, asked)
    )


def curl(url: str, body: Any) -> str:
    """The same request as a person types it."""
    import shlex

    data = shlex.quote(json.dumps(body, ensure_ascii=False))
    return f"curl -s {url} -H 'Content-Type: application/json' -d {data}"


def plan_facts(project: Project, name: str, target: Target, ui: Ui) -> Facts:
    """Gather what :func:`mldeploy.plan.plan` decides from."""
    from mldeploy import build
    from mldeploy.plan import Facts
    from mldeploy.project import git_state

    serving = engine_for(project, name, target).serving()
    made = _record(project, serving.release)
    git = git_state(project.root)
    champion: build.Champion | None = None
    try:
        champion = build.look_up_champion(project, ui)
    except FailedError as error:
        if error.code != "no-champion":
            raise
    return Facts(
        target=name,
        kind=target.kind,
        port=target.port,
        serving=serving,
        model=project.config.project.model,
        model_version=champion.version if champion else None,
        run_id=champion.run_id if champion else None,
        metrics=champion.metrics if champion else {},
        commit=git.commit,
        dirty=git.dirty,
        served_commit=made.commit if made else None,
        served_model_version=made.model_version if made else None,
    )


def _example(project: Project, serving: Serving) -> Request:
    from mldeploy import golden
    from mldeploy.build import releases_folder

    stored = releases_folder(project) / (serving.release or "") / "golden.json"
    return golden.read(stored if stored.exists() else project.golden).requests[0]


def _record(project: Project, name: str | None) -> release.Release | None:
    if name is None:
        return None
    try:
        return release.load(project.state / "releases" / name)
    except (OSError, ValueError, TypeError):
        return None


def _state(action: str, serving: str | None, kept: bool) -> str:
    if serving:
        return serving
    if action in ("refused", "down"):
        return action
    return "kept" if kept else "removed"
