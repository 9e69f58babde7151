"""`plan`, `up`, `rollback`, `down`: words to the user around the runbooks."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from typing import TYPE_CHECKING

import click

from mldeploy import timeline
from mldeploy.cli.main import Verb
from mldeploy.cli.shared import chosen_machine, chosen_target, target_argument, voice
from mldeploy.config import RentedTarget
from mldeploy.prices import money
from mldeploy.providers import lifetime
from mldeploy.release import main_metric

if TYPE_CHECKING:
    from mldeploy.config import Target
    from mldeploy.deploy import Deployed
    from mldeploy.project import Project
    from mldeploy.providers.base import Rented
    from mldeploy.providers.ending import Bill
    from mldeploy.ui import Ui


@click.command(cls=Verb, example="mldeploy plan --json")
@target_argument
def plan(target: str | None) -> None:
    """Show what `up` would create, change and remove, what it costs, and who could reach it."""
    from mldeploy.inspection import plan_facts
    from mldeploy.plan import plan as make_plan
    from mldeploy.plan import text_of

    ui = voice()
    with ui.step("look at the project and the target"):
        made = make_plan(plan_facts(*chosen_target(target), ui))
    ui.result(made.as_dict(), text_of(made))


@click.command(cls=Verb, example="mldeploy up --explain\nmldeploy up practice --fault lost-reply")
@target_argument
@click.option("--fault", metavar="NAME", help="On the practice cloud: let this go wrong.")
def up(target: str | None, fault: str | None) -> None:
    """Build a release of the champion model and the code as it is, prove it, let it take over.

    The new server starts beside the old one. Only when it is ready and answers the golden requests
    as stored does it take the port; until then the old release serves untouched.
    """
    from mldeploy import deploy

    ui = voice()
    project, name, settings = chosen_target(target)
    if fault:
        settings = _with_fault(name, settings, fault)
    done = deploy.up(project, name, settings, ui)
    _tell(
        ui, project, name, settings, done, "already serves" if done.switched is None else "serves"
    )


def _with_fault(name: str, settings: Target, fault: str) -> Target:
    from mldeploy.errors import ConfigError
    from mldeploy.providers.fake.settings import FAULTS, FakeTarget

    if isinstance(settings, FakeTarget) and fault in FAULTS:
        import msgspec

        return msgspec.structs.replace(settings, fault=fault)
    raise ConfigError(
        "no-such-fault",
        what=f"{fault!r} can't go wrong on {name}."
        if isinstance(settings, FakeTarget)
        else f"{name} is no target to practise faults on.",
        why=f'The practice cloud (kind = "fake") knows {", ".join(FAULTS)}.',
        do="docs/practice-cloud.md tells what each shows",
    )


@click.command(cls=Verb, example="mldeploy rollback --to v1-3f2a9c1-77d0e2")
@target_argument
@click.option("--to", metavar="RELEASE", help="A release of `mldeploy history`; else the previous.")
def rollback(target: str | None, to: str | None) -> None:
    """Let an earlier release take over again. Nothing is built, and the gate holds for it too."""
    from mldeploy import deploy

    ui = voice()
    project, name, settings = chosen_target(target)
    done = deploy.rollback(project, name, settings, to, ui)
    _tell(ui, project, name, settings, done, "serves again")


@click.command(cls=Verb, example="mldeploy down")
@target_argument
def down(target: str | None) -> int:
    """End what serves on a target, and print a receipt. Releases stay, so `up` is quick again."""
    from mldeploy.teardown import down as take_down

    ui = voice()
    project, name, settings = chosen_machine(target)
    receipt = take_down(project, name, settings, ui)
    data = {
        "target": name,
        "removed": receipt.removed,
        "left": receipt.left,
        "served_for_seconds": receipt.served_for,
        "cost": money(sum((bill.total for bill in receipt.bills), Decimal(0))),
        "machines": [bill.as_dict() for bill in receipt.bills],
        "do": list(receipt.do),
    }
    stays = " that runs (releases stay on disk)" if settings.kind == "process" else ""
    rents = isinstance(settings, RentedTarget)
    nothing = f"  left     nothing{' there' if rents else stays}"
    lines = [f"receipt for {name}"]
    lines += [f"  removed  {thing}" for thing in receipt.removed] or [
        "  removed  nothing: it was down"
    ]
    lines += [f"  LEFT     {thing}" for thing in receipt.left] or [nothing]
    if receipt.served_for is not None:
        lines.append(f"  served   {_duration(receipt.served_for)}")
    lines += [f"  do       {one}" for one in receipt.do]
    if rents:
        lines += _bill_lines(receipt.bills)
    else:
        lines.append("  cost     $0.00: it was your own machine")
    ui.result(data, "\n".join(lines))
    return 1 if receipt.left else 0


def _bill_lines(bills: tuple[Bill, ...]) -> list[str]:
    """Each machine's time and cost, by part; cents that sum to the total."""
    if not bills:
        return ["  cost     $0.00: no machine was rented"]
    lines = []
    for bill in bills:
        parts = " + ".join(f"{name} ${money(amount)}" for name, amount in bill.parts)
        lines.append(
            f"  machine  {bill.id}, {bill.machine_type} in {bill.place}, "
            f"{bill.began:%Y-%m-%d %H:%M:%S} to {bill.ended:%H:%M:%S} UTC ({bill.hours:.2f} h)"
        )
        cost = f"${money(bill.total)} = {parts}"
        if bill.hourly and not bill.total:
            cost = "less than a cent"
        lines.append(
            f"  cost     {cost}   (${money(bill.hourly, an_hour=True)} an hour, price list of "
            f"{bill.dated}; traffic is not in it)"
        )
    return lines


