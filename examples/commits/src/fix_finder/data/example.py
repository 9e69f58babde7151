"""A made-up history as a real git repository, so that everything works before you name your own.

Nobody wrote these commits: simulation.py did, always the same. git makes the repository of them in
about a second, from a stream of text (`git fast-import`), and the hashes are always the same too.
"""

import tempfile
from collections.abc import Iterable
from pathlib import Path

from . import git
from .simulation import Planned, Simulation

COMMITS = 1500
SEED = 7


def make(folder: Path, limit: float, again: bool = False) -> Path:
    """The repository at `folder`, made now if it is not there, or `again`. `limit`: seconds."""
    if folder.is_dir() and not again:
        return folder
    folder.parent.mkdir(parents=True, exist_ok=True)
    # It gets its name when it is whole: Ctrl+C leaves no half repository behind.
    with tempfile.TemporaryDirectory(dir=folder.parent, prefix=".tmp-") as temporary:
        made = Path(temporary) / "made"
        # Without --template= and --object-format= it would depend on your git's configuration.
        options = ["--quiet", "--bare", "--template=", "--object-format=sha1"]
        git.run(folder.parent, ["init", *options, "--initial-branch=main", str(made)], limit)
        told = stream(Simulation(SEED).commits(COMMITS))
        git.run(made, ["fast-import", "--quiet"], limit, given=told)
        if folder.is_dir():
            folder.replace(Path(temporary) / "old")
        made.replace(folder)
    return folder


def stream(commits: Iterable[Planned]) -> bytes:
    """The commits in the words of `git fast-import`: the branch, who, the message, the files."""
    parts: list[bytes] = []
    for commit in commits:
        who = f"{commit.author} <{commit.author}@example.org> {commit.seconds} +0000"
        parts += [b"commit refs/heads/main\n", f"committer {who}\n".encode()]
        parts.append(_data(commit.message.encode()))
        for old, new in commit.renames:
            parts.append(f'R "{old}" "{new}"\n'.encode())
        for path, content in commit.files.items():
            parts += [f'M 100644 inline "{path}"\n'.encode(), _data(content)]
    return b"".join(parts)


def _data(content: bytes) -> bytes:
    return b"data %d\n%s\n" % (len(content), content)
