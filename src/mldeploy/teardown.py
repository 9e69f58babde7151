"""The runbook that takes a target down, and proves it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from mldeploy.config import RentedTarget, Target
from mldeploy.engines import engine_for, event_file
from mldeploy.engines.base import Engine, Serving
from mldeploy.errors import MldeployError, RefusedError
from mldeploy.history import Event
from mldeploy.project import Project
from mldeploy.providers.ending import Bill
from mldeploy.release import Release
from mldeploy.ui import Ui
from mldeploy.who import user


@dataclass(frozen=True)
class Receipt:
    """What `down` removed and what is left; ``served_for`` is in seconds, None if unknown.

    ``bills`` are of the machines that were rented for it, none on a machine of the user's own.
    """

    target: str
    removed: list[str]
    left: list[str]
    served_for: float | None
    bills: tuple[Bill, ...] = ()
    do: tuple[str, ...] = ()  # for what is left


def down(project: Project, name: str, target: Target, ui: Ui) -> Receipt:
    """End everything of the target. Releases stay on disk: `up` and `rollback` are quick."""
    if isinstance(target, RentedTarget):
        return _end_renting(project, name, target, ui)
    engine = engine_for(project, name, target)
    with engine.lock("down"):
        before = engine.serving()
        known = _known_of(engine.releases(), before.release)
        with ui.step(f"end what serves on {name}") as step:
            ui.explain(*engine.stop_in_words)
            parts = engine.stop()
            step.say("nothing was running" if not parts else "ended")
        if before.release and parts:
            now = datetime.now(UTC).isoformat(timespec="seconds")
            engine.record(Event(now, user(), "down", before.release, **known))
        return Receipt(
            target=name,
            removed=[part.what for part in parts if not part.left],
            left=[part.what for part in parts if part.left],
            served_for=_seconds_since(before.started_at),
        )


def _end_renting(project: Project, name: str, target: RentedTarget, ui: Ui) -> Receipt:
    """The machine goes, and with it all that runs on it."""
    from mldeploy.providers import ending, renting

    engine = engine_for(project, name, target)
    before, known = _serving_if_known(engine, ui)
    ended = ending.end(renting.Desk.of(project, name, target, ui))
    if before.release and not ended.left:
        now = datetime.now(UTC).isoformat(timespec="seconds")
        folder = project.state / "targets" / name
        event_file.append(folder, Event(now, user(), "down", before.release, **known))
    return Receipt(
        target=name,
        removed=[thing.text for thing in ended.removed],
        left=[
            *(ending.costs(thing) for thing in ended.left),
            *(f"{place} gave no answer: what is there is not known" for place in ended.unsure),
        ],
        served_for=_seconds_since(before.started_at),
        bills=tuple(ending.bill(one, ended.at) for one in ended.machines),
        do=(
            *(line for thing in ended.left for line in (thing.end_it, thing.page) if line),
            *((f"mldeploy down {name}",) if ended.unsure else ()),
        ),
    )


def _serving_if_known(engine: Engine, ui: Ui) -> tuple[Serving, dict[str, Any]]:
    """Who is at work there keeps it; a machine that does not answer must be ended all the same."""
    try:
        with ui.step("see what serves there"):
            before = engine.serving()
        if before.state != "down":
            engine.refuse_if_locked()
        return before, _known_of(engine.releases(), before.release)
    except RefusedError:
        raise
    except MldeployError as error:
        ui.note(f"what served there is not known: {error.what}")
        return Serving("down"), {}


def _known_of(releases: list[Release], name: str | None) -> dict[str, Any]:
    """What the event says of the release, asked while it is still there."""
    for made in releases:
        if made.name == name:
            known = {"model_version": made.model_version, "run_id": made.run_id}
            return known | {"commit": made.commit}
    return {}


def _seconds_since(moment: str | None) -> float | None:
    if moment is None:
        return None
    return (datetime.now(UTC) - datetime.fromisoformat(moment)).total_seconds()
