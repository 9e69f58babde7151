"""The runbooks that put a release where it serves: `up` and `rollback`."""

from __future__ import annotations

import shutil
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING

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
from mldeploy.keys import Key
from mldeploy.project import Project
from mldeploy.release import Release, main_metric
from mldeploy.timeline import Span

if TYPE_CHECKING:
    from mldeploy.providers.base import Rented
from mldeploy.ui import Ui
from mldeploy.who import user


@dataclass(frozen=True)
class Deployed:
    """What serves now, and how it came to: ``switched`` is None when it served already.

    ``first_key`` is the API key that was made on the way, to be shown this once; ``authority`` as
    :meth:`Engine.authority` gives it; ``timeline`` is there when a machine was rented for it.
    """

    release: Release
    serving: Serving
    switched: Switched | None
    first_key: Key | None = None
    authority: str | None = None
    timeline: tuple[Span, ...] = ()
    rented: Rented | None = None


def up(project: Project, name: str, target: Target, ui: Ui) -> Deployed:
    """Build the release of the project as it is, and let it take over once the gate is passed."""
    project.config.project.require_served()
    engine = engine_for(project, name, target)
    try:
        boots = engine.rent(ui)
        deployed = _up(project, engine, ui, boots=boots)
        if boots:
            here = [Span(*one) for one in ui.took]
            deployed = replace(deployed, timeline=(*here, *engine.meanwhile()))
        return replace(deployed, rented=engine.rented())
    except BaseException:
        for line in engine.what_stays():
            ui.note(line)
        raise


def _up(project: Project, engine: Engine, ui: Ui, *, boots: bool) -> Deployed:
    """A machine that ``boots`` does so while the release is built."""
    if not boots:
        _see_that_it_is_ready(engine, ui)
    with project.lock("up"):
        fresh = build.build(project, ui)
        try:
            if boots:
                _see_that_it_is_ready(engine, ui)
            engine.prepare(fresh, ui)
            with engine.lock("up"):
                _tidy(engine, ui)
                engine.check()
                _complete_history(engine, now := engine.serving())
                if engine.as_wanted(now, fresh):
                    return Deployed(fresh, now, switched=None, authority=engine.authority())
                had_keys = bool(engine.keys())
                deployed = _replace(engine, fresh, "up", ui)
                engine.prune()
                if not had_keys and (keys := engine.keys()):
                    deployed = replace(deployed, first_key=keys[-1])
        except BaseException:
            _forget_if_not_needed(project, fresh)
            raise
        forget_old_releases(project, fresh)
        keep_bytecode(project, fresh.environment)
    return deployed


def _see_that_it_is_ready(engine: Engine, ui: Ui) -> None:
    engine.make_ready(ui)
    engine.refuse_if_locked()
    engine.check()


def rollback(project: Project, name: str, target: Target, to: str | None, ui: Ui) -> Deployed:
    """Let an earlier release take over again, without building; the gate holds for it too."""
    engine = engine_for(project, name, target)
    with engine.lock("rollback"):
        _tidy(engine, ui)
        engine.check()
        _complete_history(engine, engine.serving())
        return _replace(engine, _choose(engine, to), "rollback", ui)


def scale(project: Project, name: str, target: Target, count: int, ui: Ui) -> Deployed:
    """Let ``count`` replicas serve what serves: new ones pass the gate, those too many finish."""
    engine = engine_for(project, name, target)
    with engine.lock("scale"):
        _tidy(engine, ui)
        now = engine.serving()
        serves = {made.name: made for made in engine.releases()}.get(now.release or "")
        if serves is None or now.state == "down":
            raise _nothing_to_scale(name, now)
        switched, told = None, _event("scale", serves, f"{now.replicas} → {count} replicas")
        if count > now.replicas:
            switched = _grow(engine, serves, count - now.replicas, told, ui)
        elif count < now.replicas:
            with _point_of_no_return(serves.name), ui.step("take replicas out") as step:
                gone = engine.stop_some(now.replicas - count)
                step.say(f"{len(gone)} ended, after their requests in flight")
                engine.record(told)
            switched = Switched(url=now.url or "", pause=None)
        return Deployed(serves, engine.serving(), switched, authority=engine.authority())


def forget_old_releases(project: Project, fresh: Release | None = None) -> list[str]:
    """Remove the release folders, and the environments, that no target of the project needs."""
    releases = {r.name: r for r in build.known_releases(project)}
    targets = project.config.targets.items()
    needed = {n for pair in targets for n in engine_for(project, *pair).needs_here()}
    if fresh:
        needed.add(fresh.name)
    gone = sorted(set(releases) - needed)
    for name in gone:
        shutil.rmtree(build.releases_folder(project) / name, ignore_errors=True)
    environments = {r.environment for r in releases.values() if r.name not in gone}
    for folder in (project.state / "envs").glob("*"):
        if folder.name not in environments:
            shutil.rmtree(folder, ignore_errors=True)
    return gone


