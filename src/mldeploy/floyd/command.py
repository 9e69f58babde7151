"""A line that began with `floyd`, read as FloydHub's own command line read it."""

from __future__ import annotations

import shlex
from dataclasses import dataclass

import click

from mldeploy.errors import ConfigError
from mldeploy.floyd import inputs
from mldeploy.floyd.asked import MODES, Asked, Machine
from mldeploy.floyd.refusals import nearest, refused

PLACE = "--command"
# The other verbs, and the one that does the same here; docs/from-floydhub.md has their options.
INSTEAD = {
    "login": "aws configure     (the provider's own; then: mldeploy doctor)",
    "logout": "mldeploy doctor     (mldeploy keeps no key: there is nothing to log out of)",
    "init": "mldeploy import floyd.yml     (it makes mldeploy.toml)",
    "restart": "mldeploy run --from JOB",
    "status": "mldeploy jobs ls",
    "info": "mldeploy jobs show JOB",
    "logs": "mldeploy jobs logs JOB",
    "output": "mldeploy jobs fetch JOB",
    "stop": "mldeploy jobs stop JOB",
    "delete": "mldeploy jobs rm JOB",
    "clone": "mldeploy jobs code JOB",
    "data": "mldeploy data --help",
    "upgrade": "uv tool upgrade mldeploy",
    "version": "mldeploy --version",
}


@dataclass(frozen=True)
class Typed:
    """``asked`` is what the options say; ``task`` which of floyd.yml they are laid over.

    ``warnings`` are about options that changed how the command behaved, and not the job.
    """

    asked: Asked
    task: str | None
    warnings: tuple[str, ...]


def parse(line: str) -> Typed:
    """Read ``floyd run …``; raises :class:`ConfigError` for what FloydHub refused."""
    words = _words(line)
    options = [
        *(click.Option([f"--{name}"], is_flag=True) for name in ("gpu", "cpu", "gpu2", "cpu2")),
        click.Option(["--env"], multiple=True),
        click.Option(["--data"], multiple=True),
        click.Option(["--message", "-m"]),
        click.Option(["--mode"], type=click.Choice(MODES)),
        click.Option(["-f", "--follow"], is_flag=True),
        click.Option(["--tensorboard/--no-tensorboard"], default=None),
        click.Option(["--max-runtime", "-r"], type=click.IntRange(min=1)),
        click.Option(["--task"]),
        click.Option(["--open/--no-open"], default=None),
    ]
    command = click.Command("run", params=[*options, click.Argument(["command"], nargs=-1)])
    try:
        given = command.make_context("floyd run", list(words), help_option_names=[]).params
    except click.UsageError as error:
        raise refused(
            PLACE, error.format_message(), "FloydHub's own command refused that too; a COMMAND "
            "with options of its own stands in quotes.", 'floyd run --gpu "python train.py --lr 1"',
        ) from error  # fmt: skip
    if len(given["env"]) > 1:
        raise refused(
            PLACE, f"--env is given {len(given['env'])} times.", "A job has one environment.",
            f"one of them: --env {given['env'][0]}",
        )  # fmt: skip
    command_line = " ".join(given["command"])
    if command_line and given["mode"] in ("serve", "jupyter"):
        raise refused(
            PLACE, f"A COMMAND can't be used with --mode {given['mode']}.",
            "FloydHub refused that too: what is started there is not the COMMAND.",
            "leave out one of the two",
        )  # fmt: skip
    data = [inputs.short(each, PLACE) for each in given["data"]]
    asked = Asked(
        machine=_machine(given),
        env=given["env"][0] if given["env"] else None,
        command=command_line or None,
        description=given["message"],
        max_runtime=given["max_runtime"],
        mode=given["mode"],
        input=inputs.together(data, PLACE) if data else None,
    )
    return Typed(asked, given["task"], tuple(_warnings(given)))


def _words(line: str) -> list[str]:
    """Those after `floyd run`."""
    try:
        words = shlex.split(line)
    except ValueError as error:
        raise refused(
            PLACE, "A quote in it is not closed.", f"{error}.", "close it, as a shell wants it"
        ) from error
    words = words[1:] if words[:1] == ["floyd"] else words
    verb = words[0] if words else ""
    if verb == "run":
        return words[1:]
    do = INSTEAD.get(verb) or INSTEAD.get(nearest(verb, [*INSTEAD]), 'floyd run "python train.py"')
    raise ConfigError(
        "floyd-other-verb",
        what=f"{PLACE}: `floyd {verb}` starts no job.",
        why="What is read here is a line that begins with: floyd run",
        do=do,
    )


def _machine(given: dict[str, object]) -> Machine | None:
    """In the order of FloydHub's code, which is another than that of its documentation."""
    order: tuple[Machine, ...] = ("gpu2", "cpu2", "gpu", "cpu")
    return next((name for name in order if given[name]), None)


def _warnings(given: dict[str, object]) -> list[str]:
    said = []
    machines = [name for name in ("cpu", "gpu", "cpu2", "gpu2") if given[name]]
    if len(machines) > 1:
        said.append(f"of --{' --'.join(machines)}, FloydHub took --{_machine(given)}")
    if given["follow"]:
        said.append("--follow is what `mldeploy run` does anyway; Ctrl+C leaves the job running")
    if given["tensorboard"] is not None:
        said.append(
            "--tensorboard has no equal: lines such as "
            '{"metric": "loss", "value": 0.1} are kept as metrics, and MLflow runs come back'
        )
    if given["open"] is not None:
        said.append("--open was for notebooks: a job opens nothing")
    return said
