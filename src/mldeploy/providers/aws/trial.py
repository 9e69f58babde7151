"""Requests that EC2 only judges (DryRun): may we? They name what there is, and make nothing. Pure.

As those of `launch` and `network`, but for the group and the key, which are not there yet.
"""

from __future__ import annotations

from typing import Any

from mldeploy.providers import tags
from mldeploy.providers.aws.settings import AwsTarget

NAME = "mldeploy-trial"
MARKS = [{"Key": tags.MANAGED, "Value": tags.YES}]
# Nobody has the other half of it.
PUBLIC_KEY = b"ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIP//////////////////////////////////////////"
Trial = tuple[str, dict[str, Any]]  # boto3's method, and what it is told


def machine(target: AwsTarget, image: str, subnet: str) -> Trial:
    kinds = ["instance", "volume", "network-interface"]
    what: dict[str, Any] = {
        "ImageId": image,
        "InstanceType": target.machine_type,
        "MinCount": 1,
        "MaxCount": 1,
        "NetworkInterfaces": [
            {"DeviceIndex": 0, "SubnetId": subnet, "AssociatePublicIpAddress": True}
        ],
        "MetadataOptions": {"HttpTokens": "required", "HttpPutResponseHopLimit": 1},
    }
    if target.spot:
        kinds.append("spot-instances-request")
        what["InstanceMarketOptions"] = {"MarketType": "spot"}
    return "run_instances", what | _marked(*kinds)


def group(vpc: str) -> Trial:
    what = {"GroupName": NAME, "Description": "a trial: it is never made", "VpcId": vpc}
    return "create_security_group", what | _marked("security-group")


def key() -> Trial:
    what = {"KeyName": NAME, "PublicKeyMaterial": PUBLIC_KEY}
    return "import_key_pair", what | _marked("key-pair")


def _marked(*kinds: str) -> dict[str, Any]:
    return {"TagSpecifications": [{"ResourceType": each, "Tags": MARKS} for each in kinds]}
