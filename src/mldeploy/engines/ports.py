"""Ports of this machine: does a service answer there, who holds it, which one is free?"""

from __future__ import annotations

import socket
from contextlib import suppress

from mldeploy.engines.process_run import SERVER, project_of

HOST = "127.0.0.1"
ANSWER_SECONDS = 2.0


def is_ready(port: int) -> bool:
    """Does ``/readyz`` answer 200? By hand on a socket: http.client alone would double the time
    that `mldeploy status` takes to start."""
    try:
        with socket.create_connection((HOST, port), timeout=ANSWER_SECONDS) as connection:
            connection.settimeout(ANSWER_SECONDS)
            connection.sendall(b"GET /readyz HTTP/1.0\r\nHost: localhost\r\n\r\n")
            head = connection.recv(64).split(b" ")
    except OSError:
        return False
    return len(head) > 1 and head[1] == b"200"


def holder_of(port: int) -> str | None:
    """Who listens on ``port`` of the loopback, in words; None when it is free."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except PermissionError:
            return "The operating system (ports below 1024 are for root); nobody else"
        except OSError:
            return _listener(port) or "Another program"
    return None


def _listener(port: int) -> str | None:
    import psutil

    with suppress(psutil.Error):  # macOS shows other people's sockets to root only
        for connection in psutil.net_connections("tcp"):
            if connection.status != psutil.CONN_LISTEN or connection.laddr[1:] != (port,):
                continue
            if connection.pid is None:
                return "A program of another user"
            process = psutil.Process(connection.pid)
            if str(SERVER.name) in " ".join(process.cmdline()):
                return f"A service that mldeploy runs for {project_of(process)} (pid {process.pid})"
            return f"{process.name()} (pid {process.pid})"
    return None


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        return int(probe.getsockname()[1])
