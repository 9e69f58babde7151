"""A build context for a host: of its files, only those are sent that the host has not seen.

What was sent for a target stays there, small files by their hash, until its `down`. So a change of
code sends the files that changed, and a list.
"""

from __future__ import annotations

import gzip
import hashlib
import io
import tarfile
import tempfile
from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from mldeploy.errors import FailedError
from mldeploy.images.context import MOMENT
from mldeploy.images.recipe import File
from mldeploy.ssh import upload
from mldeploy.ssh.connection import Connection
from mldeploy.ssh.upload import FOLDER

LARGE = 1_000_000  # bytes: what is larger is in the image afterwards, and would be kept twice
ASSEMBLE_SECONDS = 600
LACKS = 4

KNOWN = f"""\
umask 077; mkdir -p {FOLDER}/"$1"; cd {FOLDER}/"$1"
while read -r one; do if [ -f "$one" ]; then echo "$one"; fi; done
"""
# A date of their own would make other layers of the same files.
ASSEMBLE = f"""\
set -eu; umask 022; cd {FOLDER}
sent=$1 store=$2 work="$1.work"
if [ -f "$sent.context" ]; then exit 0; fi
rm -rf "$work"; mkdir -p "$store" "$work/context"
tar -xmzf "$sent" -C "$work"
if [ -d "$work/new" ]; then mv -f "$work"/new/* "$store"/; fi
while read -r hash name; do
  if ! [ -f "$store/$hash" ]; then exit {LACKS}; fi
  case "$name" in */*) mkdir -p "$work/context/${{name%/*}}";; esac
  cp "$store/$hash" "$work/context/$name"
done < "$work/manifest"
if [ -f "$work/run" ]; then
  while read -r name; do chmod 755 "$work/context/$name"; done < "$work/run"
fi
find "$work/context" -exec touch -d @{MOMENT} {{}} +
tar -cf "$work/tar" -C "$work/context" .
mv "$work/tar" "$sent.context"
rm -rf "$work"
find "$store" -type f -size +{LARGE // 1024}k -exec rm -f {{}} +
"""


@dataclass(frozen=True)
class Ready:
    """``context`` is the context's name on the host, ``sent`` what it came from there; ``bytes``
    is what went over the line."""

    context: str
    sent: str
    bytes: int


def send(
    connection: Connection, store: str, files: Iterable[File], tell: Callable[[int, int], None]
) -> Ready:
    """Have a context on the host; ``store`` is the name of what is kept there of earlier ones.

    Raises FailedError.
    """
    named = {file.name: (hash_of(file), file) for file in files}
    said = connection.run(KNOWN, store, stdin="".join(f"{h}\n" for h, _ in named.values()).encode())
    known = set(said.out.split())
    for kept in (known, set()):  # a `down` elsewhere may clear the store meanwhile
        with tempfile.TemporaryDirectory(prefix="mld-") as folder:
            packed = Path(folder, "context.tar.gz")
            pack(packed, named, kept)
            sent = upload.send(connection, packed, tell)
        done = connection.run(ASSEMBLE, sent.name, store, seconds=ASSEMBLE_SECONDS)
        if done.code == 0:
            return Ready(f"{sent.name}.context", sent.name, sent.bytes)
        forget(connection, sent.name)
        if done.code != LACKS:
            break
    full = "no space" in done.err.lower()
    raise FailedError(
        "disk-full" if full else "context-refused",
        what=f"{connection.address} could not put the files together.",
        why=done.err.strip()[-300:] or f"its shell ended with {done.code}",
        do="mldeploy prune" if full else "mldeploy doctor",
    )


def forget(connection: Connection, sent: str) -> None:
    """Remove a context that was built from."""
    connection.run(upload.FORGET, sent)


def pack(to: Path, named: dict[str, tuple[str, File]], known: Collection[str]) -> None:
    """A tar of the list of all files, and of those that are not ``known``; the same each time."""
    listed = "".join(f"{hash_} {name}\n" for name, (hash_, _) in sorted(named.items()))
    run = "".join(f"{name}\n" for name, (_, file) in sorted(named.items()) if file.executable)
    missing = {hash_: file for hash_, file in named.values() if hash_ not in known}
    # gzip, as any host has it; its own header would hold the time and the name of the file.
    with (
        to.open("wb") as out,
        gzip.GzipFile("", "wb", 9, out, mtime=0) as packed,
        tarfile.open(fileobj=packed, mode="w") as archive,
    ):
        _add(archive, "manifest", io.BytesIO(listed.encode()), len(listed.encode()))
        if run:
            _add(archive, "run", io.BytesIO(run.encode()), len(run.encode()))
        for hash_, file in sorted(missing.items()):
            if isinstance(file.source, bytes):
                _add(archive, f"new/{hash_}", io.BytesIO(file.source), len(file.source))
            else:
                with file.source.open("rb") as content:
                    _add(archive, f"new/{hash_}", content, file.source.stat().st_size)


def hash_of(file: File) -> str:
    """Half of its SHA-256: the names of a hundred files are to be short."""
    if isinstance(file.source, bytes):
        return hashlib.sha256(file.source).hexdigest()[:32]
    with file.source.open("rb") as content:
        return hashlib.file_digest(content, "sha256").hexdigest()[:32]


def _add(archive: tarfile.TarFile, name: str, content: IO[bytes], size: int) -> None:
    entry = tarfile.TarInfo(name)
    entry.size, entry.mtime, entry.mode = size, MOMENT, 0o644
    archive.addfile(entry, content)
