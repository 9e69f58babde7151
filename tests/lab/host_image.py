"""`mldeploy-lab-host`: what an SSH host of the lab runs, with an engine or bare.

Debian's packages on the base image. The bare one lacks only the
engine's packages.
"""

from __future__ import annotations

import io
import tarfile
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from mldeploy.errors import FailedError
from mldeploy.ui import Ui
from tests.lab import base_image
from tests.lab.images import LABEL, fingerprint, is_current, labels_of
from tests.lab.machine import Machine, this_machine

if TYPE_CHECKING:
    import docker

REPOSITORY = "mldeploy-lab-host"
FILES = Path(__file__).with_name("in_host")
INTO_IMAGE = ("Dockerfile", "boot", "network", "slow_network.py", "sshd.conf")
PACKAGES = (
    *("curl", "e2fsprogs", "iproute2", "iptables", "openssh-server", "procps", "sudo"),
    "ca-certificates",
)
ENGINE_PACKAGES = ("docker.io",)
BUILD_SECONDS = 900


def ensure(client: docker.DockerClient, ui: Ui, *, engine: bool) -> str:
    """The image's name; it is built if there is none of this recipe. The base image must be there.

    Old recipes go. Docker's build cache keeps the packages when only our own files are new.
    """
    machine = this_machine()
    files = {name: (FILES / name).read_bytes() for name in INTO_IMAGE}
    return ensure_built(
        client,
        ui,
        repository=REPOSITORY if engine else f"{REPOSITORY}-bare",
        recipe=recipe_of(machine, engine=engine),
        files=files | {"environment": environment(machine).encode()},
        arguments={"BASE": base_image.NAME, "PACKAGES": " ".join(packages(engine))},
    )


def ensure_built(
    client: docker.DockerClient,
    ui: Ui,
    *,
    repository: str,
    recipe: str,
    files: dict[str, bytes],
    arguments: dict[str, str],
) -> str:
    """The name of the image that these files make, one of them the Dockerfile; once a recipe."""
    name = f"{repository}:{recipe}"
    if labels_of(client, name) is None or not is_current(labels_of(client, name), recipe):
        _build(client, name, recipe, files, arguments, ui)
        _remove_old(client, repository, name)
    return name


def recipe_of(machine: Machine, *, engine: bool) -> str:
    files = [(FILES / name).read_text(encoding="utf-8") for name in INTO_IMAGE]
    parts = [base_image.recipe(machine), *packages(engine), *files]
    return fingerprint("\0".join(parts), machine)


def packages(engine: bool) -> list[str]:
    return [*PACKAGES, *(ENGINE_PACKAGES if engine else ())]


def environment(machine: Machine) -> str:
    """/etc/environment: a session of sshd or sudo does not get what the image's ENV has."""
    return "".join(f'{name}="{value}"\n' for name, value in sorted(machine.settings.items()))


def _build(
    client: docker.DockerClient,
    name: str,
    recipe: str,
    files: dict[str, bytes],
    arguments: dict[str, str],
    ui: Ui,
) -> None:
    from docker.errors import BuildError, DockerException

    with ui.step(f"build {name}"):
        try:
            client.images.build(
                fileobj=_context(files),
                custom_context=True,
                tag=name,
                buildargs=arguments,
                labels={LABEL: recipe},
                rm=True,
                forcerm=True,
                timeout=BUILD_SECONDS,
            )
        except DockerException as error:
            log = error.build_log if isinstance(error, BuildError) else []
            said = "".join(str(line.get("stream", "")) for line in log)
            raise FailedError(
                "lab-host-image",
                what=f"The image {name} was not built.",
                why=str(error),
                do="Look whether Debian's packages are in reach: apt-get update",
                detail="\n".join(said.splitlines()[-15:]),
            ) from error


def _context(files: dict[str, bytes]) -> io.BytesIO:
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w") as tar:
        for name, content in files.items():
            entry = tarfile.TarInfo(name)
            entry.size, entry.mode = len(content), 0o644
            tar.addfile(entry, io.BytesIO(content))
    packed.seek(0)
    return packed


def _remove_old(client: docker.DockerClient, repository: str, name: str) -> None:
    """Not those of today: another checkout on this machine may be about to start a host of one."""
    from docker.errors import APIError

    day_ago = datetime.now(UTC) - timedelta(days=1)
    for image in client.images.list(repository):
        made = datetime.fromisoformat(image.attrs["Created"][:19] + "+00:00")
        for tag in image.tags:
            if tag != name and made < day_ago:
                with suppress(APIError):  # a host that runs still needs it
                    client.images.remove(tag)
