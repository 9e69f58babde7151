"""What can go wrong at Paperspace, as far as the code tells it apart; words are in `sayings`."""

from __future__ import annotations

from dataclasses import dataclass

from mldeploy.errors import ConfigError, FailedError, RefusedError
from mldeploy.providers import base


@dataclass(frozen=True)
class Asked:
    """The call, such as ``POST /machines``, and what it was about."""

    call: str
    machine_type: str = ""
    region: str = ""


class CloudError(FailedError):
    """With Paperspace's own sentence, for the code that can do something."""

    said: str = ""


class NoCapacityError(CloudError):
    """Not there, not now: another machine type may be."""


class UnknownOutcomeError(CloudError, base.UnknownOutcomeError):
    """No answer came: what was asked for may have been done."""


class NotThereError(CloudError, base.NotKnownError):
    """It is no more, or is not seen yet."""


class BusyError(CloudError):
    """It is starting, stopping, or in use: in a moment it may work."""


class KeyRefusedError(ConfigError):
    """Paperspace knows no such API key."""


class LimitError(RefusedError):
    """The team may not have more of it."""
