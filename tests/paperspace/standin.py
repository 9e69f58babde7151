"""The handle of the stand-in: where it is, and everything that a test may do to it."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from tests.paperspace import bill as bills
from tests.paperspace import catalogue, life
from tests.paperspace.account import OURS, Account, Address, Machine, Network, Script
from tests.paperspace.bill import Bill, an_hour
from tests.paperspace.faults import Fault, Pace, When
from tests.paperspace.gate import BASE, Call, Cut, Gate, Reply
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


class Paperspace:
    """One team of one account, with nothing in it at first."""

    def __init__(self, *, machines: bool = False, port: int = 0, **settings: Any) -> None:
        self.account = Account(**{"key": KEY} | settings)
        self.gate = Gate(self.account)
        self.name_of_rental: Callable[[str], str] = lambda name: name
        host = "127.0.0.1"
        if machines:
            from tests.paperspace.bodies import MachineBodies, address_for_machines

            host = address_for_machines()  # of this machine, so that a machine can end itself
            self.account.bodies = MachineBodies(self.account)
            self.paced(unwatched=1)
        self._server = Server(self.gate, host, port)

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
            try:
                reply = self.answer(request.method, target, headers, request.read())
            except Cut:
                raise httpx.RemoteProtocolError("Server disconnected", request=request) from None
            return httpx.Response(reply.status, json=reply.told, request=request)

        return httpx.MockTransport(handle)

    def answer(self, method: str, target: str, headers: dict[str, str], sent: bytes) -> Reply:
        """As over HTTP; raises `Cut` where the connection would be."""
        return self.gate.answer(method, target, headers, sent)

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

    # What goes wrong.

    def fail(
        self,
        call: str,
        code: str | None = None,
        *,
        message: str = "",
        status: int | None = None,
        details: dict[str, Any] | None = None,
        times: int = 1,
        when: When = "before",
        skip: int = 0,
    ) -> Fault:
        """The next ``times`` such calls fail, after ``skip`` that do not.

        ``call`` is a pattern: "POST /machines", "GET /machines/*", "*". No ``code``: the connection
        is cut. ``when="after"``: the call is carried out, and then its answer is lost (no code) or
        says that it failed. ``status=200`` is an error that comes with a good status.
        """
        fault = Fault(call, code, message, status, details, times, when, skip)
        with self.account.lock:
            self.account.faults.waiting.append(fault)
        return fault

    def delay(self, call: str, seconds: float) -> None:
        """Every such call takes so much longer; 0 ends it."""
        with self.account.lock:
            self.account.faults.delays[call] = seconds

    def allow(self, calls: int, seconds: float) -> None:
        """What is asked more often than that gets TOO_MANY_REQUESTS."""
        self.account.allowed = calls, timedelta(seconds=seconds)

    def no_capacity(self, machine_type: str, region: str | None = None) -> None:
        """None to be had, and the API says so when it is asked."""
        self.account.shortages.add((machine_type, region))

    def no_capacity_after_all(self, machine_type: str, region: str | None = None) -> None:
        """Said to be available, and refused when it is ordered."""
        self.account.surprises.add((machine_type, region))

    def capacity_again(self) -> None:
        self.account.shortages.clear()
        self.account.surprises.clear()

    def next_machine_fails(self, error: str = "No capacity") -> None:
        """It is made, its event ends in an error, and it stays for ever as it is."""
        self.account.stuck.append(error)

    def skip_scripts(self, machines: int = 1) -> None:
        """So many of the next machines come up without having run their startup script."""
        self.account.scripts_skipped = machines

    # How time goes.

    def now(self) -> datetime:
        return self.account.now()

    def stand_still(self, at: datetime | None = None) -> None:
        """From now on only `advance` moves the clock."""
        self.account.still, self.account.skew = at or self.account.now(), timedelta(0)

    def advance(self, seconds: float) -> None:
        """The clock goes on by so much, and what is due happens."""
        with self.account.lock:
            self.account.skew += timedelta(seconds=seconds)
        self.tick()

    def tick(self) -> None:
        """What is due by now happens; every call does this too."""
        with self.account.lock:
            life.advance(self.account)

    def settle(self) -> None:
        """All that is under way comes to its end, whether anybody looks or not."""
        with self.account.lock:
            life.settle(self.account)

    def instant(self) -> None:
        """No waiting and no lag: the answer says provisioning, the next call ready."""
        self.account.pace = Pace.instant()

    def paced(self, **settings: float) -> None:
        """Fields of `Pace`; durations in seconds."""
        for name, value in settings.items():
            is_time = isinstance(getattr(self.account.pace, name), timedelta)
            setattr(self.account.pace, name, timedelta(seconds=value) if is_time else int(value))

    def lagging(self, **settings: int) -> None:
        """Fields of `Lag`, for what is made or ended from now on."""
        for name, value in settings.items():
            getattr(self.account.lag, name)
            setattr(self.account.lag, name, value)

    # Who else is there.

    def somebody_elses(
        self, name: str = "train-box", *, machine_type: str = "P4000", state: str = "ready"
    ) -> Machine:
        """A machine in the same team, which must not be touched."""
        account = self.account
        now = account.now()
        machine = Machine(
            **account.named("ps", name, foreign=True),
            type=catalogue.TYPES[machine_type],
            state=state,
            address=account.free_address() if state == "ready" else None,
            address_type="dynamic",
            ready_since=now,
        )
        account.machines[machine.id] = machine
        account.meter(machine, "storage", an_hour(catalogue.DISK_A_MONTH[machine.disk_gb]), now)
        return machine

    def somebody_elses_script(self, name: str = "setup") -> Script:
        script = Script(**self.account.named("ss", name, foreign=True), text="echo theirs")
        self.account.scripts[script.id] = script
        return script

    def somebody_elses_address(self, region: str = "ny2") -> Address:
        fields = self.account.named("ip", foreign=True)
        fields["id"] = fields["name"] = self.account.free_address()
        address = Address(**fields, region=region)
        self.account.addresses[address.id] = address
        return address

    def close(self) -> None:
        self._server.close()
        if self.account.bodies:
            self.account.bodies.close()


def isolated(paperspace: Paperspace, home: Path) -> dict[str, str]:
    """Variables for a program that is to find this account alone, and nobody's own files."""
    return paperspace.environment | {"HOME": str(home), "XDG_CONFIG_HOME": str(home / ".config")}


def _without_proxy(url: str) -> str:
    """What this machine reaches directly, and the stand-in, whatever its proxies."""
    known = os.environ.get("NO_PROXY") or os.environ.get("no_proxy") or ""
    return ",".join([*filter(None, known.split(",")), str(urlsplit(url).hostname)])


__all__ = ["KEY", "OURS", "Paperspace", "isolated", "standin"]
