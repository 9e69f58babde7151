"""The images of a job on the real engine: what is built when, and that what a job may type works
in them without a network; and the same in an environment of this machine."""

from __future__ import annotations

import os
import secrets
import shutil
import subprocess
from collections.abc import Iterator
from ipaddress import ip_network
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from mldeploy import project as projects
from mldeploy.errors import MldeployError
from mldeploy.images import build, buildkit, context, training
from mldeploy.images.build import ensure, files_of
from mldeploy.images.output import Output
from mldeploy.images.recipe import ImageStep
from mldeploy.jobs import environment
from mldeploy.jobs.code import Code, collect
from mldeploy.jobs.spec import Task
from mldeploy.ui import Ui
from tests.conftest import copy_of
from tests.engines import image_index
from tests.engines.image_index import Index

if TYPE_CHECKING:
    import docker

pytestmark = [
    pytest.mark.docker,
    pytest.mark.slow,
    pytest.mark.network,
    pytest.mark.timeout(600),
]

SETTINGS = """\
[project]
name = "{name}"
[targets.docker]
kind = "docker"
[jobs.train]
command = "make train"
"""
PYPROJECT = """\
[project]
name = "tiny-job"
version = "1.2"
description = "A job"
requires-python = ">=3.11"
[project.scripts]
tiny-job = "tiny_job.train:main"
[build-system]
requires = ["uv_build"]
build-backend = "uv_build"
"""
TRAIN = """\
import os, sys, tiny
from importlib.metadata import metadata


def main():
    open("written", "w").write("here")
    print(sys.prefix, os.getuid(), tiny.ANSWER, metadata("tiny-job")["Summary"])


if __name__ == "__main__":
    main()
"""
SAYS = "/opt/venv 10001 42 A job\n"


class Job:
    """A small project, its code, and the images of that."""

    def __init__(self, root: Path, client: docker.DockerClient) -> None:
        self.root = root
        self.client = client

    @property
    def code(self) -> Code:
        return collect(self.root)

    @property
    def project(self) -> projects.Project:
        return projects.find(self.root)

    def steps(self, base: str | None = None) -> tuple[ImageStep, ...]:
        task = Task(command="make train", requirements="needs.txt", python="3.11", base=base)
        return training.steps(self.project, self.code, task, os.environ)

    def make(self, base: str | None = None) -> build.Built:
        return ensure(self.client, self.steps(base), Ui())

    def run(self, *words: str, tag: str = "") -> str:
        """What a command says in a container without a network."""
        said: bytes = self.client.containers.run(
            tag or self.steps()[-1].tag, list(words), remove=True, network_mode="none"
        )
        return said.decode()

    def write(self, name: str, text: str, mode: int = 0o644) -> None:
        place = self.root / name
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text(text)
        place.chmod(mode)

    def forget(self) -> list[str]:
        return training.forget_code_images(self.client, self.project.config.project.name)


@pytest.fixture(scope="module")
def packages(docker_client: docker.DockerClient) -> Iterator[Index]:
    """A package index where the containers of a build find it; what is asked for is given."""
    network = docker_client.networks.get("bridge").attrs["IPAM"]["Config"][0]["Subnet"]
    with image_index.index(str(next(ip_network(network).hosts()))) as served:
        served.given.set()
        yield served


@pytest.fixture(scope="module")
def job(
    docker_client: docker.DockerClient, packages: Index, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Job]:
    made = Job(tmp_path_factory.mktemp("job"), docker_client)
    made.write("mldeploy.toml", SETTINGS.format(name=f"job-{secrets.token_hex(4)}"))
    made.write("pyproject.toml", PYPROJECT)
    made.write("src/tiny_job/__init__.py", "")
    made.write("src/tiny_job/train.py", TRAIN)
    made.write("Makefile", "train:\n\t@uv run --quiet tiny-job\n")
    made.write("run.sh", "#!/bin/sh\nexec tiny-job\n", 0o755)
    url = packages.url.rpartition("@")[2].replace("/simple", f"/{image_index.WHEEL}")
    made.write("needs.txt", f"tiny @ http://{url}\n# {secrets.token_hex(8)}\n")
    made.write("faces.npy", "0" * (training.LARGE + 1))
    made.write("notes.txt", secrets.token_hex(8))
    assert made.make().made[-3:] == ("packages", "files", "code")
    yield made
    made.forget()


@pytest.mark.parametrize(
    "words",
    [
        "make train",
        "uv run tiny-job",
        "uv run src/tiny_job/train.py",
        "uv run python -m tiny_job.train",
        "python src/tiny_job/train.py",
        "tiny-job",
        "./run.sh",
    ],
)
def test_all_that_one_types_uses_what_was_installed(words: str, job: Job) -> None:
    assert job.run("sh", "-c", words) == SAYS


def test_what_is_there_is_not_built_again(job: Job) -> None:
    assert job.make().made == ()


def test_a_change_of_code_builds_the_code_alone(job: Job) -> None:
    job.write("notes.txt", secrets.token_hex(8))

    assert job.make().made == ("code",)


