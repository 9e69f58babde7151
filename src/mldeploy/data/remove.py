"""A version goes, and with it what no other version needs."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from mldeploy.data.base import Store
from mldeploy.data.versions import Manifest
from mldeploy.errors import RefusedError
from mldeploy.ui import Ui

# Who uses a version now, in words, such as "job 7"; nobody, where the list is empty.
UsedBy = Callable[[Manifest], Sequence[str]]


@dataclass(frozen=True)
class Removed:
    """``freed`` is in bytes."""

    manifest: Manifest
    freed: int


def nobody(_: Manifest) -> Sequence[str]:
    return ()


def remove(store: Store, manifest: Manifest, ui: Ui, used_by: UsedBy = nobody) -> Removed:
    """Remove it; raises RefusedError while somebody uses it. Its number is never given again."""
    users = used_by(manifest)
    if users:
        raise RefusedError(
            "data-in-use",
            what=f"{manifest.reference} is in use {store.called}.",
            why=f"It is what {', '.join(users)} reads now.",
            do="wait for that, or stop it: mldeploy jobs ls",
        )
    ui.explain(
        f"rm {store.typed}/versions/{manifest.reference}.json",
        "the version first, so that nobody begins with it; then the contents it alone needed",
    )
    with ui.step(f"remove {manifest.reference} {store.called}"):
        return Removed(manifest, store.remove(manifest))
