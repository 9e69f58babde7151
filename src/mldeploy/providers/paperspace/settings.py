"""What only a target of the kind ``paperspace`` has in mldeploy.toml."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec

from mldeploy.config import RentedTarget, Size

# By the short name, what clients of the API write.
REGIONS = {"ny2": "East Coast (NY2)", "ca1": "West Coast (CA1)", "ams1": "Europe (AMS1)"}
Region = Literal["ny2", "ca1", "ams1", "East Coast (NY2)", "West Coast (CA1)", "Europe (AMS1)"]


class PaperspaceTarget(RentedTarget, frozen=True, kw_only=True, tag_field="kind", tag="paperspace"):
    """One Paperspace machine.

    ``template_id`` is the image, where that is not the newest Ubuntu 22.04 that Paperspace lists.
    ``on_expiry`` is what the machine does when its lifetime is over: ``delete`` itself, for which
    the API key lies on it, or ``stop``, and go on costing its disk. A ``static`` address stays the
    same when a machine is stopped, and is paid for until `down` gives it back.
    """

    machine_type: str = "C5"
    disk: Size = "50GB"  # the smallest that there is
    region: Region = "ny2"
    template_id: Annotated[str, msgspec.Meta(pattern=r"^[A-Za-z0-9_-]+$")] | None = None
    on_expiry: Literal["delete", "stop"] = "delete"
    public_address: Literal["dynamic", "static"] = "dynamic"

    @property
    def kind(self) -> str:
        return "paperspace"

    @property
    def place(self) -> str:
        """The region by its short name."""
        return short(self.region)


def short(region: str) -> str:
    """``ny2`` for it and for ``East Coast (NY2)``; what is neither stays as it is."""
    return next((name for name, label in REGIONS.items() if region == label), region)
