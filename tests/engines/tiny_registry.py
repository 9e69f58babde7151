"""A registry with one image of a few bytes, on this machine: what engines ask and pull is real.

Engines take 127.0.0.0/8 without TLS. It speaks the part of the registry's protocol that a pull
needs: https://distribution.github.io/distribution/spec/api/
"""

from __future__ import annotations

import gzip
import io
import json
import tarfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from hashlib import sha256
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

MANIFEST = "application/vnd.docker.distribution.manifest.v2+json"
CONFIG = "application/vnd.docker.container.image.v1+json"
LAYER = "application/vnd.docker.image.rootfs.diff.tar.gzip"


@dataclass(frozen=True)
class TinyImage:
    """One file; enough to be pulled, inspected and removed, with nothing in it that could run."""

    architecture: str = "amd64"
    environment: tuple[str, ...] = ()

    @property
    def layer(self) -> bytes:
        return _tar({"hello": b"hello\n"})

    @property
    def config(self) -> bytes:
        about = {
            "architecture": self.architecture,
            "os": "linux",
            "config": {"Env": list(self.environment), "Cmd": ["/hello"]},
            "rootfs": {"type": "layers", "diff_ids": [_digest(self.layer)]},
            "history": [{"created_by": "a test"}],
        }
        return json.dumps(about).encode()

    def as_archive(self, tag: str) -> bytes:
        """As `docker load` takes it."""
        about = [{"Config": "config.json", "RepoTags": [tag], "Layers": ["layer.tar"]}]
        return _tar(
            {
                "manifest.json": json.dumps(about).encode(),
                "config.json": self.config,
                "layer.tar": self.layer,
            }
        )


@contextmanager
def registry(image: TinyImage) -> Iterator[str]:
    """The name of ``image`` in a registry that is there for as long as the block."""
    packed = gzip.compress(image.layer, mtime=0)
    manifest = {
        "schemaVersion": 2,
        "mediaType": MANIFEST,
        "config": _described(CONFIG, image.config),
        "layers": [_described(LAYER, packed)],
    }
    whole = json.dumps(manifest).encode()
    blobs = {_digest(blob): blob for blob in (image.config, packed)}

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            kind, name = self.path.split("/")[-2:]
            if self.path == "/v2/":
                self.answer(200, b"{}", "application/json")
            elif kind == "manifests" and name in ("1", _digest(whole)):
                self.answer(200, whole, MANIFEST)
            elif kind == "blobs" and name in blobs:
                self.answer(200, blobs[name], "application/octet-stream")
            else:
                error = {"errors": [{"code": "MANIFEST_UNKNOWN", "message": "manifest unknown"}]}
                self.answer(404, json.dumps(error).encode(), "application/json")

        do_HEAD = do_GET  # noqa: N815 - the name that the base class looks for

        def answer(self, status: int, body: bytes, kind: str) -> None:
            self.send_response(status)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(body)))
            self.send_header("Docker-Content-Digest", _digest(body))
            self.end_headers()
            if self.command == "GET":
                self.wfile.write(body)

        def log_message(self, *_: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"127.0.0.1:{server.server_port}/tiny:1"
    finally:
        server.shutdown()
        server.server_close()
        thread.join(timeout=10)


def _described(kind: str, blob: bytes) -> dict[str, Any]:
    return {"mediaType": kind, "size": len(blob), "digest": _digest(blob)}


def _digest(blob: bytes) -> str:
    return f"sha256:{sha256(blob).hexdigest()}"


def _tar(files: dict[str, bytes]) -> bytes:
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w") as archive:
        for name, content in files.items():
            entry = tarfile.TarInfo(name)
            entry.size = len(content)
            archive.addfile(entry, io.BytesIO(content))
    return packed.getvalue()
