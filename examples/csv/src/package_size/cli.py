"""The project's commands. `make` is a short way to type them."""

import sys

import typer

from .commands import data, drift, inspect, model, serving
from .errors import ProjectError

commands = typer.Typer(
    help="A model from raw data to a service. Start with: train",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
for command in (
    inspect.inspect,
    data.collect,
    model.train,
    model.promote,
    model.runs,
    model.why,
    serving.serve,
    drift.drift,
):
    commands.command()(command)


def app() -> None:
    """Run a command. An error of the project is printed in its three parts, without a traceback."""
    try:
        commands()
    except ProjectError as error:
        typer.secho(f"error: {error}", fg="red", err=True)
        sys.exit(error.exit_code)
    except SystemExit as done:
        if done.code == 130:  # Ctrl+C, which typer turns into this without a word
            typer.secho("Stopped. Nothing is left half-written; start it again.", err=True)
        raise
