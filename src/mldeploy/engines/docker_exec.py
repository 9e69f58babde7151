"""Running a command inside a container, with what it reads, what it says, and a bound."""

from __future__ import annotations

import io
import socket
import struct
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from mldeploy.engines.docker_repeat import repeated

if TYPE_CHECKING:
    from docker.models.containers import Container

STDERR = 2
END_SECONDS = 1.0


@dataclass(frozen=True)
class Ran:
    code: int
    out: str
    err: str


def run(
    container: Container, command: list[str], *, stdin: bytes = b"", timeout: float, user: str = ""
) -> Ran:
    """Run ``command`` to its end; ``timeout`` in seconds is for each wait for output.

    Where the connection to the engine breaks in it, it is run again: it must bear that. Raises
    docker.errors.APIError when the container does not run, TimeoutError past the bound.
    """
    return repeated(lambda: _run_once(container, command, stdin, timeout, user))


def _run_once(
    container: Container, command: list[str], stdin: bytes, timeout: float, user: str
) -> Ran:
    said: dict[int, io.BytesIO] = {1: io.BytesIO(), STDERR: io.BytesIO()}
    code = stream(
        container,
        command,
        lambda which, data: said[STDERR if which == STDERR else 1].write(data),
        stdin=stdin,
        timeout=timeout,
        user=user,
    )
    out, err = (said[n].getvalue().decode("utf-8", "replace") for n in (1, STDERR))
    return Ran(code, out, err)


def stream(
    container: Container,
    command: list[str],
    write: Callable[[int, bytes], Any],
    *,
    stdin: bytes = b"",
    timeout: float | None,
    user: str = "",
) -> int:
    """Run ``command``, hand its output on as it comes (1 stdout, 2 stderr), return its code."""
    client: Any = container.client
    api = client.api
    made = api.exec_create(container.id, command, stdin=True, user=user)["Id"]
    raw: Any = api.exec_start(made, socket=True)
    try:
        connection = _socket_of(raw)
        connection.settimeout(timeout)
        connection.sendall(stdin)
        connection.shutdown(socket.SHUT_WR)
        # The SDK hands out the socket below the buffer that read the answer's head; what came
        # with the head would be lost without the buffer itself.
        reader = raw._response.raw._fp.fp
        while len(head := reader.read(8)) == 8:
            which, size = struct.unpack(">BxxxL", head)
            write(which, reader.read(size))
    finally:
        raw._response.close()  # and with it the socket
    # The engine closes the output a little before it knows of the end.
    deadline = time.monotonic() + END_SECONDS
    while (ended := api.exec_inspect(made))["Running"]:
        if time.monotonic() > deadline:  # the output ended long before: the line broke
            raise ConnectionError(f"the output of {command[0]} broke off")
        time.sleep(0.05)
    return int(ended["ExitCode"] or 0)


def _socket_of(raw: Any) -> socket.socket:
    return raw if isinstance(raw, socket.socket) else raw._sock
