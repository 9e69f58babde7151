"""The images that are there, and the public parameters that name the newest of each.

moto's 1301 images make a fresh account slow, and lack Canonical's and those for GPUs.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from typing import Any

CANONICAL, AMAZON, DEEP_LEARNING = "099720109477", "137112412989", "898082745236"
RELEASED = datetime(2026, 11, 2, tzinfo=UTC)


@dataclass(frozen=True)
class Image:
    """``size`` of its snapshot in GB: no root volume can be smaller."""

    parameter: str
    name: str
    owner: str
    architecture: str  # "x86_64", "arm64"
    root: str
    size: int
    alias: str | None = None

    def id_in(self, region: str) -> str:
        if self.owner == AMAZON and (known := _amazons(region).get(self.parameter)):
            return known
        return f"ami-0{hashlib.sha256(f'{region} {self.parameter}'.encode()).hexdigest()[:16]}"


_UBUNTU = "/aws/service/canonical/ubuntu/server/24.04/stable/current/{}/hvm/ebs-gp3/ami-id"
_AL2023 = "/aws/service/ami-amazon-linux-latest/al2023-ami-kernel-default-{}"
_GPU = "/aws/service/deeplearning/ami/{}/base-oss-nvidia-driver-gpu-ubuntu-24.04/latest/ami-id"
IMAGES = (
    *(
        Image(
            _UBUNTU.format(word),
            f"ubuntu/images/hvm-ssd-gp3/ubuntu-noble-24.04-{word}-server-20261102",
            CANONICAL,
            architecture,
            "/dev/sda1",
            8,
        )
        for word, architecture in (("amd64", "x86_64"), ("arm64", "arm64"))
    ),
    *(
        Image(
            _AL2023.format(architecture),
            f"al2023-ami-2023.9.20261102.0-kernel-6.1-{architecture}",
            AMAZON,
            architecture,
            "/dev/xvda",
            8,
            "amazon",
        )
        for architecture in ("x86_64", "arm64")
    ),
    *(
        Image(
            _GPU.format(architecture),
            "Deep Learning Base OSS Nvidia Driver GPU AMI (Ubuntu 24.04)"
            f"{' ARM64' if architecture == 'arm64' else ''} 20261102",
            DEEP_LEARNING,
            architecture,
            "/dev/sda1",
            75,
            "amazon",
        )
        for architecture in ("x86_64", "arm64")
    ),
)


@cache
def _amazons(region: str) -> dict[str, str]:
    """Amazon Linux: moto's own dump of the real parameters."""
    from moto.utilities.utils import load_resource

    try:
        listed = load_resource(f"ssm/resources/ami-amazon-linux-latest/{region}.json")
    except FileNotFoundError:  # a region newer than the dump
        return {}
    return {each["Name"]: each["Value"] for each in listed}


def install() -> None:
    """Give moto these images and parameters in place of its own; once for the process."""
    from moto.ec2.models.amis import Ami, AmiBackend
    from moto.ssm.models import Parameter, ParameterDict

    class SizedAmi(Ami):
        """moto's have 15 GB each, on a disk of the oldest kind."""

        size = 8

        @property
        def block_device_mappings(self) -> list[dict[str, Any]]:
            ebs = {
                "SnapshotId": self.ebs_snapshot.id,
                "VolumeSize": self.size,
                "DeleteOnTermination": True,
                "VolumeType": "gp3",
                "Encrypted": False,
            }
            return [{"DeviceName": self.root_device_name, "Ebs": ebs}]

    def load_images(backend: Any) -> None:
        for image in IMAGES:
            ami = SizedAmi(
                backend,
                image.id_in(backend.region_name),
                name=image.name,
                description=image.name,
                owner_id=image.owner,
                owner_alias=image.alias,
                public=True,
                virtualization_type="hvm",
                architecture=image.architecture,
                creation_date=RELEASED,
                hypervisor="xen",
                root_device_type="ebs",
                root_device_name=image.root,
                region_name=backend.region_name,
            )
            ami.size = image.size
            ami.ebs_snapshot.volume.size = image.size
            backend.amis[ami.id] = ami

    load_motos = ParameterDict._check_loading_status

    def load_parameters(parameters: Any, key: str) -> None:
        if not parameters.latest_amis_loaded:
            parameters.latest_amis_loaded = True  # so that moto leaves out its own
            load_ours(parameters)
        load_motos(parameters, key)

    def load_ours(parameters: Any) -> None:
        for image in IMAGES:
            parameter = Parameter(  # type: ignore[abstract]  # as moto does
                account_id=parameters.account_id,
                name=image.parameter,
                value=image.id_in(parameters.region_name),
                parameter_type="String",
                description=None,
                allowed_pattern=None,
                keyid=None,
                last_modified_date=RELEASED,
                version=1,
                data_type="aws:ec2:image",
            )
            dict.__setitem__(parameters, image.parameter, [parameter])

    setattr(AmiBackend, "_load_amis", load_images)  # noqa: B010, mypy knows that it is a method
    setattr(ParameterDict, "_check_loading_status", load_parameters)  # noqa: B010
