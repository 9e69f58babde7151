"""What can go wrong at AWS, as far as the code has to tell it apart. The words are in `sayings`."""

from __future__ import annotations

from dataclasses import dataclass

from mldeploy.errors import FailedError
from mldeploy.providers import base


@dataclass(frozen=True)
class Asked:
    """The call: its ``action`` as policies name it, and what it was about."""

    action: str
    region: str
    machine_type: str = ""
    profile: str = ""


class CloudError(FailedError):
    """With the cloud's own ``name`` for what went wrong, for the code that can do something."""

    name: str = ""


class NoCapacityError(CloudError):
    """Not there, not now: another zone or type may have one."""


class UnknownOutcomeError(CloudError, base.UnknownOutcomeError):
    """No answer came: what was asked for may have been done."""


class NotThereError(CloudError, base.NotKnownError):
    """It is no more, or is not seen yet."""


class InUseError(CloudError):
    """Something that is still ending needs it."""


class DuplicateError(CloudError):
    """It is there already."""


class MismatchError(CloudError):
    """The token was used before, for something else."""


class WouldWorkError(CloudError):
    """Nothing was done, as was asked: it was a trial, and it would have been allowed."""
