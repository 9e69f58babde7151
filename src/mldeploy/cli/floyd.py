"""`import`: a FloydHub project, or one of its commands, in mldeploy's words."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from mldeploy.cli.main import Verb
from mldeploy.cli.shared import flags, voice
from mldeploy.errors import ConfigError

if TYPE_CHECKING:
    from mldeploy.floyd.asked import Input
    from mldeploy.floyd.code import Difference
    from mldeploy.floyd.importing import Import
    from mldeploy.floyd.translate import Translated

SHOWN = 5  # names of files that only one of the two takes; --json has them all


@click.command(
    cls=Verb,
    example="mldeploy import floyd.yml\n"
    "mldeploy import --command \"floyd run --gpu --env pytorch-1.4 'python train.py'\" --as train",
)
@click.argument("file", required=False, type=click.Path(path_type=Path))
@click.option("--command", "line", metavar="LINE", help="A `floyd run …`; it overrides FILE.")
@click.option("--as", "name", metavar="NAME", help="The task that has no name at FloydHub.")
@click.option("--task", "only", metavar="TASK", multiple=True, help="Only this one; repeatable.")
@click.option("--data", "places", metavar="OLD=NOW", multiple=True,
              help="Where data of FloydHub's is now: a folder, a name or s3://…")  # fmt: skip
@click.option("--on", metavar="TARGET", help="Where its tasks run; else the first target.")
@click.option("--base", metavar="IMAGE", help="The image to build on, in the place of `env`.")
@click.option("--dry-run", is_flag=True, help="Print what would be written.")
def import_(file: Path | None, line: str | None, dry_run: bool, **told: Any) -> None:
    """Read floyd.yml, .floydignore, floyd_requirements.txt and .floydexpt into mldeploy.toml.

    Each task becomes a table [jobs.TASK] for `mldeploy run --task TASK`, and each line of it is
    told with what became of it. A mldeploy.toml that is there keeps every line: what it lacks is
    put behind them.
    """
    from mldeploy.floyd import importing, wishes

    ui = voice()
    folder = Path(flags().directory)
    asking = sys.stdin.isatty() and not (ui.as_json or ui.agreed or dry_run)
    wish = wishes.Wish(
        folder=folder,
        place=folder / (file or ".") if file or line is None else None,
        command=line,
        name=told["name"],
        only=told["only"],
        places=_places(told["places"]),
        on=told["on"],
        base=told["base"],
    )
    root = (folder / file).parent if file and not (folder / file).is_dir() else folder
    made = importing.look(wish, lambda each: _ask(each, root) if asking else None)
    in_passing = file is None and line is not None and told["name"] is None
    written = [] if dry_run or in_passing else importing.write(made)
    end = _in_passing(made) if in_passing else _dry(made) if dry_run else _end(made, written)
    ui.result(_data(made, written), "\n".join([*_told(made), "", *end]))


def _places(pairs: tuple[str, ...]) -> dict[str, str]:
    found = {}
    for pair in pairs:
        old, equals, now = pair.partition("=")
        if not (old and equals):
            raise ConfigError(
                "usage",
                what=f"--data {pair} is not OLD=NOW.",
                why="OLD is data as floyd.yml names it, NOW is where it is: nothing behind = if "
                "it is no longer needed.",
                do="mldeploy import floyd.yml --data mckay/datasets/mnist/1=./mnist",
            )
        found[old] = now
    return found


def _ask(each: Input, root: Path) -> str | None:
    from mldeploy.floyd.places import place_of

    click.echo(
        f"\n  {each.source}, at {each.at}, was on FloydHub. Where is it now?\n"
        "  A folder or file (./mnist), a name of `mldeploy data ls` (mnist/1), s3://BUCKET/PATH,\n"
        "  `none` if it is no longer needed, or Enter to write it into mldeploy.toml later.",
        err=True,
    )
    while True:
        answer = click.prompt("  Where", default="", show_default=False, err=True).strip()
        if answer in ("", "none"):
            return "" if answer else None
        try:
            return place_of(answer, each, root)
        except ConfigError as error:
            click.echo(f"  {error.what} {error.why}", err=True)


def _data(made: Import, written: list[Path]) -> dict[str, Any]:
    from mldeploy.floyd.translate import as_run

    return {
        "file": str(made.settings),
        "written": [str(path) for path in written],
        "added": list(made.added),
        "kept": list(made.kept),
        "unknown_data": list(made.unknown),
        "text": made.text,
        "tasks": [
            {
                "name": each.name,
                "is_job": each.task is not None,
                "run": as_run(each) or None,
                "lines": [
                    {"key": one.key, "was": one.was, "now": one.now or None, "note": one.note}
                    for one in each.lines
                ],
            }
            for each in made.found
        ],
        "code": {
            "floydhub": made.sent.floyd,
            "job": made.sent.job,
            "only_floydhub": list(made.sent.only_floyd),
            "only_job": list(made.sent.only_job),
        },
        "ignore": made.ignore,
        "warnings": list(made.warnings),
    }


def _told(made: Import) -> list[str]:
    lines: list[str] = []
    for each in made.found:
        lines += ["", *_task(each)]
    lines += ["", *_code(made.sent)]
    if made.warnings:
        lines += ["", "To be looked at", *(f"  {warning}" for warning in made.warnings)]
    return lines[1:]


def _task(each: Translated) -> list[str]:
    from mldeploy.floyd.translate import as_run

    title = f"{each.name} → [jobs.{each.name}]" if each.task else f"{each.name}: not taken over"
    keys = max(len(one.key) for one in each.lines)
    was = min(40, max(len(one.was) for one in each.lines))
    lines = [title]
    for one in each.lines:
        shown = _plain(" ".join(one.was.split()))
        became = f"→ {one.now}" if one.now else "-"
        note = f"  ({one.note})" if one.note else ""
        lines.append(f"  {one.key:<{keys}}  {shown:<{was}}  {became}{note}")
    if each.task:
        lines.append(f"  once, without the table: {_plain(as_run(each))}")
    return lines


def _plain(text: str) -> str:
    """Of a file that may be a stranger's: nothing in it steers the terminal."""
    return "".join(
        sign if sign.isprintable() or sign == "\n" else repr(sign)[1:-1] for sign in text
    )


