"""`new`: words to the user around the scaffolding runbook."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import click

from mldeploy.cli.main import Verb
from mldeploy.cli.shared import flags, voice
from mldeploy.errors import ConfigError
from mldeploy.own_table import OwnTable


@click.command(cls=Verb, example="mldeploy new my-project --defaults")
@click.argument("path", type=click.Path(path_type=Path))
@click.option("--data", metavar="KEY", help="Data: functions, commits, sensors or csv.")
@click.option("--csv", "table", metavar="FILE", help="Your own table: a file or an address.")
@click.option("--target", metavar="COLUMN", help="The column of your table to predict.")
@click.option("--framework", metavar="KEY", help="What learns: sklearn (default) or torch.")
@click.option("--artifacts", metavar="KEY", help="MLflow's files: local (default) or s3.")
@click.option("--defaults", is_flag=True, help="Don't ask; take the default of every question.")
@click.option("--template", metavar="SRC", help="Another template: a folder or git address.")
@click.option("--ref", metavar="REF", help="The template's tag, branch or commit.")
def new(
    path: Path,
    data: str | None,
    table: str | None,
    target: str | None,
    framework: str | None,
    artifacts: str | None,
    defaults: bool,
    template: str | None,
    ref: str | None,
) -> None:
    """Make a project at PATH: render the template, git init, lock, install, first commit.

    It trains, tests and serves as it is. Without a terminal nothing is asked. With a table of your
    own (--csv houses.csv --target price) it is looked at, and the project is made to fit it.
    """
    from mldeploy import scaffold

    ui = voice()
    asking = not (defaults or flags().yes or ui.as_json) and sys.stdin.isatty()
    own = _own_table(data, table, target)
    made = scaffold.new(
        path,
        _answers(path, data, own)
        | ({"framework": framework} if framework else {})
        | ({"artifacts": artifacts} if artifacts else {}),
        scaffold.source_of(template, ref),
        ask=asking,
        ui=ui,
        table=own,
    )
    found = made.proposal
    ui.result(
        {"path": str(made.path), "package": made.package, "commit": made.commit}
        | {"template": made.source.address, "ref": made.source.ref}
        | ({"task": found.task, "rows": found.rows} if found else {}),
        (f"read src/{made.package}/data/rows.py: is each column what it says?\n" if found else "")
        + f"{made.path} is ready: it trains, tests and serves as it is.\n"
        f"  cd {_shown(made.path)}\n"
        "  make train        collect, clean, split, train, evaluate, promote\n"
        "  mldeploy up       serve the model on this machine\n"
        "  mldeploy predict  one real prediction",
    )


def _own_table(data: str | None, table: str | None, target: str | None) -> OwnTable | None:
    if table is None and target is None:
        return None
    if table is None or target is None:
        there, missing = ("--csv", "--target") if target is None else ("--target", "--csv")
        raise ConfigError(
            "half-a-table",
            what=f"{there} was given without {missing}.",
            why="A table of your own needs both: the file, and the column to predict.",
            do="mldeploy new PATH --csv FILE --target COLUMN",
        )
    if data not in (None, "csv"):
        raise ConfigError(
            "two-sources",
            what=f"--data {data} and --csv exclude each other.",
            why="A project has one source of data.",
            do=f"mldeploy new PATH --csv {table} --target {target}",
        )
    return OwnTable(table, target)


def _answers(path: Path, data: str | None, table: OwnTable | None) -> dict[str, Any]:
    """What is known without asking: the folder's name is the project's, and what is predicted."""
    words = path.expanduser().resolve().name.replace("_", " ").replace("-", " ").split()
    answers: dict[str, Any] = {
        "project_name": " ".join(word[:1].upper() + word[1:] for word in words)
    }
    if table is not None:
        said = f"{table.target}, predicted from the other columns of {table.name}."
        return answers | {"description": " ".join(said.split())[:200]}
    return answers | ({"data_source": data} if data else {})


def _shown(path: Path) -> str:
    try:
        return str(path.relative_to(Path.cwd()))
    except ValueError:
        return str(path)
