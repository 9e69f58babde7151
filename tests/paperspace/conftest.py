"""What the stand-in's own tests share."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.paperspace.asks import Asks, asks
from tests.paperspace.standin import Paperspace


@pytest.fixture
def ask(paperspace: Paperspace) -> Iterator[Asks]:
    with asks(paperspace) as client:
        yield client
