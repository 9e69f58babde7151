"""Reading a service's log: the end of it, since a time, and following over a switch."""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from mldeploy.engines.process_log import follow_runs, last_of

LINES = [
    "2026-01-01T10:00:00+0000 INFO one",
    "2026-01-01T11:00:00+0000 ERROR two",
    "Traceback (most recent call last):",
    "2026-01-01T12:00:00+0000 INFO three",
]


@dataclass
class FileRun:
    folder: Path

    @property
    def release(self) -> str:
        return self.folder.name

    @property
    def log(self) -> Path:
        return self.folder / "server.log"


def run_with(folder: Path, lines: list[str]) -> FileRun:
    folder.mkdir()
    made = FileRun(folder)
    made.log.write_text("".join(line + "\n" for line in lines))
    return made


def test_the_last_lines_are_the_last(tmp_path: Path) -> None:
    log = run_with(tmp_path / "a", LINES).log

    assert list(last_of(log, lines=1, since=None)[0]) == LINES[-1:]
    assert list(last_of(log, lines=None, since=None)[0]) == LINES
    assert list(last_of(log, lines=0, since=None)[0]) == []


def test_since_keeps_a_traceback_with_its_line(tmp_path: Path) -> None:
    log = run_with(tmp_path / "a", LINES).log
    since = datetime(2026, 1, 1, 10, 30, tzinfo=UTC)

    assert list(last_of(log, lines=None, since=since)[0]) == LINES[1:]


def test_what_was_shown_is_not_shown_again_by_following(tmp_path: Path) -> None:
    run = run_with(tmp_path / "v1", ["one", "two"])
    shown, position = last_of(run.log, lines=1, since=None)
    with run.log.open("a") as file:
        file.write("three\n")

    assert [*shown, next(follow_runs(run, position, lambda: run))] == ["two", "three"]


def test_a_log_that_is_not_there_is_empty(tmp_path: Path) -> None:
    assert list(last_of(tmp_path / "none", lines=5, since=None)[0]) == []


def test_following_shows_new_lines_then_those_of_the_next_release(tmp_path: Path) -> None:
    old = run_with(tmp_path / "v1", ["seen"])
    new = run_with(tmp_path / "v2", ["fresh"])
    current = [old]
    lines = follow_runs(old, len("seen\n"), lambda: current[0], pause=0.001)
    with old.log.open("a") as file:
        file.write("later\nhalf a li")
    assert next(lines) == "later"

    current[0] = new

    assert list(itertools.islice(lines, 2)) == ["--- now release v2 ---", "fresh"]


def test_following_a_log_that_was_cut_begins_again(tmp_path: Path) -> None:
    run = run_with(tmp_path / "v1", ["a long line that is there already"])
    lines = follow_runs(run, run.log.stat().st_size, lambda: run, pause=0.001)
    run.log.write_text("new\n")

    assert next(lines) == "new"
