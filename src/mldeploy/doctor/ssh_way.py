"""Up to the login: the program, the name, the first packet. Each with a bound."""

from __future__ import annotations

import socket
import subprocess

from mldeploy.doctor.checks import Finding, ok
from mldeploy.ssh import address as addresses
from mldeploy.ssh import trouble
from mldeploy.ssh.address import Address, Resolved

ANSWER_SECONDS = 8.0


def program() -> Finding:
    found = addresses.program()
    said = subprocess.run([found, "-V"], capture_output=True, text=True, timeout=20).stderr
    return ok("ssh", f"{said.strip().partition(',')[0]}, at {found}")


def address(typed: Address, there: Resolved) -> Finding:
    """Where ssh's own configuration leads to, and whether that name is one."""
    to = f"{there.user}@{there.hostname}, port {there.port}"
    if there.through:
        return ok("address", f"{to}, by way of {there.through}")
    try:
        socket.getaddrinfo(there.hostname, there.port, type=socket.SOCK_STREAM)
    except OSError as error:
        said = f"could not resolve hostname {there.hostname}: {error.strerror}"
        raise trouble.explain(said, typed, there) from error
    return ok("address", f"{typed} is {to}")


def reachable(typed: Address, there: Resolved) -> Finding:
    """Is there an sshd that greets? What is behind a jump host is met by the next check only."""
    if there.through:
        return ok("reachable", f"not asked from here: the way is by {there.through}")
    try:
        with socket.create_connection((there.hostname, there.port), ANSWER_SECONDS) as asking:
            said = asking.recv(256)
    except OSError as error:
        raise trouble.explain(str(error), typed, there) from error
    if b"SSH-" not in said:
        return Finding(
            "reachable",
            "error",
            f"What answers at port {there.port} of {there.hostname} is no sshd"
            + ("." if said else ": it says nothing, or is overloaded."),
            'is sshd on another port? host = "user@name:port" in mldeploy.toml',
        )
    return ok("reachable", f"port {there.port} of {there.hostname} answers")
