"""What a job's mounts name comes to lie as folders on the machine where it will run."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from mldeploy.data import from_bucket
from mldeploy.data.base import Bind, newest
from mldeploy.data.machine_store import MachineStore
from mldeploy.data.places import Place
from mldeploy.data.pull import find
from mldeploy.data.push import push
from mldeploy.data.versions import Manifest, Reference, name_for, parse_reference
from mldeploy.errors import ConfigError, RefusedError
from mldeploy.ui import Ui

if TYPE_CHECKING:
    from mldeploy.data.s3_store import S3Store
    from mldeploy.jobs.spec import Mount
    from mldeploy.project import Project


MANY = 2_000  # files: fewer are laid out in a moment


def place(where: Place, mounts: Sequence[Mount], ui: Ui, project: Project) -> list[Bind]:
    """Have what ``mounts`` name on the machine ``where``, as folders that nothing changes any more.

    A version that is there already costs nothing; a local path becomes a version there; what is
    in a bucket is fetched by the machine itself. Raises errors of mldeploy.errors. Interrupted, it
    goes on where it was when it is called again.
    """
    there = MachineStore(where, where.called)
    return [_placed(there, mount, ui, project) for mount in mounts]


def _placed(there: MachineStore, mount: Mount, ui: Ui, project: Project) -> Bind:
    if mount.source.startswith((".", "/", "~")):
        path = (project.root / Path(mount.source).expanduser()).resolve()
        pushed = push(there, path, name_for(path), f"for {mount.at}", ui)
        return _bound(there, pushed.manifest, mount.at, ui)
    if mount.source.startswith("s3://"):
        store, wanted = in_bucket(mount.source, project)
        return _fetched(there, store, find(store, wanted), mount.at, ui)
    wanted = parse_reference(mount.source)
    here = newest(there.manifests(wanted.name), wanted.name, wanted.number)
    if project.config.data is None:
        return _bound(there, here or find(there, wanted), mount.at, ui)
    store = _own_bucket(project)
    away = newest(store.manifests(wanted.name), wanted.name, wanted.number)
    if here is not None and away is not None and here.digest != away.digest:
        raise _two_of_that_name(there, store, wanted)
    if here is not None:
        return _bound(there, here, mount.at, ui)
    return _fetched(there, store, away or find(store, wanted), mount.at, ui)


def in_bucket(source: str, project: Project) -> tuple[S3Store, Reference]:
    """s3://BUCKET/PREFIX/NAME or …/NAME/N: the store, and what is wanted of it."""
    from mldeploy.data.s3_client import bucket_at
    from mldeploy.data.s3_store import S3Store

    address, _, last = source.rstrip("/").rpartition("/")
    name = last
    if last.isdigit() and address.count("/") > 2:
        address, _, name = address.rpartition("/")
        name = f"{name}/{last}"
    if address in ("s3:", "s3:/", "s3://"):
        raise ConfigError(
            "s3-address",
            what=f"{source!r} names no version of data.",
            why="Expected s3://BUCKET/NAME, s3://BUCKET/PREFIX/NAME, and perhaps /N behind it.",
            do="mldeploy data ls --on s3   shows what there is",
        )
    return S3Store(bucket_at(address, project.config.data)), parse_reference(name)


def _own_bucket(project: Project) -> S3Store:
    from mldeploy.data.s3_client import bucket_of
    from mldeploy.data.s3_store import S3Store

    return S3Store(bucket_of(project.config.data))


def _bound(there: MachineStore, manifest: Manifest, at: str, ui: Ui) -> Bind:
    folder = _laid_out(there, manifest, f"trees/{manifest.reference}", ui)
    return Bind(folder, at, str(manifest.reference), manifest.digest)


def _fetched(there: MachineStore, store: S3Store, manifest: Manifest, at: str, ui: Ui) -> Bind:
    """As a copy known by its content: the machine's own numbers are its own."""
    if there.copy(manifest.digest) is None:
        from_bucket.fetch(store, there, manifest, ui)
        there.keep_copy(manifest)
    folder = _laid_out(there, manifest, f"copies/{manifest.digest}", ui)
    return Bind(folder, at, f"{store.bucket.address}/{manifest.reference}", manifest.digest)


def _laid_out(there: MachineStore, manifest: Manifest, folder: str, ui: Ui) -> str:
    if len(manifest.files) < MANY:
        return there.tree(manifest, folder)
    with ui.step(f"lay out {manifest.reference}, {len(manifest.files):,} files, {there.called}"):
        return there.tree(manifest, folder)


def _two_of_that_name(there: MachineStore, store: S3Store, wanted: Reference) -> RefusedError:
    return RefusedError(
        "data-ambiguous",
        what=f"{wanted} is one thing {there.called} and another {store.called}.",
        why="Both have data of that name, with other contents.",
        do=f"say which: {store.bucket.address}/{wanted} for the bucket's; or remove one of them: "
        f"mldeploy data rm NAME/N --on {there.typed}",
    )
