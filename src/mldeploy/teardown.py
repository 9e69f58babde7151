"""The runbook that takes a target down, and proves it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from mldeploy.config import Target
from mldeploy.engines import engine_for
from mldeploy.history import Event
from mldeploy.project import Project
from mldeploy.release import Release
from mldeploy.ui import Ui
from mldeploy.who import user


@dataclass(frozen=True)
class Receipt:
    """What `down` removed and what is left; ``served_for`` is in seconds, None if unknown."""

    target: str
    removed: list[str]
    left: list[str]
    served_for: float | None


def down(project: Project, name: str, target: Target, ui: Ui) -> Receipt:
    """End everything of the target. Releases stay on disk: `up` and `rollback` are quick."""
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
