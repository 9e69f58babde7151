"""Measure an image: its layers as the engine counts them, its files from inside."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from mldeploy.errors import FailedError
from mldeploy.images.report import Package, Seen, layers_of

if TYPE_CHECKING:
    import docker
    from docker.models.images import Image

# Runs in the image, with the libraries of the service but without starting it.
SCRIPT = """\
import json, os, sysconfig
from importlib.metadata import distributions

def size(path):
    return os.lstat(path).st_size if os.path.lexists(path) else 0

def below(folder, leave=""):
    found = {}
    for place, _, names in os.walk(folder):
        if not leave or not place.startswith(leave):
            for name in names:
                path = os.path.join(place, name)
                found[os.path.relpath(path, folder)] = size(path)
    return found

def is_test(path):
    return bool({"tests", "test", "testing"} & set(path.split("/")[1:-1]))

packages = []
place = sysconfig.get_path("purelib")
for one in distributions(path=[place]):
    files = {str(f): size(f.locate()) for f in one.files or ()}
    for path in [f for f in files if f.endswith(".py")]:  # bytecode, which uv does not record
        folder, name = os.path.split(path)
        cached = os.path.join(place, folder, "__pycache__", name[:-3] + "." + CACHE + ".pyc")
        files[path + "c"] = size(cached)
    tests = sum(n for f, n in files.items() if is_test(f))
    name = one.metadata["Name"].lower().replace("_", "-")
    packages.append([name, one.version, sum(files.values()), tests])
model = "/app/bento/src/models/champion"
print(json.dumps({"packages": packages, "model": below(model), "code": below("/app", model)}))
"""


def newest(images: list[Image], serving: str | None) -> Image | None:
    """The image of the release that serves, else the newest."""
    chosen = [one for one in images if one.labels.get("mldeploy.release") == serving]
    by_age = sorted(chosen or images, key=lambda one: str(one.attrs["Created"]))
    return by_age[-1] if by_age else None


def measure(client: docker.DockerClient, image: Image, labels: dict[str, str]) -> Seen:
    """Run the image once, without network, and ask what is in it. ``labels`` mark the run."""
    inside = _run(client, image, labels)
    history: list[dict[str, Any]] = image.history()
    return Seen(
        image=image.tags[0] if image.tags else str(image.id),
        release=image.labels.get("mldeploy.release", ""),
        base=image.labels.get("org.opencontainers.image.base.name", "the base image"),
        layers=layers_of([(str(one["CreatedBy"]), int(one["Size"])) for one in history]),
        packages=[Package(*one) for one in inside["packages"]],
        model=inside["model"],
        code=inside["code"],
    )


def _run(client: docker.DockerClient, image: Image, labels: dict[str, str]) -> dict[str, Any]:
    from docker.errors import ContainerError

    script = f"import sys\nCACHE = sys.implementation.cache_tag\n{SCRIPT}"
    try:
        said = client.containers.run(
            str(image.id),
            ["/opt/venv/bin/python", "-c", script],
            labels=labels,
            remove=True,
            read_only=True,
            cap_drop=["ALL"],
            network_mode="none",
        )
    except ContainerError as error:
        raise FailedError(
            "image-not-looked-at",
            what=f"{image.tags[0] if image.tags else image.id} can't be looked at from inside.",
            why=str(error.stderr or error)[-300:],
            do="docker history IMAGE     (its layers, without what is in them)",
        ) from error
    found: dict[str, Any] = json.loads(said)
    return found
