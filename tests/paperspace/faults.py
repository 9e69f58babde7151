"""What goes wrong on purpose, how long things take, and how late the API knows of them."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta
from fnmatch import fnmatchcase
from typing import Any, Literal

from tests.paperspace.refusals import Refused, Reply

When = Literal["before", "after"]
_NOTHING = timedelta(0)


@dataclass
class Fault:
    """``call`` is a pattern of "METHOD /path". With neither ``code`` nor ``raw`` the connection
    is cut; ``raw`` is an answer in somebody else's words, a proxy's say.

    ``when="after"``: the call is carried out first, so whoever asked must find out. ``skip`` lets
    that many such calls pass before.
    """

    call: str
    code: str | None
    message: str = ""
    status: int | None = None
    details: dict[str, Any] | None = None
    times: int = 1
    when: When = "before"
    skip: int = 0
    raw: str | None = None
    headers: dict[str, str] = field(default_factory=dict)
    met: int = 0

    def reply(self) -> Reply | None:
        """None stands for a cut connection."""
        if self.raw is not None:
            return Reply(self.status or 502, None, self.raw, self.headers)
        if self.code is None:
            return None
        refused = Refused(self.code, self.message, details=self.details, status=self.status)
        return Reply(refused.status, refused.body, headers=self.headers)


@dataclass
class Faults:
    waiting: list[Fault] = field(default_factory=list)
    delays: dict[str, float] = field(default_factory=dict)  # seconds, by pattern

    def met_by(self, call: str) -> Fault | None:
        """The fault that this call runs into, which is then counted."""
        for fault in self.waiting:
            if not fnmatchcase(call, fault.call):
                continue
            fault.met += 1
            if fault.met <= fault.skip:
                continue
            if fault.met - fault.skip >= fault.times:
                self.waiting.remove(fault)
            return fault
        return None

    def seconds_of(self, call: str) -> float:
        return sum(each for pattern, each in self.delays.items() if fnmatchcase(call, pattern))


@dataclass
class Pace:
    """How often something is looked at *and* how long it lasts before it goes on.

    A look is a GET of the machine, of its event, or a list with one of them. What nobody looks at
    goes on after ``unwatched``.
    """

    looks: int = 1  # of each stage: an event that begins, a machine that comes up or goes
    starting: timedelta = _NOTHING  # from the create or start to serviceready
    settling: timedelta = _NOTHING  # from serviceready to ready
    ending: timedelta = _NOTHING  # of a stop or a delete
    unwatched: timedelta = timedelta(minutes=1)
    addressless: int = 1  # looks at a machine that is ready before it has its address

    @classmethod
    def instant(cls) -> Pace:
        """The answer says provisioning, the next call ready."""
        return cls(looks=0, addressless=0)


@dataclass
class Lag:
    """How many calls a new thing is still unknown to, or one that is gone still known."""

    by_id: int = 0
    in_lists: int = 0
    gone_in_lists: int = 0
