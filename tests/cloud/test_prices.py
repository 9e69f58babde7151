"""The Pricing API: what an update of the price table asks it."""

from __future__ import annotations

import json
from typing import Any

import pytest
from botocore.exceptions import ConnectionClosedError

from tests.cloud import prices
from tests.cloud.cloud import Cloud


def filters(**wanted: str) -> list[dict[str, str]]:
    return [{"Type": "TERM_MATCH", "Field": k, "Value": v} for k, v in wanted.items()]


def products(cloud: Cloud, service: str = "AmazonEC2", **wanted: str) -> list[dict[str, Any]]:
    pages = cloud.learner("pricing").get_paginator("get_products")
    told = pages.paginate(
        ServiceCode=service, Filters=filters(**wanted), PaginationConfig={"PageSize": 2}
    )
    return [json.loads(text) for page in told for text in page["PriceList"]]


def usd(product: dict[str, Any]) -> tuple[str, str]:
    (offer,) = product["terms"]["OnDemand"].values()
    (dimension,) = offer["priceDimensions"].values()
    return dimension["pricePerUnit"]["USD"], dimension["unit"]


def test_one_machine_has_one_price_when_all_is_said(cloud: Cloud) -> None:
    (found,) = products(
        cloud,
        instanceType="t3.small",
        regionCode="us-east-1",
        operatingSystem="Linux",
        tenancy="Shared",
        preInstalledSw="NA",
        capacitystatus="Used",
    )
    assert usd(found) == ("0.0208000000", "Hrs")
    assert found["product"]["attributes"]["instanceType"] == "t3.small"


def test_with_less_said_there_are_others(cloud: Cloud) -> None:
    found = products(cloud, instanceType="t3.small", regionCode="us-east-1")
    assert len(found) == 4


def test_storage_and_addresses_have_prices(cloud: Cloud) -> None:
    (disk,) = products(cloud, productFamily="Storage", volumeApiName="gp3", regionCode="us-east-1")
    assert usd(disk) == ("0.0800000000", "GB-Mo")
    (address,) = products(
        cloud,
        "AmazonVPC",
        productFamily="IP Address",
        group="VPCPublicIPv4Address",
        regionCode="us-east-1",
    )
    assert usd(address) == ("0.0050000000", "Hrs")


def test_prices_come_in_pages_as_texts(cloud: Cloud) -> None:
    page = cloud.learner("pricing").get_products(ServiceCode="AmazonEC2", MaxResults=3)
    assert len(page["PriceList"]) == 3
    assert isinstance(page["PriceList"][0], str)
    assert page["NextToken"]


def test_a_test_can_set_the_prices(cloud: Cloud) -> None:
    cloud.priced(prices.machine("t3.small", "us-east-1", "9.99"))
    (found,) = products(cloud)
    assert usd(found)[0] == "9.9900000000"


def test_there_are_few_endpoints(cloud: Cloud) -> None:
    with pytest.raises(ConnectionClosedError):
        cloud.learner("pricing", region="eu-west-1").get_products(ServiceCode="AmazonEC2")
