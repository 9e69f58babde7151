"""What a host makes of the files that were sent: its own shell puts them together."""

from __future__ import annotations

import os
import subprocess
import tarfile
from pathlib import Path

from mldeploy.images.recipe import File
from mldeploy.ssh.context_store import ASSEMBLE, hash_of, pack

FILES = (
    File("Dockerfile", b"FROM a\n"),
    File("code/run it.sh", b"#!/bin/sh\n", executable=True),
    File("code/same.sh", b"#!/bin/sh\n"),
)


def assembled(cache: Path) -> dict[str, int]:
    """The files of the context with their rights."""
    place = cache / "mldeploy"
    place.mkdir(exist_ok=True)
    pack(place / "sent", {file.name: (hash_of(file), file) for file in FILES}, ())
    environment = os.environ | {"XDG_CACHE_HOME": str(cache)}
    words = ["sh", "-s", "sent", "store"]
    subprocess.run(words, input=ASSEMBLE.encode(), env=environment, check=True, timeout=30)
    with tarfile.open(place / "sent.context") as archive:
        return {e.name.removeprefix("./"): e.mode for e in archive.getmembers() if e.isfile()}


def test_what_may_be_run_here_may_be_run_there(tmp_path: Path) -> None:
    assert assembled(tmp_path) == {
        "Dockerfile": 0o644,
        "code/run it.sh": 0o755,
        "code/same.sh": 0o644,
    }
