"""A rented machine that boots: its way in is there, and gone for a moment, and there again."""

from __future__ import annotations

from pathlib import Path

import pytest

from mldeploy import config
from mldeploy.errors import FailedError
from mldeploy.machines.rented import FRESH_SECONDS, RentedMachine
from mldeploy.project import Project
from mldeploy.providers import clock
from mldeploy.providers.base import Owner
from mldeploy.providers.boot import Boot
from mldeploy.providers.fake import Fake
from mldeploy.providers.fake.settings import FakeTarget
from tests.conftest import SETTINGS


class Door:
    """Closed for so many attempts, with this code."""

    def __init__(self, closed: int, code: str = "ssh-refused") -> None:
        self.closed = closed
        self.code = code
        self.attempts = 0

    def __call__(self) -> None:
        self.attempts += 1
        if self.attempts <= self.closed:
            raise FailedError(self.code, what="It is closed.", why="A test.", do="wait")


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> RentedMachine:
    """One that boots, in a time that passes by sleeping alone."""
    passed = [0.0]
    monkeypatch.setattr(clock, "monotonic", lambda: passed[0])
    monkeypatch.setattr(clock, "sleep", lambda seconds: passed.append(passed.pop() + seconds))
    (tmp_path / "mldeploy.toml").write_text(SETTINGS)
    target = FakeTarget()
    project = Project(tmp_path, config.load(tmp_path / "mldeploy.toml"))
    found = RentedMachine(project, "cloud", target)
    found.boot = Boot(Fake(target), Owner("a", "cloud"))
    return found


def test_a_first_boot_may_start_sshd_once_more(machine: RentedMachine) -> None:
    door = Door(closed=3)

    machine._once_it_lets_in(door)

    assert door.attempts == 4


def test_one_that_stays_closed_is_said_after_a_minute(machine: RentedMachine) -> None:
    with pytest.raises(FailedError, match="It is closed"):
        machine._once_it_lets_in(Door(closed=10_000))

    assert FRESH_SECONDS <= clock.monotonic() < FRESH_SECONDS + 5


def test_a_key_that_is_refused_is_not_tried_again(machine: RentedMachine) -> None:
    door = Door(closed=1, code="ssh-denied")

    with pytest.raises(FailedError):
        machine._once_it_lets_in(door)

    assert door.attempts == 1


def test_a_machine_that_runs_already_is_asked_once(machine: RentedMachine) -> None:
    machine.boot = None
    door = Door(closed=1)

    with pytest.raises(FailedError):
        machine._once_it_lets_in(door)

    assert door.attempts == 1
