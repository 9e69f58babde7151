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
    from tests.paperspace.standin import isolated, standin

    for name in [name for name in os.environ if name.startswith("PAPERSPACE_")]:
        monkeypatch.delenv(name)
    home = tmp_path / "home-of-the-learner"
    home.mkdir()
    with standin() as found:
        for name, value in isolated(found, home).items():
            monkeypatch.setenv(name, value)
        yield found
        assert found.trouble == [], "a good client does none of this"
