"""`doctor` of a rented machine that really is one: the stand-in's instance is a container."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from mldeploy import config
from mldeploy.doctor import project as project_doctor
from mldeploy.doctor.checks import Check, Finding, examine, mend
from mldeploy.machines.rented import RentedMachine
from mldeploy.project import Project
from mldeploy.ui import Ui
from tests.cloud.cloud import Cloud
from tests.conftest import SETTINGS

pytestmark = [pytest.mark.docker, pytest.mark.slow, pytest.mark.timeout(400)]

TARGET = '[targets.cloud]\nkind = "aws"\nregion = "us-east-1"\nprivate = true\n'


@pytest.fixture
def project(
    cloud_with_machines: Cloud, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Project]:
    for name, value in cloud_with_machines.environment.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    path = tmp_path / "mldeploy.toml"
    path.write_text(f"{SETTINGS}{TARGET}")
    project = Project(tmp_path, config.load(path))
    machine = machine_of(project)
    assert machine.rent(Ui(agreed=True))
    machine.make_ready(Ui(agreed=True))
    yield project
    machine.connection.close()


def machine_of(project: Project) -> RentedMachine:
    return RentedMachine(project, *project.config.target("cloud"))  # type: ignore[arg-type]


def of_the_machine(project: Project) -> list[Check]:
    """From the question whether there is one up to Docker on it: what a project needs is not."""
    found = project_doctor.checks(project, *project.config.target("cloud"))
    names = [one.name for one in found]
    return found[names.index("machine") : names.index("capacity")] + [
        one for one in found if one.name == "lifetime"
    ]


def severities(findings: list[Finding]) -> dict[str, str]:
    return {one.check: one.severity for one in findings}


def test_a_machine_is_looked_at_from_the_way_to_it_up_to_its_end(
    project: Project, cloud_with_machines: Cloud, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = examine(of_the_machine(project))
    assert {one.severity for one in first} <= {"ok", "warning"}, first
    assert severities(first)["lifetime"] == "ok"

    # From another address nobody reaches it, until the fix lets that in.
    cloud_with_machines.called_from("198.51.100.9")
    checks = of_the_machine(project)
    from_elsewhere = examine(checks)
    assert severities(from_elsewhere)["reachable"] == "error"
    after = mend(checks, from_elsewhere, Ui())
    assert {one.severity for one in after} <= {"ok", "warning"}, after

    # Another laptop has no key for it, until the fix lets one of its own in.
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "another"))
    checks = of_the_machine(project)
    without_key = examine(checks)
    assert severities(without_key)["login"] == "error"
    after = mend(checks, without_key, Ui())
    assert {one.severity for one in after} <= {"ok", "warning"}, after
