"""The whole story on a machine at Paperspace, as typed: the stand-in's machines are real ones."""

from __future__ import annotations

import os
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import Workplace
from tests.paperspace.standin import Paperspace, standin

pytestmark = [
    pytest.mark.docker,
    pytest.mark.slow,
    pytest.mark.timeout(600),
    pytest.mark.skipif(os.geteuid() != 0, reason="a machine's disk is mounted: needs root"),
]
TARGET = """
[targets.paperspace]
kind = "paperspace"
machine_type = "C5"
ttl = "1h"
max_price = 0.10
"""


@pytest.fixture
def cloud(
    workplace: Workplace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Paperspace]:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    settings = workplace.root / "mldeploy.toml"
    settings.write_text(settings.read_text() + TARGET)
    with standin(machines=True) as found:
        for name, value in found.environment.items():
            monkeypatch.setenv(name, value)
        yield found
        workplace.end_commands()
        assert found.trouble == []


def test_from_plan_to_receipt(workplace: Workplace, cloud: Paperspace) -> None:
    def must(*words: str) -> dict[str, Any]:
        done = workplace.mldeploy(*words, "--json", "--yes", timeout=400)
        assert done.code == 0, done.stdout + done.stderr
        return done.json

    plan = must("plan", "paperspace")
    assert cloud.ours == []

    up = must("up", "paperspace")
    answer = must("predict", "paperspace")
    must("extend", "paperspace", "2h")
    status = must("status", "paperspace")
    (script,) = cloud.scripts
    secrets = [each for each in (cloud.key, "PRIVATE KEY") if each in script.text]
    down = must("down", "paperspace")

    assert (plan["price_per_hour"], plan["price_until_end"]) == ("0.0868", "0.09")
    assert any("API key" in line for line in plan["creates"])
    assert answer["release"] == up["release"] == status["release"]
    assert up["price_per_hour"] == "0.0868"
    assert status["expires_at"] > up["expires_at"]
    assert secrets == []
    assert down["left"] == []
    (machine,) = down["machines"]
    assert sum(map(Decimal, machine["parts"].values())) == Decimal(machine["cost"])
    assert cloud.ours == []
    assert cloud.bill().running == ()
