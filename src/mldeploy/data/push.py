"""A folder becomes a version."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import msgspec

from mldeploy.data.base import Store
from mldeploy.data.progress import Progress, sized
from mldeploy.data.scan import Scanned, scan
from mldeploy.data.versions import Manifest, digest_of
from mldeploy.errors import FailedError, Interrupted
from mldeploy.ui import Ui

TRIES = 30  # so many others may get a number just before us


@dataclass(frozen=True)
class Pushed:
    """``sent`` is in bytes; ``already``: there was such a version, and nothing was sent."""

    manifest: Manifest
    sent: int
    already: bool


def push(store: Store, path: Path, name: str, message: str, ui: Ui) -> Pushed:
    """Have what lies at ``path`` as a version in a store. Raises errors of mldeploy.errors.

    What is cut off at any moment leaves no version that could be seen, and what has arrived is not
    sent again.
    """
    with ui.step(f"look at {path}") as step:
        found = scan(path, ui)
        whole = sum(entry.size for entry in found.entries)
        step.say(f"{len(found.entries):,} files, {sized(whole)}")
    if found.empty_folders:
        ui.note(f"{found.empty_folders} empty folders are left out: a version has files alone")
    manifest = _manifest(found, name, message)
    if (same := _same(store, manifest)) is not None:
        return Pushed(same, 0, already=True)
    ui.explain(
        f"aws s3 sync {path} {store.typed}/…   (each file under its SHA-256)",
        f"have the contents {store.called}; then {name} gets its next number",
    )
    store.draft(manifest)
    sent = 0
    try:
        sent = _send(store, found, manifest, ui)
        return _published(store, manifest, sent)
    except KeyboardInterrupt as error:
        raise Interrupted(
            f"Nobody sees a version of it yet; what has arrived {store.called} is not sent again "
            f"by the same command: mldeploy data push {path}"
        ) from error


def _manifest(found: Scanned, name: str, message: str) -> Manifest:
    from mldeploy.locks import now
    from mldeploy.who import user_and_host

    digest = digest_of(found.entries)
    return Manifest(name, 0, digest, message, now(), user_and_host(), found.entries)


def _same(store: Store, manifest: Manifest) -> Manifest | None:
    known = [one for one in store.manifests(manifest.name) if one.digest == manifest.digest]
    return known[-1] if known else None


def _send(store: Store, found: Scanned, manifest: Manifest, ui: Ui) -> int:
    lacks = store.lacking(manifest.objects)
    files = sorted(
        (found.sources[sha256] for sha256 in lacks), key=lambda file: (file.size, file.sha256)
    )
    if not files:
        return 0
    bytes_ = sum(file.size for file in files)
    with (
        ui.step(f"send {len(files):,} files, {sized(bytes_)}, to {store.typed}") as step,
        Progress(ui, "sent", bytes_) as progress,
    ):
        store.send(files, progress)
        step.say(f"{sized(progress.sent)} went over the line, {progress.rate}")
        return progress.sent


def _published(store: Store, manifest: Manifest, sent: int) -> Pushed:
    for _ in range(TRIES):
        numbered = msgspec.structs.replace(manifest, number=store.next_number(manifest.name))
        if store.publish(numbered):
            return Pushed(numbered, sent, already=False)
        if (same := _same(store, manifest)) is not None:  # another laptop, the same moment
            return Pushed(same, sent, already=True)
    raise FailedError(
        "data-crowded",
        what=f"{manifest.name} got no number {store.called}.",
        why=f"Others took {TRIES} of them, each a moment earlier.",
        do="the same command again: nothing is sent twice",
    )
