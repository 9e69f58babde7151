"""`completion`: the script that makes a shell complete verbs, options and target names."""

from __future__ import annotations

import click

from mldeploy.cli.main import Verb, app
from mldeploy.cli.shared import voice
from mldeploy.errors import FailedError


@click.command(
    cls=Verb,
    example="""\
    bash:  eval "$(mldeploy completion bash)"     (put it in ~/.bashrc)
    zsh:   eval "$(mldeploy completion zsh)"      (put it in ~/.zshrc)
    fish:  mldeploy completion fish > ~/.config/fish/completions/mldeploy.fish""",
)
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
def completion(shell: str) -> None:
    """Print the completion script for your shell."""
    from click.shell_completion import get_completion_class

    kind = get_completion_class(shell)
    if kind is None:
        raise FailedError(
            "no-completion",
            what=f"There is no completion for {shell}.",
            why="The installed click does not know that shell.",
            do="mldeploy completion bash",
        )
    script = kind(app, {}, "mldeploy", "_MLDEPLOY_COMPLETE").source()
    voice().result({"shell": shell, "script": script}, script)
