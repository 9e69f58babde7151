"""Serve one bento in a container, as its first process. Run by the image's interpreter, by path.

usage: serve_replica.py BENTO RELEASE

It answers on port 3000 (PORT) of every address of the container, once the model is loaded. SIGTERM
ends it without losing a request: for a second it goes on as before, while whoever balances learns
of it, and answers carry ``Connection: close``; then it takes no new connection, finishes what is in
flight within DRAIN_SECONDS (30), and ends with 0. A second SIGTERM ends it at once.

Secrets lie in /run/secrets/mldeploy/*.json (MLDEPLOY_SECRETS), each ``{"NAME": "value"}``; they are
in the environment before the service is imported. Only the temporary folder is written to. Exit
codes: 0 asked to end, 1 it could not start (the log says why), 78 a secret could not be read.
"""

from __future__ import annotations

import os
import signal
import sys
from typing import TYPE_CHECKING, Any

# The first process of a container ignores the signals that it has no handler for. Until the model
# is loaded there is nothing to finish: ending is all that is asked.
if __name__ == "__main__":
    for _number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(_number, lambda *_: os._exit(0))

import asyncio
import json
import logging
import socket
import tempfile
import time
from pathlib import Path

if TYPE_CHECKING:
    from mldeploy.project_side import server
else:
    import server  # the script beside this one

    del sys.modules["server"], sys.path[0]

LINGER_SECONDS = 1.0  # the edge asks a replica for its health this often, or more
UNREADABLE_SECRET = 78  # EX_CONFIG of sysexits.h
LOG = logging.getLogger("mldeploy")


def main(bento: str, release: str) -> int:
    began = time.monotonic()
    try:
        os.environ.update(
            secrets(Path(os.environ.get("MLDEPLOY_SECRETS", "/run/secrets/mldeploy")))
        )
    except SecretError as error:
        sys.stderr.write(f"error: {error}\n")
        return UNREADABLE_SECRET
    room = Path(tempfile.gettempdir())
    app = server.load(bento, home=room / "bentoml", metrics=room / "metrics")
    with asyncio.Runner(loop_factory=server.loop_factory()) as runner:
        return runner.run(serve(app, release, began))


class SecretError(Exception):
    """A file of secrets is not what it should be; the message holds nothing of its content."""


def secrets(folder: Path) -> dict[str, str]:
    """All secrets in ``folder``, which need not exist; raises :class:`SecretError`."""
    found: dict[str, str] = {}
    try:
        files = sorted(folder.iterdir()) if folder.exists() else []
    except OSError as error:
        raise SecretError(f"the secrets in {folder} can't be listed: {error.strerror}") from None
    for file in [each for each in files if each.suffix == ".json"]:
        try:
            content = json.loads(file.read_text(encoding="utf-8"))
        except OSError as error:
            raise SecretError(f"the secret {file} can't be read: {error.strerror}") from None
        except ValueError:  # its message would quote the file
            raise SecretError(f"the secret {file} is not JSON") from None
        if not isinstance(content, dict) or not all(map(_fits, content, content.values())):
            raise SecretError(f'the secret {file} is not of the form {{"NAME": "value"}}')
        found |= content
    return found


def _fits(name: str, value: Any) -> bool:
    """Can it stand in the environment?"""
    return bool(name) and "=" not in name and isinstance(value, str) and "\0" not in name + value


class Closing:
    """The app, whose answers tell the client to close the connection from some moment on."""

    def __init__(self, app: server.App) -> None:
        self.app = app
        self.closing = False

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if not self.closing or scope["type"] != "http":
            await self.app(scope, receive, send)
            return

        async def send_closing(message: Any) -> None:
            if message["type"] == "http.response.start":
                headers = [*message.get("headers", ()), (b"connection", b"close")]
                message = {**message, "headers": headers}
            await send(message)

        await self.app(scope, receive, send_closing)


async def serve(app: server.App, release: str, began: float) -> int:
    lifespan = await server.start(app)
    if lifespan is None:
        return 1
    grace = int(os.environ.get("DRAIN_SECONDS", "30"))
    gate = Closing(app)
    http = server.uvicorn_server(gate, [("x-mldeploy-release", release)], grace)
    asked = asyncio.Event()

    def end() -> None:
        if asked.is_set():
            os._exit(1)
        asked.set()

    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, end)
    serving = asyncio.create_task(http.serve(sockets=[_listener()]))
    LOG.info("%s answers, %.1f s after its start", release, time.monotonic() - began)

    waiting = asyncio.create_task(asked.wait())
    await asyncio.wait({serving, waiting}, return_when=asyncio.FIRST_COMPLETED)
    if serving.done():
        serving.result()  # raises what ended it
        return 1
    gate.closing = True
    await asyncio.sleep(LINGER_SECONDS)
    http.should_exit = True
    left = len(http.server_state.tasks)
    LOG.info("asked to end; requests in flight: %d, given %d s", left, grace)
    await serving
    await lifespan.shutdown()
    return 0


def _listener() -> socket.socket:
    # Made with the protocol named: with proto=0 asyncio leaves Nagle's algorithm on, 40 ms a
    # request on kept-alive connections.
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    # The container's own network: nobody is on it but the edge.
    listener.bind(("0.0.0.0", int(os.environ.get("PORT", "3000"))))  # noqa: S104
    listener.listen(2048)
    return listener


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
