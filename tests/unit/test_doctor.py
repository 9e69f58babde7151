"""Checks: none stops the others, what needs a failed one is skipped, and fixes are looked at."""

from __future__ import annotations

import os
import stat
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from mldeploy import config
from mldeploy.doctor import project as doctor
from mldeploy.doctor.checks import Check, Finding, Fix, examine, mend, ok
from mldeploy.errors import FailedError
from mldeploy.project import Project
from mldeploy.ui import Ui
from tests.conftest import SETTINGS

GONE = FailedError("gone", what="It is gone.", why="Somebody took it.", do="bring it back")


def raising(error: Exception) -> Finding:
    raise error


def test_none_stops_the_others_and_an_error_of_ours_is_a_finding() -> None:
    findings = examine(
        [
            Check("first", lambda: raising(GONE)),
            Check("second", lambda: ok("second", "is well")),
        ]
    )

    assert findings == [
        Finding("first", "error", "It is gone. Somebody took it.", "bring it back"),
        Finding("second", "ok", "is well"),
    ]


def test_what_needs_a_failed_check_is_not_looked_at() -> None:
    looked: list[str] = []

    def look(name: str) -> Finding:
        looked.append(name)
        return ok(name, "")

    findings = examine(
        [
            Check("engine", lambda: raising(GONE)),
            Check("disk", lambda: look("disk"), needs="engine"),
            Check("deeper", lambda: look("deeper"), needs="disk"),
            Check("other", lambda: look("other")),
        ]
    )

    assert [one.severity for one in findings] == ["error", "skipped", "skipped", "ok"]
    assert looked == ["other"]


def test_a_warning_keeps_nothing_from_being_looked_at() -> None:
    warned = Check("engine", lambda: Finding("engine", "warning", "old", "update it"))

    findings = examine([warned, Check("disk", lambda: ok("disk", ""), needs="engine")])

    assert [one.severity for one in findings] == ["warning", "ok"]


@dataclass
class Lamp:
    """Something that can be mended."""

    on: bool = False
    breaks: bool = False
    looked: int = 0
    applied: list[str] = field(default_factory=list)

    def check(self) -> Check:
        return Check("lamp", self.look)

    def look(self) -> Finding:
        self.looked += 1
        if self.on:
            return ok("lamp", "it is on")
        return Finding("lamp", "warning", "it is off", "press", Fix("switch it on", self.apply))

    def apply(self, _: Ui) -> None:
        self.applied.append("on")
        if self.breaks:
            raise GONE
        self.on = True


def test_a_fix_is_applied_once_and_its_check_looked_at_again() -> None:
    lamp, looked_at_once = Lamp(), Lamp(on=True)
    checks = [lamp.check(), Check("other", looked_at_once.look)]

    findings = mend(checks, examine(checks), Ui())

    assert findings == [ok("lamp", "it is on"), ok("lamp", "it is on")]
    assert lamp.applied == ["on"]
    assert (lamp.looked, looked_at_once.looked) == (2, 1)


def test_a_fix_that_fails_says_why() -> None:
    lamp = Lamp(breaks=True)

    (found,) = mend([lamp.check()], examine([lamp.check()]), Ui())

    assert found == Finding("lamp", "error", "It is gone. Somebody took it.", "bring it back")


def test_a_finding_as_json_says_what_its_fix_would_do() -> None:
    found = Lamp().look()

    assert found.as_dict() == {
        "check": "lamp",
        "severity": "warning",
        "message": "it is off",
        "remedy": "press",
        "fix": "switch it on",
    }


# Secrets of a target, which every kind may have


def found_for(root: Path, secrets: str) -> Finding:
    path = root / "mldeploy.toml"
    path.write_text(f"{SETTINGS}[targets.local.secrets]\n{secrets}\n")
    project = Project(root, config.load(path))
    (check,) = (
        one
        for one in doctor.checks(project, *project.config.target("local"))
        if one.name == "secrets"
    )
    return examine([check])[0]


def test_secrets_that_can_be_had_are_named_and_commands_are_not_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MY_TOKEN", "swordfish")

    found = found_for(tmp_path, 'A = "env:MY_TOKEN"\nB = "command:touch asked"')

    assert found == ok("secrets", "found: A; not asked: B")
    assert not (tmp_path / "asked").exists()


@pytest.mark.parametrize(
    ("secrets", "message"),
    [
        ('A = "env:NO_SUCH_VARIABLE"', "no such variable"),
        ('A = "file:secrets/none"', "No such file"),
        ('A = "command:no-such-program show"', "no-such-program"),
    ],
)
def test_secrets_that_can_not_be_had_are_errors(secrets: str, message: str, tmp_path: Path) -> None:
    found = found_for(tmp_path, secrets)

    assert found.severity == "error"
    assert message in found.message
    assert found.remedy
    assert "swordfish" not in str(found)


def test_a_secret_that_others_may_read_is_closed_by_the_fix(tmp_path: Path) -> None:
    token = tmp_path / "token"
    token.write_text("swordfish")
    token.chmod(0o644)

    found = found_for(tmp_path, 'A = "file:token"')

    assert found.severity == "warning"
    assert found.remedy == f"chmod 600 {token}"
    assert found.fix is not None
    found.fix.apply(Ui())
    assert stat.S_IMODE(os.stat(token).st_mode) == 0o600  # noqa: PTH116 - what the kernel says
    assert found_for(tmp_path, 'A = "file:token"').severity == "ok"


def test_what_was_not_looked_at_is_looked_at_once_the_way_is_free() -> None:
    done: list[str] = []

    def door() -> Finding:
        if "open" in done:
            return ok("door", "it is open")
        return Finding("door", "error", "it is shut", "open it", Fix("open", opened))

    def opened(_: Ui) -> None:
        done.append("open")

    checks = [Check("door", door), Check("room", lambda: ok("room", "is tidy"), needs="door")]

    found = mend(checks, examine(checks), Ui())

    assert [(one.check, one.severity) for one in found] == [("door", "ok"), ("room", "ok")]
