"""The newest image of a system, as its makers publish it through SSM: no list of ids goes stale."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from mldeploy.errors import ConfigError
from mldeploy.prices import Size
from mldeploy.providers.aws.session import Session

System = Literal["ubuntu", "amazon"]
USERS: dict[System, str] = {"ubuntu": "ubuntu", "amazon": "ec2-user"}
UBUNTU = "/aws/service/canonical/ubuntu/server/24.04/stable/current/{arch}/hvm/ebs-gp3/ami-id"
AMAZON = "/aws/service/ami-amazon-linux-latest/al2023-ami-kernel-default-{arch}"
# With NVIDIA's driver and container toolkit.
GPU = "/aws/service/deeplearning/ami/x86_64/base-oss-nvidia-driver-gpu-ubuntu-24.04/latest/ami-id"


@dataclass(frozen=True)
class Image:
    """``root`` is the device of its disk, which takes at least ``least_gb``."""

    id: str
    root: str
    least_gb: int
    user: str


def parameter(system: System, size: Size) -> tuple[str, System]:
    """The name under which the image's id is published, and the system that it is in the end."""
    if size.gpu:
        if size.architecture != "x86_64":
            raise ConfigError(
                "no-gpu-image",
                what=f"There is no image for a {size.name}.",
                why="It has a GPU and an arm processor, for which no ready image is published.",
                do="choose a g4dn, g5 or g6: mldeploy prices --gpu",
            )
        return GPU, "ubuntu"
    if system == "amazon":
        arch = "x86_64" if size.architecture == "x86_64" else "arm64"
        return AMAZON.format(arch=arch), "amazon"
    return UBUNTU.format(arch="amd64" if size.architecture == "x86_64" else "arm64"), "ubuntu"


def newest(session: Session, system: System, size: Size) -> Image:
    name, kind = parameter(system, size)
    image_id = session.call("ssm", "get_parameter", Name=name)["Parameter"]["Value"]
    (found,) = session.call("ec2", "describe_images", ImageIds=[image_id])["Images"]
    root = found.get("RootDeviceName", "/dev/sda1")
    sizes = [
        int(one["Ebs"].get("VolumeSize", 0))
        for one in found.get("BlockDeviceMappings", [])
        if one.get("DeviceName") == root and "Ebs" in one
    ]
    return Image(image_id, root, max(sizes, default=8), USERS[kind])
