"""What ssh says when it can't get there, in three parts. Pure."""

from __future__ import annotations

from mldeploy.errors import FailedError, MldeployError, RefusedError
from mldeploy.ssh.address import Address, Resolved

UNKNOWN_KEY = "ssh-unknown-host"


def explain(said: str, address: Address, there: Resolved, shown: str = "") -> MldeployError:
    """From the last lines of ssh's own words; ``shown`` is an unknown host's fingerprint."""
    lower = said.lower()
    to = f"{there.user}@{there.hostname}, port {there.port}"
    again = f"ssh {_typed(address)}"
    if "host identification has changed" in lower:
        return RefusedError(
            "ssh-host-changed",
            what=f"{address} shows another host key than before; nothing was sent to it.",
            why="Either the machine was made anew, or somebody stands between you and it.",
            do=f"ask who runs it; only if it was made anew: ssh-keygen -R '{there.known_as}'",
            detail=_tail(said),
        )
    if "host key verification failed" in lower:
        return FailedError(
            UNKNOWN_KEY,
            what=f"{address} has never been met from here.",
            why=f"Its host key is in none of {', '.join(map(str, there.known_hosts))}."
            + (f" It shows {shown}." if shown else ""),
            do=f"{again}   (compare the fingerprint it shows with the one that the machine's "
            "provider shows, say yes, then try again)",
            detail=_tail(said),
        )
    if "permission denied" in lower or "too many authentication failures" in lower:
        return FailedError(
            "ssh-denied",
            what=f"{address} does not let you in.",
            why=f"None of your keys opens {to}: {_last(said)}",
            do=f"{again}   must work first (IdentityFile in ~/.ssh/config chooses a key; ssh-add "
            "opens one that has a passphrase)",
            detail=_tail(said),
        )
    if "could not resolve hostname" in lower or "name or service not known" in lower:
        return FailedError(
            "ssh-no-such-host",
            what=f"There is no machine called {there.hostname}.",
            why=_last(said),
            do="mend `host` in mldeploy.toml, or add the name to ~/.ssh/config",
        )
    if "connection refused" in lower:
        return FailedError(
            "ssh-refused",
            what=f"{address} answers, but not to ssh.",
            why=f"Nothing listens at port {there.port} of {there.hostname}.",
            do='is it still starting? Is sshd on another port: host = "user@name:port"',
        )
    if any(one in lower for one in ("timed out", "timeout", "no route", "unreachable")):
        return FailedError(
            "ssh-unreachable",
            what=f"{address} does not answer.",
            why=f"{to}: {_last(said)}",
            do="is it switched on? Does its firewall let you reach port "
            f"{there.port}? Then: {again}",
        )
    return FailedError(
        "ssh-failed",
        what=f"No connection to {address} was made.",
        why=f"{to}: {_last(said) or 'ssh ended without a word'}",
        do=f"{again}   (add -v to see more)",
        detail=_tail(said),
    )


def forbidden(address: Address) -> FailedError:
    return FailedError(
        "ssh-forbids-forwarding",
        what=f"Docker on {address} can't be reached through ssh.",
        why="It answers over there. The sshd there forbids that its socket is forwarded: "
        "AllowStreamLocalForwarding, AllowTcpForwarding or DisableForwarding.",
        do="over there, in /etc/ssh/sshd_config: AllowStreamLocalForwarding yes and "
        "AllowTcpForwarding yes (or: local); then restart ssh",
    )


def gone(address: Address, seconds: float) -> FailedError:
    return FailedError(
        "ssh-gone",
        what=f"The connection to {address} was lost.",
        why=f"It could not be made again within {seconds:.0f} s.",
        do="when the machine is in reach, run this again: it takes up what is left",
    )


def _typed(address: Address) -> str:
    port = f"-p {address.port} " if address.port is not None else ""
    return port + address.destination


def _last(said: str) -> str:
    lines = [line.strip() for line in said.splitlines() if line.strip()]
    return lines[-1] if lines else ""


def _tail(said: str) -> str:
    return "\n".join(said.strip().splitlines()[-12:])
