"""The handle of the stand-in: where it is, and everything that a test may do to it."""

from __future__ import annotations

import os
import re
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from tests.paperspace import bill as bills
from tests.paperspace.account import OURS, Account, Address, Machine, Network, Script
from tests.paperspace.bill import Bill
from tests.paperspace.controls import Controls
from tests.paperspace.gate import BASE, Call, Cut, Gate
from tests.paperspace.server import Server

if TYPE_CHECKING:
    import httpx

    from tests.paperspace.bodies import MachineBodies

KEY = "0123456789abcdef0123456789abcd"  # the only one that is valid


@contextmanager
def standin(*, machines: bool = False, port: int = 0, **settings: Any) -> Iterator[Paperspace]:
    """``settings`` are fields of `Account`. With ``machines`` each one can be logged in to."""
    paperspace = Paperspace(machines=machines, port=port, **settings)
    try:
        yield paperspace
    finally:
        paperspace.close()


class Paperspace(Controls):
    """One team of one account, with nothing in it at first."""

    def __init__(self, *, machines: bool = False, port: int = 0, **settings: Any) -> None:
        super().__init__(Account(**{"key": KEY} | settings))
        self.gate = Gate(self.account)
        self.name_of_rental: Callable[[str], str] = rental_of
        host = "127.0.0.1"
        if machines:
            from tests.paperspace.bodies import MachineBodies

            self.account.bodies = bodies = MachineBodies(self.account)
            host = bodies.address  # so that a machine can end itself
            self.paced(unwatched=1)
        try:
            self._server = Server(self.gate, host, port)
        except OSError:  # the port is taken
            if self.account.bodies:
                self.account.bodies.close()
            raise

    # Where it is.

    @property
    def url(self) -> str:
        return self._server.address + BASE

    @property
    def bodies(self) -> MachineBodies:
        """The real machines: to look into one past its network, `bodies.machines.exec`."""
        from tests.paperspace.bodies import MachineBodies

        assert isinstance(self.account.bodies, MachineBodies), "this stand-in has no real machines"
        return self.account.bodies

    @property
    def key(self) -> str:
        return self.account.key

    @property
    def environment(self) -> dict[str, str]:
        """For a process that is to take this for Paperspace."""
        return {
            "PAPERSPACE_API_KEY": self.key,
            "PAPERSPACE_API_URL": self.url,
        } | dict.fromkeys(("NO_PROXY", "no_proxy"), _without_proxy(self.url))

    @property
    def transport(self) -> httpx.BaseTransport:
        """For a client of httpx that needs no socket: the same calls, faults and refusals."""
        import httpx

        def handle(request: httpx.Request) -> httpx.Response:
            headers = {name.lower(): value for name, value in request.headers.items()}
            target = request.url.raw_path.decode()
            patience = request.extensions.get("timeout", {}).get("read")
            waited: list[float] = []

            def wait(seconds: float) -> None:
                waited.append(seconds)
                self.advance(seconds if patience is None else min(seconds, patience))

            try:
                reply = self.gate.answer(request.method, target, headers, request.read(), wait)
            except Cut:
                raise httpx.RemoteProtocolError("Server disconnected", request=request) from None
            if patience is not None and sum(waited) > patience:
                raise httpx.ReadTimeout("The read operation timed out", request=request)
            told = dict(reply.headers) | {"Content-Type": reply.content_type}
            return httpx.Response(reply.status, content=reply.body, headers=told, request=request)

        return httpx.MockTransport(handle)

    # What is there.

    @property
    def machines(self) -> list[Machine]:
        """Those that exist, somebody else's too, as they are by now."""
        self.tick()
        return [each for each in self.account.machines.values() if each.exists]

    @property
    def ours(self) -> list[Machine]:
        return [each for each in self.machines if not each.foreign]

    @property
    def scripts(self) -> list[Script]:
        return [each for each in self.account.scripts.values() if each.exists]

    @property
    def addresses(self) -> list[Address]:
        """The static ones."""
        return [each for each in self.account.addresses.values() if each.exists]

    @property
    def networks(self) -> list[Network]:
        return [each for each in self.account.networks.values() if each.exists]

    @property
    def calls(self) -> list[Call]:
        """Every call, in order, also those without an answer; `forget_calls` begins anew."""
        return self.gate.calls

    def calls_of(self, pattern: str) -> list[Call]:
        """``pattern`` as in `fail`."""
        from fnmatch import fnmatchcase

        return [call for call in self.calls if fnmatchcase(call.name, pattern)]

    def forget_calls(self) -> None:
        self.gate.calls.clear()

    def bill(self, now: datetime | None = None) -> Bill:
        """What all that is ours has cost up to ``now``, and what still runs on."""
        self.tick()
        ours = [each for each in self.account.meters if not each.foreign]
        return bills.bill(ours, now or self.account.now())

    @property
    def trouble(self) -> list[str]:
        """What no good client does: what was seen, and machines of one rental beside each other."""
        alive = Counter(self.name_of_rental(each.name) for each in self.ours)
        twice = [f"{count} machines of {name}" for name, count in alive.items() if count > 1]
        return self.account.trouble + twice

    def forgive(self) -> None:
        """What was seen so far was meant."""
        self.account.trouble.clear()

    def close(self) -> None:
        self._server.close()
        if self.account.bodies:
            self.account.bodies.close()


def rental_of(name: str) -> str:
    """A machine's name without what two machines of one rental need not have in common: the key
    of the laptop that ordered it, and when its lifetime is over."""
    return re.sub(r"-[0-9a-f]{6}-(never|\d{8}T\d{6}Z)$", "", name)


def isolated(paperspace: Paperspace, home: Path) -> dict[str, str]:
    """Variables for a program that is to find this account alone, and nobody's own files."""
    return paperspace.environment | {"HOME": str(home), "XDG_CONFIG_HOME": str(home / ".config")}


def _without_proxy(url: str) -> str:
    """What this machine reaches directly, and the stand-in, whatever its proxies."""
    known = os.environ.get("NO_PROXY") or os.environ.get("no_proxy") or ""
    return ",".join([*filter(None, known.split(",")), str(urlsplit(url).hostname)])


__all__ = ["KEY", "OURS", "Paperspace", "isolated", "standin"]
