"""A bucket, spoken to by boto3 with the credentials that it finds; every call in one place."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cached_property
from typing import Any

from mldeploy.config import DataSettings
from mldeploy.data.s3_errors import Asked, explain
from mldeploy.errors import ConfigError

ATTEMPTS = 5
CONNECT_SECONDS, READ_SECONDS = 10, 60
THREADS = 8
ADDRESS = re.compile(r"s3://([a-z0-9][a-z0-9.-]{1,61}[a-z0-9])((?:/[A-Za-z0-9._=-]+)*)/?")


class Bucket:
    """A bucket and a prefix in it; keys are below the prefix. Nothing is asked when it is made."""

    def __init__(self, settings: DataSettings, attempts: int = ATTEMPTS) -> None:
        self.settings = settings
        self.attempts = attempts
        self.name = settings.bucket
        self.prefix = f"{settings.prefix.strip('/')}/" if settings.prefix.strip("/") else ""

    @property
    def address(self) -> str:
        return f"s3://{self.name}/{self.prefix}".rstrip("/")

    def call(self, method: str, key: str | None = None, **what: Any) -> Any:
        """One request about ``key``, or the bucket.

        Raises an error of ours; where ``expected`` codes of the server's are wanted, use
        :meth:`attempt`.
        """
        return self.attempt(method, key, (), **what)

    def attempt(self, method: str, key: str | None, expected: tuple[str, ...], **what: Any) -> Any:
        """As :meth:`call`; for codes that are ``expected`` the answer is that code, a text."""
        from botocore.exceptions import BotoCoreError, ClientError
        from botocore.parsers import ResponseParserError

        from mldeploy.data.s3_errors import code_of

        if key is not None:
            what["Key"] = self.prefix + key
        try:
            return getattr(self.client, method)(Bucket=self.name, **what)
        except (ClientError, BotoCoreError, ResponseParserError) as error:
            if (code := code_of(error)) in expected:
                return code
            raise explain(error, self.asked(method)) from error

    def keys(self, below: str) -> Iterator[tuple[str, int]]:
        """Each key that begins so, without the prefix, and its size."""
        from botocore.exceptions import BotoCoreError, ClientError
        from botocore.parsers import ResponseParserError

        pages = self.client.get_paginator("list_objects_v2")
        try:
            for page in pages.paginate(Bucket=self.name, Prefix=self.prefix + below):
                for each in page.get("Contents", []):
                    yield each["Key"][len(self.prefix) :], each["Size"]
        except (ClientError, BotoCoreError, ResponseParserError) as error:
            raise explain(error, self.asked("list_objects_v2")) from error

    def link(self, key: str, seconds: int) -> str:
        """An address that anybody may read this one object at, for so long. It is a secret."""
        what = {"Bucket": self.name, "Key": self.prefix + key}
        made: str = self.client.generate_presigned_url(
            "get_object", Params=what, ExpiresIn=seconds
        )  # fmt: skip
        return made

    def asked(self, method: str) -> Asked:
        action = "".join(word.capitalize() for word in method.split("_"))
        action = {"HeadObject": "GetObject", "ListObjectsV2": "ListBucket"}.get(action, action)
        endpoint, profile = self.settings.endpoint_url or "", self.settings.profile or ""
        return Asked(f"s3:{action}", self.name, endpoint, profile)

    @cached_property
    def client(self) -> Any:
        """Threads may share it."""
        import boto3
        from botocore.config import Config
        from botocore.exceptions import BotoCoreError

        told = self.settings
        # Many other servers have no name of their own for each bucket, and don't know AWS's newer
        # checksums, which are sent behind the content.
        elsewhere: dict[str, Any] = {
            "s3": {"addressing_style": "path"},
            "request_checksum_calculation": "when_required",
            "response_checksum_validation": "when_required",
        }
        config = Config(
            retries={"mode": "standard", "total_max_attempts": self.attempts},
            connect_timeout=CONNECT_SECONDS,
            read_timeout=READ_SECONDS,
            max_pool_connections=2 * THREADS,
            signature_version="s3v4",  # without it links are signed in a way that is switched off
            **(elsewhere if told.endpoint_url else {}),
        )
        try:
            session = boto3.Session(profile_name=told.profile, region_name=told.region)
            region = session.region_name or ("us-east-1" if told.endpoint_url else None)
            return session.client(
                "s3", endpoint_url=told.endpoint_url, region_name=region, config=config
            )
        except (BotoCoreError, ValueError) as error:
            raise explain(error, self.asked("list_objects_v2")) from error


def bucket_at(address: str, settings: DataSettings | None) -> Bucket:
    """The bucket of ``s3://bucket/prefix``, with the endpoint and profile of [data] if given.

    Raises :class:`ConfigError` for what is no such address.
    """
    import msgspec

    found = ADDRESS.fullmatch(address)
    if found is None:
        raise ConfigError(
            "s3-address",
            what=f"{address!r} is no address of a bucket.",
            why="Expected s3://BUCKET or s3://BUCKET/PREFIX.",
            do="mldeploy data push ./images --to s3://my-bucket/data",
        )
    bucket, prefix = found.groups()
    given = settings or DataSettings(bucket=bucket)
    return Bucket(msgspec.structs.replace(given, bucket=bucket, prefix=prefix.strip("/")))


def bucket_of(settings: DataSettings | None) -> Bucket:
    """The bucket of [data]; raises :class:`ConfigError` where mldeploy.toml names none."""
    if settings is not None:
        return Bucket(settings)
    raise ConfigError(
        "no-bucket",
        what="No bucket is chosen.",
        why="mldeploy.toml has no table [data].",
        do='write [data] and bucket = "my-bucket" there, or name one: --to s3://my-bucket/data',
    )
