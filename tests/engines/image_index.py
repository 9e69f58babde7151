"""A package index with one tiny package, and an engine behind a connection that misbehaves.

Both for tests of image builds: quick, since nothing large is installed, and sure of the moment.
"""

from __future__ import annotations

import hashlib
import io
import socket
import threading
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

WHEEL = "tiny-1.0-py3-none-any.whl"


def wheel() -> bytes:
    """A package `tiny` with one module, the same bytes each time."""
    files = {
        "tiny.py": "ANSWER = 42\n",
        "tiny-1.0.dist-info/METADATA": "Metadata-Version: 2.1\nName: tiny\nVersion: 1.0\n",
        "tiny-1.0.dist-info/WHEEL": "Wheel-Version: 1.0\nGenerator: t\nRoot-Is-Purelib: true\n"
        "Tag: py3-none-any\n",
    }
    record = "tiny-1.0.dist-info/RECORD"
    files[record] = "".join(f"{name},,\n" for name in [*files, record])
    raw = io.BytesIO()
    with zipfile.ZipFile(raw, "w") as archive:
        for name, text in files.items():
            archive.writestr(zipfile.ZipInfo(name), text)
    return raw.getvalue()


def requirements(url: str = "", digest: str | None = None) -> str:
    """The lock of the package: by its version, or by the ``url`` of an index that holds it."""
    package = f"tiny @ {url.replace('/simple', '/' + WHEEL)}" if url else "tiny==1.0"
    return f"{package} \\\n    --hash=sha256:{digest or hashlib.sha256(wheel()).hexdigest()}\n"


@dataclass
class Index:
    """``asked`` is set when the package was asked for; it is given when ``given`` is set."""

    url: str
    asked: threading.Event = field(default_factory=threading.Event)
    given: threading.Event = field(default_factory=threading.Event)
    credentials: list[str] = field(default_factory=list)


@contextmanager
def index(address: str) -> Iterator[Index]:
    """Serve on ``address``, which the containers of a build reach."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            found.credentials.append(self.headers.get("Authorization", ""))
            if self.path.endswith(".whl"):
                if self.command == "GET":
                    found.asked.set()
                    found.given.wait(120)
                self._answer(200, wheel(), "application/octet-stream")
            elif self.path == "/simple/tiny/":
                link = f'<a href="/{WHEEL}">{WHEEL}</a>'
                self._answer(200, link.encode(), "text/html")
            else:
                self._answer(404, b"", "text/plain")

        do_HEAD = do_GET  # noqa: N815 - the names are http.server's

        def _answer(self, status: int, body: bytes, kind: str) -> None:
            with suppress(ConnectionError):  # whoever asked was ended, which is what a test wants
                self.send_response(status)
                self.send_header("Content-Type", kind)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                if self.command == "GET":
                    self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer((address, 0), Handler)
    found = Index(f"http://user:planted-password@{address}:{server.server_port}/simple")
    found.given.set()
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield found
    finally:
        found.given.set()
        server.shutdown()
        thread.join(timeout=30)
        server.server_close()


def refuse(client: socket.socket, engine: socket.socket, seen: bytes) -> None:
    """What an engine without the classic builder says, once it has the context."""
    while not seen.endswith(b"0\r\n\r\n") and (chunk := client.recv(65536)):
        seen = (seen + chunk)[-100:]
    body = b'{"message":"the classic builder is not supported: use BuildKit"}'
    head = (
        "HTTP/1.1 501 Not Implemented",
        "Content-Type: application/json",
        f"Content-Length: {len(body)}",
        "Connection: close",
    )
    client.sendall("\r\n".join(head).encode() + b"\r\n\r\n" + body)


def cut(client: socket.socket, engine: socket.socket, seen: bytes) -> None:
    """An engine that goes away in the middle: its first words, and no more."""
    engine.sendall(seen)
    threading.Thread(target=_pour, args=(client, engine), daemon=True).start()
    client.sendall(engine.recv(400))
    for each in (client, engine):
        each.shutdown(socket.SHUT_RDWR)  # closing alone waits for whoever still reads from it


Deed = Callable[[socket.socket, socket.socket, bytes], None]


@contextmanager
def engine_that(does: Deed, path: str = "/var/run/docker.sock") -> Iterator[str]:
    """The real engine behind a connection at the address given, but for what a build gets there.

    Only builds over the API without BuildKit (version 2 of them) are dealt with by ``does``.
    """
    listener = socket.create_server(("127.0.0.1", 0))
    ended = threading.Event()

    def serve() -> None:
        while not ended.is_set():
            try:
                client, _ = listener.accept()
            except OSError:
                return
            threading.Thread(target=_one, args=(client, path, does), daemon=True).start()

    thread = threading.Thread(target=serve)
    thread.start()
    try:
        yield f"tcp://127.0.0.1:{listener.getsockname()[1]}"
    finally:
        ended.set()
        with suppress(OSError):
            listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        thread.join(timeout=30)


def _one(client: socket.socket, path: str, does: Deed) -> None:
    """One request; the connection ends with it, so that each is looked at."""
    with client, socket.socket(socket.AF_UNIX) as engine, suppress(OSError):
        engine.connect(path)
        seen = b""
        while b"\r\n\r\n" not in seen:
            if not (chunk := client.recv(65536)):
                return
            seen += chunk
        head, _, rest = seen.partition(b"\r\n\r\n")
        line = head.split(b"\r\n")[0]
        if b"upgrade" not in head.lower():
            head += b"\r\nConnection: close"
        seen = head + b"\r\n\r\n" + rest
        if b"/build?" in line and b"version=2" not in line:
            does(client, engine, seen)
            return
        engine.sendall(seen)
        back = threading.Thread(target=_pour, args=(engine, client), daemon=True)
        back.start()
        _pour(client, engine)
        back.join(timeout=600)


def _pour(source: socket.socket, to: socket.socket) -> None:
    with suppress(OSError):
        while chunk := source.recv(65536):
            to.sendall(chunk)
    with suppress(OSError):
        to.shutdown(socket.SHUT_WR)
