"""`collect`: the raw rows, without training on them."""

from typing import Annotated

import typer

from .. import paths


def collect(
    again: Annotated[bool, typer.Option(help="Collect also when nothing has changed.")] = False,
) -> None:
    """Collect the raw rows into data/raw."""
    # What a command needs is imported inside it: the help is there at once.
    from .. import config
    from ..data import collect

    layout = paths.here()
    raw = collect.collect(config.load(layout.params).collect, layout, again)
    typer.echo(f"{len(raw.frame)} rows{' (as before)' if raw.reused else ''} in {layout.raw}")
