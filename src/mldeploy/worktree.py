"""The project's files beside its last commit: what an update changed, and how to take it back."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from mldeploy.programs import run, shown

MARKERS = (b"<<<<<<< before updating", b">>>>>>> after updating")  # as Copier labels them


@dataclass(frozen=True)
class Conflict:
    """A file that waits for a decision; ``line`` is its first marker, None if it has none."""

    path: str
    line: int | None


@dataclass(frozen=True)
class Difference:
    """What is not as in the last commit; paths are relative to the project's folder."""

    changed: tuple[str, ...] = ()
    added: tuple[str, ...] = ()
    deleted: tuple[str, ...] = ()
    conflicts: tuple[Conflict, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.changed or self.added or self.deleted or self.conflicts)


class Tree:
    """The project's files: as they were when this was made, and what has changed since."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.ignored = {path for mark, path in status(root, "--ignored") if mark == "!!"}
        self.rejects = self._rejects()

    def difference(self) -> Difference:
        """What is not as in the last commit."""
        listed = status(self.root)
        changed = [path for mark, path in listed if mark != "??" and "D" not in mark]
        added = self._added(listed)
        marked = {path: _first_marker(self.root / path) for path in [*changed, *added]}
        waiting = {path for mark, path in listed if is_unmerged(mark)}
        waiting |= {path for path, line in marked.items() if line}
        waiting |= self._rejects() - self.rejects
        return Difference(
            changed=tuple(path for path in changed if path not in waiting),
            added=tuple(path for path in added if path not in waiting),
            deleted=tuple(p for mark, p in listed if "D" in mark and p not in waiting),
            conflicts=tuple(Conflict(path, marked.get(path)) for path in sorted(waiting)),
        )

    def undo(self) -> str:
        """The commands that bring back the last commit, and remove only what was added since.

        The first also brings back .gitignore, and `git clean` without -x keeps what that names.
        """
        return " && ".join(shown(command) for command in self._undoing())

    def put_back(self) -> None:
        for command in self._undoing():
            run(command, cwd=self.root, timeout=120)

    def _undoing(self) -> list[list[str]]:
        # Not `reset --hard`: the project may be a folder of a larger repository.
        restore = ["git", "restore", "--source=HEAD", "--staged", "--worktree", "--", "."]
        added = self._roots_of(self._added(status(self.root)))
        if not added:
            return [restore]
        literal = ["--literal-pathspecs"] if any(re.search(r"[*?\[:]", p) for p in added) else []
        return [restore, ["git", *literal, "clean", "-fdq", "--", *added]]

    def _added(self, listed: list[tuple[str, str]]) -> list[str]:
        """New files; not those that were there, and that a new .gitignore no longer ignores."""
        old = tuple(path for path in self.ignored if path.endswith("/"))
        return [
            path
            for mark, path in listed
            if mark == "??" and path not in self.ignored and not path.startswith(old or "\0")
        ]

    def _roots_of(self, added: list[str]) -> list[str]:
        """The same files, with a folder in place of its files where the whole folder is new."""
        listed = run(
            ["git", "ls-tree", "-r", "-z", "--name-only", "HEAD"], cwd=self.root, timeout=60
        )
        there = {*listed.split("\0"), *self.ignored}
        known = {parent for path in there for parent in PurePosixPath(path).parents}
        roots: dict[str, None] = {}  # in order, once each
        for path in added:
            new = [p for p in PurePosixPath(path).parents if p not in known]
            roots[f"{new[-1]}/" if new else path] = None
        return list(roots)

    def _rejects(self) -> set[str]:
        """Rejected hunks: a file `x.rej` for each `x` (copier#2386), ignored by git or not."""
        listed = run(
            ["git", "ls-files", "--others", "-z", "--", "*.rej"], cwd=self.root, timeout=60
        )
        return {path for path in listed.split("\0") if path}


def is_unmerged(mark: str) -> bool:
    return "U" in mark or mark in ("AA", "DD")


def status(root: Path, *more: str) -> list[tuple[str, str]]:
    """``git status`` of the project: two letters and a path relative to ``root``, a line each."""
    untracked = "normal" if more else "all"  # whole folders will do for what is ignored
    listed = run(
        ["git", "status", "--porcelain=v1", "-z", "--no-renames", f"--untracked-files={untracked}"]
        + [*more, "--", "."],
        cwd=root,
        timeout=120,
    )
    prefix = run(["git", "rev-parse", "--show-prefix"], cwd=root, timeout=30).strip()
    return [(line[:2], line[3:].removeprefix(prefix)) for line in listed.split("\0") if line]


def _first_marker(file: Path) -> int | None:
    """The line, from 1, of the first conflict marker that Copier left."""
    if file.is_symlink() or not file.is_file():
        return None
    with file.open("rb") as lines:
        for number, line in enumerate(lines, start=1):
            if line.startswith(MARKERS):
                return number
    return None
