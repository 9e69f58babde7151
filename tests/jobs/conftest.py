from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.jobs.bench import Bench, end_what_runs, small_project


@pytest.fixture
def bench(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Bench]:
    """A project of a test's own; what it left running ends with it."""
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "share"))
    made = small_project(tmp_path / "counting")
    yield made
    end_what_runs(made)
