"""A rendered project at work: installed and committed as a user would, on a port of its own."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from tests.conftest import free_port

from .conftest import git


def installed(folder: Path) -> Path:
    """With `make setup`, where uv is absent, and a first commit."""
    git(folder, "init", "-q")
    succeed(folder, "make", "setup")
    git(folder, "add", "-A")
    git(folder, "commit", "-q", "-m", "Start")
    return folder


def on_a_free_port(folder: Path) -> Path:
    settings = folder / "mldeploy.toml"
    settings.write_text(settings.read_text().replace("port = 3000", f"port = {free_port()}"))
    return folder


def succeed(project: Path, *command: str, **more: str) -> str:
    done = run(project, *command, **more)
    assert done.returncode == 0, f"{command}\n{done.stdout}\n{done.stderr}"
    return done.stdout


def run(project: Path, *command: str, **more: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command,
        cwd=project,
        env=environment(**more),
        capture_output=True,
        text=True,
        check=False,
        timeout=600,
    )


def environment(**more: str) -> dict[str, str]:
    """A machine with Python, git and make, and without uv on the PATH."""
    outside = {"VIRTUAL_ENV", "MLFLOW_TRACKING_URI", "UV_PROJECT_ENVIRONMENT"}
    kept = {key: value for key, value in os.environ.items() if key not in outside}
    return kept | {"PATH": "/usr/bin:/bin", "PYTHON": sys.executable} | more