def _rent_lines(name: str, machine: Rented) -> list[str]:
    hourly = money(machine.price.total, an_hour=True)
    ends = "it costs until you take it down"
    if machine.expires_at:
        rest = lifetime.words(machine.expires_at - datetime.now(UTC))
        ends = f"ends itself in {rest}; mldeploy extend {name} 2h moves that"
    return [f"  rent   ${hourly} an hour, {machine.machine_type} in {machine.place}; {ends}"]


def _tell(ui: Ui, project: Project, name: str, settings: Target, done: Deployed, word: str) -> None:
    from mldeploy import certificate_shown
    from mldeploy.certificates import FIRST_SECONDS
    from mldeploy.inspection import describe

    made = done.release
    pause = done.switched.pause if done.switched else None
    data = describe(name, settings, done.serving, made, done.authority, done.rented) | {
        "changed": done.switched is not None,
        "pause_seconds": pause.total_seconds() if pause else None,
        **certificate_shown.facts(
            done.serving.url,
            done.authority,
            certificate_shown.named(project, settings),
            wait=FIRST_SECONDS,
        ),
    }
    metric = main_metric(made.metrics)
    shown = f", {metric[0]} {metric[1]:.3f}" if metric else ""
    replicas = f", {done.serving.replicas} replicas" if done.serving.replicas > 1 else ""
    private = getattr(settings, "private", False)
    where = f"{name}, reached by `mldeploy open {name}` alone" if private else done.serving.url
    lines = [
        f"{made.name} {word} on {where}{replicas}",
        f"  model  {made.model} version {made.model_version}, run {made.run_id[:8]}{shown}",
        f"  code   {made.code}",
        "  next   mldeploy predict · mldeploy status · mldeploy logs -f · mldeploy down",
    ]
    if done.rented:
        lines[3:3] = _rent_lines(name, done.rented)
    if done.timeline:
        data["timeline"] = timeline.as_dicts(done.timeline)
        ui.note("from the order to the first answers:")
        for line in timeline.chart(done.timeline):
            ui.note(f"  {line}")
    tls = certificate_shown.words(data)
    lines[3:3] = [f"  {'' if number else 'tls':5}  {line}" for number, line in enumerate(tls)]
    if done.first_key:  # in words only: --json may end up in a log
        lines[3:3] = [
            f"  key    {done.first_key.key}",
            f"         asked for by everything but /readyz; again: mldeploy keys show {name}",
        ]
    ui.result(data, "\n".join(lines))


def _duration(seconds: float) -> str:
    hours, rest = divmod(int(seconds), 3600)
    minutes, left = divmod(rest, 60)
    return f"{hours} h {minutes} min" if hours else f"{minutes} min {left} s"
