"""A machine's container: what Docker is asked for, and the seed that cloud-init reads."""

from __future__ import annotations

import io
import json
import tarfile
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tests.lab import host_container, host_rights
from tests.lab.host import SETTINGS, Host, cgroup_of

if TYPE_CHECKING:
    import docker

SEED = "var/lib/cloud/seed/nocloud"
USER_SETTINGS = "etc/cloud/cloud.cfg.d/91_lab_user.cfg"


def create(
    client: docker.DockerClient, host: Host, image: str, owner: str, *, images: Path | None
) -> None:
    """As `host_container.start` does, but it is not started and shares no cgroup with others."""
    api = client.api
    ours = host_container.labels(host.name, owner)
    network = host_container.network_of(host.name)
    endpoints: Any = {network: api.create_endpoint_config(ipv4_address=host.address)}
    mounts = [f"{host_container.data(client, host, ours)}:/var/lib/docker"]
    mounts += [f"{images}:/images.tar:ro"] if images else []
    api.create_container(
        image,
        name=host.container,
        hostname=local_hostname(host.address),
        labels=ours | {SETTINGS: host_container.settings(host)},
        environment={"container": "docker", "LAB_NAMESERVERS": host_container.nameservers()},
        networking_config=api.create_networking_config(endpoints),
        host_config=host_rights.host_config(
            api,
            cgroupns="private",
            cgroup_parent=cgroup_of(host.name),
            network_mode=network,
            tmpfs={"/run": "exec,mode=755", "/run/lock": "", "/tmp": ""},  # noqa: S108
            binds=mounts,
        ),
    )


def seed(
    client: docker.DockerClient,
    host: Host,
    *,
    instance_id: str,
    user_data: bytes,
    public_keys: Sequence[str],
) -> None:
    """Give cloud-init what it would ask the cloud's metadata service for."""
    meta_data = {
        "instance-id": instance_id,
        "local-hostname": local_hostname(host.address),
        "public-keys": list(public_keys),
    }
    put(
        client,
        host,
        {
            f"{SEED}/meta-data": json.dumps(meta_data).encode(),
            f"{SEED}/user-data": user_data,
            USER_SETTINGS: json.dumps(_default_user(host.user)).encode(),
        },
    )


def put(client: docker.DockerClient, host: Host, files: dict[str, bytes]) -> None:
    """On its disk, whether it runs or not: paths from its root, for root to read."""
    client.api.put_archive(host.container, "/", _packed(files))


def local_hostname(address: str) -> str:
    return "ip-" + address.replace(".", "-")


def _default_user(name: str) -> dict[str, Any]:
    """As in Ubuntu's own images."""
    user = {
        "name": name,
        "lock_passwd": True,
        "gecos": name.capitalize(),
        "groups": ["adm", "cdrom", "dip", "sudo"],
        "sudo": ["ALL=(ALL) NOPASSWD:ALL"],
        "shell": "/bin/bash",
    }
    return {"system_info": {"default_user": user}}


def _packed(files: dict[str, bytes]) -> bytes:
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w") as tar:
        for name, content in files.items():
            entry = tarfile.TarInfo(name)
            entry.size, entry.mode = len(content), 0o600
            tar.addfile(entry, io.BytesIO(content))
    return packed.getvalue()
