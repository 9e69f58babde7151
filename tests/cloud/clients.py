"""Clients of boto3 for the stand-in, that read nobody's settings; kept, as each is slow to make."""

from __future__ import annotations

from functools import cache
from typing import Any

from tests.cloud.sessions import private_session
from tests.cloud.world import LEARNERS_SECRET


class Clients:
    def __init__(self, endpoint: str) -> None:
        self.endpoint = endpoint
        self._made: dict[tuple[str, ...], Any] = {}

    def get(
        self,
        service: str,
        *,
        region: str,
        key: str,
        secret: str = LEARNERS_SECRET,
        attempts: int = 1,
    ) -> Any:
        """``attempts`` is how often boto3 tries in all."""
        name = (service, region, key, secret, str(attempts))
        if name not in self._made:
            from botocore.config import Config

            retries: Any = {"mode": "standard", "total_max_attempts": attempts}
            self._made[name] = _session().client(
                service,
                region_name=region,
                endpoint_url=self.endpoint,
                aws_access_key_id=key,
                aws_secret_access_key=secret,
                # No proxy of this machine's: it is on the loopback.
                config=Config(retries=retries, read_timeout=30, proxies={}),
            )
        return self._made[name]

    def close(self) -> None:
        for client in self._made.values():
            client.close()


@cache
def _session() -> Any:
    """One, as it keeps the models that it has read."""
    import boto3

    return boto3.Session(botocore_session=private_session())
