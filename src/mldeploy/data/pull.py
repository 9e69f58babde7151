"""A version becomes a folder again: whole, or not at all."""

from __future__ import annotations

import shutil
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from mldeploy.data.base import Store, newest
from mldeploy.data.progress import Progress, sized
from mldeploy.data.versions import Manifest, Reference
from mldeploy.errors import ConfigError, FailedError, Interrupted, RefusedError
from mldeploy.ui import Ui


@dataclass(frozen=True)
class Pulled:
    """``fetched`` is in bytes."""

    manifest: Manifest
    folder: Path
    fetched: int


def find(store: Store, wanted: Reference) -> Manifest:
    """That version, or the newest of the name; raises :class:`ConfigError` naming what there is."""
    known = store.manifests(wanted.name)
    found = newest(known, wanted.name, wanted.number)
    if found is not None:
        return found
    numbers = ", ".join(str(one.number) for one in known)
    raise ConfigError(
        "no-such-data",
        what=f"There is no {wanted} {store.called}.",
        why=f"Of {wanted.name} there is {numbers}." if known else "There is nothing of that name.",
        do="mldeploy data ls",
    )


def pull(store: Store, wanted: Reference, folder: Path, ui: Ui, *, force: bool) -> Pulled:
    """Have that version as ``folder``, which must not be there unless ``force``.

    It appears when all of it is here and proved. What was cut off goes on where it was.
    """
    manifest = find(store, wanted)
    if folder.exists() or folder.is_symlink():
        _refuse_unless_replaceable(folder, force)
    draft = folder.with_name(f".{folder.name}.{manifest.digest[:12]}.part")
    contents = draft / "objects"
    contents.mkdir(parents=True, exist_ok=True)
    try:
        with (
            ui.step(f"fetch {manifest.reference}, {sized(manifest.bytes)}, {store.called}"),
            Progress(ui, "fetched", sum(manifest.objects.values())) as progress,
        ):
            store.fetch(manifest.objects, contents, progress)
            progress.now("laid out")
            made = _laid_out(manifest, draft)
    except KeyboardInterrupt as error:
        raise Interrupted(
            f"{folder} is as it was. What has arrived lies in {draft}, and is not fetched again."
        ) from error
    _put_in_place(made, folder, draft)
    return Pulled(manifest, folder, progress.sent)


def _refuse_unless_replaceable(folder: Path, force: bool) -> None:
    if not force:
        raise RefusedError(
            "pull-would-overwrite",
            what=f"{folder} is there already.",
            why="What is in it would be lost.",
            do="another place: mldeploy data pull NAME PATH; to replace it: --force",
        )
    here = Path.cwd()
    if folder.is_symlink() or not folder.is_dir() or here.is_relative_to(folder.resolve()):
        raise RefusedError(
            "pull-would-overwrite",
            what=f"{folder} is not replaced, also not with --force.",
            why="It is a file, a link, or the folder that you are in.",
            do="name another place: mldeploy data pull NAME PATH",
        )


def _laid_out(manifest: Manifest, draft: Path) -> Path:
    """The contents under their own names; a content with several names is copied for each."""
    tree = draft / "tree"
    if tree.exists():
        shutil.rmtree(tree)  # of a try that was cut off just here
    named: set[str] = set()
    for entry in manifest.files:
        to = tree / entry.path
        to.parent.mkdir(parents=True, exist_ok=True)
        _link_or_copy(draft / "objects" / entry.sha256, to, link=entry.sha256 not in named)
        named.add(entry.sha256)
        to.chmod(0o755 if entry.executable else 0o644)
    return tree


def _link_or_copy(content: Path, to: Path, *, link: bool) -> None:
    if link:
        with suppress(OSError):  # file systems without links
            to.hardlink_to(content)
            return
    shutil.copyfile(content, to)


def _put_in_place(made: Path, folder: Path, draft: Path) -> None:
    folder.parent.mkdir(parents=True, exist_ok=True)
    old = draft / "before"
    try:
        if folder.exists():
            folder.replace(old)
        made.replace(folder)
    except OSError as error:
        if old.exists() and not folder.exists():
            old.replace(folder)
        raise FailedError(
            "pull-not-placed",
            what=f"{folder} could not be put in its place.",
            why=f"{error.strerror}: {error.filename}",
            do=f"all of it lies in {made}: move it by hand",
        ) from error
    shutil.rmtree(draft, ignore_errors=True)
