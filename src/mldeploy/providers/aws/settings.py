"""What only a target of the kind ``aws`` has in mldeploy.toml."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec

from mldeploy.config import RentedTarget


class AwsTarget(RentedTarget, frozen=True, kw_only=True, tag_field="kind", tag="aws"):
    """One EC2 machine in the default network of a region.

    Without ``region`` and ``profile`` they are those that boto3 finds, as the AWS command line
    does. ``ssh_from`` is who may reach port 22, where that is not this laptop's address alone.
    """

    machine_type: str = "t3.small"
    region: Annotated[str, msgspec.Meta(pattern=r"^[a-z]{2}(-[a-z]+)+-\d$")] | None = None
    profile: str | None = None
    system: Literal["ubuntu", "amazon"] = "ubuntu"
    spot: bool = False
    ssh_from: Annotated[str, msgspec.Meta(pattern=r"^\d{1,3}(\.\d{1,3}){3}/\d{1,2}$")] | None = None
    # A second thing that ends the machine at its expiry, in AWS itself; the role may do that.
    second_belt_role: Annotated[str, msgspec.Meta(pattern=r"^arn:aws[a-z-]*:iam::\d+:role/.+$")] | (
        None
    ) = None

    @property
    def kind(self) -> str:
        return "aws"