def _code(sent: Difference) -> list[str]:
    lines = [f"Code: FloydHub took {sent.floyd} files, a job gets {sent.job}"]
    for title, names in (
        (
            "only at FloydHub (git leaves them out, or mldeploy; data: mldeploy data push)",
            sent.only_floyd,
        ),
        ("only here", sent.only_job),
    ):
        more = f", and {len(names) - SHOWN} more" if len(names) > SHOWN else ""
        lines += [f"  {title}: {', '.join(names[:SHOWN])}{more}"] if names else []
    return lines


def _in_passing(made: Import) -> list[str]:
    """A line that was looked up, and is not of a file."""
    from mldeploy.floyd.settings import table

    tables = [table(each) for each in made.found]
    return [
        "Nothing was written. To keep it as a table, say what to call it: --as NAME",
        "",
        *tables,
    ]


def _dry(made: Import) -> list[str]:
    lines = [f"Nothing was written. {made.settings.name} would be:", "", made.text.rstrip("\n")]
    if made.ignore is not None:
        lines += ["", "and .mldeployignore:", "", made.ignore.rstrip("\n")]
    return lines


def _end(made: Import, written: list[Path]) -> list[str]:
    name = next((each.name for each in made.found if each.task), "")
    lines = [f"wrote {', '.join(path.name for path in written)}" if written else "nothing to write"]
    lines += [f"[jobs.{kept}] was there, and otherwise: it is left as it is" for kept in made.kept]
    if made.unknown:
        lines.append(f"next: write where {', '.join(made.unknown)} is, behind each ? of [jobs]")
        lines.append(f"then: mldeploy run --task {name}")
    else:
        lines.append(f"next: mldeploy run --task {name}")
    return lines
