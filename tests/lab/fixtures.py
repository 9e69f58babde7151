"""What tests on a real engine share: the client, names of their own, and a look at what they left.

The engine may be used by others at the same time, so a test's objects are known by a project name
that only this test run has, or by a project folder below the run's own temporary folder.
"""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from mldeploy.errors import RefusedError
from mldeploy.ui import Ui
from tests.lab import engine as lab
from tests.lab import hosts
from tests.lab.host import Host
from tests.lab.laptop import Laptop
from tests.lab.small_engine import SmallEngine, small_engine

if TYPE_CHECKING:
    import docker

START_IT = "python -m tests.lab engine"
HOST_DISK = 4 * 1024**3  # a sparse file: it takes what is written
PROJECT, FOLDER = "mldeploy.project", "mldeploy.folder"


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> None:
    """Without an engine the tests that need one are skipped; in CI there is one, or they fail."""
    if item.get_closest_marker("docker") is None:
        return
    if reason := why_no_engine():
        if os.environ.get("MLDEPLOY_CI"):
            pytest.fail(reason, pytrace=False)
        pytest.skip(reason)


@cache
def why_no_engine() -> str:
    """One sentence for who wonders; empty if there is one, with its base images."""
    found = lab.status()
    if found.ready:
        return ""
    lacks = "no Docker engine answers" if found.engine is None else "base images are missing"
    return f"{lacks}; to have them: {START_IT}"


@pytest.fixture(scope="session")
def docker_client() -> Iterator[docker.DockerClient]:
    """A client of the engine that the lab found or started."""
    import docker

    client = docker.from_env(timeout=120)
    yield client
    client.close()


@dataclass
class Projects:
    """The project names of one test module, and where its projects lie."""

    below: Path
    names: list[str] = field(default_factory=list)

    def new(self) -> str:
        """A name that nobody else on this engine has."""
        self.names.append(f"test-{secrets.token_hex(4)}")
        return self.names[-1]

    def own(self, labels: Mapping[str, str] | None) -> bool:
        """Is the thing with these labels ours?"""
        found = labels or {}
        folder = found.get(FOLDER)
        return found.get(PROJECT) in self.names or (
            folder is not None and Path(folder).is_relative_to(self.below)
        )


@pytest.fixture(scope="module")
def docker_projects(
    docker_client: docker.DockerClient, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Projects]:
    """Names for projects; at the module's end nothing of them may be left on the engine."""
    projects = Projects(tmp_path_factory.getbasetemp())
    yield projects
    left = left_of(docker_client, projects)
    remove_left_of(docker_client, projects)
    assert left == [], "these tests left something on the engine (it is removed now)"


@pytest.fixture
def docker_project(docker_projects: Projects) -> str:
    """The name of a project that nobody else on this engine has."""
    return docker_projects.new()


@pytest.fixture(scope="module", autouse=True)
def nothing_is_left(request: pytest.FixtureRequest) -> None:
    """A module with tests on a real engine is looked at, whether it asks for it or not."""
    module = request.node
    items = [item for item in request.session.items if module in item.listchain()]
    if any(item.get_closest_marker("docker") for item in items) and not why_no_engine():
        request.getfixturevalue("docker_projects")


@pytest.fixture(scope="module")
def second_engine() -> Iterator[SmallEngine]:
    """A small engine to fill and to kill, for one module; it is gone afterwards."""
    with ExitStack() as stack:
        try:
            engine = stack.enter_context(small_engine(Ui()))
        except RefusedError as refused:  # not root, not Debian; in CI a skip is a failure
            pytest.skip(f"no second engine: {refused.why}")
        yield engine


@pytest.fixture(scope="module")
def lab_host() -> Iterator[Host]:
    """An SSH host with an engine on a disk of its own, for one module; it is gone afterwards."""
    if os.geteuid() != 0:  # in CI a skip is a failure
        pytest.skip("no SSH host: its disk is mounted, which only root may")
    with hosts.lab_host(Ui(), disk=HOST_DISK) as host:
        yield host


@pytest.fixture
def laptop_home(lab_host: Host, tmp_path: Path) -> Laptop:
    """A home folder from which `ssh box` gets to the module's host."""
    return lab_host.write_laptop(tmp_path / "laptop")


def left_of(client: docker.DockerClient, projects: Projects) -> list[str]:
    """Containers, volumes and networks of these projects, in words."""
    return [f"{kind} {thing.name}" for kind, thing in _things(client, projects)]


def remove_left_of(client: docker.DockerClient, projects: Projects) -> None:
    """Remove them and the images of their releases; images that projects share stay."""
    from docker.errors import APIError

    for kind, thing in _things(client, projects):
        with suppress(APIError):  # gone meanwhile
            thing.remove(**({} if kind == "network" else {"force": True}))
    for image in client.images.list(filters={"label": PROJECT}):
        if projects.own(image.labels):
            with suppress(APIError):
                client.images.remove(image.id or "", force=True)


def _things(client: docker.DockerClient, projects: Projects) -> list[tuple[str, Any]]:
    """Containers first: they hold the others. Read at once, as others change the engine too."""
    label: Any = {"label": PROJECT}
    containers: Any = client.containers.list(all=True, filters=label, ignore_removed=True)
    found = [("container", each) for each in containers]
    found += [("network", each) for each in client.networks.list(filters=label)]
    found += [("volume", each) for each in client.volumes.list(filters=label)]
    return [(kind, thing) for kind, thing in found if projects.own(_labels(thing))]


def _labels(thing: Any) -> Mapping[str, str] | None:
    labels = thing.attrs.get("Labels") or thing.attrs.get("Config", {}).get("Labels")
    found: Mapping[str, str] | None = labels
    return found
