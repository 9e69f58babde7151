"""`serve`: the champion on this machine."""

import os
import subprocess
import sys
from pathlib import Path
from typing import Annotated

import typer

from .. import PROJECT, paths


def serve(port: Annotated[int, typer.Option(help="Where to listen.")] = 3000) -> None:
    """Serve the champion on this machine only, until Ctrl+C."""
    from ..model import persist

    layout = paths.here()
    if persist.describe(layout.champion) is None:
        persist.load_from(layout.champion)  # raises the error that says what to do
    package = Path(__file__).parents[1].name
    typer.echo(f"{PROJECT} on http://127.0.0.1:{port}  (try it in a browser; Ctrl+C stops it)")
    # BentoML itself would listen on all addresses, open to everybody in the network.
    command = [sys.executable, "-m", "bentoml", "serve", f"{package}.service"]
    command += ["--host", "127.0.0.1", "--port", str(port)]
    os.chdir(layout.root)
    if os.name == "posix":  # become the server: whoever stops this process stops that one
        os.execv(sys.executable, command)  # noqa: S606
    sys.exit(subprocess.call(command))
