"""A build context: a tar archive that any reader of such takes, and the same one each time."""

from __future__ import annotations

import io
import os
import tarfile
from pathlib import Path

import pytest

from mldeploy.images import context
from mldeploy.images.recipe import File


def read(files: list[File]) -> dict[str, bytes]:
    raw = io.BytesIO(b"".join(context.stream(files)))
    with tarfile.open(fileobj=raw) as archive:
        return {
            entry.name: (found.read() if (found := archive.extractfile(entry)) else b"")
            for entry in archive
        }


def test_what_is_sent_arrives(tmp_path: Path) -> None:
    large = os.urandom(context.CHUNK * 2 + 17)
    (tmp_path / "model").write_bytes(large)
    long_name = f"app/{'deep/' * 40}zwölf.py"
    sent = [File("Dockerfile", b"FROM a"), File("model/m", tmp_path / "model"), File("e", b"")]

    arrived = read([*sent, File(long_name, b"# code")])

    assert arrived["Dockerfile"] == b"FROM a"
    assert arrived["model/m"] == large
    assert arrived["e"] == b""
    assert arrived[long_name] == b"# code"


def test_when_and_in_which_order_files_were_made_is_no_matter(tmp_path: Path) -> None:
    for name in "ab":
        (tmp_path / name).write_text(name)
    files = [File("x/a", tmp_path / "a"), File("x/b", tmp_path / "b"), File("c", b"c")]
    before = b"".join(context.stream(files))

    os.utime(tmp_path / "a", (1, 1))
    (tmp_path / "b").chmod(0o600)

    assert b"".join(context.stream(reversed(files))) == before


def test_all_can_read_what_nobody_but_root_can_change(tmp_path: Path) -> None:
    (tmp_path / "a").write_text("a")
    (tmp_path / "a").chmod(0o600)
    raw = io.BytesIO(b"".join(context.stream([File("x/y/a", tmp_path / "a")])))

    with tarfile.open(fileobj=raw) as archive:
        found = {entry.name: (entry.mode, entry.uid, entry.isdir()) for entry in archive}

    assert found == {"x": (0o755, 0, True), "x/y": (0o755, 0, True), "x/y/a": (0o644, 0, False)}


def test_a_file_that_shrinks_while_it_is_sent_is_an_error(tmp_path: Path) -> None:
    path = tmp_path / "model"
    path.write_bytes(bytes(context.CHUNK * 3))
    sending = context.stream([File("model", path)])
    next(sending), next(sending)

    os.truncate(path, context.CHUNK)

    with pytest.raises(OSError, match="became shorter"):
        list(sending)
