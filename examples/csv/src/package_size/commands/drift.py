"""`drift`: is what the service is asked still like what its model was judged by?"""

import json
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from .. import paths
from ..errors import NothingToCompareError

if TYPE_CHECKING:
    from ..monitoring.drift import Report
    from ..monitoring.reference import Reference
    from ..paths import Layout

Folders = Annotated[
    list[Path] | None,
    typer.Option("--log", help="Folder with logs of the service. Default: all of this project."),
]


def moment(said: str) -> str:
    """As the log writes it, in UTC. Without a zone the time is that of this machine."""
    try:
        return datetime.fromisoformat(said).astimezone(UTC).isoformat(timespec="seconds")
    except (ValueError, OverflowError):
        raise typer.BadParameter(f"{said!r} is no time such as 2026-05-31T12:00") from None


Since = Annotated[
    str | None,
    typer.Option(help="Only rows since then, such as 2026-05-31T12:00.", parser=moment),
]
Table = Annotated[Path | None, typer.Option(help="A table of rows instead of logs.")]


def drift(
    log: Folders = None,
    since: Since = None,
    csv: Table = None,
    as_json: Annotated[bool, typer.Option("--json", help="For programs.")] = False,
) -> None:
    """Compare what the service is asked with what its model was judged by. 1: drift, 0: none."""
    from ..monitoring import reference

    layout = paths.here()
    known = reference.of_champion(layout)
    report = compare(layout, known, log, since or "", csv)
    if as_json:
        facts = {"version": known.version, "drifted": report.drifted, **asdict(report)}
        typer.echo(json.dumps(facts, indent=2))
    else:
        show(report, known.version, layout)
    raise typer.Exit(int(report.drifted))


def compare(
    layout: "Layout",
    known: "Reference",
    log: list[Path] | None = None,
    since: str = "",
    csv: Path | None = None,
) -> "Report":
    """Also draws the picture. Refused when there are too few rows to tell."""
    from .. import config
    from ..monitoring import drift, picture, reference

    params, others = config.load(layout.params).monitoring, 0
    if csv is not None:
        now = reference.of_table(csv, known)
    else:
        now, others = reference.logged(find(layout, log), known, params.latest_rows, since)
    report = drift.compare(known.frame, now, known.categories, params)
    if not report.enough:
        raise NothingToCompareError(
            what=f"{min(report.rows_now, report.rows_before)} rows are too few to tell.",
            why=f"Below {params.minimum_rows}, a difference is as likely chance as drift"
            + (f"; {others} rows more were answered by other models." if others else "."),
            do=f"Ask the champion, version {known.version}, more; or lower monitoring.minimum_rows",
        )
    picture.draw(layout.drift, report, known.frame, now)
    return report


def find(layout: "Layout", folders: list[Path] | None) -> list[Path]:
    """The logs of `mldeploy up`, which has a folder for each start, and of `serve`."""
    from ..monitoring.log import FILES, FOLDER

    if folders is not None:
        found = [file for folder in folders for file in folder.rglob(FILES)]
    else:
        runs = layout.root.glob(f".mldeploy/targets/*/runs/*/{FOLDER}/{FILES}")
        found = [*runs, *layout.root.glob(f"{FOLDER}/{FILES}")]
    if not found:
        where = ", ".join(map(str, folders)) if folders else str(layout.root)
        raise NothingToCompareError(
            what="There is no log of what the service was asked.",
            why=f"No {FILES} in {where}: it was not asked yet, or [monitoring] log is false.",
            do="Serve it (mldeploy up, or make serve), ask it something, and come back.",
        )
    return sorted(found)


def show(report: "Report", version: str, layout: "Layout") -> None:
    typer.echo(
        f"{report.rows_now} rows that the service was asked, "
        f"and {report.rows_before} that version {version} was judged by:\n"
    )
    width = max(len(each.column) for each in report.findings)
    typer.echo(f"{'column':<{width}}     PSI  p-value  missing  unseen")
    for each in report.findings:
        tests = f"{each.psi:6.2f}  {each.p_value:7.4f}"
        shares = f"{each.missing_now:7.1%}  {each.unseen:6.1%}"
        said = f"DRIFT: {each.sentence}" if each.drifted else each.sentence
        line = f"{each.column:<{width}}  {tests}  {shares}  {said}"
        typer.secho(line, fg="red" if each.drifted else None)
    typer.echo(f"\nplot: {layout.drift}")
    if not report.drifted:
        typer.echo("no drift")
        return
    names = ", ".join(each.column for each in report.findings if each.drifted)
    typer.echo(f"drift: {names}")
    typer.echo("next:  see if the rows are right; if so, train on data that include such rows")
