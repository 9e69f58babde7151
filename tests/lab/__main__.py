"""`python -m tests.lab engine | status | down`: what contributors and .ci/run type."""

from __future__ import annotations

import sys

import click

from mldeploy.errors import MldeployError
from mldeploy.ui import Ui
from tests.lab import engine as lab
from tests.lab.small_engine import clear_left


@click.group(help=__doc__)
def main() -> None:
    pass


@main.command()
@click.option("--print-pid", is_flag=True, help="Print the pid of what this started, or nothing.")
def engine(print_pid: bool) -> None:
    """A Docker engine that answers, and the base images in it. Uses what is there."""
    pid = lab.bring_up(Ui())
    if print_pid:
        click.echo(pid or "")
        return
    found = lab.status()
    click.echo(f"Docker Engine {found.engine} with {', '.join(found.images)}")


@main.command()
@click.option("--json", "as_json", is_flag=True, help="For programs.")
def status(as_json: bool) -> None:
    """What answers and what is missing; exit code 1 if something is."""
    found = lab.status()
    lines = [f"engine  {found.engine or 'nothing answers'}"]
    lines += [f"pid     {found.pid}, started by the lab"] if found.pid else []
    lines += [
        f"image   {name}{'' if there else ': missing'}" for name, there in found.images.items()
    ]
    lines += [] if found.ready else ["start   python -m tests.lab engine"]
    Ui(as_json=as_json).result(found.as_dict(), "\n".join(lines))
    sys.exit(0 if found.ready else 1)


@main.command()
@click.option("--pid", type=int, help="Only if this is the one.")
def down(pid: int | None) -> None:
    """End the engine, if the lab started it; images stay for the next start."""
    ended = lab.take_down(pid)
    slots = clear_left()
    click.echo(f"ended dockerd, pid {ended}" if ended else "no engine that the lab started")
    if slots:
        click.echo(f"cleared {len(slots)} second engines of test runs that were killed")


def run() -> None:
    try:
        main()
    except MldeployError as error:
        Ui().error(error)
        sys.exit(error.exit_code)


if __name__ == "__main__":
    run()
