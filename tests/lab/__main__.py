"""`python -m tests.lab engine | status | down`: what contributors and .ci/run type."""

from __future__ import annotations

import sys

import click

from mldeploy.errors import MldeployError
from mldeploy.ui import Ui
from tests.lab import engine as lab


@click.group(help=__doc__)
def main() -> None:
    pass


@main.command()
def engine() -> None:
    """A Docker engine that answers, and the base images in it. Uses what is there."""
    found = lab.bring_up(Ui())
    pid = f" (pid {found.pid}, started by the lab)" if found.pid else ""
    click.echo(f"Docker Engine {found.engine}{pid} with {', '.join(found.images)}")


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
def down() -> None:
    """End the engine, if the lab started it; images stay for the next start."""
    pid = lab.take_down()
    click.echo(f"ended dockerd, pid {pid}" if pid else "nothing to end: the lab started no engine")


def run() -> None:
    try:
        main()
    except MldeployError as error:
        Ui().error(error)
        sys.exit(error.exit_code)


if __name__ == "__main__":
    run()
