"""`python -m tests.lab engine | up | status | down`: what contributors and .ci/run type."""

from __future__ import annotations

import shlex
import sys

import click

from mldeploy.errors import MldeployError
from mldeploy.ui import Ui
from tests.lab import daemon, host_leftovers, hosts
from tests.lab import engine as lab
from tests.lab.host import Host
from tests.lab.host_leftovers import FOLDERS
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
@click.option("--count", type=click.IntRange(1, 20), default=1, help="How many.")
@click.option("--bare", is_flag=True, help="Without an engine, to install one on it.")
@click.option("--user", type=click.Choice(hosts.USERS), default="root", help="Who logs in.")
def up(count: int, bare: bool, user: str) -> None:
    """SSH hosts with an engine of their own; they stay until `down`."""
    ui = Ui()
    lab.bring_up(ui)
    host_leftovers.clear_left()
    for _ in range(count):
        with ui.step("start an SSH host"):
            host = hosts.start(ui, engine=not bare, user=user)
        click.echo("\n".join(ways_to(host)))
    click.echo(f"\n# for ssh to know them, first in ~/.ssh/config: Include {FOLDERS}/*/config")


def ways_to(host: Host) -> list[str]:
    """What to paste."""
    config = host.ssh_config(host.folder / "config", alias=host.name)
    return [
        "",
        f"# {host.name}: {'with' if host.engine else 'without'} an engine; its key: {host.key}",
        f"# {shlex.join(['ssh', '-F', str(config), host.name])}",
        "[targets.box]",
        'kind = "ssh"',
        f'host = "{host.name}"',
    ]


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
    there = host_leftovers.found() if found.engine else []
    lines += [f"host    {line_of(each)}" for each in there]
    told = found.as_dict() | {"hosts": [each.as_dict() for each in there]}
    Ui(as_json=as_json).result(told, "\n".join(lines))
    sys.exit(0 if found.ready else 1)


def line_of(found: host_leftovers.Found) -> str:
    host, of = (
        found.host,
        "up" if found.owner == host_leftovers.UP else f"process {found.owner.split()[0]}",
    )
    what = "an engine" if host.engine else "bare"
    state = "" if found.running else ", not running"
    return f"{host.name} {host.user}@{host.address}, {what}, of {of}{state}"


@main.command()
@click.option("--pid", type=int, help="The engine only if this is the one, and no hosts.")
@click.argument("hosts", nargs=-1, metavar="[HOST]...")
def down(pid: int | None, hosts: tuple[str, ...]) -> None:
    """End the hosts of `up`, and the engine if the lab started it; images stay.

    With names only those hosts: on a shared machine the others may be somebody else's.
    """
    if hosts:
        for name in hosts:
            host_leftovers.clear_of_up(name)
            click.echo(f"ended {name}")
        return
    ended_hosts = host_leftovers.clear_left(also_up=pid is None) if daemon.answers() else []
    ended = lab.take_down(pid)
    slots = clear_left()
    if ended_hosts:
        click.echo(f"ended hosts: {', '.join(ended_hosts)}")
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
