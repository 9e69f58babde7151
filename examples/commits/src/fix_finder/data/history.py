"""From commits to rows, in the order of time: what is known of the past when a commit is made.

Each row is made first, and the commit is remembered afterwards. So no row can know anything of
itself or of what came later, and a history that grows leaves the rows of its past as they are.
"""

import re
from collections import Counter, deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import PurePosixPath
from typing import Any

from .kinds import kind_of
from .log import Change, Commit
from .rows import DAYS, KINDS

DAY = 24 * 60 * 60  # seconds
BOT = re.compile(r"\[bot\]@|(^|[.+-])bot@", re.IGNORECASE)  # how e-mail addresses of robots look
YEAR_9999 = 253_370_764_800  # seconds since 1970: later times have no ISO 8601 text


@dataclass
class File:
    """What the past says of a file."""

    changes: int = 0
    fixes: int = 0
    last: int = 0  # seconds since 1970


@dataclass
class Past:
    """What happened in a repository so far."""

    files: dict[str, File] = field(default_factory=dict)
    commits_by: Counter[str] = field(default_factory=Counter)  # author: how many
    recent: deque[bool] = field(default_factory=lambda: deque(maxlen=20))  # was it a fix?
    last: int | None = None

    def remember(self, commit: Commit, is_fix: bool) -> None:
        for change in commit.changes:
            if change.old_path is not None and change.old_path in self.files:
                self.files[change.path] = self.files.pop(change.old_path)
            file = self.files.setdefault(change.path, File())
            file.changes += 1
            file.fixes += is_fix
            file.last = commit.seconds
        self.commits_by[commit.author] += 1
        self.recent.append(is_fix)
        self.last = commit.seconds


def rows(commits: Iterable[Commit], fix: re.Pattern[str]) -> Iterator[dict[str, Any] | str]:
    """For each commit its row or, in one word, why there is none."""
    past = Past()
    # Sorting keeps the order of commits of the same second: parents before children.
    in_time = sorted(commits, key=lambda commit: commit.seconds)
    for number, commit in enumerate(in_time, start=1):
        is_fix = fix.search(commit.subject.lower()) is not None
        yield _refusal(commit) or {
            "time": datetime.fromtimestamp(commit.seconds, UTC).isoformat(),
            "commit": commit.hash[:12],
            "number": number,
            **_of_the_change(commit.changes),
            **_of_the_moment(commit, past),
            **_of_the_files(commit, past),
            "is_fix": is_fix,
        }
        past.remember(commit, is_fix)


def _refusal(commit: Commit) -> str:
    if BOT.search(commit.author):
        return "by_bots"  # one glance at the files tells what a robot does: it would be too easy
    if commit.is_root:
        return "without_parent"  # a whole project at once, or all that a shallow clone left out
    if not commit.changes:
        return "without_files"  # empty on purpose, or only a submodule moved
    if not 0 < commit.seconds < YEAR_9999:
        return "without_time"
    return ""


def _of_the_change(changes: tuple[Change, ...]) -> dict[str, Any]:
    kinds = Counter(kind_of(change.path) for change in changes)
    return {
        "mostly": max(KINDS, key=lambda kind: kinds[kind]),  # the first of equals
        "files": len(changes),
        "code_files": kinds["code"],
        "test_files": kinds["tests"],
        "docs_files": kinds["docs"],
        "config_files": kinds["config"],
        "renamed_files": sum(change.old_path is not None for change in changes),
        "binary_files": sum(change.binary for change in changes),
        "directories": len({PurePosixPath(change.path).parent for change in changes}),
        "added": sum(change.added for change in changes),
        "deleted": sum(change.deleted for change in changes),
    }


def _of_the_moment(commit: Commit, past: Past) -> dict[str, Any]:
    moment = datetime.fromtimestamp(commit.seconds, UTC)
    return {
        "hour": moment.hour,
        "weekday": DAYS[moment.weekday()],
        "days_since_commit": _days(past.last or commit.seconds, commit.seconds),
        "recent_fixes": sum(past.recent),
        "author_commits": past.commits_by[commit.author],
    }


def _of_the_files(commit: Commit, past: Past) -> dict[str, Any]:
    """The past of the files. Of files that are all new there is none: the values are missing."""
    names = (change.old_path or change.path for change in commit.changes)
    known = [past.files[name] for name in names if name in past.files]
    return {
        "new_files": len(commit.changes) - len(known),
        "days_since_change": (
            _days(max(file.last for file in known), commit.seconds) if known else None
        ),
        "changes_before": _mean([file.changes for file in known]),
        "fixes_before": _mean([file.fixes for file in known]),
    }


def _days(earlier: int, later: int) -> float:
    return round((later - earlier) / DAY, 4)


def _mean(counts: list[int]) -> float | None:
    return round(sum(counts) / len(counts), 4) if counts else None
