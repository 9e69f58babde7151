"""What is written down of requests, how much of it, and that it never harms an answer."""

import json
import logging
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from package_size.data.rows import CATEGORIES, Row
from package_size.data.schema import rows_of
from package_size.model import persist
from package_size.model.predict import Predictor
from package_size.monitoring import log

from ..conftest import Project

Answer = Callable[[int], None]


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where a service that is started here writes."""
    monkeypatch.chdir(tmp_path)
    return tmp_path / log.FOLDER


@pytest.fixture
def answer(project: Project, folder: Path) -> Answer:
    """Writes down a request with so many rows, and its answer."""
    [row] = rows_of(project.data.holdout.head(1))
    predictor = Predictor(*persist.load_from(project.layout.champion))
    [prediction] = predictor.answer([row]).predictions
    written = log.Log(True, "a-run")
    return lambda rows: written([row] * rows, [prediction] * rows)


def lines(folder: Path) -> list[dict[str, Any]]:
    files = sorted(folder.glob(log.FILES))
    return [json.loads(line) for file in files for line in file.read_text().splitlines()]


@pytest.mark.parametrize(("rows", "written"), [(1, 1), (100, 100), (101, 51), (1000, 100)])
def test_of_a_large_request_a_part_is_written(
    answer: Answer, folder: Path, rows: int, written: int
) -> None:
    answer(rows)
    assert len(lines(folder)) == written


@pytest.mark.skipif(not CATEGORIES, reason="no column is a category")
def test_words_that_were_never_seen_are_not_written(project: Project) -> None:
    [row] = rows_of(project.data.holdout.head(1))
    name = next(iter(CATEGORIES))
    typed_in = Row.model_construct(**(row.model_dump() | {name: "Zoé, 12 High Street"}))
    predictor = Predictor(*persist.load_from(project.layout.champion))
    written = log.columns([typed_in], predictor.answer([row]).predictions)
    assert written[name] == [log.UNSEEN]


def test_switched_off_it_writes_nothing(project: Project, folder: Path) -> None:
    log.Log(False, "a-run")(rows_of(project.data.holdout.head(1)), [])
    assert not folder.exists()


def test_the_setting_is_read_from_params_and_the_variable_wins(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv(log.SWITCH)
    for text, on in (("", False), ("[monitoring]\nlog = true", True)):
        (tmp_path / "params.toml").write_text(text)
        assert log.is_on(tmp_path / "params.toml") is on
    monkeypatch.setenv(log.SWITCH, "0")
    assert not log.is_on(tmp_path / "params.toml")


def test_where_nothing_can_be_written_it_says_so_once_and_goes_on(
    answer: Answer, folder: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As on a read-only file system; this also holds for the superuser, whom no mode stops."""
    folder.write_text("a file, where a folder has to be")
    monkeypatch.setattr(logging.getLogger("bentoml"), "propagate", True)
    for _ in range(3):
        answer(2)
    said = [each for each in caplog.messages if "Nothing more is logged" in each]
    assert len(said) == 1


def test_the_files_stay_small(
    answer: Answer, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    answer(100)
    once = (folder / "rows-0.jsonl").stat().st_size
    monkeypatch.setattr(log, "BYTES", 3 * once)
    for _ in range(20):
        answer(100)
    files = sorted(folder.glob(log.FILES))
    assert [file.name for file in files] == ["rows-0.1.jsonl", "rows-0.jsonl"]
    assert sum(file.stat().st_size for file in files) < 8 * once
    assert len(lines(folder)) >= 400
