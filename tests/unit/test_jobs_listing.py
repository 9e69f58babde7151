"""Jobs in words."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from mldeploy.config import Config, ProcessTarget, Target
from mldeploy.config import Project as Settings
from mldeploy.jobs import listing, machine_names, shelf
from mldeploy.jobs.record import Job, Order
from mldeploy.project import Project

NOW = datetime(2026, 1, 1, 1, 0, tzinfo=UTC)
JOB = Job(
    id="3-ab12",
    order=Order("make train", "aws", message="first"),
    created="2026-01-01T00:00:00+00:00",
    made_by="me@here",
    state="running",
    began="2026-01-01T00:10:00+00:00",
    machine="i-1",
    machine_type="t3.small",
    price_per_hour="0.0280",
)


@pytest.fixture
def project(tmp_path: Path) -> Project:
    targets: dict[str, Target] = {"local": ProcessTarget()}
    return Project(tmp_path, Config(tmp_path / "mldeploy.toml", Settings(name="a"), targets))


def test_a_running_job_says_what_its_machine_has_cost_so_far(project: Project) -> None:
    text = listing.shown(project, JOB, NOW, [{"name": "r", "metrics": {"loss": 0.25}}])

    assert "about $0.03 so far" in text
    assert "took     50 min on aws" in text
    assert "r: loss 0.25" in text


def test_a_failed_one_shows_its_last_lines_and_how_to_go_on(project: Project) -> None:
    failed = replace(JOB, state="fetched", end="failed", code=7, last=("a", "b"), cost="0.02")

    plain = listing.brief(project, failed, NOW)
    (shelf.place_of(project, JOB.id) / "live").mkdir(parents=True)
    resumable = listing.brief(project, failed, NOW)

    assert "its command ended with 7" in plain
    assert "| b" in plain
    assert "--resume" not in plain
    assert "mldeploy run --from 3 --resume" in resumable
    assert "$0.02 in all" in plain


def test_a_table_leaves_out_columns_that_say_nothing() -> None:
    (headings, row) = listing.text([replace(JOB, order=Order("true", "local"))], NOW).splitlines()

    assert "message" not in headings
    assert "running" in row


def test_a_record_comes_back_as_it_was_written_and_later_fields_are_left_out() -> None:
    told = JOB.as_dict() | {"of a later version": 1}
    told["order"] = dict(told["order"]) | {"also later": 2}

    assert Job.read(told) == JOB


def test_a_machine_is_known_by_its_name() -> None:
    name = machine_names.name_of("my-aws", "3-ab12")

    assert machine_names.target_of(name) == "my-aws"
    assert machine_names.job_of(name) == "3-ab12"
    assert machine_names.job_of("aws-job") is None
