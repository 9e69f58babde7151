"""The base image: its recipe, its tar in the cache, and real builds on it."""

from __future__ import annotations

import os
import shutil
import subprocess
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from mldeploy.errors import FailedError
from mldeploy.ui import Ui
from tests.lab import base_image
from tests.lab.daemon import program
from tests.lab.machine import Machine

if TYPE_CHECKING:
    import docker

BUILDS = """\
FROM python:3.11-slim-bookworm AS builder
LABEL mldeploy-lab.test=1
RUN python -m pip install --no-cache-dir uv
RUN uv venv --python /usr/local/bin/python /opt/venv
RUN uv pip install --python /opt/venv/bin/python click
FROM python:3.11-slim-bookworm
LABEL mldeploy-lab.test=1
COPY --from=builder /opt/venv /opt/venv
CMD ["/opt/venv/bin/python", "-c", "import click, sys; print(sys.version_info[:2])"]
"""


def test_the_recipe_is_of_what_is_in_it() -> None:
    plain, company = Machine({}), Machine({}, bundle="certificate")

    assert base_image.recipe(plain) == base_image.recipe(Machine({"PIP_CERT": "x"}))
    assert base_image.recipe(plain) != base_image.recipe(company)


def test_values_are_quoted_for_the_import() -> None:
    machine = Machine({"NO_PROXY": 'a b"c$d'})

    changes = base_image.changes(machine, {"lab": "1"})

    assert 'ENV NO_PROXY="a b\\"c\\$d"' in changes
    assert 'LABEL lab="1"' in changes


def fake_mmdebstrap(folder: Path, script: str, patch: pytest.MonkeyPatch) -> None:
    """A program of this name that comes first on the PATH; ``$tar`` is what it should make."""
    programs = {
        "mmdebstrap": 'for word; do case "$word" in */root.tar) tar=$word;; esac; done\n' + script,
        "apt-get": "echo Debian Debian main http://mirror.invalid/debian",
    }
    for name, lines in programs.items():
        program = folder / "programs" / name
        program.parent.mkdir(exist_ok=True)
        program.write_text(f"#!/bin/sh\n{lines}\n")
        program.chmod(0o755)
    patch.setenv("PATH", f"{folder / 'programs'}:{os.environ['PATH']}")
    patch.setattr(base_image, "CONTAINED", ())  # namespaces need root


def test_a_tar_is_made_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fake_mmdebstrap(tmp_path, 'echo whole > "$tar"', monkeypatch)
    cache = tmp_path / "cache"

    tar = base_image.root_file_system(Machine({}), cache, Ui())
    made = tar.stat().st_ino

    assert tar.read_text() == "whole\n"
    assert base_image.root_file_system(Machine({}), cache, Ui()).stat().st_ino == made
    assert list(cache.iterdir()) == [tar]


def test_packages_come_from_where_the_machine_gets_its_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fake_mmdebstrap(tmp_path, 'echo "$@" > "$tar"', monkeypatch)

    tar = base_image.root_file_system(Machine({}), tmp_path / "cache", Ui())

    assert tar.read_text().rstrip().endswith("root.tar http://mirror.invalid/debian")


def test_another_bundle_makes_another_and_drops_the_old(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fake_mmdebstrap(tmp_path, 'cat "$LAB_BUNDLE" > "$tar"', monkeypatch)
    cache = tmp_path / "cache"
    base_image.root_file_system(Machine({}, bundle="old"), cache, Ui())

    tar = base_image.root_file_system(Machine({}, bundle="new"), cache, Ui())

    assert tar.read_text() == "new"
    assert list(cache.iterdir()) == [tar]


def test_a_failure_half_way_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fake_mmdebstrap(tmp_path, 'echo half > "$tar"; echo no network; exit 1', monkeypatch)
    cache = tmp_path / "cache"

    with pytest.raises(FailedError) as caught:
        base_image.root_file_system(Machine({}), cache, Ui())

    assert caught.value.code == "lab-bootstrap-failed"
    assert "no network" in caught.value.detail
    assert list(cache.iterdir()) == []


def test_what_a_killed_start_left_goes_with_the_next(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fake_mmdebstrap(tmp_path, 'echo whole > "$tar"', monkeypatch)
    cache = tmp_path / "cache"
    (cache / "unfinished-x1").mkdir(parents=True)
    (cache / "unfinished-x1" / "root.tar").write_text("half")

    tar = base_image.root_file_system(Machine({}), cache, Ui())

    assert list(cache.iterdir()) == [tar]


@pytest.mark.docker
def test_python_is_where_the_official_image_has_it(docker_client: docker.DockerClient) -> None:
    tried = "python -c 'import sys; print(sys.version_info[:2])' && which python python3 pip"
    said = docker_client.containers.run(base_image.NAME, ["sh", "-c", tried], remove=True)

    assert said.decode().split("\n") == [
        "(3, 11)",
        *(f"/usr/local/bin/{name}" for name in ("python", "python3", "pip")),
        "",
    ]


@pytest.mark.docker
@pytest.mark.slow
@pytest.mark.network
@pytest.mark.timeout(300)
def test_pip_and_uv_work_in_a_classic_build(docker_client: docker.DockerClient) -> None:
    image, _ = docker_client.images.build(
        fileobj=BytesIO(BUILDS.encode()), tag="mldeploy-lab-test:classic", rm=True, forcerm=True
    )
    try:
        said = docker_client.containers.run(image, remove=True)
        assert said == b"(3, 11)\n"
    finally:
        docker_client.images.remove("mldeploy-lab-test:classic")
        docker_client.images.prune(filters={"label": "mldeploy-lab.test=1"})  # the first stage


@pytest.mark.docker
@pytest.mark.slow
@pytest.mark.network
@pytest.mark.timeout(300)
def test_pip_and_uv_work_in_a_buildkit_build(docker_client: docker.DockerClient) -> None:
    command = [buildkit_client(), "build", "--quiet", "--tag", "mldeploy-lab-test:buildkit", "-"]
    subprocess.run(
        command,
        input=BUILDS.encode(),
        env=os.environ | {"DOCKER_BUILDKIT": "1"},
        check=True,
        capture_output=True,
        timeout=280,
    )
    try:
        said = docker_client.containers.run("mldeploy-lab-test:buildkit", remove=True)
        assert said == b"(3, 11)\n"
    finally:
        docker_client.images.remove("mldeploy-lab-test:buildkit")


def buildkit_client() -> str:
    """Debian's own client has BuildKit in it; a newer one elsewhere may lack the plug-in."""
    debians = Path("/usr/bin/docker")
    return str(debians) if debians.exists() else shutil.which("docker") or program("docker")


def test_the_hook_gives_the_bundle_to_the_root(tmp_path: Path) -> None:
    root, bundle = tmp_path / "root", tmp_path / "bundle.pem"
    for folder in ("usr/local/bin", "etc/ssl/certs", "usr/lib/python3.11"):
        (root / folder).mkdir(parents=True)
    (root / "usr/lib/python3.11/EXTERNALLY-MANAGED").touch()
    bundle.write_text("certificate")
    hook = ["sh", "-c", base_image.IN_THE_ROOT, "hook", str(root)]

    subprocess.run(hook, env={**os.environ, "LAB_BUNDLE": str(bundle)}, check=True, timeout=30)

    assert (root / "etc/ssl/certs/ca-certificates.crt").read_text() == "certificate"
    assert (root / "usr/local/bin/python").readlink() == Path("/usr/bin/python3.11")
    assert not (root / "usr/lib/python3.11/EXTERNALLY-MANAGED").exists()
