"""Ask git about a repository: it only reads, asks nobody anything, and has a time limit."""

import os
import subprocess
from pathlib import Path

from ..errors import ProjectError

# A git hook that runs the tests sets these: they would send git to another repository than ours.
REDIRECTIONS = {
    "GIT_ALTERNATE_OBJECT_DIRECTORIES",
    "GIT_COMMON_DIR",
    "GIT_DIR",
    "GIT_GRAFT_FILE",
    "GIT_INDEX_FILE",
    "GIT_NAMESPACE",
    "GIT_OBJECT_DIRECTORY",
    "GIT_PREFIX",
    "GIT_SHALLOW_FILE",
    "GIT_WORK_TREE",
}


def run(
    repository: Path, arguments: list[str], limit: float, nothing: int = 0, given: bytes = b""
) -> bytes:
    """What git answers. `limit` is in seconds; `nothing` is an exit code that says: there is none.

    A partial clone would fetch what it lacks, file by file: without protocols it can't.
    """
    command = ["git", "-C", str(repository), "--no-pager", "--no-replace-objects"]
    command += ["-c", "protocol.allow=never", *arguments]
    try:
        done = subprocess.run(
            command, env=environment(), input=given, capture_output=True, timeout=limit
        )
    except FileNotFoundError:
        raise ProjectError(
            what="git is not installed.",
            why="The rows are read from histories by the program git, and it is not on the PATH.",
            do="Install git, and see if it is there: git --version",
        ) from None
    except subprocess.TimeoutExpired:
        raise ProjectError(
            what=f"git took more than {limit:g} seconds to read {repository}.",
            why="The history is very long, or the disk is slow.",
            do="Raise collect.time_limit_seconds in params.toml, or name a smaller repository.",
        ) from None
    if done.returncode not in (0, nothing):
        said = done.stderr.decode(errors="replace").strip().splitlines()
        raise ProjectError(
            what=f"git cannot read {repository}.",
            why=said[0] if said else f"git ended with code {done.returncode}",
            do="Do what it says; if files are missing (a partial or damaged clone), clone it whole."
            f" All that it says: git -C '{repository}' log --stat",
        )
    return done.stdout


def environment() -> dict[str, str]:
    """Yours, but git goes where it is sent, and speaks English."""
    kept = {name: value for name, value in os.environ.items() if name not in REDIRECTIONS}
    return kept | {"LC_ALL": "C"}


def head(repository: Path, limit: float) -> str | None:
    """The hash of the newest commit, or None when there is none yet."""
    run(repository, ["rev-parse", "--git-dir"], limit)  # raises when there is no repository
    found = run(repository, ["rev-parse", "--verify", "--quiet", "HEAD"], limit, nothing=1)
    return found.decode().strip() or None


def merges(repository: Path, limit: float) -> int:
    """How many merges led to HEAD, if there is one."""
    if head(repository, limit) is None:
        return 0
    return int(run(repository, ["rev-list", "--count", "--merges", "HEAD", "--"], limit))


def is_shallow(repository: Path, limit: float) -> bool:
    """Was only the newest part of the history cloned, as CI does?"""
    answer = run(repository, ["rev-parse", "--is-shallow-repository"], limit)
    return answer.strip() == b"true"
