"""boto3, as the user's own credentials make it; every call through one place.

Nothing of the credentials is read, kept or shown by us: boto3 finds them as it does for any other
program (environment, profiles, SSO, roles).
"""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from functools import cached_property
from typing import Any

from mldeploy.errors import ConfigError
from mldeploy.providers.aws.errors import Asked
from mldeploy.providers.aws.explain import explain
from mldeploy.providers.aws.settings import AwsTarget
from mldeploy.providers.base import Account

ATTEMPTS = 3
CONNECT_SECONDS, READ_SECONDS = 10, 60
# By boto3's name of a service: what its actions begin with in a policy.
PREFIXES = {
    "ec2": "ec2",
    "ssm": "ssm",
    "sts": "sts",
    "service-quotas": "servicequotas",
    "resourcegroupstaggingapi": "tag",
    "freetier": "freetier",
    "pricing": "pricing",
    "scheduler": "scheduler",
    "ec2-instance-connect": "ec2-instance-connect",
}
FREETIER_REGION = "us-east-1"  # the only place that answers


class Session:
    """One account, seen from the region of a target."""

    def __init__(self, target: AwsTarget) -> None:
        self.target = target
        self._clients: dict[tuple[str, str], Any] = {}
        self._making = threading.Lock()

    @cached_property
    def region(self) -> str:
        """Of mldeploy.toml, else boto3's own; raises ConfigError where nobody says one."""
        found = self.target.region or os.environ.get("AWS_REGION") or self._boto.region_name
        if found:
            return found
        raise ConfigError(
            "aws-no-region",
            what="No AWS region is chosen.",
            why="Neither mldeploy.toml, nor AWS_REGION, nor your AWS configuration names one.",
            do='write region = "us-east-1" under the target in mldeploy.toml '
            "(mldeploy prices shows what each costs)",
        )

    @property
    def has_region(self) -> bool:
        named = self.target.region or os.environ.get("AWS_REGION") or self._boto.region_name
        return bool(named)

    @property
    def has_credentials(self) -> bool:
        """Does boto3 find any? Whether they are good is another question."""
        return self.credentials_from is not None

    @property
    def credentials_from(self) -> str | None:
        """boto3's word for how it found them, such as ``env`` or ``sso``; None for none."""
        from botocore.exceptions import BotoCoreError

        try:
            found = self._boto.get_credentials()
            return None if found is None else str(found.method)
        except BotoCoreError as error:  # a profile that is half, or a session that is over
            raise explain(error, Asked("sts:GetCallerIdentity", "")) from error

    @cached_property
    def account(self) -> Account:
        """Who the credentials are; needs no permission at all."""
        found = self.call("sts", "get_caller_identity")
        return Account(found["Account"], found["Arn"], self.region)

    def call(self, service: str, method: str, region: str | None = None, **what: Any) -> Any:
        """One request. Raises one of :mod:`errors` that names the action."""
        from botocore.exceptions import BotoCoreError, ClientError
        from botocore.parsers import ResponseParserError

        try:
            client = self.client(service, region)
            return getattr(client, method)(**what)
        except (ClientError, BotoCoreError, ResponseParserError) as error:
            raise self._told(error, service, method, region, what) from error

    def pages(
        self, service: str, method: str, key: str, region: str | None = None, **what: Any
    ) -> Iterator[Any]:
        """Everything under ``key`` of all the pages of an answer."""
        from botocore.exceptions import BotoCoreError, ClientError
        from botocore.parsers import ResponseParserError

        try:
            client = self.client(service, region)
            for page in client.get_paginator(method).paginate(**what):
                yield from page[key]
        except (ClientError, BotoCoreError, ResponseParserError) as error:
            raise self._told(error, service, method, region, what) from error

    def client(self, service: str, region: str | None = None) -> Any:
        """Made once for each region: making one takes longer than a request."""
        where = region or self.region
        with self._making:  # sessions are not for several threads, clients are
            if (service, where) not in self._clients:
                self._clients[service, where] = self._boto.client(
                    service, region_name=where, config=self._config
                )
            return self._clients[service, where]

    @cached_property
    def _boto(self) -> Any:
        import boto3
        from botocore.exceptions import BotoCoreError

        try:
            return boto3.Session(profile_name=self.target.profile)
        except BotoCoreError as error:
            raise explain(error, Asked("sts:GetCallerIdentity", "")) from error

    @cached_property
    def _config(self) -> Any:
        from importlib.metadata import version

        from botocore.config import Config

        return Config(
            retries={"mode": "standard", "total_max_attempts": ATTEMPTS},
            connect_timeout=CONNECT_SECONDS,
            read_timeout=READ_SECONDS,
            user_agent_extra=f"mldeploy/{version('mldeploy')}",
        )

    def _told(
        self, error: Exception, service: str, method: str, region: str | None, what: dict[str, Any]
    ) -> Exception:
        asked = Asked(
            f"{PREFIXES.get(service, service)}:{_action(method)}",
            region or (self.region if self.has_region else ""),
            machine_type=str(what.get("InstanceType", "")),
            profile=self.target.profile or os.environ.get("AWS_PROFILE", ""),
        )
        return explain(error, asked, decode=self._decode)

    def _decode(self, message: str) -> str:
        """The long form of why EC2 says no; empty if we may not ask."""
        from botocore.exceptions import BotoCoreError, ClientError

        try:
            sts = self.client("sts")
            found = sts.decode_authorization_message(EncodedMessage=message)
            return str(found["DecodedMessage"])
        except (ClientError, BotoCoreError):
            return ""


def _action(method: str) -> str:
    """``describe_vpcs`` is DescribeVpcs; of abbreviations there is one."""
    name = "".join(word.capitalize() for word in method.split("_"))
    return name.replace("SshPublicKey", "SSHPublicKey")
