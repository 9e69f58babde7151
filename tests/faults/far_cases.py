"""Every case of a host behind SSH, in the order of the table; and what each begins with."""

from __future__ import annotations

from tests.faults import case, far_host, far_killed, far_line, far_streams, far_two
from tests.faults.case import Case, Result
from tests.faults.far_place import PATIENCE, FarPlace

CASES: list[Case] = [
    *far_line.CASES,
    *far_host.CASES,
    *far_killed.CASES,
    *far_streams.CASES,
    *far_two.CASES,
]
HOST_DISK = 8 * 1024**3  # a sparse file: it takes what is written


def carry_out(wanted: Case, place: FarPlace) -> Result:
    unharmed(place)
    return case.carry_out(wanted, place)


def unharmed(place: FarPlace) -> None:
    """The host, its line and its disk as they were, also after a case that failed."""
    place.restore()
    place.host.empty_disk()
    place.host.wait_until_up()
    place.forget_client()
    place.patience = PATIENCE
    place.environment = {}
