"""SSH hosts of the lab: their start, and their end with whoever needed them."""

from __future__ import annotations

import os
import secrets
import socket
import subprocess
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from mldeploy.errors import RefusedError
from mldeploy.ui import Ui
from tests.lab import host_container, host_image, host_images, packages
from tests.lab.host import Host
from tests.lab.host_disk import Disk
from tests.lab.host_leftovers import UP, clear, clear_left, make_folder, this_process
from tests.lab.places import CACHE, locked

if TYPE_CHECKING:
    import docker

# Sparse. On a busy machine a volume takes four times as long: dockerd waits for what others write.
ROOMY = 20 * 1024**3
USERS = ("root", "ubuntu")
CLIENT = {"ssh": "openssh-client", "ssh-keygen": "openssh-client"}


@contextmanager
def lab_host(
    ui: Ui, *, engine: bool = True, disk: int | None = None, user: str = "root"
) -> Iterator[Host]:
    """A host that is up, with the base images in its engine; nothing of it is left afterwards.

    ``disk`` is the size of its /var/lib/docker in bytes, which needs root; else there is room
    enough. ``user`` is who an ssh configuration logs in as: root, or ubuntu, who may sudo.
    """
    clear_left()
    if disk is None and os.geteuid() == 0:
        disk = ROOMY
    host = start(ui, owner=this_process(), engine=engine, disk=disk, user=user)
    try:
        yield host
    finally:
        clear(host.name)


def start(
    ui: Ui, *, owner: str = UP, engine: bool = True, disk: int | None = None, user: str = "root"
) -> Host:
    """As `lab_host`, but it stays, and its data is a volume where no ``disk`` is asked for.

    The engine of this machine must answer, with the base images.
    """
    import docker

    if disk is not None and os.geteuid() != 0:
        raise RefusedError(
            "lab-not-root",
            what="No host was started.",
            why="It was to have a disk of its own, which only root may mount.",
            do="Run these tests as root, or leave them out: -m 'not docker'",
        )
    packages.install(CLIENT, ui, purpose="An SSH host")
    with closing(docker.from_env(timeout=900)) as client:
        with locked():
            image = host_image.ensure(client, ui, engine=engine)
            wanted = _Wanted(image, owner, user, engine=engine, disk=disk, images=None)
            if engine:
                wanted = replace(wanted, images=base_images(client, image, ui))
        return _start(client, wanted)


@dataclass(frozen=True)
class _Wanted:
    """What a host is to be."""

    image: str
    owner: str
    user: str
    engine: bool
    disk: int | None
    images: Path | None


def _start(client: docker.DockerClient, wanted: _Wanted) -> Host:
    name = f"lab-{secrets.token_hex(3)}"
    try:
        folder = make_folder(name, wanted.owner)
        host = Host(
            name=name,
            address=host_container.make_network(client, name, wanted.owner),
            port=_free_port(),
            user=wanted.user,
            folder=folder,
            engine=wanted.engine,
            disk=Disk(name) if wanted.disk else None,
        )
        if host.disk and wanted.disk:
            host.disk.make(wanted.disk)
        host_container.start(
            client,
            host,
            wanted.image,
            wanted.owner,
            public_key=_make_key(host.key, name),
            images=wanted.images,
        )
        host.wait_until_up()
    except BaseException:
        clear(name)
        raise
    return host


def base_images(client: docker.DockerClient, image: str, ui: Ui) -> Path:
    """The saved ones, or made now by means of a host that is there for nothing else.

    ``image`` is that of hosts with an engine; the lab must be `locked`.
    """
    tar = host_images.saved(client, CACHE)
    if not tar.exists():
        maker = _Wanted(image, this_process(), "root", engine=True, disk=None, images=None)
        host = _start(client, maker)
        try:
            host_images.save(client, host, tar, ui)
        finally:
            clear(host.name)
    return tar


def _make_key(key: Path, comment: str) -> str:
    """A key pair for this host only; the public one."""
    command = ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", comment, "-f", str(key)]
    subprocess.run(command, check=True, stdin=subprocess.DEVNULL, timeout=60)
    return key.with_suffix(".pub").read_text(encoding="utf-8").strip()


def _free_port() -> int:
    """Chosen here, as Docker would choose another one at every start."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
