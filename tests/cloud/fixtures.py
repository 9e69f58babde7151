"""The stand-in for tests: one server a module, an empty account for every test."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.cloud.cloud import Cloud


@pytest.fixture(scope="module")
def cloud_server() -> Iterator[Cloud]:
    """Imported here: moto takes two seconds, which tests without a cloud do not pay."""
    from tests.cloud.cloud import Cloud

    cloud = Cloud()
    yield cloud
    cloud.close()


@pytest.fixture
def cloud(cloud_server: Cloud) -> Iterator[Cloud]:
    """An account with nothing in it, and nothing wrong; instances exist in the API alone."""
    cloud_server.reset()
    yield cloud_server
    cloud_server.reset()


@pytest.fixture
def cloud_with_machines(cloud: Cloud) -> Iterator[Cloud]:
    """Every instance is a container with a login; for tests marked docker."""
    cloud.attach_machines()
    yield cloud
    cloud.detach_machines()
