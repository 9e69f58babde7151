"""The way of a row: over HTTP into the log, and from there to what `drift` compares."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from starlette.testclient import TestClient

from package_size.data.rows import CATEGORIES, NUMBERS
from package_size.data.schema import rows_of
from package_size.model import persist
from package_size.model.predict import Predictor
from package_size.monitoring import log, reference

from ..conftest import Project


@pytest.fixture
def no_lines_yet(client: TestClient, logs: Path) -> None:
    """What other tests asked is cut off; the service goes on writing in the same file."""
    for file in logs.glob(log.FILES):
        file.write_bytes(b"")


def ask(client: TestClient, frame: pd.DataFrame) -> None:
    body = {"rows": [row.model_dump() for row in rows_of(frame)]}
    assert client.post("/predict", json=body).status_code == 200


def lines(logs: Path) -> list[dict[str, Any]]:
    files = logs.glob(log.FILES)
    return [json.loads(line) for file in files for line in file.read_text().splitlines()]


@pytest.mark.usefixtures("no_lines_yet")
def test_what_was_asked_and_answered_can_be_read_back(
    client: TestClient, project: Project, logs: Path
) -> None:
    frame = project.data.holdout.head(60)
    for start in range(0, 60, 20):
        ask(client, frame[start : start + 20])
    known = reference.of_champion(project.layout)
    read, others = reference.logged(logs.glob(log.FILES), known, latest=2000, since="")
    predictor = Predictor(*persist.load_from(project.layout.champion))
    expected = reference.typed(reference.answered(predictor, frame), known.categories)
    pd.testing.assert_frame_equal(read, expected, check_exact=False, atol=1e-6)
    assert others == 0


@pytest.mark.usefixtures("no_lines_yet")
def test_only_what_the_model_reads_and_says_is_written(
    client: TestClient, project: Project, logs: Path
) -> None:
    ask(client, project.data.holdout.head(1))
    [line] = lines(logs)
    allowed = {"log.time", "log.run", "prediction.answer", "prediction.probability"}
    assert set(line) <= allowed | set(NUMBERS) | set(CATEGORIES)
    assert line["log.run"] == reference.of_champion(project.layout).run_id
    assert datetime.now(UTC) - datetime.fromisoformat(line["log.time"]) < timedelta(minutes=5)


@pytest.mark.usefixtures("no_lines_yet")
def test_a_refused_request_is_not_written(client: TestClient, project: Project, logs: Path) -> None:
    assert client.post("/predict", json={"rows": [{"name": "Zoé"}]}).status_code == 400
    assert lines(logs) == []


@pytest.mark.usefixtures("no_lines_yet")
def test_rows_before_a_time_are_left_out(client: TestClient, project: Project, logs: Path) -> None:
    ask(client, project.data.holdout.head(5))
    known = reference.of_champion(project.layout)
    later = (datetime.now(UTC) + timedelta(hours=1)).isoformat()
    read, _ = reference.logged(logs.glob(log.FILES), known, latest=2000, since=later)
    assert read.empty
    newest, _ = reference.logged(logs.glob(log.FILES), known, latest=2, since="")
    assert len(newest) == 2
