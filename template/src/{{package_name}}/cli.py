"""The project's commands. `make` is a short way to type them."""

import gc
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer

from . import PROJECT, paths
from .errors import ProjectError
from .progress import Steps

# What a command needs is imported inside it: the help is there at once.
commands = typer.Typer(
    help="A model from raw data to a service. Start with: train",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)


def app() -> None:
    """Run a command. An error of the project is printed in its three parts, without a traceback."""
    try:
        commands()
    except ProjectError as error:
        typer.secho(f"error: {error}", fg="red", err=True)
        sys.exit(1)
    except SystemExit as done:
        if done.code == 130:  # Ctrl+C, which typer turns into this without a word
            typer.secho("Stopped. Nothing is left half-written; start it again.", err=True)
        raise


@commands.command()
def collect(
    again: Annotated[bool, typer.Option(help="Collect also when nothing has changed.")] = False,
) -> None:
    """Collect the raw rows into data/raw."""
    from . import collect, config

    layout = paths.here()
    raw = collect.collect(config.load(layout.params).collect, layout, again)
    typer.echo(f"{len(raw.frame)} rows{' (as before)' if raw.reused else ''} in {layout.raw}")


@commands.command()
def train() -> None:
    """Collect, clean, split, train, evaluate, and promote the model if it is the best so far."""
    say = Steps("loading MLflow and scikit-learn; the first time takes longest")
    with _loading():
        from . import config, promote, tracking, train

    say("start", "libraries loaded")
    layout = paths.here()
    params = config.load(layout.params)
    data = train.prepare(params, layout, say)
    trained = train.train(data, params, layout, say)
    decision = promote.promote(trained.version, data.holdout, layout)
    say("promote", f"{'yes' if decision.promoted else 'no'}: {decision.why}")
    typer.echo(f"\nruns and versions: {tracking.uri(layout)}  (look at them: make ui)")
    typer.echo(f"plots:             {layout.plots}")
    if not trained.verdict.passed:
        raise ProjectError(
            what=f"Version {trained.version} failed its evaluation and is not promoted.",
            why="; ".join(trained.verdict.reasons),
            do="Look at the plots and change the features or params.toml; then: make train",
        )
    typer.echo("next:              mldeploy up  (or without mldeploy: make serve)")


@commands.command()
def promote(
    version: Annotated[str | None, typer.Argument(help="Default: the newest version.")] = None,
) -> None:
    """Make a version the champion, by the same rules as after training."""
    say = Steps("loading MLflow and scikit-learn; the first time takes longest")
    with _loading():
        from . import config, promote, train

    say("start", "libraries loaded")
    layout = paths.here()
    data = train.prepare(config.load(layout.params), layout, say)
    decision = promote.promote(version, data.holdout, layout)
    say("promote", f"{'yes' if decision.promoted else 'no'}: {decision.why}")
    if not decision.promoted:
        raise typer.Exit(1)


@commands.command()
def serve(port: Annotated[int, typer.Option(help="Where to listen.")] = 3000) -> None:
    """Serve the champion on this machine only, until Ctrl+C."""
    from . import persist

    layout = paths.here()
    if persist.describe(layout.champion) is None:
        persist.load_from(layout.champion)  # raises the error that says what to do
    package = Path(__file__).parent.name
    typer.echo(f"{PROJECT} on http://127.0.0.1:{port}  (try it in a browser; Ctrl+C stops it)")
    # BentoML itself would listen on all addresses, open to everybody in the network.
    command = [sys.executable, "-m", "bentoml", "serve", f"{package}.service"]
    command += ["--host", "127.0.0.1", "--port", str(port)]
    os.chdir(layout.root)
    if os.name == "posix":  # become the server: whoever stops this process stops that one
        os.execv(sys.executable, command)  # noqa: S606
    sys.exit(subprocess.call(command))


@commands.command()
def runs() -> None:
    """List the versions of the model, how each was judged, and which one is the champion."""
    from . import tracking

    client = tracking.client(paths.here())
    champion = tracking.champion(client)
    for version in tracking.versions(client):
        mark = "  champion" if champion and champion.run_id == version.run_id else ""
        judged = version.tags.get("evaluation", "not finished")
        score = f"roc_auc {version.tags.get('roc_auc', 'unknown')}"
        typer.echo(f"version {version.version:>3}  {score}  {judged}  run {version.run_id}{mark}")


@contextmanager
def _loading() -> Iterator[None]:
    """Import large libraries without looking for garbage, of which they leave none: it saves 1.5 s.

    What they made is then set aside (frozen), so that it is not looked through at the end either.
    """
    gc.disable()
    yield
    gc.freeze()
    gc.enable()
