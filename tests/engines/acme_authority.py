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
from mldeploy.engines import docker_exec, docker_files
from mldeploy.engines.docker_files import File
from mldeploy.engines.docker_names import Names
from tests.conftest import free_port, until

if TYPE_CHECKING:
    import docker
    from docker.models.containers import Container

ROOT = "/data/caddy/pki/authorities/local/root.crt"


@dataclass(frozen=True)
class Authority:
    """``address`` is the machine's, as it sees it; ``root`` is PEM text."""

    box: Container
    address: str
    directory: str
    root: str

    @contextmanager
    def out_of_order(self) -> Iterator[None]:
        """It answers all with 503, until the context ends.

        It is not stopped: while Docker takes its network away, connections hang for 30 s.
        """
        self._take("closed.json")
        try:
            yield
        finally:
            self._take("caddy.json")

    def _take(self, name: str) -> None:
        words = ["caddy", "reload", "--config", f"/srv/{name}"]
        assert docker_exec.run(self.box, words, timeout=30).code == 0


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
        serves = {
            "handler": "acme_server",
            "ca": "local",
            "host": f"{address}:{port}",
            "lifetime": "5m",  # the shortest that it knows; it knows no profiles
        }
        closed = {"handler": "static_response", "status_code": 503}
        for name, handler in (("caddy.json", serves), ("closed.json", closed)):
            written = json.dumps(_configuration(address, handler)).encode()
            docker_files.put(box, "/srv", {name: File(written)})
        box.start()
        root = until(lambda: docker_files.get(box, ROOT).get(""), 20).content.decode()
        yield Authority(box, address, f"https://{address}:{port}/acme/local/directory", root)
    finally:
        box.remove(force=True, v=True)


def _configuration(address: str, handler: dict[str, Any]) -> dict[str, Any]:
    local = {"name": "the lab's authority", "install_trust": False}
    server = {
        "listen": [":443"],
        "automatic_https": {"disable": True},
        "tls_connection_policies": [{"default_sni": address}],
        "routes": [{"handle": [handler]}],
    }
    own = {"subjects": [address], "issuers": [{"module": "internal"}]}
    return {
        "apps": {
            "pki": {"certificate_authorities": {"local": local}},
            "tls": {"certificates": {"automate": [address]}, "automation": {"policies": [own]}},
            "http": {"servers": {"authority": server}},
        },
    }
