"""`new`: words to the user around the scaffolding runbook."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import click

from mldeploy.cli.main import Verb
from mldeploy.cli.shared import flags, voice


@click.command(cls=Verb, example="mldeploy new my-project --defaults")
@click.argument("path", type=click.Path(path_type=Path))
@click.option("--data", metavar="KEY", help="Where the data come from, such as `functions`.")
@click.option("--defaults", is_flag=True, help="Don't ask; take the default of every question.")
@click.option("--template", metavar="SRC", help="Another template: a folder or git address.")
@click.option("--ref", metavar="REF", help="The template's tag, branch or commit.")
def new(
    path: Path, data: str | None, defaults: bool, template: str | None, ref: str | None
) -> None:
    """Make a project at PATH: render the template, git init, lock, install, first commit.

    It trains, tests and serves as it is. Without a terminal nothing is asked.
    """
    from mldeploy import scaffold

    ui = voice()
    asking = not (defaults or flags().yes or ui.as_json) and sys.stdin.isatty()
    made = scaffold.new(
        path, _answers(path, data), scaffold.source_of(template, ref), ask=asking, ui=ui
    )
    ui.result(
        {"path": str(made.path), "package": made.package, "commit": made.commit}
        | {"template": made.source.address, "ref": made.source.ref},
        f"{made.path} is ready: it trains, tests and serves as it is.\n"
        f"  cd {_shown(made.path)}\n"
        "  make train        collect, clean, split, train, evaluate, promote\n"
        "  mldeploy up       serve the model on this machine\n"
        "  mldeploy predict  one real prediction",
    )


def _answers(path: Path, data: str | None) -> dict[str, Any]:
    """What is known without asking: the folder's name is the project's, this Python is at hand."""
    words = path.expanduser().resolve().name.replace("_", " ").replace("-", " ").split()
    answers: dict[str, Any] = {
        "project_name": " ".join(word[:1].upper() + word[1:] for word in words)
    }
    return answers | ({"data_source": data} if data else {})


def _shown(path: Path) -> str:
    try:
        return str(path.relative_to(Path.cwd()))
    except ValueError:
        return str(path)
