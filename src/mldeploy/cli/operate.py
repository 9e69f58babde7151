"""`scale`, `keys`, `exec`, `unlock`, `prune`, `orphans`: words around what runs already."""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING, Any

import click

from mldeploy.cli.main import Verb, shared_options
from mldeploy.cli.shared import (
    chosen_target,
    current_project,
    flags,
    project_if_any,
    target_argument,
    voice,
)
from mldeploy.config import MOST_REPLICAS

if TYPE_CHECKING:
    from mldeploy.cloud_orphans import Looked


@click.command(cls=Verb, example="mldeploy scale docker 3")
@click.argument("target")
@click.argument("replicas", type=click.IntRange(1, MOST_REPLICAS), metavar="N")
def scale(target: str, replicas: int) -> None:
    """Let N replicas serve what serves now. New ones pass the gate; no request is lost.

    It holds until the next `up`, which goes by `replicas` in mldeploy.toml.
    """
    from mldeploy import deploy
    from mldeploy.inspection import describe

    ui = voice()
    project, name, settings = chosen_target(target)
    done = deploy.scale(project, name, settings, replicas, ui)
    data = describe(name, settings, done.serving, done.release, done.authority)
    lines = [f"{done.serving.replicas} replica(s) of {done.release.name} serve on {name}"]
    if getattr(settings, "replicas", 1) != replicas:
        lines.append(
            f"  note   the next `up` goes back to {getattr(settings, 'replicas', 1)}: "
            f"write replicas = {replicas} in mldeploy.toml to keep it"
        )
    ui.result(data | {"changed": done.switched is not None}, "\n".join(lines))


