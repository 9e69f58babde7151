"""Where the named repositories are on this machine: folders as they are, addresses as clones.

Clones are bare and lie in data/raw, which git ignores. They hold the names and e-mail addresses of
their authors; the collected rows do not.
"""

import hashlib
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from contextlib import suppress
from pathlib import Path

from ..errors import ProjectError
from . import example, git
from .settings import Collect

# https://…, ssh://…, file://… or git@host:path. Two letters at least: C:\code is a folder.
ADDRESS = re.compile(r"^[a-z][a-z+.-]+://|^[\w.-]+@[\w.-]+:|^[\w.-]{2,}:[^\\]", re.I)
SECRET = re.compile(r"^https?://[^/]*@|^[a-z+.-]+://[^/@]*:[^/]*@", re.I)


def locate(params: Collect, root: Path, refresh: bool = False) -> dict[str, Path]:
    """Each repository's short name and its folder. What is not there yet is cloned or made.

    `root` is the project's. With `refresh`, clones get what is new; without a network they stay
    as they are.
    """
    if not params.repositories:
        limit = params.time_limit_seconds
        return {"example": example.make(root / "data" / "raw" / "example.git", limit, refresh)}
    found: dict[str, Path] = {}
    for place in params.repositories:
        name = _name(place, root)
        if name in found:
            raise ProjectError(
                what=f"Two repositories would both be called {name}.",
                why="Their rows could not be told apart: it is the last part of their place.",
                do="Name only one of them in collect.repositories, or rename a folder.",
            )
        if ADDRESS.match(place):
            # Its address is in the name of its clone: another address is another clone.
            place_hash = hashlib.sha256(place.encode()).hexdigest()[:8]
            folder = root / "data" / "raw" / f"{name}-{place_hash}.git"
            found[name] = _clone(place, folder, params, refresh)
        else:
            found[name] = _folder(root / Path(place).expanduser(), place)
    return found


def _name(place: str, root: Path) -> str:
    if ADDRESS.match(place):
        last = re.split(r"[/:\\]", place.rstrip("/\\"))[-1]
    else:
        # "." has a name only as a whole path. Not resolve(): a link keeps the name you gave it.
        last = Path(os.path.abspath(root / Path(place).expanduser())).name  # noqa: PTH100
    return re.sub(r"[^\w.-]", "_", last.removesuffix(".git")).lstrip(".-") or "repository"


def _folder(folder: Path, place: str) -> Path:
    # git would look in the folders above as well, and find this project itself.
    if (folder / ".git").exists() or (folder / "HEAD").is_file():
        return folder
    raise ProjectError(
        what=f"{place} is not a git repository.",
        why=f"There is no .git in {folder}." if folder.is_dir() else f"There is no {folder}.",
        do="Correct collect.repositories in params.toml: folders count from the project's root.",
    )


def _clone(address: str, folder: Path, params: Collect, refresh: bool) -> Path:
    if SECRET.match(address):
        raise ProjectError(
            what="An address in collect.repositories holds a password.",
            why="params.toml is in git, and every run records it: others would read it.",
            do="Remove it from the address, and let git ask: git help credential-store",
        )
    if folder.is_dir():
        if refresh and _git(["-C", str(folder), "fetch", "--quiet"], params) is not None:
            sys.stderr.write(f"{folder.name} could not be brought up to date: used as it is\n")
        return folder
    folder.parent.mkdir(parents=True, exist_ok=True)
    # It gets its name when it is whole: Ctrl+C leaves no half repository behind.
    with tempfile.TemporaryDirectory(dir=folder.parent, prefix=".tmp-") as half:
        command = ["clone", "--bare", "--progress", "--template=", "--", address, f"{half}/git"]
        if (trouble := _git(command, params)) is not None:
            raise ProjectError(
                what=f"{address} cannot be cloned.",
                why=trouble,
                do=f"See if you may read it: git ls-remote '{address}'",
            )
        shutil.move(f"{half}/git", folder)
    heads = "+refs/heads/*:refs/heads/*"  # a bare clone is not told by itself what to fetch
    git.run(folder, ["config", "remote.origin.fetch", heads], params.time_limit_seconds)
    return folder


def _git(arguments: list[str], params: Collect) -> str | None:
    """Run git and show its progress. Gives None, or what it said last when it failed."""
    limit = params.time_limit_seconds
    deadline = time.monotonic() + limit
    with tempfile.TemporaryDirectory() as folder:
        said = Path(folder) / "said"  # a file: a pipe would stay open in programs that git started
        with said.open("wb") as file:
            process = subprocess.Popen(
                ["git", *arguments],
                env=git.environment() | {"GIT_TERMINAL_PROMPT": "0"},  # no question, but an error
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=file,
            )
        try:
            while process.poll() is None and time.monotonic() < deadline:
                with suppress(subprocess.TimeoutExpired):
                    process.wait(0.2)
                if sys.stderr.isatty():
                    sys.stderr.write(f"{_last_line(said)[:78]:<78}\r")
        finally:
            timed_out = process.poll() is None
            process.kill()
            process.wait()
        if timed_out:
            return f"It took more than {limit} seconds (collect.time_limit_seconds)."
        return None if process.returncode == 0 else _last_line(said)


def _last_line(file: Path) -> str:
    """Of git's progress, each state ends with a carriage return."""
    lines = file.read_text(encoding="utf-8", errors="replace").strip().splitlines()
    return lines[-1] if lines else ""
