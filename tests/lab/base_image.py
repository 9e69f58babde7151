"""`python:3.11-slim-bookworm` made of Debian packages: Debian 12's own Python is 3.11.

Like the official image where our Dockerfile looks: python, python3 and pip in /usr/local/bin, no
mark that only the distribution may install packages, no documentation, no package lists.
"""

from __future__ import annotations

import hashlib
import os
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

from mldeploy.errors import FailedError
from mldeploy.ui import Ui
from tests.lab.machine import BUNDLE_IN_IMAGE, Machine
from tests.lab.packages import IMAGES, install
from tests.lab.places import unfinished

if TYPE_CHECKING:
    import docker

NAME = "python:3.11-slim-bookworm"
SUITE = "bookworm"
PACKAGES = ("ca-certificates", "python3", "python3-pip", "python3-venv")
BOOTSTRAP_SECONDS = 900
IN_THE_ROOT = f"""\
set -eu
cd "$1"
for name in python python3 python3.11; do ln -s /usr/bin/python3.11 usr/local/bin/$name; done
for name in pip pip3; do ln -s /usr/bin/pip3 usr/local/bin/$name; done
rm -f usr/lib/python3.11/EXTERNALLY-MANAGED etc/resolv.conf etc/hostname
if test -s "$LAB_BUNDLE"; then cp "$LAB_BUNDLE" .{BUNDLE_IN_IMAGE}; fi
"""
OPTIONS = (
    "--variant=minbase",
    "--include=" + ",".join(PACKAGES),
    "--dpkgopt=force-unsafe-io",  # a machine that fails now means a new start anyway
    *(f"--dpkgopt=path-exclude=/usr/share/{left_out}/*" for left_out in ("doc", "locale", "man")),
)
# mmdebstrap mounts /sys and more into its work folder. In namespaces of their own, which end with
# us also when we are killed, no mount and no process of it can be left.
CONTAINED = (
    *("setpriv", "--pdeathsig", "KILL"),
    *("unshare", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc"),
)
SETTINGS = {
    "PATH": "/usr/local/bin:/usr/local/sbin:/usr/sbin:/usr/bin:/sbin:/bin",
    "LANG": "C.UTF-8",
}


def recipe(machine: Machine) -> str:
    """What goes into the root file system, as one short word."""
    parts = [SUITE, *OPTIONS, IN_THE_ROOT, machine.bundle]
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()[:16]


def changes(machine: Machine, labels: dict[str, str]) -> list[str]:
    """Dockerfile instructions for the import; values quoted, as they may hold spaces."""
    settings = {**SETTINGS, **machine.settings}
    return [
        *(f'ENV {name}="{quoted(value)}"' for name, value in settings.items()),
        *(f'LABEL {name}="{quoted(value)}"' for name, value in labels.items()),
        'CMD ["python3"]',
    ]


def quoted(value: str) -> str:
    return value.replace("\\", "\\\\").replace('"', '\\"').replace("$", "\\$")


def make(
    client: docker.DockerClient, machine: Machine, labels: dict[str, str], cache: Path, ui: Ui
) -> None:
    """Import it, from the tar of an earlier time if there is one."""
    tar = root_file_system(machine, cache, ui)
    with ui.step(f"import {NAME}"):
        repository, _, tag = NAME.partition(":")
        client.api.import_image(
            str(tar), repository=repository, tag=tag, changes=changes(machine, labels)
        )


def root_file_system(machine: Machine, cache: Path, ui: Ui) -> Path:
    """The tar of the recipe: kept whole in ``cache``, or not there at all."""
    tar = cache / f"{SUITE}-{recipe(machine)}.tar"
    if tar.exists():
        return tar
    install(IMAGES, ui, purpose="The base image")
    for old in cache.glob(f"{SUITE}-*.tar"):
        old.unlink()
    with (
        ui.step(f"mmdebstrap {SUITE} with {', '.join(PACKAGES)}"),
        unfinished(cache) as work,
    ):
        half = work / "root.tar"
        _bootstrap(half, machine, work)
        half.replace(tar)
    return tar


def _bootstrap(tar: Path, machine: Machine, work: Path) -> None:
    bundle, hook = work / "bundle.pem", work / "in-the-root"
    bundle.write_text(machine.bundle, encoding="utf-8")
    hook.write_text("#!/bin/sh\n" + IN_THE_ROOT, encoding="utf-8")
    hook.chmod(0o755)
    command = [
        *CONTAINED,
        "mmdebstrap",
        *OPTIONS,
        f"--customize-hook={hook}",
        SUITE,
        str(tar),
        *mirror(),
    ]
    try:
        done = subprocess.run(
            command,
            env=os.environ | {"LAB_BUNDLE": str(bundle), "TMPDIR": str(work)},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=BOOTSTRAP_SECONDS,
        )
        said = done.stdout.splitlines()[-15:] if done.returncode else None
    except subprocess.TimeoutExpired:
        said = [f"it was not done within {BOOTSTRAP_SECONDS} s"]
    if said is not None:
        raise FailedError(
            "lab-bootstrap-failed",
            what=f"The root file system of {NAME} was not made; nothing of it was kept.",
            why="mmdebstrap ended with an error.",
            do="Look whether Debian's packages are in reach: apt-get update",
            detail="\n".join(said),
        )


def mirror() -> list[str]:
    """Where this machine gets Debian from; nothing where it is no Debian: mmdebstrap knows one."""
    command = ["apt-get", "indextargets", "--format", "$(ORIGIN) $(LABEL) $(COMPONENT) $(REPO_URI)"]
    done = subprocess.run(
        [*command, "Created-By: Packages"], capture_output=True, text=True, timeout=60
    )
    found = [line.split()[3] for line in done.stdout.splitlines() if _is_debian(line)]
    return found[:1]


def _is_debian(line: str) -> bool:
    return line.split()[:3] == ["Debian", "Debian", "main"]
