"""Providers rent machines; base.py is the contract, docs/write-a-provider.md tells how to add one.

A provider is found by its entry point in the group ``mldeploy.providers``, whose name is its kind.
"""

from __future__ import annotations

from collections.abc import Callable
from importlib.metadata import entry_points
from typing import TYPE_CHECKING

from mldeploy.errors import FailedError

if TYPE_CHECKING:
    from mldeploy.config import RentedTarget
    from mldeploy.providers.base import Provider

GROUP = "mldeploy.providers"


def installed() -> dict[str, Callable[[], type[Provider]]]:
    """By kind, what loads the provider's class: only the one that is used is imported."""
    return {found.name: found.load for found in entry_points(group=GROUP)}


def provider_of(target: RentedTarget) -> Provider:
    """The provider of a rented target; asks nobody."""
    return provider_class(target.kind)(target)


def provider_class(kind: str) -> type[Provider]:
    found = installed()
    if kind not in found:
        raise FailedError(
            "no-provider",
            what=f"Nothing here rents machines of the kind {kind!r}.",
            why=f"Installed are {', '.join(sorted(found)) or 'none'}.",
            do="install mldeploy again, or the package that brings that provider",
        )
    return found[kind]()
