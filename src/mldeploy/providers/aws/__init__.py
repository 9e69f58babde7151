"""AWS: one EC2 machine for a target, with all that it needs and nothing that outlives it."""

from __future__ import annotations

from mldeploy.providers.aws.provider import Aws

__all__ = ["Aws"]
