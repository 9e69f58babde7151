"""The stand-in for tests: one server a module, an empty account for every test."""

from __future__ import annotations

import os
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
def as_learner(cloud: Cloud, monkeypatch: pytest.MonkeyPatch) -> Cloud:
    """This process's own boto3 takes the stand-in for AWS, whoever runs the tests."""
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        monkeypatch.delenv(name)
    for name, value in cloud.environment.items():
        monkeypatch.setenv(name, value)
    return cloud


@pytest.fixture
def cloud_with_machines(cloud: Cloud) -> Iterator[Cloud]:
    """Every instance is a container with a login; for tests marked docker."""
    cloud.attach_machines()
    yield cloud
    cloud.detach_machines()
