"""`inspect`: look at a table, propose what to learn from it, and write that down."""

import json
import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from .. import PROJECT, paths
from ..errors import ProjectError


def inspect(
    file: Annotated[str | None, typer.Argument(help="Else the project's own.")] = None,
    target: Annotated[str | None, typer.Option(help="The column to predict.")] = None,
    group: Annotated[str | None, typer.Option(help="Rows alike share its value; or none.")] = None,
    time: Annotated[str | None, typer.Option(help="When the row was; or none.")] = None,
    without: Annotated[list[str] | None, typer.Option(help="Leave this column out.")] = None,
    task: Annotated[str | None, typer.Option(help="binary, classes or regression")] = None,
    yes: Annotated[str | None, typer.Option(help="Binary: the value that means yes.")] = None,
    encoding: Annotated[str | None, typer.Option(help="Such as cp1252; else looked up.")] = None,
    separator: Annotated[str | None, typer.Option(help="Such as ';'; else looked up.")] = None,
    write: Annotated[bool, typer.Option("--write", help="Write rows.py and params.toml.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print data for a program.")] = False,
) -> None:
    """Look at a table: its columns, what is odd, what could be learned. --write keeps it.

    Example: inspect houses.csv --target price --write
    """
    wanted: dict[str, Any] = {"target": target, "group": group, "time": time, "task": task}
    wanted |= {"yes": yes, "without": tuple(without or ())}
    try:
        told, words = _inspect(file, wanted, encoding, separator, write)
    except ProjectError as error:
        if not as_json:
            raise
        told = {"error": {"what": error.what, "why": error.why, "do": error.do}}
    typer.echo(json.dumps(told, ensure_ascii=False) if as_json else words)
    if "error" in told:
        sys.exit(1)


def _inspect(
    file: str | None,
    wanted: dict[str, Any],
    encoding: str | None,
    separator: str | None,
    write: bool,
) -> tuple[dict[str, Any], str]:
    """What was found, as data and in words."""
    # What a command needs is imported inside it: the help is there at once.
    from ..data import formats, reading
    from ..inspection import inspecting, settling, telling

    layout = paths.here()
    path, url = _file(file, layout)
    if wanted["target"] is None:
        if file is not None:
            raise ProjectError(
                what="Which column is to be predicted?",
                why="It is not guessed: the question is yours.",
                do=f"Say it: uv run {PROJECT} inspect {file} --target COLUMN",
            )
        from ..data.rows import TARGET

        wanted["target"] = TARGET
    if wanted["task"] not in (None, "binary", "classes", "regression"):
        raise ProjectError(
            what=f"{wanted['task']!r} is no task.",
            why="The answer is yes or no (binary), a word (classes) or a number (regression).",
            do="Leave --task out, or say one of the three",
        )
    form = formats.recognise(path, encoding, separator)
    sample = reading.sample(path, form)
    found = inspecting.inspect(sample, form.separator, inspecting.Wanted(**wanted))
    told = telling.data(path.name, form, sample, found)
    words = telling.words(path.name, form, sample, found)
    if not write:
        return told | {"written": []}, f"{words}\n\nto keep it: the same with --write"
    settled = settling.settle(found, form, path, url, layout)
    told |= {"written": settled.written, "changes": settled.changes}
    kept = f"written: {' and '.join(settled.written)}\n{settled.changes}"
    return told, f"{words}\n\n{kept.strip()}\nread both (git diff), then: make train"


def _file(file: str | None, layout: paths.Layout) -> tuple[Path, str]:
    """The file on this machine, and the address that it was fetched from, if from any."""
    from .. import config
    from ..data import fetching

    if file is None:
        params = config.load(layout.params).collect
        return fetching.located(params, layout), params.url
    if fetching.is_url(file):
        place = layout.root / fetching.FOLDER / fetching.name_of(file)
        return fetching.fetched(file, place), file
    return fetching.local(file), ""
