"""`python -m tests.paperspace up`: the stand-in for Paperspace, for use by hand."""

from __future__ import annotations

import shlex
import signal
import threading

import click


@click.group(help=__doc__)
def main() -> None:
    pass


@main.command()
@click.option("--port", type=click.IntRange(0, 65535), default=0, help="0: any that is free.")
@click.option("--machines", is_flag=True, help="Machines that one can log in to.")
def up(port: int, machines: bool) -> None:
    """Serve until Ctrl+C or SIGTERM; prints what to export first, and each call as it comes."""
    from tests.paperspace.standin import standin

    stop = threading.Event()
    for each in (signal.SIGINT, signal.SIGTERM):
        signal.signal(each, lambda *_: stop.set())
    with standin(machines=machines, port=port) as paperspace:
        for name, value in paperspace.environment.items():
            click.echo(f"export {name}={shlex.quote(value)}")
        told = 0
        while not stop.wait(0.5):
            while told < len(paperspace.calls):
                call = paperspace.calls[told]
                if call.status is None and not call.cut:
                    break  # it is being answered
                click.echo(f"# {call.name} {call.status or 'cut'}", err=True)
                told += 1
        bill = paperspace.bill()
        click.echo(
            f"# {len(paperspace.ours)} machines are left; so far ${bill.total:.4f}", err=True
        )
        for trouble in paperspace.trouble:
            click.echo(f"# trouble: {trouble}", err=True)


if __name__ == "__main__":
    main()
