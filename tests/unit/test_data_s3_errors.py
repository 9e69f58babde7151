"""What a bucket says becomes what happened, why, and what to do."""

from __future__ import annotations

import pytest
from botocore.exceptions import ClientError, EndpointConnectionError, NoCredentialsError

from mldeploy.config import DataSettings
from mldeploy.data.s3_client import bucket_at, bucket_of
from mldeploy.data.s3_errors import TABLE, Asked, explain
from mldeploy.errors import ConfigError

ASKED = Asked("s3:PutObject", "my-data", "https://s3.example.org", "work")


def said(code: str) -> ClientError:
    return ClientError({"Error": {"Code": code, "Message": "It says so."}}, "PutObject")


@pytest.mark.parametrize("code", [*TABLE, "SomethingNew"])
def test_every_code_has_three_parts_without_a_gap(code: str) -> None:
    error = explain(said(code), ASKED)

    for part in (error.what, error.why, error.do):
        assert part
        assert "{" not in part
        assert "  --" not in part


@pytest.mark.parametrize(
    ("code", "ours", "exit_code"),
    [
        ("NoSuchBucket", "no-bucket", 2),
        ("AccessDenied", "bucket-denied", 1),
        ("ExpiredToken", "session-over", 1),
        ("InvalidAccessKeyId", "bad-credentials", 2),
        ("PermanentRedirect", "other-region", 2),
        ("XMinioStorageFull", "disk-full", 1),
        ("SlowDown", "s3-busy", 1),
    ],
)
def test_what_matters_is_told_apart(code: str, ours: str, exit_code: int) -> None:
    error = explain(said(code), ASKED)

    assert (error.code, error.exit_code) == (ours, exit_code)


def test_who_is_denied_hears_which_right_is_missing() -> None:
    error = explain(said("AccessDenied"), ASKED)

    assert "s3:PutObject" in error.why
    assert "https://s3.example.org" in error.why


def test_a_session_that_is_over_is_begun_with_the_same_profile() -> None:
    assert "--profile work" in explain(said("ExpiredToken"), ASKED).do


def test_no_network_and_no_credentials() -> None:
    silent = explain(EndpointConnectionError(endpoint_url="https://s3.example.org"), ASKED)

    assert silent.code == "s3-unreachable"
    assert explain(NoCredentialsError(), ASKED).code == "no-credentials"


def test_an_address_names_bucket_and_prefix_and_has_the_endpoint_of_the_table() -> None:
    told = DataSettings(bucket="x", prefix="y", endpoint_url="https://s3.example.org")

    found = bucket_at("s3://my-data/some/where/", told)

    assert (found.name, found.prefix) == ("my-data", "some/where/")
    assert found.settings.endpoint_url == "https://s3.example.org"
    assert found.address == "s3://my-data/some/where"
    assert bucket_at("s3://my-data", None).address == "s3://my-data"


@pytest.mark.parametrize("address", ["s3://", "s3://B", "s3://a b", "s3://my-data//x", "http://a"])
def test_what_is_no_address_is_refused(address: str) -> None:
    with pytest.raises(ConfigError, match="no address of a bucket"):
        bucket_at(address, None)


def test_where_no_bucket_is_chosen_that_is_said() -> None:
    with pytest.raises(ConfigError, match="No bucket"):
        bucket_of(None)
