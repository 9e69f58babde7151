"""The real Caddy with our configuration, and small replicas behind it: no Docker is needed."""

from __future__ import annotations

import base64
import contextlib
import http.client
import json
import os
import socket
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from mldeploy.edge import Edge, configuration, slots_for
from mldeploy.keys import hashed, new_key
from tests.conftest import free_port, until

CADDY = str(Path(sys.executable).with_name("caddy"))
REPLICA = Path(__file__).with_name("edge_replica.py")
LOAD = Path(__file__).with_name("edge_load.py")


@dataclass(frozen=True)
class Answer:
    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def code(self) -> str:
        """Of the edge's own error, whose form is checked with it."""
        assert self.headers["content-type"] == "application/json"
        assert set(self.json) == {"error"}
        assert set(self.json["error"]) == {"code", "what", "why", "do"}
        assert not {"server", "via"} & set(self.headers)
        return str(self.json["error"]["code"])


@dataclass
class Load:
    """Keep-alive clients in another process, until `end`."""

    process: subprocess.Popen[str]

    def end(self) -> dict[str, Any]:
        out, _ = self.process.communicate("\n", timeout=60)
        found: dict[str, Any] = json.loads(out)
        return found


@dataclass
class Bench:
    """One edge; its replicas are processes on ports of the loopback."""

    folder: Path
    edge: Edge
    replicas: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)
    started: list[subprocess.Popen[Any]] = field(default_factory=list)
    sets: int = 0

    def __post_init__(self) -> None:
        self.key = new_key(datetime.now(UTC))
        self.edge = replace(
            self.edge,
            keys=(*self.edge.keys, hashed(self.key)),
            slots=str(self.folder / "live"),
            http_port=free_port(),
            https_port=free_port(),
            admin=f"localhost:{free_port()}",
        )
        self.log = self.folder / "log"

    def start(self, change: Callable[[dict[str, Any]], None] = lambda _: None) -> None:
        """Start Caddy and wait until it takes connections."""
        written = configuration(self.edge)
        change(written)
        self.write(written)
        command = [CADDY, "run", "--config", str(self.folder / "caddy.json")]
        mine = {"XDG_DATA_HOME": str(self.folder), "XDG_CONFIG_HOME": str(self.folder)}
        with self.log.open("wb") as log:
            self.started.append(
                subprocess.Popen(
                    command, stdout=log, stderr=subprocess.STDOUT, env=os.environ | mine
                )
            )
        until(lambda: _takes(self.edge.http_port), 20)

    def write(self, configured: dict[str, Any]) -> None:
        (self.folder / "caddy.json").write_text(json.dumps(configured))

    def reload(self) -> None:
        command = [CADDY, "reload", "--config", str(self.folder / "caddy.json")]
        subprocess.run(
            [*command, "--address", self.edge.admin], check=True, capture_output=True, timeout=30
        )

    def replica(self, name: str, port: int = 0) -> str:
        """Start one that takes connections; returns its address."""
        port = port or free_port()
        process = subprocess.Popen([sys.executable, REPLICA, str(port), name])
        self.started.append(process)
        self.replicas[name] = process
        until(lambda: _takes(port), 20)
        return f"127.0.0.1:{port}"

    def serve(self, *addresses: str) -> None:
        """The switch, as the engine does it: a new folder, a new link, one rename over the old."""
        self.sets += 1
        there = self.folder / "sets" / str(self.sets)
        there.mkdir(parents=True)
        for slot, content in enumerate(slots_for(addresses), start=1):
            (there / str(slot)).write_text(content)
        draft = self.folder / "draft"
        draft.symlink_to(there)
        draft.replace(self.folder / "live")

    def ask(
        self,
        path: str = "/predict",
        method: str = "POST",
        body: Any = b"{}",
        *,
        key: str | None = "",
        **headers: str,
    ) -> Answer:
        """One request, with the key unless it is None; `accept_language` is Accept-Language."""
        sent = {name.replace("_", "-"): value for name, value in headers.items()}
        if key is not None:
            sent.setdefault("authorization", f"Bearer {key or self.key.key}")
        link = http.client.HTTPConnection("127.0.0.1", self.edge.http_port, timeout=20)
        try:
            link.request(method, path, body if method == "POST" else None, sent)
            got = link.getresponse()
            found = {name.lower(): value for name, value in got.getheaders()}
            return Answer(got.status, found, got.read())
        finally:
            link.close()

    def raw(self, sent: bytes, *, more: bool = False) -> bytes:
        """Bytes that no client library would send, and no more unless `more` is announced.

        Returns what came until the edge closed, as it does after `Connection: close`.
        """
        answer = b""
        with socket.create_connection(("127.0.0.1", self.edge.http_port), timeout=20) as link:
            link.sendall(sent)
            if not more:
                link.shutdown(socket.SHUT_WR)
            with contextlib.suppress(ConnectionResetError):
                while part := link.recv(65536):
                    answer += part
        return answer

    def ready(self) -> bool:
        return self.ask("/readyz", "GET", key=None).status == 200

    def load(self, connections: int, path: str = "/predict?ms=5") -> Load:
        url = f"http://127.0.0.1:{self.edge.http_port}{path}"
        command = [sys.executable, str(LOAD), url, self.key.key, str(connections)]
        process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        self.started.append(process)
        return Load(process)

    def logged(self) -> list[dict[str, Any]]:
        """The lines of the access log so far."""
        whole = self.log.read_text().rpartition("\n")[0]  # the last line may just be written
        lines = [json.loads(line) for line in whole.splitlines()]
        return [line for line in lines if line.get("logger") == "http.log.access"]

    def end(self) -> None:
        for process in self.started:
            process.kill()
            process.wait(20)
            for pipe in (process.stdin, process.stdout):
                if pipe:
                    pipe.close()


def basic(user: str, password: str) -> str:
    return f"Basic {base64.b64encode(f'{user}:{password}'.encode()).decode()}"


def _takes(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), timeout=1).close()
    except OSError:
        return False
    return True
