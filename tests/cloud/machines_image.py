"""`mldeploy-lab-machine`: what a rented machine runs, with an engine or bare.

The image of the lab's SSH hosts, with Debian's systemd and cloud-init in the place of its little
supervisor.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from mldeploy.ui import Ui
from tests.lab import host_image
from tests.lab.images import fingerprint
from tests.lab.machine import Machine, this_machine

if TYPE_CHECKING:
    import docker

REPOSITORY = "mldeploy-lab-machine"
FILES = Path(__file__).with_name("in_machine")
PACKAGES = (
    *("cloud-init", "dbus", "libpam-systemd", "systemd", "systemd-sysv"),
    *("init-system-helpers", "locales"),
)


def ensure(client: docker.DockerClient, ui: Ui, *, engine: bool, base: str) -> str:
    """The image's name; ``base`` is that of an SSH host's, and decides whether there is an engine.

    It is built if there is none of this recipe.
    """
    machine = this_machine()
    files = {file.name: file.read_bytes() for file in sorted(FILES.iterdir()) if file.is_file()}
    files["environment"] = host_image.environment(machine).encode()
    files["system.conf"] = service_environment(machine).encode()
    parts = [base, *PACKAGES, *(f"{name} {content!r}" for name, content in files.items())]
    return host_image.ensure_built(
        client,
        ui,
        repository=REPOSITORY if engine else f"{REPOSITORY}-bare",
        recipe=fingerprint("\0".join(parts), machine),
        files=files,
        arguments={"BASE": base, "PACKAGES": " ".join(PACKAGES)},
    )


def service_environment(machine: Machine) -> str:
    """What user-data runs is no session either: this machine's indexes and proxies for services."""
    words = (f"{name}={value}".replace("%", "%%") for name, value in machine.settings.items())
    return "[Manager]\nDefaultEnvironment=" + " ".join(f'"{word}"' for word in words) + "\n"
