"""Ports of this machine: does a service answer there, who holds it, which one is free?"""

from __future__ import annotations

import socket
from contextlib import suppress

from mldeploy.engines.process_run import SERVER, project_of

HOST = "127.0.0.1"
ANSWER_SECONDS = 2.0


def readiness(port: int) -> str | None:
    """The head of what ``/readyz`` answers, or None if it does not answer 200.

    By hand on a socket: http.client alone would cost `mldeploy status` a third of its time.
    """
    try:
        with socket.create_connection((HOST, port), timeout=ANSWER_SECONDS) as connection:
            connection.sendall(b"GET /readyz HTTP/1.0\r\nHost: localhost\r\n\r\n")
            head = connection.recv(4096).decode("latin-1")
    except OSError:
        return None
    return head if head.split(" ")[1:2] == ["200"] else None


def get_text(port: int, path: str) -> str:
    """What GET ``path`` answers with 200; empty otherwise."""
    from http.client import HTTPConnection, HTTPException

    connection = HTTPConnection(HOST, port, timeout=ANSWER_SECONDS)
    try:
        connection.request("GET", path)
        response = connection.getresponse()
        return response.read().decode("utf-8", "replace") if response.status == 200 else ""
    except (OSError, HTTPException):
        return ""
    finally:
        connection.close()


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
