"""Read a repository's history: the output of `git log --numstat`, taken apart safely.

What comes out of a history was written by strangers. Names of files may hold spaces, quotes and
line breaks, so everything is separated by NUL bytes (-z), which can be in none of it.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from . import git

# What your own git configuration might change is said here: the same rows on every machine.
LOG = [
    "-c",
    "diff.renameLimit=1000",
    "log",
    "--topo-order",
    "--reverse",
    "--no-merges",
    "--no-color",
    "--no-show-signature",
    "--no-ext-diff",
    "--no-textconv",
    "--no-relative",
    "--ignore-submodules=all",
    "--diff-algorithm=myers",
    "--find-renames",
    "--encoding=UTF-8",
    "--numstat",
    "-z",
    # Of each commit: hash, parents, when, who, and the first line of the message.
    "--format=%x00%H%x00%P%x00%ct%x00%aE%x00%s",
    "HEAD",
    "--",
]


@dataclass(frozen=True)
class Change:
    """What a commit did to one file."""

    path: str
    old_path: str | None  # when it was renamed
    added: int  # lines
    deleted: int
    binary: bool  # its lines are not counted


@dataclass(frozen=True)
class Commit:
    """A commit as git tells it. `author` is only for counting, and is written nowhere."""

    hash: str
    is_root: bool  # without a parent: the first one, or where a shallow clone was cut off
    seconds: int  # since 1970; 0 when the commit does not say
    author: str  # an e-mail address, after .mailmap
    subject: str
    changes: tuple[Change, ...]


def commits(repository: Path, limit: float) -> list[Commit]:
    """What led to HEAD, parents before children, without merges: those only join what is counted.

    A repository without commits gives none. `limit` is in seconds.
    """
    if git.head(repository, limit) is None:
        return []
    return list(parse(git.run(repository, LOG, limit)))


def parse(output: bytes) -> Iterator[Commit]:
    """The commits in the output of LOG.

    Each begins with an empty part. Before its first file stands a line break. A renamed file is
    three parts: the numbers, the old name, the new name.
    """
    parts = iter(output.removesuffix(b"\0").split(b"\0") if output else [])
    part = next(parts, None)
    while part is not None:
        hash_, parents, seconds, author, subject = (next(parts) for _ in range(5))
        changes = []
        while part := next(parts, None):
            added, deleted, path = part.removeprefix(b"\n").split(b"\t", 2)
            old = None if path else next(parts)
            changes.append(
                Change(
                    path=_text(path or next(parts)),
                    old_path=_text(old) if old else None,
                    added=0 if added == b"-" else int(added),
                    deleted=0 if deleted == b"-" else int(deleted),
                    binary=added == b"-",
                )
            )
        yield Commit(
            hash=hash_.decode(),
            is_root=not parents,
            seconds=int(seconds or 0),
            author=_text(author),
            subject=_text(subject),
            changes=tuple(changes),
        )


def _text(name: bytes) -> str:
    return name.decode("utf-8", "surrogateescape")  # whatever bytes it is, nothing is lost
