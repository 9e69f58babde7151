"""The images that tests build on: made here where no registry is in reach, else pulled."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import TYPE_CHECKING

from mldeploy.errors import FailedError
from mldeploy.ui import Ui
from tests.lab import base_image, edge_image
from tests.lab.machine import Machine, this_machine
from tests.lab.packages import may_install

if TYPE_CHECKING:
    import docker

LABEL = "mldeploy-lab.recipe"
MAKERS = {base_image.NAME: base_image, edge_image.NAME: edge_image}


def ensure(client: docker.DockerClient, cache: Path, ui: Ui) -> list[str]:
    """Make what is missing or out of date; an image that is not the lab's is used as it is."""
    machine = this_machine()
    made = []
    for name, maker in MAKERS.items():
        recipe = fingerprint(maker.recipe(machine), machine)
        if is_current(labels_of(client, name), recipe):
            continue
        if may_install():
            maker.make(client, machine, {LABEL: recipe}, cache, ui)
        else:
            _pull(client, name, ui)
        made.append(name)
    return made


def present(client: docker.DockerClient) -> dict[str, bool]:
    return {name: labels_of(client, name) is not None for name in MAKERS}


def fingerprint(recipe: str, machine: Machine) -> str:
    """Of an image: what is in its files, and what is in its environment."""
    settings = json.dumps(machine.settings, sort_keys=True)
    return hashlib.sha256(f"{recipe} {settings}".encode()).hexdigest()[:16]


def is_current(labels: dict[str, str] | None, recipe: str) -> bool:
    """``labels`` are None for an image that is not there. An official image has no such label."""
    return labels is not None and labels.get(LABEL, recipe) == recipe


def labels_of(client: docker.DockerClient, name: str) -> dict[str, str] | None:
    from docker.errors import ImageNotFound

    try:
        return dict(client.images.get(name).labels)
    except ImageNotFound:
        return None


def _pull(client: docker.DockerClient, name: str, ui: Ui) -> None:
    from docker.errors import DockerException
    from requests.exceptions import RequestException

    with ui.step(f"docker pull {name}"):
        try:
            client.images.pull(name)
        except (DockerException, RequestException) as error:
            raise FailedError(
                "lab-no-image",
                what=f"The image {name} is not there.",
                why="It can't be pulled, and the lab makes it only on Debian and as root.",
                do=f"Load it yourself: docker load, then tag it {name}",
                detail=str(error),
            ) from error
