"""What goes wrong on purpose: refusals, delays and answers that never arrive."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from datetime import timedelta
from fnmatch import fnmatchcase
from threading import Lock
from typing import Any, Literal

from tests.cloud.calls import Call
from tests.cloud.refusals import Refused

When = Literal["before", "after"]
# What AWS answers with, where it is not 400.
STATUS = {
    "AuthFailure": 401,
    "Blocked": 401,
    "OptInRequired": 401,
    "PendingVerification": 400,
    "InvalidClientTokenId": 403,
    "SignatureDoesNotMatch": 403,
    "UnauthorizedOperation": 403,
    "AccessDenied": 403,
    "InternalError": 500,
    "InternalFailure": 500,
    "InsufficientInstanceCapacity": 500,
    "RequestLimitExceeded": 503,
    "Unavailable": 503,
    "ServiceUnavailable": 503,
}
MESSAGES = {
    "AuthFailure": "AWS was not able to validate the provided access credentials",
    "Blocked": "This account is currently blocked and not recognized as a valid account. Please "
    "contact https://support.console.aws.amazon.com/support if you have questions.",
    "OptInRequired": "You are not subscribed to this service. Please go to http://aws.amazon.com "
    "to subscribe.",
    "PendingVerification": "Your request for accessing resources in this region is being "
    "validated, and you will not be able to launch additional resources in this region until the "
    "validation is complete. We will notify you by email once your request has been validated.",
    "InvalidClientTokenId": "The security token included in the request is invalid.",
    "SignatureDoesNotMatch": "The request signature we calculated does not match the signature you "
    "provided. Check your AWS Secret Access Key and signing method.",
    "ExpiredToken": "The security token included in the request is expired",
    "RequestExpired": "Request has expired.",
    "RequestLimitExceeded": "Request limit exceeded.",
    "Throttling": "Rate exceeded",
    "InternalError": "An internal error has occurred",
    "Unavailable": "The service is unavailable. Please try again shortly.",
    "InsufficientFreeAddressesInSubnet": "There are not enough free addresses in the subnet to "
    "satisfy the requested number of instances.",
    "VPCIdNotSpecified": "No default VPC for this user",
    "MissingInput": "No subnets found for the default VPC. Please specify a subnet.",
}


@dataclass
class Fault:
    """``action`` is "RunInstances", "ec2:RunInstances" or a pattern such as "ec2:*".

    Without a ``code`` the connection is cut with no answer. ``when="after"``: the call is carried
    out first, so whoever asked must find out. ``skip`` lets that many calls pass before.
    """

    action: str
    code: str | None
    message: str = ""
    status: int | None = None
    times: int = 1
    when: When = "before"
    skip: int = 0
    region: str | None = None
    dry_runs: bool = False  # whether calls with DryRun meet it too, and count
    met: int = 0

    def refusal(self) -> Refused | None:
        """None stands for a cut connection."""
        if self.code is None:
            return None
        status = self.status or STATUS.get(self.code, 400)
        return Refused(self.code, self.message or MESSAGES.get(self.code, ""), status)


@dataclass
class Delay:
    action: str
    seconds: float


@dataclass
class Faults:
    waiting: list[Fault] = field(default_factory=list)
    delays: list[Delay] = field(default_factory=list)
    _lock: Lock = field(default_factory=Lock, repr=False)

    def met_by(self, call: Call) -> Fault | None:
        """The fault that this call runs into, which is then counted."""
        with self._lock:
            for fault in self.waiting:
                if not fits(fault.action, call) or fault.region not in {None, call.region}:
                    continue
                if call.dry_run and not fault.dry_runs:
                    continue
                fault.met += 1
                if fault.met <= fault.skip:
                    continue
                if fault.met - fault.skip >= fault.times:
                    self.waiting.remove(fault)
                return fault
        return None

    def pause_of(self, call: Call) -> timedelta:
        return timedelta(seconds=sum(d.seconds for d in self.delays if fits(d.action, call)))

    def as_dicts(self) -> Iterator[dict[str, Any]]:
        yield from (asdict(fault) for fault in self.waiting)


def fits(action: str, call: Call) -> bool:
    return fnmatchcase(call.name if ":" in action else call.action, action)