def _replace(engine: Engine, fresh: Release, action: Action, ui: Ui) -> Deployed:
    """Start new, prove it, switch, end old. Until the switch the old release is not touched."""
    try:
        with ui.step("start it beside what serves") as step:
            ui.explain(*engine.start_in_words)
            candidate = engine.start(fresh)
            step.say("/readyz answers")
        switched = _let_through(engine, candidate, _event(action, fresh), ui)
    except MldeployError as error:
        engine.record(_event("refused", fresh, error.why))
        raise
    return Deployed(fresh, engine.serving(), switched, authority=engine.authority())


def _grow(engine: Engine, serves: Release, more: int, told: Event, ui: Ui) -> Switched:
    with ui.step(f"start {more} more of {serves.name}") as step:
        ui.explain(*engine.start_in_words)
        candidate = engine.start_more(more)
        step.say("/readyz answers")
    return _let_through(engine, candidate, told, ui)


def _let_through(engine: Engine, candidate: Candidate, told: Event, ui: Ui) -> Switched:
    """The gate, and behind it the switch, which is written down as ``told``."""
    try:
        with ui.step("golden requests") as step:
            step.say(f"{_pass_gate(engine, candidate, ui)} answered as expected")
    except BaseException:
        engine.discard(candidate)
        raise
    with _point_of_no_return(candidate.release), ui.step("switch") as step:
        ui.explain(*engine.switch_in_words)
        switched = engine.switch(candidate)
        step.say(_told(switched))
        engine.record(told)
    return switched


@contextmanager
def _point_of_no_return(name: str) -> Iterator[None]:
    """From here on Ctrl+C waits until the switch is over and written down; its waits are bounded.

    In between, a server may have ended whose successor is just taking over; to stop there could
    leave nothing that serves.
    """
    pressed = []
    before = signal.signal(signal.SIGINT, lambda *_: pressed.append(True))
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
    if pressed:
        raise Interrupted(f"The switch was over by then: {name} serves.")


def _pass_gate(engine: Engine, candidate: Candidate, ui: Ui) -> int:
    """Ask every replica every golden request; raises RefusedError at the first wrong answer."""
    requests = engine.golden(candidate.release).requests
    for request in requests:
        ui.explain(
            f"curl {candidate.place}{request.path} -H 'Content-Type: application/json' -d …",
            "a server can be healthy and wrong: the answer must be the one stored with the model",
        )
        for got in engine.ask(candidate, request):
            wrong = golden.differences(request.expect, got, request.tolerance)
            if wrong:
                raise RefusedError(
                    "golden-differs",
                    what=f"Release {candidate.release} was not let through the gate.",
                    why=f"It answers {len(wrong)} value(s) of a golden request differently.",
                    do="mend what changed it; if it is meant: rm tests/golden.json && make promote",
                    detail="\n".join(str(one) for one in wrong[:5]),
                )
    return len(requests)


def _choose(engine: Engine, to: str | None) -> Release:
    there = {r.name: r for r in engine.releases()}
    now = engine.serving()
    current = now.release
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
    if chosen == current and now.state == "serving":
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


def _nothing_to_scale(name: str, now: Serving) -> FailedError:
    return FailedError(
        "nothing-serves",
        what=f"Nothing serves on {name} that could be scaled.",
        why=f"Its state is {now.state!r}: {now.detail}.",
        do=f"mldeploy up {name}",
    )


def _forget_if_not_needed(project: Project, fresh: Release) -> None:
    """After a failed `up`: its release stays only where a target could go back to it."""
    targets = project.config.targets.items()
    if not any(fresh.name in engine_for(project, *pair).needs_here() for pair in targets):
        shutil.rmtree(build.releases_folder(project) / fresh.name, ignore_errors=True)


def _complete_history(engine: Engine, now: Serving) -> None:
    """What took over in a command that was killed before it could write that down."""
    if now.release and history.deployed(engine.history())[:1] != [now.release]:
        for made in engine.releases():
            if made.name == now.release:
                engine.record(_event("up", made, "written down by the command after it"))


def _tidy(engine: Engine, ui: Ui) -> None:
    for line in engine.tidy():
        ui.note(line)


def _told(switched: Switched) -> str:
    if switched.pause is None:
        return "it serves"
    return f"it serves; nobody answered for {switched.pause.total_seconds() * 1000:.0f} ms"


def _event(action: Action, release: Release, detail: str = "") -> Event:
    metric = main_metric(release.metrics)
    return Event(
        at=datetime.now(UTC).isoformat(timespec="seconds"),
        who=user(),
        action=action,
        release=release.name,
        detail=detail,
        model_version=release.model_version,
        run_id=release.run_id,
        commit=release.commit,
        metric_name=metric[0] if metric else None,
        metric_value=metric[1] if metric else None,
    )
