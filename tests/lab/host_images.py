"""The base images for a host's engine: a tar of a data root that has them, unpacked at its start.

That takes a second where `docker load` takes many; dockerd finds them as its own.
"""

from __future__ import annotations

import hashlib
import subprocess
from pathlib import Path
from typing import IO, TYPE_CHECKING

from mldeploy.errors import FailedError
from mldeploy.ui import Ui
from tests.lab.images import MAKERS
from tests.lab.places import unfinished

if TYPE_CHECKING:
    import docker

    from tests.lab.host import Host

PREFIX = "host-images-"
LOAD_SECONDS = 300
TAR = ["tar", "--xattrs", "--xattrs-include=*"]  # Caddy's binary has a file capability
OF_ONE_ENGINE = [f"--exclude=./{name}" for name in ("network", "engine-id", "swarm", "tmp")]


def saved(client: docker.DockerClient, cache: Path) -> Path:
    """Where the tar is, or is to be: other images are another tar."""
    ids = [str(client.images.get(name).id) for name in MAKERS]
    return cache / f"{PREFIX}{hashlib.sha256(' '.join(ids).encode()).hexdigest()[:16]}.tar"


def save(client: docker.DockerClient, host: Host, tar: Path, ui: Ui) -> None:
    """Load them into ``host``, which is there for nothing else, and keep its data root."""
    with ui.step(f"load {', '.join(MAKERS)} into a host's engine"), unfinished(tar.parent) as work:
        load_all(client, host.container)
        host.stop_engine()
        for old in tar.parent.glob(f"{PREFIX}*.tar"):
            old.unlink()
        half = work / "images.tar"
        words = [*TAR, *OF_ONE_ENGINE, "-C", "/var/lib/docker", "-c", "."]
        with half.open("wb") as file:
            _docker_exec(host, words, stdout=file)
        half.replace(tar)


def load_all(client: docker.DockerClient, container: str) -> None:
    """Into the engine that runs in this container."""
    for name in MAKERS:
        _load(client, container, name)


def _load(client: docker.DockerClient, container: str, name: str) -> None:
    with subprocess.Popen(
        ["docker", "exec", "-i", container, "docker", "load", "--quiet"],
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
    ) as loading:
        assert loading.stdin
        for chunk in client.images.get(name).save(named=name):
            loading.stdin.write(chunk)
        loading.stdin.close()
        code = loading.wait(LOAD_SECONDS)
    _must(code, f"docker load of {name}")


def _docker_exec(host: Host, words: list[str], stdout: IO[bytes]) -> None:
    done = subprocess.run(
        ["docker", "exec", host.container, *words],
        stdout=stdout,
        timeout=LOAD_SECONDS,
    )
    _must(done.returncode, "tar")


def _must(code: int, what: str) -> None:
    if code != 0:
        raise FailedError(
            "lab-host-images",
            what="The lab's hosts got no base images.",
            why=f"{what} in a host ended with {code}.",
            do="Make the images anew: python -m tests.lab engine",
        )
