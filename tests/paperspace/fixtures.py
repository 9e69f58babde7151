"""The stand-in for tests: an account with nothing in it, which must be left without trouble."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.paperspace.standin import Paperspace


@pytest.fixture
def paperspace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Paperspace]:
    """This process takes it for Paperspace, whoever runs the tests; nobody's files are read."""
    from tests.paperspace.standin import standin

    with standin() as found:
        _lead_to(found, tmp_path, monkeypatch)
        yield found
        assert found.trouble == [], "a good client does none of this"


@pytest.fixture
def paperspace_with_machines(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Paperspace]:
    """Every machine is a container with a login; for tests marked docker."""
    from tests.paperspace.standin import standin

    with standin(machines=True) as found:
        _lead_to(found, tmp_path, monkeypatch)
        yield found
        assert found.trouble == [], "a good client does none of this"


def _lead_to(paperspace: Paperspace, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from tests.paperspace.standin import isolated

    for name in [name for name in os.environ if name.startswith("PAPERSPACE_")]:
        monkeypatch.delenv(name)
    home = folder / "home-of-the-learner"
    home.mkdir()
    for name, value in isolated(paperspace, home).items():
        monkeypatch.setenv(name, value)
