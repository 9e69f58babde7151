"""A version of data: its name and number, and the list of its files. Pure.

A manifest may come from a bucket that others write to. So it is checked when it is read: no path of
it leads out of the folder that it is laid out in.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import msgspec

from mldeploy.errors import ConfigError, FailedError

NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,62}")
SHA256 = re.compile(r"[0-9a-f]{64}")
MOST_FILES = 200_000
LONGEST_PATH = 1000  # bytes


@dataclass(frozen=True)
class Reference:
    """``images/3``; without a number it is the newest."""

    name: str
    number: int | None = None

    def __str__(self) -> str:
        return self.name if self.number is None else f"{self.name}/{self.number}"


class Entry(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One file: where in the folder, with `/` on every system; ``size`` in bytes."""

    path: str
    size: int
    sha256: str
    executable: bool = False


class Manifest(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """``digest`` is that of the files: the same for the same content, whatever its name.

    ``number`` is 0 as long as it has none. ``made_at`` is ISO 8601 with zone.
    """

    name: str
    number: int
    digest: str
    message: str
    made_at: str
    made_by: str
    files: tuple[Entry, ...]

    @property
    def reference(self) -> Reference:
        return Reference(self.name, self.number)

    @property
    def bytes(self) -> int:
        return sum(entry.size for entry in self.files)

    @property
    def objects(self) -> dict[str, int]:
        """Size by hash: what has to be where this version is."""
        return {entry.sha256: entry.size for entry in self.files}

    def as_dict(self, where: str) -> dict[str, object]:
        """As ``--json`` shows it."""
        return {
            "name": self.name,
            "version": self.number,
            "files": len(self.files),
            "bytes": self.bytes,
            "digest": self.digest,
            "message": self.message,
            "made_at": self.made_at,
            "made_by": self.made_by,
            "where": where,
        }


def parse_reference(text: str) -> Reference:
    """Read NAME or NAME/N; raises :class:`ConfigError`."""
    name, slash, number = text.partition("/")
    if NAME.fullmatch(name) and (not slash or re.fullmatch(r"[1-9]\d{0,8}", number)):
        return Reference(name, int(number) if slash else None)
    raise ConfigError(
        "data-name",
        what=f"{text!r} names no version of data.",
        why="Expected a name of lower-case letters, digits, dots and dashes, and perhaps a number, "
        "such as images or images/3.",
        do="mldeploy data ls",
    )


def name_for(path: Path) -> str:
    """A name for what lies at ``path``; raises :class:`ConfigError` where none can be made."""
    path = path.resolve()
    plain = path.stem if path.is_file() else path.name
    name = re.sub(r"[^a-z0-9._-]+", "-", plain.lower()).strip("._-")[:63]
    if NAME.fullmatch(name):
        return name
    raise ConfigError(
        "data-name",
        what=f"No name can be made of {path}.",
        why="A name has lower-case letters, digits, dots and dashes.",
        do=f"mldeploy data push {path} --name my-data",
    )


def digest_of(files: Iterable[Entry]) -> str:
    """Of the sorted list of paths, contents and rights; not of times, name or message."""
    whole = hashlib.sha256()
    for one in sorted(files, key=lambda entry: entry.path):
        whole.update(f"{one.sha256} {'x' if one.executable else '-'} {one.path}\n".encode())
    return whole.hexdigest()


def encode(manifest: Manifest) -> bytes:
    """One line of JSON without a space in it but those of its texts: `grep` finds the hashes."""
    return msgspec.json.encode(manifest)


def decode(raw: bytes, where: str) -> Manifest:
    """Read and check a manifest; raises FailedError for one that is damaged or that lies."""
    try:
        manifest = msgspec.json.decode(raw, type=Manifest)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise _damaged(where, f"It can't be read: {error}.") from error
    if not NAME.fullmatch(manifest.name):
        raise _damaged(where, "Its name is none.")
    if digest_of(manifest.files) != manifest.digest:
        raise _damaged(where, "Its list of files is not the one that was pushed.")
    seen: set[str] = set()
    for entry in manifest.files:
        why = unsafe(entry.path)
        if why or not SHA256.fullmatch(entry.sha256) or entry.size < 0 or entry.path in seen:
            raise _damaged(where, f"It lists {entry.path!r}: {why or 'that is no entry of ours'}.")
        seen.add(entry.path)
    return manifest


def unsafe(path: str) -> str:
    """Why nothing may be written at ``path`` of a folder; empty if it may."""
    parts = path.split("/")
    if path.startswith("/"):
        return "it begins at the root"
    if any(part in ("", ".", "..") for part in parts):
        return "it doesn't stay in its folder, or has an empty part"
    if any(ord(letter) < 32 or ord(letter) == 127 for letter in path):
        return "it has a control character, such as a line break"
    try:
        long = len(path.encode()) > LONGEST_PATH or any(len(part.encode()) > 255 for part in parts)
    except UnicodeEncodeError:
        return "it is not UTF-8"
    return "it is too long" if long else ""


def _damaged(where: str, why: str) -> FailedError:
    return FailedError(
        "data-damaged",
        what=f"The list of a version's files in {where} can't be trusted.",
        why=why,
        do="mldeploy data ls   and push that data again from where it is",
    )