class KeyVerbs(click.Group):
    """`keys show` and `keys rotate`; the shared flags work before and after the second word."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.params.extend(shared_options())

    def format_epilog(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Example"):
            formatter.write_text("mldeploy keys show docker --plain")
            formatter.write_text("mldeploy keys rotate docker --at-once")


@click.group(cls=KeyVerbs)
def keys() -> None:
    """The API keys that open a target."""


@keys.command(
    "show", cls=Verb, example='curl -H "Authorization: Bearer $(mldeploy keys show --plain)" …'
)
@target_argument
@click.option("--plain", is_flag=True, help="The newest key and nothing else.")
def show(target: str | None, plain: bool) -> None:
    """Show the keys that are valid now."""
    from mldeploy.engines import engine_for

    project, name, settings = chosen_target(target)
    _show_keys(name, engine_for(project, name, settings).keys(), plain=plain)


@keys.command("rotate", cls=Verb, example="mldeploy keys rotate docker")
@target_argument
@click.option("--at-once", is_flag=True, help="End the old keys now, not at the next rotation.")
def rotate(target: str | None, at_once: bool) -> None:
    """Make a new key. The one before it stays valid until the next rotation."""
    from mldeploy.engines import engine_for

    project, name, settings = chosen_target(target)
    engine = engine_for(project, name, settings)
    with engine.lock("keys rotate"):
        held = engine.rotate_keys(at_once=at_once)
    _show_keys(name, held, plain=False)


def _show_keys(name: str, held: Any, *, plain: bool) -> None:
    from mldeploy.keys import as_json

    ui = voice()
    if plain and held:
        ui.out(held[-1].key)
        return
    data = json.loads(as_json(tuple(held)))
    if not held:
        ui.result(data, f"{name} asks for no key: only this machine reaches it, or nothing serves.")
        return
    lines = []
    for key in held:
        lines += [
            f"key      {key.key}",
            f"  id       {key.id}, made {key.created_at:%Y-%m-%d %H:%M}",
            f"  browser  user {key.id}, password {key.password}",
        ]
    lines.append('use      -H "Authorization: Bearer KEY"   ·   mldeploy keys rotate ' + name)
    ui.result(data, "\n".join(lines))


@click.command(
    "exec",
    cls=Verb,
    example="mldeploy exec docker -- python -V",
    context_settings={"ignore_unknown_options": True},
)
@click.argument("target")
@click.argument("command", nargs=-1, required=True, type=click.UNPROCESSED)
def exec_(target: str, command: tuple[str, ...]) -> int:
    """Run a command inside a replica, and end with its exit code."""
    from mldeploy.engines import engine_for

    engine = engine_for(*chosen_target(target))

    def write(data: bytes) -> None:
        sys.stdout.buffer.write(data)
        sys.stdout.buffer.flush()

    return engine.execute(list(command), write)


@click.command(cls=Verb, example="mldeploy unlock docker")
@target_argument
def unlock(target: str | None) -> None:
    """Break the lock of a command that is surely gone, such as one of a laptop that was lost."""
    from mldeploy.engines import engine_for

    ui = voice()
    project, name, settings = chosen_target(target)
    holder = engine_for(project, name, settings).unlock()
    ui.result(
        {"target": name, "broken": holder},
        f"the lock of {name} is broken: {holder}" if holder else f"{name} is not locked",
    )


@click.command(cls=Verb, example="mldeploy prune docker")
@target_argument
def prune(target: str | None) -> None:
    """Remove releases that nobody can roll back to any more. Each `up` does it as well."""
    from mldeploy import deploy
    from mldeploy.engines import engine_for

    ui = voice()
    project, name, settings = chosen_target(target)
    engine = engine_for(project, name, settings)
    with project.lock("prune"), engine.lock("prune"):
        gone = [*engine.prune(), *(f"release {n}" for n in deploy.forget_old_releases(project))]
    text = "\n".join(f"removed  {one}" for one in gone) or "nothing to remove"
    ui.result({"target": name, "removed": gone}, text)


@click.command(cls=Verb, example="mldeploy orphans --terminate old-project/docker")
@click.option("--on", metavar="TARGET", help="Look at the machine of one target only.")
@click.option(
    "--terminate", metavar="PROJECT/TARGET", help="Remove that one whole, wherever it was made."
)
def orphans(on: str | None, terminate: str | None) -> int:
    """Everything of ours that is alive: on this machine's Docker, and in all regions of the clouds
    whose credentials are here, from whatever folder and laptop it came.

    In a project's folder also what is on the machines of its targets. Ends with 1 when something
    is there that nobody looks after or that outlived its end, or when a place could not be asked.
    """
    from datetime import UTC, datetime

    from mldeploy import cloud_orphans
    from mldeploy import orphans as finding

    ui = voice()
    if terminate:
        return _terminate(
            ui, finding.places(current_project() if on else project_if_any(), on), terminate
        )
    asked = finding.ask(finding.places(current_project() if on else project_if_any(), on))
    lines = [line for place, found in asked.found for line in _orphans_text(found, place)]
    lines += [f"nothing of ours is on {place}: it has no Docker Engine" for place in asked.without]
    for place, error in asked.silent:
        lines += [f"{place} could not be asked: {error.what}", f"  do   {error.do}"]
    groups = [g.as_dict() | {"machine": place} for place, found in asked.found for g in found]
    silent = [{"machine": place, "error": error.as_dict()} for place, error in asked.silent]
    if on is None:
        with ui.step("look in the clouds"):
            clouds = cloud_orphans.look(datetime.now(UTC))
    else:
        clouds = cloud_orphans.Looked((), (), ())
    lines += _clouds_text(clouds)
    data = {
        "found": groups,
        "silent": silent,
        "rented": [group.as_dict() for group in clouds.groups],
        "silent_places": [{"place": place, "why": why} for place, why in clouds.silent],
        "asked": list(clouds.asked),
    }
    ui.result(data, "\n".join(lines))
    unwell = any(group["abandoned"] for group in groups) or any(g.trouble for g in clouds.groups)
    return 1 if silent or clouds.silent or unwell else 0


def _clouds_text(clouds: Looked) -> list[str]:
    from mldeploy.prices import money

    lines = []
    for group in clouds.groups:
        mark = "FORGOTTEN  " if group.trouble else ""
        cost = f"${money(group.price, an_hour=True)} an hour, ${money(group.price * 24)} a day"
        lines.append(f"{mark}{group.owner}   rented on {group.provider}, {cost}")
        if not group.price:
            lines.append(
                "  its machine has ended; what is left costs nothing, and `down` removes it"
            )
        if group.trouble:
            lines.append(f"  why  {group.trouble}")
            lines.append(f"  do   mldeploy orphans --terminate {group.owner}")
        for thing in group.things:
            ends = f", ends at {thing.expires_at.isoformat()}" if thing.expires_at else ""
            by = f", by {thing.made_by}" if thing.made_by else ""
            lines.append(
                f"  {thing.text}: {thing.state}{ends if thing.kind == 'machine' else ''}"
                f"{by if thing.kind == 'machine' else ''}"
            )
    if not clouds.groups and clouds.asked:
        lines.append(f"nothing of ours is rented in any of {len(clouds.asked)} places of clouds")
    lines += [f"{place} could not be asked: {why}" for place, why in clouds.silent]
    return lines


def _orphans_text(found: Any, place: str) -> list[str]:
    if not found:
        return [f"nothing of ours is alive on {place}"]
    lines = []
    for group in found:
        mark = "ABANDONED  " if group.abandoned else ""
        serves = f", serves {group.release}" if group.release else ""
        whose = f"{mark}{group.project}/{group.target}{serves}"
        lines.append(f"{whose}   on {place}" + (f", from {group.folder}" if group.folder else ""))
        if group.abandoned:
            lines.append(f"  why  {group.abandoned}")
            lines.append(f"  do   mldeploy orphans --terminate {group.project}/{group.target}")
        lines += [f"  {thing.text}" for thing in group.things]
    return lines


def _end_rented(ui: Any, wanted: str) -> int | None:
    """End what is rented under that name; None if nothing is."""
    from mldeploy import cloud_orphans
    from mldeploy.prices import money
    from mldeploy.providers import ending
    from mldeploy.providers.base import Owner

    project, _, target = wanted.partition("/")
    owner = Owner(project, target)
    for provider in cloud_orphans.providers():
        things = [one for one in provider.list_ours().things if one.owner == owner]
        if not things:
            continue
        if not ui.agreed and sys.stdin.isatty():
            click.confirm(
                f"End {len(things)} things of {wanted} on {provider.title}?", abort=True, err=True
            )
        with ui.step(f"end what {wanted} has on {provider.title}"):
            ended = provider.destroy(owner, lambda call, about: ui.explain(call, about), ui.note)
        bills = [ending.bill(one, ended.at) for one in ended.machines]
        lines = [f"removed  {one.text}" for one in ended.removed]
        lines += [f"LEFT     {ending.costs(one)}\n  do   {one.end_it}" for one in ended.left]
        lines += [f"NOT KNOWN  {place} gave no answer; try again" for place in ended.unsure]
        lines += [f"cost     ${money(one.total)} for {one.id}, {one.hours:.2f} h" for one in bills]
        data = {
            "removed": [one.text for one in ended.removed],
            "left": [ending.costs(one) for one in ended.left],
            "not_known": list(ended.unsure),
            "machines": [one.as_dict() for one in bills],
        }
        ui.result(data, "\n".join(lines))
        return 1 if ended.left or ended.unsure else 0
    return None


def _terminate(ui: Any, places: Any, wanted: str) -> int:
    from mldeploy import orphans as finding

    if (code := _end_rented(ui, wanted)) is not None:
        return code
    client, group = finding.named(places, wanted)
    if not flags().yes and sys.stdin.isatty():
        running = sum(thing.running for thing in group.things)
        click.confirm(
            f"Remove {len(group.things)} things of {wanted} ({running} replicas run)?",
            abort=True,
            err=True,
        )
    left = finding.end(client, group)
    removed = [t.text for t in group.things if t.text not in left]
    lines = [f"removed  {one}" for one in removed] + [f"LEFT     {one}" for one in left]
    ui.result({"removed": removed, "left": left}, "\n".join(lines))
    return 1 if left else 0
