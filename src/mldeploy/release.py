"""A release: one immutable thing that can run. Its identity and its record on disk."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

RECORD = "release.json"


@dataclass(frozen=True)
class Release:
    """What a release is made of.

    ``name`` is ``v<model version>-<commit>-<digest>``; the digest covers code, model,
    requirements and golden requests, so that two releases of one name are the same bytes.
    ``commit`` is None outside git; ``dirty`` says that the code is not just that commit.
    ``metrics`` are those of the MLflow run. ``environment`` names the folder of the serving
    environment that the requirements make. Times are ISO 8601.
    """

    name: str
    service: str
    model: str
    model_version: str
    run_id: str
    commit: str | None
    dirty: bool
    digest: str
    environment: str
    created_at: str
    created_by: str
    metrics: Mapping[str, float]

    @property
    def code(self) -> str:
        """In words, which code it holds."""
        named = f"commit {self.commit[:7]}" if self.commit else "no git commit"
        return f"{named}{', with uncommitted changes' if self.dirty else ''}"

    def as_dict(self) -> dict[str, object]:
        return asdict(self)


def digest_of(parts: Mapping[str, bytes]) -> str:
    """SHA-256 over named parts, in the order of their names; the same parts, the same digest."""
    import hashlib  # 5 ms that `status`, which only reads records, need not wait

    total = hashlib.sha256()
    for name in sorted(parts):
        total.update(f"{len(name)}:{name}:{len(parts[name])}:".encode())
        total.update(parts[name])
    return total.hexdigest()


def name_of(model_version: str, commit: str | None, digest: str) -> str:
    """Short enough to type, and ordered by what a person asks first: which model, which code."""
    return f"v{model_version}-{commit[:7] if commit else 'nogit'}-{digest[:6]}"


def main_metric(metrics: Mapping[str, float]) -> tuple[str, float] | None:
    """The metric to show beside a release: ``roc_auc`` and its kin, else the first by name."""
    for name in ("roc_auc", "accuracy", "r2", "rmse", "mae"):
        if name in metrics:
            return name, metrics[name]
    return min(metrics.items(), default=None)


def save(release: Release, folder: Path) -> None:
    (folder / RECORD).write_text(json.dumps(release.as_dict(), indent=2) + "\n", encoding="utf-8")


def load(folder: Path) -> Release:
    """The record in ``folder``; raises OSError or ValueError if there is no whole one."""
    return Release(**json.loads((folder / RECORD).read_text(encoding="utf-8")))
