"""`drift` as it is typed: what it prints, and with which code it ends."""

import json
from datetime import datetime
from pathlib import Path

import pandas as pd
import pytest

from fix_finder import cli, paths
from fix_finder.commands.drift import moment
from fix_finder.data.rows import NUMBERS
from fix_finder.data.schema import rows_of
from fix_finder.errors import NothingToCompareError
from fix_finder.model import persist
from fix_finder.model.predict import Predictor
from fix_finder.monitoring import log
from fix_finder.paths import Layout

from ..conftest import Project, needs_a_number


@pytest.fixture
def layout(copied: Layout, monkeypatch: pytest.MonkeyPatch) -> Layout:
    monkeypatch.setattr(paths, "here", lambda: copied)
    monkeypatch.setenv("PARAMS_MONITORING__MINIMUM_ROWS", "50")
    return copied


def asked(project: Project, folder: Path, frame: pd.DataFrame, run_id: str | None = None) -> Path:
    """A log of these rows, as the service would have written it in `folder`."""
    forecaster, about = persist.load_from(project.layout.champion)
    rows = rows_of(frame)
    written = log.Log(True, run_id or about["run_id"])
    written.file = folder / log.FOLDER / "rows-0.jsonl"
    for start in range(0, len(rows), log.ROWS):
        some = rows[start : start + log.ROWS]
        written(some, Predictor(forecaster, about).answer(some).predictions)
    return folder


def drift(*arguments: str) -> int:
    with pytest.raises(SystemExit) as done:
        cli.commands(["drift", *arguments])
    assert isinstance(done.value.code, int)
    return done.value.code


def changed(file: Path) -> None:
    """The same lines, with another first number in each."""
    lines = [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines()]
    shifted = [line | {NUMBERS[0]: float(line[NUMBERS[0]] or 0) + 1e6} for line in lines]
    file.write_text("".join(json.dumps(line) + "\n" for line in shifted), encoding="utf-8")


def test_rows_like_those_of_the_hold_out_are_no_drift(
    project: Project, layout: Layout, capsys: pytest.CaptureFixture[str]
) -> None:
    asked(project, layout.root, project.data.holdout)
    assert drift() == 0
    assert "no drift" in capsys.readouterr().out
    assert layout.drift.read_bytes().startswith(b"\x89PNG")


@needs_a_number
def test_drift_is_named_and_ends_with_code_1(
    project: Project, layout: Layout, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = asked(project, tmp_path / "elsewhere", project.data.holdout)
    changed(folder / log.FOLDER / "rows-0.jsonl")
    assert drift("--log", str(folder)) == 1
    assert f"drift: {NUMBERS[0]}\n" in capsys.readouterr().out


@needs_a_number
def test_the_logs_of_mldeploy_are_found(project: Project, layout: Layout) -> None:
    run = layout.root / ".mldeploy" / "targets" / "local" / "runs" / "20260101T000000-v1"
    asked(project, run, project.data.holdout)
    changed(run / log.FOLDER / "rows-0.jsonl")
    assert drift() == 1


def test_programs_get_json(
    project: Project, layout: Layout, capsys: pytest.CaptureFixture[str]
) -> None:
    asked(project, layout.root, project.data.holdout)
    assert drift("--json") == 0
    facts = json.loads(capsys.readouterr().out)
    assert facts["drifted"] is False
    assert {each["column"] for each in facts["findings"]} >= set(NUMBERS)


@needs_a_number
def test_a_table_can_be_compared_instead(project: Project, layout: Layout, tmp_path: Path) -> None:
    file = tmp_path / "rows.csv"
    project.data.holdout.to_csv(file, index=False)
    assert drift("--csv", str(file)) == 0
    other = project.data.holdout[NUMBERS[0]].astype("float64") + 1e6
    project.data.holdout.assign(**{NUMBERS[0]: other}).to_csv(file, index=False)
    assert drift("--csv", str(file)) == 1


def test_only_rows_since_a_time_are_compared(project: Project, layout: Layout) -> None:
    asked(project, layout.root, project.data.holdout)
    assert drift("--since", "2020-01-01") == 0
    with pytest.raises(NothingToCompareError, match="0 rows are too few"):
        cli.commands(["drift", "--since", "2999-12-31T23:59"])
    assert drift("--since", "yesterday") == 2


def test_a_time_without_a_zone_is_that_of_this_machine() -> None:
    assert moment("2026-05-31T12:00+09:00") == "2026-05-31T03:00:00+00:00"
    here = datetime(2026, 5, 31, 12).astimezone()
    assert moment("2026-05-31 12:00") == moment(here.isoformat())


def test_without_a_log_there_is_nothing_to_compare(layout: Layout) -> None:
    with pytest.raises(NothingToCompareError, match="no log") as error:
        cli.commands(["drift"])
    assert error.value.exit_code == 2


def test_few_rows_are_too_few_to_tell(project: Project, layout: Layout) -> None:
    asked(project, layout.root, project.data.holdout.head(49))
    with pytest.raises(NothingToCompareError, match="49 rows are too few"):
        cli.commands(["drift"])


def test_what_another_model_answered_is_left_out(project: Project, layout: Layout) -> None:
    asked(project, layout.root, project.data.holdout.head(100), run_id="another")
    with pytest.raises(NothingToCompareError, match="100 rows more were answered by other models"):
        cli.commands(["drift"])


def test_without_a_champion_it_says_what_to_do(layout: Layout) -> None:
    (layout.champion / "model.json").unlink()
    with pytest.raises(NothingToCompareError, match="no champion yet"):
        cli.commands(["drift"])


def test_a_table_without_its_columns_is_refused(layout: Layout, tmp_path: Path) -> None:
    file = tmp_path / "rows.csv"
    file.write_text("colour_of_the_sky\nblue\n")
    with pytest.raises(NothingToCompareError, match="cannot be compared"):
        cli.commands(["drift", "--csv", str(file)])