def test_a_job_owns_its_code_its_outputs_and_may_install_more(job: Job) -> None:
    show = "touch faces.npy new outputs /output/a /floyd/home/b && pip list 2>/dev/null"

    assert "tiny" in job.run("sh", "-c", show)


def test_a_base_with_packages_of_its_own_keeps_them(job: Job) -> None:
    """Debian's pip stands for the PyTorch of a base image that brings one."""
    built = job.make("python:3.11-slim-bookworm")

    assert job.run("make", "train", tag=built.tag) == SAYS
    assert "dist-packages" in job.run("python", "-c", "import pip; print(pip)", tag=built.tag)
    assert "dist-packages" not in job.run("sh", "-c", "python -c 'import pip' 2>&1 || true")


def test_buildkit_makes_the_same_of_it(job: Job, monkeypatch: pytest.MonkeyPatch) -> None:
    job.write("needs.txt", (job.root / "needs.txt").read_text() + f"# {secrets.token_hex(8)}\n")
    for step in job.steps():
        output = Output(step.role, lambda _: None)
        told = build.arguments(step, os.environ)
        buildkit.build(step.tag, context.stream(files_of(step)), told, output, 300)
        assert output.failed == ""

    assert job.run("make", "train") == SAYS
    assert job.run("./run.sh") == SAYS
    assert job.make().made == ()


def test_the_password_of_an_index_is_used_and_kept_nowhere(
    job: Job, packages: Index, docker_client: docker.DockerClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("UV_INDEX", packages.url)
    packages.credentials.clear()
    kept = (job.root / "needs.txt").read_text()
    job.write("needs.txt", f"tiny==1.0\n# {secrets.token_hex(8)}\n")
    try:
        job.make()

        assert any(each.startswith("Basic ") for each in packages.credentials)
        assert job.run("make", "train") == SAYS
        for step in job.steps():
            image = docker_client.images.get(step.tag)
            assert "planted-password" not in str(image.attrs) + str(image.history())
    finally:
        job.write("needs.txt", kept)


def test_debian_out_of_reach_is_told_with_what_to_type(
    job: Job, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")
    monkeypatch.setattr("mldeploy.images.training.INSTALLER", job.root / "uv.txt")
    pinned = (Path(training.__file__).parent / "uv.txt").read_text()
    job.write("uv.txt", f"{pinned}# {secrets.token_hex(8)}\n")
    try:
        with pytest.raises(MldeployError) as caught:
            job.make()
    finally:
        (job.root / "uv.txt").unlink()

    assert caught.value.code == "no-debian-packages"
    assert "mldeploy run" in caught.value.do


def test_code_that_is_forgotten_takes_with_it_what_stood_under_it_alone(
    job: Job, docker_client: docker.DockerClient
) -> None:
    job.write("notes.txt", secrets.token_hex(8))
    old = job.steps()[-1].tag
    job.make()
    job.write("notes.txt", secrets.token_hex(8))
    built = job.make()

    name = job.project.config.project.name
    removed = training.forget_code_images(docker_client, name, keep=(built.tag,))

    assert f"image {old}" in removed
    assert f"image {built.tag}" not in removed
    assert job.make().made == ()


def test_the_newest_code_is_kept_for_a_job_that_is_run_again(
    job: Job, docker_client: docker.DockerClient
) -> None:
    tags = []
    for _ in range(training.NEWEST + 1):
        job.write("notes.txt", secrets.token_hex(8))
        tags.append(job.make().tag)

    removed = training.forget_old_code(docker_client, job.project.config.project.name)

    assert f"image {tags[0]}" in removed
    assert not {f"image {tag}" for tag in tags[1:]} & set(removed)
    assert training.forget_old_code(docker_client, job.project.config.project.name) == []


# A project of the template


def test_a_generated_project_trains_in_its_image_and_in_its_environment(
    trained: Path, tmp_path: Path, docker_client: docker.DockerClient
) -> None:
    root = copy_of(trained, tmp_path / "function-docs")
    settings = root / "mldeploy.toml"
    name = f"job-{secrets.token_hex(4)}"
    settings.write_text(settings.read_text().replace('name = "function-docs"', f'name = "{name}"'))
    for made in ("mlruns", "mlflow.db", "models", "MODEL_CARD.md", "docs"):
        path = root / made
        shutil.rmtree(path) if path.is_dir() else path.unlink(missing_ok=True)
    job = Job(root, docker_client)
    steps = training.steps(job.project, job.code, None, os.environ)
    try:
        ensure(docker_client, steps, Ui())
        assert "version 1" in job.run("make", "train", tag=steps[-1].tag)
    finally:
        job.forget()

    code = tmp_path / "code"
    for file in job.code.files:
        (code / file.name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(file.path, code / file.name)
    interpreter = training.environment_here(job.project, code, None, Ui())
    assert training.environment_here(job.project, code, None, Ui()) == interpreter
    without_network = ["unshare", "--net", "make", "train"]
    own = os.environ | environment.settings(interpreter, code)
    done = subprocess.run(
        without_network, cwd=code, env=own, capture_output=True, text=True, timeout=300, check=False
    )
    assert "version 1" in done.stdout, done.stdout + done.stderr
    assert not (code / ".venv").exists()
