"""The keys of a target on the practice cloud."""

from __future__ import annotations

from typing import Literal, get_args

from mldeploy.config import Port, RentedTarget

Fault = Literal["no-capacity", "quota", "slow-boot", "unreachable", "denied", "lost-reply"]
FAULTS: tuple[str, ...] = get_args(Fault)


class FakeTarget(RentedTarget, frozen=True, kw_only=True, tag_field="kind", tag="fake"):
    """A machine of the practice cloud. ``fault`` is what is to go wrong, to be practised on.

    - ``no-capacity``: there is no machine of the first machine type
    - ``quota``: the account may have no more machines
    - ``slow-boot``: the machine takes 40 seconds before it can be logged in to
    - ``unreachable``: the machine runs, and nobody can ever log in to it
    - ``denied``: this user may not rent
    - ``lost-reply``: the machine is made, but the answer that says so never arrives
    """

    machine_type: str = "fake.small"
    # Not 443, which is for root on many computers: the edge is its own authority then.
    port: Port | None = 8443
    fault: Fault | None = None

    @property
    def kind(self) -> str:
        return "fake"
