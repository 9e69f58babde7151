"""The Pricing API, which moto does not have: its products for machines, storage and addresses."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from tests.cloud.calls import Call
from tests.cloud.refusals import Refused, Unreachable

if TYPE_CHECKING:
    from tests.cloud.world import World

ENDPOINTS = ("us-east-1", "eu-central-1", "ap-south-1")
LOCATIONS = {"us-east-1": "US East (N. Virginia)", "eu-central-1": "EU (Frankfurt)"}


@dataclass(frozen=True)
class Price:
    """``usd`` for an hour; of storage for a GB and month."""

    family: str  # "Compute Instance", "Storage", "IP Address"
    region: str
    usd: Decimal
    attributes: Mapping[str, str]


def machine(instance_type: str, region: str, usd: str, **attributes: str) -> Price:
    """On-demand Linux on shared hardware, if nothing else is said."""
    return Price(
        "Compute Instance",
        region,
        Decimal(usd),
        {
            "instanceType": instance_type,
            "operatingSystem": "Linux",
            "tenancy": "Shared",
            "preInstalledSw": "NA",
            "capacitystatus": "Used",
            "licenseModel": "No License required",
            "marketoption": "OnDemand",
            "operation": "RunInstances",
            "usagetype": f"BoxUsage:{instance_type}",
        }
        | attributes,
    )


def storage(region: str, usd: str, volume: str = "gp3") -> Price:
    return Price(
        "Storage",
        region,
        Decimal(usd),
        {
            "volumeApiName": volume,
            "volumeType": "General Purpose",
            "usagetype": f"EBS:VolumeUsage.{volume}",
        },
    )


def address(region: str, usd: str = "0.005") -> Price:
    return Price(
        "IP Address",
        region,
        Decimal(usd),
        {"group": "VPCPublicIPv4Address", "usagetype": "PublicIPv4:InUseAddress"},
    )


# The prices of the day this was written (November 2026, as published).
PRICES = (
    machine("t3.micro", "us-east-1", "0.0104"),
    machine("t3.small", "us-east-1", "0.0208"),
    machine("t3.medium", "us-east-1", "0.0416"),
    machine("t3.small", "us-east-1", "0.0392", operatingSystem="Windows"),
    machine("t3.small", "us-east-1", "0.0229", tenancy="Dedicated"),
    machine("t3.small", "us-east-1", "0", capacitystatus="AllocatedCapacityReservation"),
    machine("t4g.small", "us-east-1", "0.0168"),
    machine("m7i.large", "us-east-1", "0.1008"),
    machine("g4dn.xlarge", "us-east-1", "0.526"),
    machine("t3.small", "eu-central-1", "0.0240"),
    machine("g4dn.xlarge", "eu-central-1", "0.658"),
    storage("us-east-1", "0.08"),
    storage("us-east-1", "0.10", "gp2"),
    storage("eu-central-1", "0.0952"),
    address("us-east-1"),
    address("eu-central-1"),
)


def get_products(world: World, call: Call) -> dict[str, Any]:
    """Pages of products; each is a text that holds JSON, as the real ones are."""
    if call.region not in ENDPOINTS:
        raise Unreachable
    if call.params.get("FormatVersion", "aws_v1") != "aws_v1":
        raise Refused("InvalidParameterException", "Unknown FormatVersion")
    found = [price for price in world.prices if _passes(price, call)]
    start = _page(call.params.get("NextToken"))
    size = int(call.params.get("MaxResults", 100))
    answer: dict[str, Any] = {
        "FormatVersion": "aws_v1",
        "PriceList": [json.dumps(_product(price)) for price in found[start : start + size]],
    }
    if start + size < len(found):
        answer["NextToken"] = base64.b64encode(str(start + size).encode()).decode()
    return answer


def _page(token: str | None) -> int:
    if token is None:
        return 0
    try:
        return int(base64.b64decode(token))
    except ValueError as error:
        raise Refused("InvalidNextTokenException", "The pagination token is invalid.") from error


def _passes(price: Price, call: Call) -> bool:
    """All filters are of the kind TERM_MATCH, and all must fit."""
    if call.params.get("ServiceCode") not in {"AmazonEC2", "AmazonVPC"}:
        return False
    if (price.family == "IP Address") != (call.params["ServiceCode"] == "AmazonVPC"):
        return False
    seen = _attributes(price) | {"productFamily": price.family}
    for each in call.params.get("Filters", []):
        found = seen.get(each["Field"])
        wanted = str(each["Value"])
        if each["Type"] == "ANY_OF":
            if found not in wanted.split(","):
                return False
        elif found != wanted:
            return False
    return True


def _attributes(price: Price) -> dict[str, str]:
    service = "AmazonVPC" if price.family == "IP Address" else "AmazonEC2"
    return {
        "servicecode": service,
        "regionCode": price.region,
        "location": LOCATIONS.get(price.region, price.region),
        "locationType": "AWS Region",
    } | dict(price.attributes)


def _product(price: Price) -> dict[str, Any]:
    attributes = _attributes(price)
    sku = f"{abs(hash_of(attributes)):X}"[:16]
    unit = "GB-Mo" if price.family == "Storage" else "Hrs"
    offer, rate = f"{sku}.JRTCKXETXF", f"{sku}.JRTCKXETXF.6YS6EN2CT7"
    dimension = {
        "unit": unit,
        "endRange": "Inf",
        "description": f"${price.usd} per {unit} {attributes['usagetype']}",
        "appliesTo": [],
        "rateCode": rate,
        "beginRange": "0",
        "pricePerUnit": {"USD": f"{price.usd:.10f}"},
    }
    term = {
        "priceDimensions": {rate: dimension},
        "sku": sku,
        "effectiveDate": "2026-11-01T00:00:00Z",
        "offerTermCode": "JRTCKXETXF",
        "termAttributes": {},
    }
    return {
        "product": {"productFamily": price.family, "attributes": attributes, "sku": sku},
        "serviceCode": attributes["servicecode"],
        "terms": {"OnDemand": {offer: term}},
        "version": "20261101000000",
        "publicationDate": "2026-11-01T00:00:00Z",
    }


def hash_of(attributes: Mapping[str, str]) -> int:
    """The same in every process, unlike hash()."""
    import hashlib

    told = json.dumps(attributes, sort_keys=True).encode()
    return int.from_bytes(hashlib.sha256(told).digest()[:8], "big")
