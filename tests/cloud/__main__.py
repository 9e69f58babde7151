"""`python -m tests.cloud up`: the stand-in for AWS, for use by hand."""

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
@click.option("--machines/--no-machines", default=True, help="Instances one can log in to.")
def up(port: int, machines: bool) -> None:
    """Serve until Ctrl+C or SIGTERM; prints what to export first."""
    from tests.cloud.cloud import Cloud

    stop = threading.Event()
    for each in (signal.SIGINT, signal.SIGTERM):
        signal.signal(each, lambda *_: stop.set())
    cloud = Cloud(port=port)
    try:
        if machines:
            cloud.attach_machines()
        for name, value in cloud.environment.items():
            click.echo(f"export {name}={shlex.quote(value)}")
        click.echo(
            f"# controls: POST {cloud.endpoint}/lab/NAME with JSON; GET …/lab/calls", err=True
        )
        stop.wait()
    finally:
        cloud.close()


if __name__ == "__main__":
    main()
