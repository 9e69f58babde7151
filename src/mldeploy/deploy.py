"""The runbooks that put a release where it serves: `up` and `rollback`."""

from __future__ import annotations

import shutil
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime

from mldeploy import build, golden, history
from mldeploy.config import Target
from mldeploy.engines import engine_for
from mldeploy.engines.base import Candidate, Engine, Serving, Switched
from mldeploy.environment import keep_bytecode
from mldeploy.errors import (
    ConfigError,
    FailedError,
    Interrupted,
    MldeployError,
    RefusedError,
)
from mldeploy.history import Action, Event
from mldeploy.project import Project
from mldeploy.release import Release
from mldeploy.ui import Ui
from mldeploy.who import user


@dataclass(frozen=True)
class Deployed:
    """What serves now, and how it came to: ``switched`` is None when it served already."""

    release: Release
    serving: Serving
    switched: Switched | None


def up(project: Project, name: str, target: Target, ui: Ui) -> Deployed:
    """Build the release of the project as it is, and let it take over once the gate is passed."""
    engine = engine_for(project, name, target)
    with engine.lock("up"):
        _tidy(engine, ui)
        engine.check()
        fresh = build.build(project, ui)
        if (now := engine.serving()).state == "serving" and _same(now, fresh, target):
            return Deployed(fresh, now, switched=None)
        try:
            deployed = _replace(project, engine, fresh, "up", ui)
        except BaseException:
            _forget_if_never_deployed(project, engine, fresh)
            raise
        prune(project)
        keep_bytecode(project, fresh.environment)
        return deployed


def rollback(project: Project, name: str, target: Target, to: str | None, ui: Ui) -> Deployed:
    """Let an earlier release take over again, without building; the gate holds for it too."""
    engine = engine_for(project, name, target)
    with engine.lock("rollback"):
        _tidy(engine, ui)
        engine.check()
        chosen = _choose(project, engine, to)
        return _replace(project, engine, chosen, "rollback", ui)


def prune(project: Project) -> list[str]:
    """Remove the releases, and the environments, that no target of the project needs any more."""
    releases = {r.name: r for r in build.known_releases(project)}
    engines = [engine_for(project, *pair) for pair in project.config.targets.items()]
    in_use = {name for engine in engines if (name := engine.serving().release)}
    gone = history.outlived([engine.history() for engine in engines], set(releases), in_use)
    for name in gone:
        shutil.rmtree(build.releases_folder(project) / name, ignore_errors=True)
    needed = {r.environment for r in releases.values() if r.name not in gone}
    for folder in (project.state / "envs").glob("*"):
        if folder.name not in needed:
            shutil.rmtree(folder, ignore_errors=True)
    return sorted(gone)


def _replace(project: Project, engine: Engine, fresh: Release, action: Action, ui: Ui) -> Deployed:
    """Start new, prove it, switch, end old. Until the switch the old release is not touched."""
    try:
        with ui.step("start it beside what serves") as step:
            ui.explain(
                "bentoml serve (the release's bento) --host 127.0.0.1 --port (a free one)",
                "the new server warms up where no user's request can reach it",
            )
            candidate = engine.start(fresh)
            step.say("/readyz answers")
        try:
            with ui.step("golden requests") as step:
                step.say(f"{_pass_gate(project, engine, candidate, ui)} answered as expected")
        except BaseException:
            engine.discard(candidate)
            raise
        with _point_of_no_return(fresh.name):
            with ui.step("switch") as step:
                ui.explain(
                    "kill -TERM (the old server), whose port the new one takes at once",
                    "only a release that proved itself gets the port; requests in flight finish",
                )
                switched = engine.switch(candidate)
                step.say(_told(switched))
            engine.record(_event(action, fresh.name))
    except MldeployError as error:
        engine.record(_event("refused", fresh.name, error.why))
        raise
    return Deployed(fresh, engine.serving(), switched)


@contextmanager
def _point_of_no_return(name: str) -> Iterator[None]:
    """From here on Ctrl+C waits until the switch is over and written down: a fraction of a second.

    In between there is a moment in which the old server has ended and the new one is just taking
    the port; to stop there would leave nothing that serves.
    """
    pressed = []
    before = signal.signal(signal.SIGINT, lambda *_: pressed.append(True))
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
    if pressed:
        raise Interrupted(f"The switch was over by then: {name} serves.")


def _pass_gate(project: Project, engine: Engine, candidate: Candidate, ui: Ui) -> int:
    """Ask the candidate every golden request; raises RefusedError at the first wrong answer."""
    requests = golden.read(build.releases_folder(project) / candidate.release / "golden.json")
    for request in requests.requests:
        ui.explain(
            f"curl {candidate.url}{request.path} -H 'Content-Type: application/json' -d …",
            "a server can be healthy and wrong: the answer must be the one stored with the model",
        )
        got = engine.ask(candidate, request)
        wrong = golden.differences(request.expect, got, request.tolerance)
        if wrong:
            raise RefusedError(
                "golden-differs",
                what=f"Release {candidate.release} was not let through the gate.",
                why=f"It answers {len(wrong)} value(s) of a golden request differently.",
                do="mend what changed it; if it is meant: rm tests/golden.json && make promote",
                detail="\n".join(str(one) for one in wrong[:5]),
            )
    return len(requests.requests)


def _choose(project: Project, engine: Engine, to: str | None) -> Release:
    there = {r.name: r for r in build.known_releases(project)}
    current = engine.serving().release
    chosen = to or history.previous(engine.history(), current, there)
    if chosen is None:
        raise FailedError(
            "nothing-to-roll-back-to",
            what="There is no earlier release to roll back to.",
            why=f"Only {current} was ever deployed here."
            if current
            else "Nothing was deployed here.",
            do="mldeploy history",
        )
    if chosen == current and engine.serving().state == "serving":
        raise ConfigError(
            "already-serving",
            what=f"{chosen} serves already.",
            why="Rolling back to it would change nothing.",
            do="mldeploy history     (lists the releases to choose from)",
        )
    if chosen not in there:
        raise ConfigError(
            "no-such-release",
            what=f"There is no release {chosen} here.",
            why=f"Kept are the last {history.KEPT_RELEASES}: {', '.join(sorted(there)) or 'none'}.",
            do="mldeploy history",
        )
    return there[chosen]


def _same(now: Serving, fresh: Release, target: Target) -> bool:
    return now.release == fresh.name and (now.url or "").endswith(f":{target.port}")


def _forget_if_never_deployed(project: Project, engine: Engine, fresh: Release) -> None:
    if fresh.name not in history.deployed(engine.history()):
        shutil.rmtree(build.releases_folder(project) / fresh.name, ignore_errors=True)


def _tidy(engine: Engine, ui: Ui) -> None:
    for line in engine.tidy():
        ui.note(line)


def _told(switched: Switched) -> str:
    if switched.pause is None:
        return "it serves"
    return f"it serves; nobody answered for {switched.pause.total_seconds() * 1000:.0f} ms"


def _event(action: Action, name: str, detail: str = "") -> Event:
    now = datetime.now(UTC).isoformat(timespec="seconds")
    return Event(at=now, who=user(), action=action, release=name, detail=detail)
