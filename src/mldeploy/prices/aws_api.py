"""A region's prices from AWS's Pricing API, with the credentials that boto3 finds.

It needs the permission `pricing:GetProducts` and costs nothing. It answers at three endpoints only,
whatever region is asked about.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from datetime import date
from typing import TYPE_CHECKING, Any

from mldeploy.errors import FailedError, MldeployError
from mldeploy.prices.files import Size
from mldeploy.prices.listed import ADDRESS, DISK, MACHINE, Listed, Offer, collect

if TYPE_CHECKING:
    from mypy_boto3_pricing import PricingClient

OTHERWISE = "mldeploy prices update --without-credentials"
ENDPOINTS = {"eu": "eu-central-1", "me": "eu-central-1", "af": "eu-central-1",
             "il": "eu-central-1", "ap": "ap-south-1"}  # fmt: skip


def read(region: str, known: Mapping[str, Size], say: Callable[[str], None]) -> Listed:
    """What the API says of ``region``. Raises FailedError with what to do about it."""
    from botocore.exceptions import BotoCoreError, ClientError

    try:
        return read_with(_client(region), region, known, say)
    except (BotoCoreError, ClientError) as error:
        raise _failed(error, region) from error


def read_with(
    client: PricingClient, region: str, known: Mapping[str, Size], say: Callable[[str], None]
) -> Listed:
    """The same through ``client``; what botocore raises goes through."""
    dates: set[str] = set()

    def offers() -> Iterator[Offer]:
        for service, wanted in (
            ("AmazonEC2", MACHINE),
            ("AmazonEC2", DISK),
            ("AmazonVPC", ADDRESS),
        ):
            for product in _products(client, service, region, wanted, say):
                dates.add(product["publicationDate"][:10])
                yield from _offers_of(product)

    found = list(offers())
    dated = date.fromisoformat(max(dates)) if dates else date.min
    return collect(region, dated, found, known)


def _client(region: str) -> PricingClient:
    import boto3
    from botocore.config import Config

    calm = Config(
        connect_timeout=10, read_timeout=60, retries={"mode": "standard", "max_attempts": 5}
    )
    endpoint = ENDPOINTS.get(region.partition("-")[0], "us-east-1")
    return boto3.Session().client("pricing", region_name=endpoint, config=calm)


def _products(
    client: PricingClient,
    service: str,
    region: str,
    wanted: Mapping[str, str],
    say: Callable[[str], None],
) -> Iterator[dict[str, Any]]:
    filters: Any = [
        {"Type": "TERM_MATCH", "Field": field, "Value": value}
        for field, value in ({"regionCode": region} | dict(wanted)).items()
    ]
    pages = client.get_paginator("get_products").paginate(
        ServiceCode=service, Filters=filters, FormatVersion="aws_v1"
    )
    count = 0
    for page in pages:
        count += len(page["PriceList"])
        say(f"{count} products of {service} in {region}")
        for text in page["PriceList"]:
            yield json.loads(text)


def _offers_of(product: Mapping[str, Any]) -> Iterator[Offer]:
    attributes = {"productFamily": product["product"].get("productFamily", "")}
    attributes |= product["product"]["attributes"]
    for term in product["terms"].get("OnDemand", {}).values():
        for dimension in term["priceDimensions"].values():
            price = dimension["pricePerUnit"].get("USD", "0")
            yield Offer(attributes, dimension["unit"], price)


def _failed(error: Exception, region: str) -> MldeployError:
    from botocore import exceptions as told

    if isinstance(error, told.NoCredentialsError | told.PartialCredentialsError):
        return FailedError(
            "no-credentials",
            what="The Pricing API of AWS wants credentials, and there are none.",
            why=f"{error}. The same prices are in a public file, some hundred megabytes a region.",
            do=f"{OTHERWISE} --region {region}   (or `aws configure`)",
        )
    if isinstance(error, told.ClientError):
        code = error.response.get("Error", {}).get("Code", "")
        missing = " The permission is pricing:GetProducts." if "Denied" in code else ""
        return FailedError(
            "pricing-refused",
            what="The Pricing API of AWS said no.",
            why=f"{error}.{missing}",
            do=f"{OTHERWISE} --region {region}",
        )
    return FailedError(
        "pricing-unreachable",
        what="The Pricing API of AWS could not be asked.",
        why=str(error),
        do=f"try again, or: {OTHERWISE} --region {region}",
    )
