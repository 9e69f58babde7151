"""`mldeploy image` on the image of a real project."""

from __future__ import annotations

import tarfile
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.conftest import Workplace, copy_of, free_port

if TYPE_CHECKING:
    import docker

    from tests.lab.fixtures import Projects

pytestmark = [
    pytest.mark.docker,
    pytest.mark.slow,
    pytest.mark.network,
    pytest.mark.timeout(600),
]


@pytest.fixture(scope="module")
def place(
    trained: Path,
    docker_projects: Projects,
    docker_client: docker.DockerClient,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Workplace]:
    """A trained project with a release and its image; nothing of it runs."""
    from mldeploy import build, project
    from mldeploy.images.build import ensure
    from mldeploy.images.ingredients import collect
    from mldeploy.images.recipe import steps
    from mldeploy.ui import Ui

    root = copy_of(trained, tmp_path_factory.mktemp("look") / "docs")
    settings = root / "mldeploy.toml"
    name = docker_projects.new()
    text = settings.read_text().replace('name = "function-docs"', f'name = "{name}"')
    settings.write_text(text + f'\n[targets.box]\nkind = "docker"\nport = {free_port()}\n')
    here = project.find(root)
    here.make_state()
    ensure(docker_client, steps(collect(here, "box", None, build.build(here, Ui()))), Ui())
    yield Workplace(root, free_port())
    for image in docker_client.images.list(filters={"label": f"mldeploy.project={name}"}):
        docker_client.images.remove(str(image.id), force=True)


def test_layers_and_packages_are_measured(place: Workplace) -> None:
    done = place.mldeploy("image", "box", "--json")

    assert done.code == 0, done.stderr
    layers = {one["layer"]: one for one in done.json["layers"]}
    assert sum(one["bytes"] for one in layers.values()) == done.json["bytes"]
    names = [part["name"].split()[0] for part in layers["dependencies"]["parts"]]
    assert names[0] == "onnxruntime"
    assert "bentoml" in names
    inside = sum(part["bytes"] for part in layers["dependencies"]["parts"])
    assert 0.9 < inside / layers["dependencies"]["bytes"] < 1.05
    assert "model.onnx" in [part["name"] for part in layers["model"]["parts"]]
    assert layers["code"]["bytes"] < 2_000_000
    assert done.json["findings"] == []


def test_it_reads_as_a_table(place: Workplace) -> None:
    said = place.mldeploy("image", "box").stdout

    assert "dependencies" in said
    assert "onnxruntime" in said
    assert "nothing here is out of place" in said


def test_the_recipe_comes_with_all_that_it_copies(
    place: Workplace, docker_client: docker.DockerClient, tmp_path: Path
) -> None:
    shown = place.mldeploy(
        "image", "box", "--dockerfile", "--context", str(tmp_path / "context.tar")
    )

    with tarfile.open(tmp_path / "context.tar") as archive:
        inside = archive.extractfile("Dockerfile")
        assert inside is not None
        assert inside.read().decode().rstrip() == shown.stdout.rstrip()
        for word in shown.stdout.split():
            if word in ("model/", "app/", "uv.txt", "requirements.txt"):
                archive.getmember(word.rstrip("/"))


def test_without_an_image_it_names_what_makes_one(place: Workplace) -> None:
    settings = place.root / "mldeploy.toml"
    settings.write_text(settings.read_text() + '\n[targets.other]\nkind = "docker"\n')

    done = place.mldeploy("image", "other")

    assert done.code == 1
    assert "do: mldeploy up other" in done.stderr


def test_a_target_that_is_a_process_has_none(place: Workplace) -> None:
    done = place.mldeploy("image", "local")

    assert done.code == 2
    assert 'kind = "docker"' in done.stderr
