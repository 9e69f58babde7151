"""Installing a project: what its lock says, and then what a lock cannot hold.

PyTorch for the CPU comes from an index of its own; a lock that named it would name a host. So such
a project has a requirements file beside its lock, and `[tool.uv.pip]` says how uv reads it.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from mldeploy.programs import run, shown
from mldeploy.ui import Ui

UNLOCKED = "requirements-unlocked.txt"
SYNC = ["uv", "sync"]
# Said where to: with UV_PYTHON set, uv would take that interpreter and not the project's.
BESIDE = ["uv", "pip", "install", "--python", ".venv", "-r", UNLOCKED]
INSTALL_SECONDS = 1800


def install(project: Path, ui: Ui, env: Mapping[str, str] | None = None) -> None:
    """`uv sync` takes away whatever the lock doesn't hold, so the rest comes second, each time."""
    ui.explain("uv sync", "exactly what the lock says, in an environment of the project's")
    run([*SYNC, "--quiet", "--frozen"], cwd=project, timeout=INSTALL_SECONDS, env=env)
    if (project / UNLOCKED).is_file():
        ui.explain(shown(BESIDE), "what the lock cannot hold; the file says why")
        run([*BESIDE, "--quiet"], cwd=project, timeout=INSTALL_SECONDS, env=env)


def by_hand(project: Path) -> str:
    """The same, to type."""
    beside = [shown(BESIDE)] if (project / UNLOCKED).is_file() else []
    return " && ".join([shown(SYNC), *beside])
