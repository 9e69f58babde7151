"""`data push`, `ls`, `pull`, `rm`: versions of a folder, on a machine or in a bucket."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from mldeploy.cli.main import Verb, shared_options
from mldeploy.cli.shared import current_project, voice

if TYPE_CHECKING:
    from mldeploy.data.base import Store
    from mldeploy.data.versions import Manifest
    from mldeploy.project import Project
    from mldeploy.ui import Ui

WHERE = "TARGET|s3"


class DataVerbs(click.Group):
    """The shared flags work before and after the second word."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.params.extend(shared_options())

    def format_epilog(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Example"):
            formatter.write_text("mldeploy data push ./images -m 'first hundred'")
            formatter.write_text("mldeploy data pull images/1 ./again")


@click.group(cls=DataVerbs)
def data() -> None:
    """Numbered versions of a folder or a file, which never change.

    They lie on the machine of a target, or in the bucket of [data] in mldeploy.toml. What is the
    same is kept once, and sent once.
    """


@data.command(
    "push",
    cls=Verb,
    example="mldeploy data push ./images -m 'first hundred'\n"
    "mldeploy data push ./images --to s3\n"
    "mldeploy data push labels.csv --name labels --to s3://my-bucket/data",
)
@click.argument("path", type=click.Path(path_type=Path))
@click.option("--name", help="What it is called; otherwise as the folder is.")
@click.option("--to", metavar=WHERE, help="Where to; otherwise the bucket, or the first target.")
@click.option("-m", "--message", default="", help="What is in it, for those who look later.")
def push_(path: Path, name: str | None, to: str | None, message: str) -> None:
    """Make a folder or a file the next version of its name.

    The same content again is no new version. Interrupted, it goes on where it was.
    """
    from mldeploy.data.progress import sized
    from mldeploy.data.push import push
    from mldeploy.data.versions import name_for, parse_reference

    ui = voice()
    project = current_project()
    called = parse_reference(name).name if name else name_for(path)
    store = _store(project, to)
    done = push(store, path, called, message, ui)
    told = done.manifest
    line = f"{told.reference}  {len(told.files):,} files, {sized(told.bytes)}, {store.called}"
    line += "\n  it is that version already: nothing was sent" if done.already else ""
    ui.result(
        told.as_dict(store.typed) | {"sent_bytes": done.sent, "already": done.already}, line
    )  # fmt: skip


@data.command("ls", cls=Verb, example="mldeploy data ls\nmldeploy data ls images --on box")
@click.argument("name", required=False)
@click.option("--on", metavar=WHERE, help="Only there; otherwise the bucket and this machine.")
def ls(name: str | None, on: str | None) -> None:
    """List the versions: in the bucket of [data] and on this machine, or on a target."""
    from mldeploy.data.progress import sized
    from mldeploy.data.versions import parse_reference
    from mldeploy.ui import table

    ui = voice()
    project = current_project()
    wanted = parse_reference(name).name if name else None
    stores = [_store(project, on)] if on else _usual_stores(project)
    found = [(store, one) for store in stores for one in store.manifests(wanted)]
    headings = ["name", "version", "files", "size", "made", "by", "where", "message"]
    rows = [
        [
            one.name,
            str(one.number),
            f"{len(one.files):,}",
            sized(one.bytes),
            one.made_at[:16].replace("T", " "),
            one.made_by,
            store.typed,
            one.message,
        ]
        for store, one in found
    ]
    nothing = (
        f"no data {' or '.join(store.called for store in stores)}: mldeploy data push ./FOLDER"
    )
    listed = {"versions": [one.as_dict(store.typed) for store, one in found]}
    ui.result(listed, table(headings, rows) if rows else nothing)


@data.command(
    "pull",
    cls=Verb,
    example="mldeploy data pull images\nmldeploy data pull images/2 ./old --from s3",
)
@click.argument("reference", metavar="NAME[/N]")
@click.argument("path", required=False, type=click.Path(path_type=Path))
@click.option(
    "--from", "origin", metavar=WHERE, help="Otherwise from the bucket, or the first target."
)
@click.option("--force", is_flag=True, help="Replace the folder, if it is there.")
def pull_(reference: str, path: Path | None, origin: str | None, force: bool) -> None:
    """Have a version as a folder; without a number the newest.

    The folder appears when all of it is here and proved by its hashes.
    """
    from mldeploy.data.progress import sized
    from mldeploy.data.pull import pull
    from mldeploy.data.versions import parse_reference

    ui = voice()
    wanted = parse_reference(reference)
    store = _store(current_project(), origin)
    done = pull(store, wanted, path or Path(wanted.name), ui, force=force)
    told = done.manifest
    ui.result(
        told.as_dict(store.typed) | {"path": str(done.folder), "fetched_bytes": done.fetched},
        f"{told.reference}  {len(told.files):,} files, {sized(told.bytes)}, in {done.folder}",
    )


@data.command("rm", cls=Verb, example="mldeploy data rm images/1\nmldeploy data rm images/1 --yes")
@click.argument("reference", metavar="NAME/N")
@click.option("--on", metavar=WHERE, help="Otherwise in the bucket, or on the first target.")
def rm(reference: str, on: str | None) -> None:
    """Remove a version, and the contents that no other version needs.

    Its number is not given again.
    """
    from mldeploy.data.progress import sized
    from mldeploy.data.pull import find
    from mldeploy.data.remove import remove
    from mldeploy.data.versions import parse_reference
    from mldeploy.jobs import shelf

    ui = voice()
    wanted = parse_reference(reference)
    if wanted.number is None:
        raise click.UsageError(f"which version of {wanted}? mldeploy data rm {wanted}/N")
    store = _store(current_project(), on)
    manifest = find(store, wanted)
    _agree(ui, manifest, store)
    users = shelf.users_of(current_project())
    done = remove(store, manifest, ui, used_by=lambda one: users(one.digest))
    ui.result(
        manifest.as_dict(store.typed) | {"freed_bytes": done.freed},
        f"removed  {wanted} {store.called}; {sized(done.freed)} are free",
    )


def _agree(ui: Ui, manifest: Manifest, store: Store) -> None:
    from mldeploy.data.progress import sized
    from mldeploy.errors import RefusedError

    told = f"{manifest.reference} {store.called}: {len(manifest.files):,} files"
    question = f"Remove {told}, {sized(manifest.bytes)}, made by {manifest.made_by}?"
    if ui.agreed or ui.ask(question):
        return
    raise RefusedError(
        "not-agreed",
        what=f"{manifest.reference} was not removed.",
        why="Nobody said yes.",
        do=f"mldeploy data rm {manifest.reference} --yes",
    )


def _store(project: Project, where: str | None) -> Store:
    """What ``where`` names: a bucket, or the machine of a target; else the usual one."""
    if where is None:
        where = "s3" if project.config.data else project.config.default_target
    if where == "s3" and "s3" not in project.config.targets:
        return _bucket(project, None)
    if where.startswith("s3://"):
        return _bucket(project, where)
    from mldeploy.data.machine_store import MachineStore
    from mldeploy.data.places import place_of

    name, target = project.config.target(where)
    return MachineStore(place_of(project, name, target), name)


def _bucket(project: Project, address: str | None) -> Store:
    from mldeploy.data.s3_client import bucket_at, bucket_of
    from mldeploy.data.s3_store import S3Store

    settings = project.config.data
    return S3Store(bucket_at(address, settings) if address else bucket_of(settings))


def _usual_stores(project: Project) -> list[Store]:
    """Those that can be asked without logging in anywhere: the bucket, and this machine."""
    from mldeploy.data.machine_store import MachineStore
    from mldeploy.data.places import ThisPlace

    here = MachineStore(ThisPlace(project.config.project.name), "this machine")
    stores: list[Store] = [_bucket(project, None)] if project.config.data else []
    return [*stores, here]
