"""A target's images on the engine: made, found again, read from, removed."""

from __future__ import annotations

from collections.abc import Collection
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from mldeploy import golden
from mldeploy.engines import docker_files
from mldeploy.engines.docker_names import RELEASE, ROLE, Names
from mldeploy.errors import ConfigError
from mldeploy.images import recipe

if TYPE_CHECKING:
    import docker
    from docker.models.images import Image


def images_of(client: docker.DockerClient, names: Names) -> list[Image]:
    """The images of a target's releases."""
    return labelled(client, **names.ours("image"))


def labelled(client: docker.DockerClient, **filters: Any) -> list[Image]:
    """Images by filter. The library's own list fails when somebody removes one meanwhile."""
    import docker

    found = []
    for each in client.api.images(filters=filters):
        with suppress(docker.errors.ImageNotFound):
            found.append(client.images.get(each["Id"]))
    return found


def tag_of(client: docker.DockerClient, names: Names, release: str) -> str:
    """The image of a release; raises ConfigError if it is not on the engine."""
    import docker

    tag = recipe.tag_of(names.project, names.target, release)
    try:
        client.images.get(tag)
    except docker.errors.ImageNotFound as error:
        raise ConfigError(
            "no-such-release",
            what=f"The image of {release} is not on this engine.",
            why=f"There is no {tag}.",
            do=f"mldeploy up {names.target}     (builds the project as it is)",
        ) from error
    return tag


def golden_of(client: docker.DockerClient, names: Names, release: str) -> golden.Golden:
    """The golden requests in a release's image: they went in with the model they are of."""
    tag = tag_of(client, names, release)
    reader = client.containers.create(tag, labels=names.labels("writer"), network_mode="none")
    try:
        file = docker_files.get(reader, "/app/golden.json").get("")
        return golden.parse(file.content if file else b"", f"golden.json of {release}")
    finally:
        reader.remove(force=True)


def remove_images(client: docker.DockerClient, names: Names) -> list[str]:
    """Remove every image of the target, and what they were built on if nobody else needs it."""
    removed = [each for image in images_of(client, names) for each in _remove(client, image)]
    return removed + _remove_unused_parents(client)


def prune_images(client: docker.DockerClient, names: Names, kept: Collection[str]) -> list[str]:
    """Remove the images of releases that are not ``kept``, and what has no name any more."""
    removed = [
        each
        for image in images_of(client, names)
        if image.labels.get(RELEASE) not in kept or not image.tags
        for each in _remove(client, image)
    ]
    return removed + _remove_unused_parents(client)


def _remove_unused_parents(client: docker.DockerClient) -> list[str]:
    """Dependencies and models that no release's image, of any project, begins with."""
    everything = labelled(client, label=ROLE)
    children = [_layers(i) for i in everything if i.labels[ROLE] == "image"]
    removed = []
    for role in ("model", "dependencies"):  # a model's image stands on its dependencies
        for image in everything:
            if image.labels[ROLE] != role or any(_begins_with(c, image) for c in children):
                continue
            removed += _remove(client, image)
    return removed


def _remove(client: docker.DockerClient, image: Image) -> list[str]:
    """By its tags; without one it is a build that was interrupted, or one that was made anew."""
    import docker

    for tag in image.tags:
        with suppress(docker.errors.ImageNotFound):
            client.images.remove(tag)
    if not image.tags:
        try:
            client.images.remove(str(image.id))
        except docker.errors.ImageNotFound:
            return []
        except docker.errors.APIError as error:
            if error.status_code != 409:  # something stands on it: it goes with that
                raise
            return []
    return [f"image {name}" for name in image.tags or [image.short_id]]


def _begins_with(layers: list[str], image: Image) -> bool:
    own = _layers(image)
    return layers[: len(own)] == own


def _layers(image: Any) -> list[str]:
    return list(image.attrs["RootFS"]["Layers"])
