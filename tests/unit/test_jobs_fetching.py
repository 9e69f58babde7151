"""What a job left comes whole, or is asked for again; what is damaged never counts."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest

from mldeploy.config import Config, ProcessTarget, Target
from mldeploy.config import Project as Settings
from mldeploy.errors import FailedError
from mldeploy.jobs import fetching, shelf
from mldeploy.jobs.base import CutError
from mldeploy.jobs.processes import ProcessRunner
from mldeploy.jobs.record import Job, Order
from mldeploy.project import Project
from mldeploy.project_side import job as supervisor
from mldeploy.ui import Ui


class BadLine(ProcessRunner):
    """A real place, behind a line that breaks after so many bytes, or damages what it carries."""

    def __init__(self, project: Project) -> None:
        super().__init__(project)
        self.breaks: list[int | None] = []
        self.damages = 0
        self.asked: list[str] = []

    def read(self, job: Job, path: str) -> Iterator[bytes]:
        self.asked.append(path)
        most = self.breaks.pop(0) if self.breaks and path.startswith("kept/g") else None
        sent = 0
        for chunk in super().read(job, path):
            if self.damages and b"content" in chunk:
                self.damages -= 1
                chunk = chunk.replace(b"content", b"contend")
            if most is not None and sent + len(chunk) > most:
                yield chunk[: most - sent]
                raise CutError("the line broke")
            sent += len(chunk)
            yield chunk


@pytest.fixture(autouse=True)
def no_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fetching, "PAUSE_SECONDS", 0.0)


@pytest.fixture
def line(tmp_path: Path) -> BadLine:
    targets: dict[str, Target] = {"local": ProcessTarget()}
    return BadLine(
        Project(tmp_path, Config(tmp_path / "mldeploy.toml", Settings(name="a"), targets))
    )


@pytest.fixture
def job(line: BadLine, monkeypatch: pytest.MonkeyPatch) -> Job:
    """One that made three files, of which two make a group."""
    monkeypatch.setattr(supervisor, "GROUP_BYTES", 2500)
    made = shelf.new(line.project, Order("true", "local"))
    place = line.place(made)
    (place / "code").mkdir(parents=True)
    (place / "before.json").write_text("{}")
    for name, size in (("a", 1000), ("b", 1000), ("run.sh", 2000)):
        (place / "code" / name).write_bytes((f"content of {name} ".encode() * 200)[:size])
    (place / "code" / "run.sh").chmod(0o755)
    supervisor.pack(place)
    return made


def home(line: BadLine, job: Job) -> Path:
    return shelf.place_of(line.project, job.id)


def test_it_comes_as_it_was(line: BadLine, job: Job) -> None:
    kept = fetching.fetch(job, line, home(line, job), Ui())

    assert [one.path for one in kept] == ["outputs/a", "outputs/b", "outputs/run.sh"]
    for one in kept:
        original = line.place(job) / "code" / one.path.partition("/")[2]
        assert (home(line, job) / one.path).read_bytes() == original.read_bytes()
    assert os.access(home(line, job) / "outputs" / "run.sh", os.X_OK)
    assert not (home(line, job) / "partial").exists()


def test_a_line_that_breaks_twice_loses_nothing_and_brings_nothing_twice(
    line: BadLine, job: Job
) -> None:
    line.breaks = [1800, None, 700]

    fetching.fetch(job, line, home(line, job), Ui())

    assert len(list((home(line, job) / "outputs").iterdir())) == 3
    assert line.asked.count("kept/g0002") <= 2


def test_what_is_damaged_on_the_way_is_fetched_again(line: BadLine, job: Job) -> None:
    line.damages = 2

    fetching.fetch(job, line, home(line, job), Ui())

    assert b"contend" not in (home(line, job) / "outputs" / "a").read_bytes()


def test_a_line_that_always_breaks_is_said_and_what_has_come_stays(line: BadLine, job: Job) -> None:
    line.breaks = [1800] * 50

    with pytest.raises(FailedError) as caught:
        fetching.fetch(job, line, home(line, job), Ui())

    assert caught.value.code == "fetch-failed"
    assert "mldeploy jobs fetch 1" in caught.value.do
    assert not (home(line, job) / "outputs").exists()  # never half of it
    assert (home(line, job) / "partial" / "outputs" / "a").exists()
    line.breaks = []
    line.asked.clear()
    fetching.fetch(job, line, home(line, job), Ui())
    assert (home(line, job) / "outputs" / "b").exists()


def test_without_room_nothing_is_begun(
    line: BadLine, job: Job, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shutil, "disk_usage", lambda _: SimpleNamespace(free=10))

    with pytest.raises(FailedError) as caught:
        fetching.fetch(job, line, home(line, job), Ui())

    assert caught.value.code == "disk-full"


@pytest.mark.parametrize("path", ["../x", "outputs/../../x", "/etc/passwd", "elsewhere/x"])
def test_a_list_that_names_files_outside_is_refused(path: str) -> None:
    one = {"path": path, "bytes": 1, "sha256": "", "executable": False, "group": "g0001"}

    with pytest.raises(FailedError) as caught:
        fetching.read_listing(json.dumps({"files": [one]}))

    assert caught.value.code == "no-listing"
