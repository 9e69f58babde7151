"""The champion: asked of MLflow, or known from the last time while nothing there has changed.

Importing MLflow takes seconds, and between two changes of code the registry mostly stays the same.
Its database is one file, so its content says whether it did.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

DATABASE = "mlflow.db"
NOTE = "champion.json"
ELSEWHERE = ("MLFLOW_TRACKING_URI", "MLFLOW_REGISTRY_URI")


@dataclass(frozen=True)
class Champion:
    """What the registry says of the model that the configured alias names."""

    version: str
    run_id: str
    metrics: dict[str, float]


def known(root: Path, state: Path, model: str, folder: Path | None) -> Champion | None:
    """The champion of the last time, its files copied to ``folder``; None if it must be asked for.

    ``root`` is the project's folder, ``state`` its .mldeploy, ``model`` is ``name@alias``.
    """
    registry = fingerprint(root, os.environ)
    with suppress(OSError, ValueError, KeyError, TypeError):
        note = json.loads((state / NOTE).read_text(encoding="utf-8"))
        if registry is None or (note["registry"], note["model"]) != (registry, model):
            return None
        files = Path(note["folder"])
        if stamps(files) != note["files"]:
            return None
        if folder is not None:
            shutil.copytree(files, folder)
        return Champion(note["version"], note["run_id"], note["metrics"])
    return None


def remember(
    root: Path, state: Path, model: str, before: str | None, found: Mapping[str, Any]
) -> None:
    """Keep what MLflow answered; ``before`` is the registry's fingerprint from before it did."""
    (state / NOTE).unlink(missing_ok=True)
    place = found.get("folder")
    if before is None or not place or before != fingerprint(root, os.environ):
        return
    note = {
        "registry": before,
        "model": model,
        "folder": place,
        "files": stamps(Path(place)),
        **{name: found[name] for name in ("version", "run_id", "metrics")},
    }
    draft = state / f"{NOTE}.part"
    draft.write_text(json.dumps(note), encoding="utf-8")
    draft.replace(state / NOTE)


def fingerprint(root: Path, environment: Mapping[str, str]) -> str | None:
    """Of the project's own registry; None where it is another, or is being written."""
    if any(environment.get(name) for name in ELSEWHERE):
        return None
    beside = (f"{DATABASE}-journal", f"{DATABASE}-wal")
    if any((root / name).exists() and (root / name).stat().st_size for name in beside):
        return None
    try:
        with (root / DATABASE).open("rb") as database:
            return hashlib.file_digest(database, "sha256").hexdigest()
    except OSError:
        return None


def stamps(folder: Path) -> dict[str, list[int]]:
    """Size and time of each file below: a run's artifacts are written once, and not changed."""
    found = {}
    for path in sorted(folder.rglob("*")):
        if path.is_file():
            stat = path.stat()
            found[path.relative_to(folder).as_posix()] = [stat.st_size, stat.st_mtime_ns]
    return found
