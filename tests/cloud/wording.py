"""What EC2 lets names, descriptions and tags be; moto takes everything."""

from __future__ import annotations

import re
from collections.abc import Iterator

from tests.cloud.calls import Call
from tests.cloud.refusals import Refused

DESCRIPTION = re.compile(r"[A-Za-z0-9 ._\-:/()#,@\[\]+=&;{}!$*]{0,255}")
KEY, VALUE, MOST = 128, 256, 50
LAUNCHED = {"instance", "volume", "network-interface", "spot-instances-request"}


def check(call: Call) -> None:
    """Raise Refused for a word that EC2 would not take."""
    if call.service != "ec2":
        return
    for name, text in _descriptions(call):
        if not DESCRIPTION.fullmatch(text):
            raise Refused(
                "InvalidParameterValue",
                f"Value ({text}) for parameter {name} is invalid. Character sets beyond ASCII are "
                "not supported, and these are all: a-z A-Z 0-9 ._-:/()#,@[]+=&;{}!$*",
            )
    if call.action == "CreateSecurityGroup" and str(call.params["GroupName"]).startswith("sg-"):
        raise Refused("InvalidParameterValue", "Group names may not begin with sg-.")
    for kind, tags in _tags(call):
        _check_tags(tags)
        if call.action == "RunInstances" and kind not in LAUNCHED:
            said = f"'{kind}' is not a valid taggable resource type for this operation."
            raise Refused("InvalidParameterValue", said)
    _check_spot_tags(call)


def _descriptions(call: Call) -> Iterator[tuple[str, str]]:
    if call.action == "CreateSecurityGroup":
        yield "GroupDescription", call.params.get("GroupDescription", "")
        yield "GroupName", call.params.get("GroupName", "")
    for permission in call.listed("IpPermissions"):
        for each in [*permission.get("IpRanges", []), *permission.get("Ipv6Ranges", [])]:
            yield "Description", each.get("Description", "")


def _tags(call: Call) -> Iterator[tuple[str, dict[str, str]]]:
    """Tags and what they are for; of CreateTags that is not said."""
    for each in call.listed("TagSpecification"):
        yield each["ResourceType"], _by_key(each.get("Tag", []))
    if call.action == "CreateTags":
        yield "", _by_key(call.listed("Tag"))


def _by_key(tags: list[dict[str, str]]) -> dict[str, str]:
    return {tag["Key"]: tag.get("Value", "") for tag in tags}


def _check_tags(tags: dict[str, str]) -> None:
    if len(tags) > MOST:
        raise Refused("TagLimitExceeded", f"More than {MOST} tags.")
    for key, value in tags.items():
        if key.lower().startswith("aws:"):
            said = "Tag keys starting with 'aws:' are reserved for internal use"
            raise Refused("InvalidParameterValue", said)
        if not 0 < len(key) <= KEY:
            said = f"Tag key exceeds the maximum length of {KEY} characters"
            raise Refused("InvalidParameterValue", said)
        if len(value) > VALUE:
            said = f"Tag value exceeds the maximum length of {VALUE} characters"
            raise Refused("InvalidParameterValue", said)


def _check_spot_tags(call: Call) -> None:
    """Tags for a request that is not made: reports differ on what EC2 says, not that it does."""
    kinds = {kind for kind, _ in _tags(call)}
    market = call.params.get("InstanceMarketOptions", {}).get("MarketType")
    if call.action == "RunInstances" and "spot-instances-request" in kinds and market != "spot":
        said = "Tags for spot-instances-request need InstanceMarketOptions with MarketType spot."
        raise Refused("InvalidParameterCombination", said)
