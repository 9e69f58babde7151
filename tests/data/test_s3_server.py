"""The S3 server that other tests rely on: it keeps, it signs, it refuses."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.data.s3_server import S3Server

pytestmark = pytest.mark.slow


@pytest.fixture
def client(s3: S3Server) -> Iterator[Any]:
    made = s3.client()
    yield made
    made.close()


def test_what_was_put_is_there_and_another_bucket_is_not(s3: S3Server, client: Any) -> None:
    bucket = s3.new_bucket()
    client.put_object(Bucket=bucket, Key="a/b", Body=b"content")

    assert client.get_object(Bucket=bucket, Key="a/b")["Body"].read() == b"content"
    with pytest.raises(ClientError, match="NoSuchBucket"):
        client.put_object(Bucket=f"{bucket}-other", Key="a", Body=b"")


def test_only_the_first_of_two_who_want_the_same_new_key_gets_it(s3: S3Server, client: Any) -> None:
    bucket = s3.new_bucket()
    client.put_object(Bucket=bucket, Key="a", Body=b"first", IfNoneMatch="*")

    with pytest.raises(ClientError, match="PreconditionFailed"):
        client.put_object(Bucket=bucket, Key="a", Body=b"second", IfNoneMatch="*")


def test_who_may_only_read_is_denied_to_write(s3: S3Server) -> None:
    import boto3

    bucket = s3.new_bucket()
    reader = boto3.client(
        "s3",
        endpoint_url=s3.endpoint_url,
        region_name=s3.region,
        aws_access_key_id=s3.reader_access_key,
        aws_secret_access_key=s3.reader_secret_key,
    )

    assert reader.list_objects_v2(Bucket=bucket)["KeyCount"] == 0
    with pytest.raises(ClientError, match="AccessDenied"):
        reader.put_object(Bucket=bucket, Key="a", Body=b"")
    reader.close()
