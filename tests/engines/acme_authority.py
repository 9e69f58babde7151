"""An authority that speaks ACME, on the engine: Caddy is one, too.

It reaches the machine under the address of Docker's own bridge, at the ports 80 and 443, as a
public authority reaches a machine of the world; the edge is asked there through Docker's NAT.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from mldeploy import edge
from mldeploy.engines import docker_files
from mldeploy.engines.docker_files import File
from mldeploy.engines.docker_names import Names
from tests.conftest import free_port, until

if TYPE_CHECKING:
    import docker

ROOT = "/data/caddy/pki/authorities/local/root.crt"


@dataclass(frozen=True)
class Authority:
    """``address`` is the machine's, as it sees it; ``root`` is PEM text."""

    address: str
    directory: str
    root: str


@contextmanager
def authority(client: docker.DockerClient, names: Names, domain: str) -> Iterator[Authority]:
    """One that finds ``domain`` at the machine's address, until the context ends."""
    bridge: Any = client.networks.get("bridge")
    address = bridge.attrs["IPAM"]["Config"][0]["Gateway"]
    port = free_port()
    box = client.containers.create(
        edge.IMAGE,
        ["caddy", "run", "--config", "/srv/caddy.json"],
        name=f"{names.prefix}-authority",
        labels=names.labels("authority"),
        ports={"443/tcp": (address, port)},
        extra_hosts={domain: address},
        detach=True,
    )
    try:
        written = json.dumps(_configuration(address, port)).encode()
        docker_files.put(box, "/srv", {"caddy.json": File(written)})
        box.start()
        root = until(lambda: docker_files.get(box, ROOT).get(""), 20).content.decode()
        yield Authority(address, f"https://{address}:{port}/acme/local/directory", root)
    finally:
        box.remove(force=True, v=True)


def _configuration(address: str, port: int) -> dict[str, Any]:
    # The shortest lifetime that it knows. Profiles it knows none, as most but Let's Encrypt.
    serves = {
        "handler": "acme_server",
        "ca": "local",
        "host": f"{address}:{port}",
        "lifetime": "5m",
    }
    local = {"name": "the lab's authority", "install_trust": False}
    server = {
        "listen": [":443"],
        "automatic_https": {"disable": True},
        "tls_connection_policies": [{"default_sni": address}],
        "routes": [{"handle": [serves]}],
    }
    own = {"subjects": [address], "issuers": [{"module": "internal"}]}
    return {
        "admin": {"disabled": True},
        "apps": {
            "pki": {"certificate_authorities": {"local": local}},
            "tls": {"certificates": {"automate": [address]}, "automation": {"policies": [own]}},
            "http": {"servers": {"authority": server}},
        },
    }
