"""DigitalOcean Paperspace: machines by the hour, with and without a GPU, over its v1 API."""

from __future__ import annotations

from mldeploy.providers.paperspace.provider import Paperspace

__all__ = ["Paperspace"]
