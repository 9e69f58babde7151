"""`python -m tests.faults`: what the promises are worth, tried on a real engine."""

from __future__ import annotations

import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import click

from mldeploy.ui import Ui
from tests.conftest import MLDEPLOY
from tests.faults import far_cases, report, steady_load
from tests.faults import malformed as malformed_requests
from tests.faults.all_cases import CASES
from tests.faults.case import Case, Result, carry_out
from tests.faults.far_place import FarPlace, far_place_at
from tests.faults.place import Place, place_at
from tests.lab import hosts
from tests.lab.small_engine import small_engine


@click.group(help=__doc__, invoke_without_command=True)
@click.option(
    "--only",
    "wanted",
    multiple=True,
    help="Only cases whose name has these words; may be given again.",
)
@click.option("--write", is_flag=True, help="Write these cases' rows into docs/reliability.md.")
@click.option(
    "--trained",
    type=click.Path(exists=True, path_type=Path),
    help="A project of `mldeploy new --defaults`, trained; else one is made.",
)
@click.pass_context
def main(ctx: click.Context, wanted: tuple[str, ...], write: bool, trained: Path | None) -> None:
    signal.signal(signal.SIGINT, signal.default_int_handler)
    ctx.obj = trained
    if ctx.invoked_subcommand:
        return
    chosen = [case for case in CASES if _is_wanted(case, wanted)]
    results: list[Result] = []
    for result in _results(chosen, trained):
        results.append(result)
        if write:  # at once: this takes long, and may be ended early
            report.write("cases", report.table(report.completed(results, CASES)))
    click.echo(report.table([report.row(one) for one in results]))
    sys.exit(1 if any(result.broken for result in results) else 0)


@main.command()
@click.option("--ups", default=20, show_default=True)
@click.option("--connections", default=16, show_default=True)
@click.option("--rate", default=0.0, help="Requests a second on each connection; 0: at once.")
@click.option("--write", is_flag=True, help="Write the result into docs/reliability.md.")
@click.pass_obj
def load(trained: Path | None, ups: int, connections: int, rate: float, write: bool) -> None:
    """Deploys under a steady load: requests sent, answered, failed, and how slow they got."""
    with _place(trained) as place:
        found = steady_load.run(place, ups=ups, connections=connections, rate=rate)
    _tell("load", found.text(), write)
    for line in found.trouble:
        click.echo(line, err=True)
    sys.exit(1 if found.failed else 0)


def _tell(name: str, text: str, write: bool) -> None:
    click.echo(text)
    if write:
        report.write(name, text)


def _is_wanted(case: Case, wanted: tuple[str, ...]) -> bool:
    return not wanted or any(words in case.name for words in wanted)


def _results(cases: Sequence[Case], trained: Path | None) -> Iterator[Result]:
    """One after the other in the same place, on an engine that all may use; then on one that is
    killed and filled."""
    shared, own = ([c for c in cases if c.own_engine is here] for here in (False, True))
    with tempfile.TemporaryDirectory(prefix="mldeploy-faults-") as folder:
        base = Path(folder)
        trained = trained or _train(base)
        if shared:
            with place_at(trained, base / "shared" / "docs") as place:
                yield from _told(shared, place)
        if own:
            with (
                small_engine(Ui()) as engine,
                place_at(trained, base / "own" / "docs", small=engine) as place,
            ):
                yield from _told(own, place)


def _told(cases: Sequence[Case], place: Place) -> Iterator[Result]:
    for case in cases:
        result = carry_out(case, place)
        _say(result)
        yield result


def _say(result: Result) -> None:
    outcome = f"BROKEN: {result.broken}" if result.broken else result.seen
    click.echo(f"{result.case.name} ({result.seconds:.0f} s)\n    {outcome}", err=True)


@main.command()
@click.option("--number", default=10_000, show_default=True)
@click.option("--seed", default=1, show_default=True)
@click.option("--write", is_flag=True, help="Write the result into docs/reliability.md.")
@click.pass_obj
def malformed(trained: Path | None, number: int, seed: int, write: bool) -> None:
    """Malformed requests through the edge: no 5xx, no replica that starts again."""
    with _place(trained) as place:
        place.up()
        found = malformed_requests.run(place, number=number, seed=seed)
    _tell("malformed", found.text(), write)
    for line in found.wrong:
        click.echo(line, err=True)
    sys.exit(1 if found.wrong else 0)


@main.command()
@click.option("--only", "wanted", multiple=True, help="As without `far`.")
@click.option("--write", is_flag=True, help="Write these cases' rows into docs/reliability.md.")
@click.pass_obj
def far(trained: Path | None, wanted: tuple[str, ...], write: bool) -> None:
    """The cases of a host behind SSH: its line, the host itself, and laptops that vanish."""
    results: list[Result] = []
    with _far_place(trained) as place:
        for one in far_cases.CASES:
            if not _is_wanted(one, wanted):
                continue
            result = far_cases.carry_out(one, place)
            _say(result)
            results.append(result)
            if write:
                report.write("far", report.table(report.completed(results, far_cases.CASES)))
    click.echo(report.table([report.row(one) for one in results]))
    sys.exit(1 if any(result.broken for result in results) else 0)


@main.command("far-load")
@click.option("--ups", default=6, show_default=True)
@click.option("--connections", default=16, show_default=True)
@click.option("--rate", default=0.0, help="Requests a second on each connection; 0: at once.")
@click.option("--write", is_flag=True, help="Write the result into docs/reliability.md.")
@click.pass_obj
def far_load(trained: Path | None, ups: int, connections: int, rate: float, write: bool) -> None:
    """`load` on a host behind SSH, over TLS."""
    with _far_place(trained) as place:
        found = steady_load.run(place, ups=ups, connections=connections, rate=rate)
    _tell("far-load", found.text(), write)
    for line in found.trouble:
        click.echo(line, err=True)
    sys.exit(1 if found.failed else 0)


@contextmanager
def _far_place(trained: Path | None) -> Iterator[FarPlace]:
    with tempfile.TemporaryDirectory(prefix="mldeploy-far-") as folder:
        base = Path(folder)
        trained = trained or _train(base)
        with (
            hosts.lab_host(Ui(), disk=far_cases.HOST_DISK) as host,
            far_place_at(trained, base / "work" / "docs", host) as place,
        ):
            yield place


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
