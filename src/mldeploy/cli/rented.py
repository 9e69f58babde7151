"""`extend`, and `aws policy`: words around what is rented."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import click

from mldeploy.cli.main import Verb
from mldeploy.cli.shared import chosen_machine, flags, target_argument, voice
from mldeploy.errors import ConfigError, RefusedError

if TYPE_CHECKING:
    from mldeploy.machines.rented import RentedMachine
    from mldeploy.providers.extending import Extended


@click.command(cls=Verb, example="mldeploy extend aws 2h")
@target_argument
@click.argument("duration", required=False)
def extend(target: str | None, duration: str | None) -> None:
    """Let a rented machine live longer: DURATION, such as 30m, 2h or 1d, after its present end.

    The machine is told first, since it is what ends itself; then its tag in the cloud.
    """
    from mldeploy.providers import extending, lifetime

    ui = voice()
    if duration is None:  # `mldeploy extend 2h` means the first target
        target, duration = None, target
    if duration is None:
        raise click.UsageError("How long? Such as: mldeploy extend aws 2h")
    by = lifetime.parse(duration)
    machine = _rented(*chosen_machine(target))
    if by is None and not (ui.agreed or ui.ask("Let it live for ever, and cost for ever?")):
        raise RefusedError(
            "not-agreed",
            what="Its end was not moved.",
            why="Nobody said yes to a machine without an end.",
            do=f"mldeploy extend {machine.name} 8h",
        )
    with ui.step(f"tell {machine.must_be.id} its new end"):
        ui.explain(
            f"ssh … 'echo (seconds since 1970) | sudo tee {lifetime.EXPIRES}'",
            "a timer on the machine reads that file every 15 s, and ends the machine after it",
        )
        done = extending.extend(machine, by)
    _tell(machine.name, done)


def _tell(name: str, done: Extended) -> None:
    from mldeploy.prices import money

    ends = done.until.isoformat() if done.until else None
    data = {
        "target": name,
        "machine": done.machine.id,
        "expired_before": done.before.isoformat(),
        "expires_at": ends,
        "price_per_hour": money(done.price.total, an_hour=True),
        "cost_until_end": money(done.ceiling),
    }
    if done.until is None:
        text = f"{done.machine.id} has no end any more: ${money(done.ceiling)} a month until "
        text += f"`mldeploy down {name}`"
    else:
        text = (
            f"{done.machine.id} ends itself at {done.until:%Y-%m-%d %H:%M:%S} UTC; by then it will "
            f"have cost ${money(done.ceiling)}"
        )
    voice().result(data, text)


def _rented(project: object, name: str, settings: object) -> RentedMachine:
    from mldeploy.config import RentedTarget
    from mldeploy.machines.rented import RentedMachine
    from mldeploy.project import Project

    if isinstance(settings, RentedTarget) and isinstance(project, Project):
        return RentedMachine(project, name, settings)
    raise ConfigError(
        "not-on-this-kind",
        what=f"`extend` has no meaning on {name}.",
        why="Nothing is rented for it: the machine is yours, and has no end.",
        do="mldeploy status     (shows what there is)",
    )


@click.command(cls=Verb, example="mldeploy aws policy > mldeploy-policy.json")
@click.argument("what", type=click.Choice(["policy"]))
@click.option("--second-belt", is_flag=True, help="With what `second_belt_role` needs.")
def aws(what: str, second_belt: bool) -> None:
    """Print the least that mldeploy needs in an AWS account, as a policy for IAM.

    Everything that changes something is bound to things that carry mldeploy's own tag.
    """
    del what
    from mldeploy.providers.aws import policy

    made = policy.policy(second_belt=second_belt)
    if flags().as_json:
        voice().result({"policy": made}, "")
        return
    voice().out(json.dumps(made, indent=2))
