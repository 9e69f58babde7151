"""What a test may do to the account: let things go wrong, let time pass, let others be there."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from tests.paperspace import catalogue, life
from tests.paperspace.account import Account, Address, Machine, Script
from tests.paperspace.bill import an_hour
from tests.paperspace.faults import Fault, Pace, When


class Controls:
    def __init__(self, account: Account) -> None:
        self.account = account

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
        raw: str | None = None,
        headers: dict[str, str] | None = None,
    ) -> Fault:
        """The next ``times`` such calls fail, after ``skip`` that do not.

        ``call`` is a pattern: "POST /machines", "GET /machines/*", "*". No ``code``: the connection
        is cut. ``when="after"``: the call is carried out, and then its answer is lost (no code) or
        says that it failed. ``status=200`` is an error that comes with a good status, ``raw`` a
        page of a proxy in front of it (502 unless a ``status`` is told), ``headers`` are sent
        besides: Retry-After, say.
        """
        fault = Fault(call, code, message, status, details, times, when, skip, raw, headers or {})
        with self.account.lock:
            self.account.faults.waiting.append(fault)
        return fault

    def delay(self, call: str, seconds: float) -> None:
        """Every such call takes so much longer; 0 ends it.

        Through `transport` nobody waits: the account's clock goes on, and who had less patience
        gets httpx's ReadTimeout, after the call was carried out.
        """
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

    def next_delete_fails(self, error: str = "Internal error") -> None:
        """It is accepted, its event ends in an error, and the machine is there as before."""
        self.account.stuck_deletes.append(error)

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
