"""`open` and `ssh`: the ways to a target for a person."""

from __future__ import annotations

import os
import sys
import time

import click

from mldeploy.cli.main import Verb
from mldeploy.cli.shared import chosen_machine, chosen_target, flags, target_argument, voice

LOOK_SECONDS = 1.0


@click.command("open", cls=Verb, example="mldeploy open box --no-browser")
@target_argument
@click.option("--no-browser", is_flag=True, help="Print the address only.")
def open_(target: str | None, no_browser: bool) -> None:
    """Show what serves in a browser. To a private target it holds a tunnel open until Ctrl+C."""
    from mldeploy.engines import engine_for
    from mldeploy.errors import FailedError

    ui = voice()
    project, name, settings = chosen_target(target)
    engine = engine_for(project, name, settings)
    serving = engine.serving()
    if serving.url is None:
        raise FailedError(
            "nothing-serves",
            what=f"Nothing serves on {name}.",
            why=serving.detail or "There is no address to open.",
            do=f"mldeploy up {name}",
        )
    with engine.reached(serving.url) as url:
        ui.result({"target": name, "url": url, "tunnel": url != serving.url}, url)
        if engine.keys():
            ui.note(f"it asks for a user and a password: mldeploy keys show {name}")
        if not no_browser and not flags().as_json:
            click.launch(url)
        if url != serving.url:
            ui.note("a tunnel by SSH; nobody else reaches it. Ctrl+C ends it")
            while True:
                time.sleep(LOOK_SECONDS)
                engine.keep_reached()


@click.command(
    "ssh",
    cls=Verb,
    example="mldeploy ssh box docker ps",
    context_settings={"ignore_unknown_options": True},
)
@target_argument
@click.argument("command", nargs=-1, type=click.UNPROCESSED)
def ssh(target: str | None, command: tuple[str, ...]) -> None:
    """Log in to the machine of a target, or run a command there, with your own ssh."""
    from mldeploy.engines import engine_for

    words = [*engine_for(*chosen_machine(target)).login(), *command]
    voice().explain(" ".join(words), "the same ssh and the same configuration as yours")
    sys.stdout.flush()
    os.execvp(words[0], words)  # noqa: S606 - the user's own shell on the user's own machine
