"""`python -m tests.faults`: what the promises are worth, tried on a real engine."""

from __future__ import annotations

import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import click

from tests.conftest import MLDEPLOY
from tests.faults import steady_load
from tests.faults.place import Place, place_at


@click.group(help=__doc__)
@click.option(
    "--trained",
    type=click.Path(exists=True, path_type=Path),
    help="A project of `mldeploy new --defaults`, trained; else one is made.",
)
@click.pass_context
def main(ctx: click.Context, trained: Path | None) -> None:
    ctx.obj = trained
    signal.signal(signal.SIGINT, signal.default_int_handler)


@main.command()
@click.option("--ups", default=20, show_default=True)
@click.option("--connections", default=16, show_default=True)
@click.option("--rate", default=0.0, help="Requests a second on each connection; 0: at once.")
@click.pass_obj
def load(trained: Path | None, ups: int, connections: int, rate: float) -> None:
    """Deploys under a steady load: requests sent, answered, failed, and how slow they got."""
    with _place(trained) as place:
        report = steady_load.run(place, ups=ups, connections=connections, rate=rate)
    click.echo(report.text())
    for line in report.trouble:
        click.echo(line, err=True)
    sys.exit(1 if report.failed else 0)


@contextmanager
def _place(trained: Path | None) -> Iterator[Place]:
    with tempfile.TemporaryDirectory(prefix="mldeploy-faults-") as folder:
        base = Path(folder)
        with place_at(trained or _train(base), base / "work" / "docs") as place:
            yield place


def _train(base: Path) -> Path:
    root = base / "function-docs"
    for words in (
        [MLDEPLOY, "new", root, "--defaults"],
        [root / ".venv/bin/function-docs", "train"],
    ):
        subprocess.run(
            list(map(str, words)), cwd=root if root.exists() else base, check=True, timeout=900
        )
    return root


if __name__ == "__main__":
    main()
