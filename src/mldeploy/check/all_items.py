"""Every item, in the order in which they are shown."""

from __future__ import annotations

from mldeploy.check import configuration, dependencies, git, honesty, model, secret, tested
from mldeploy.check.items import Item


def items(only: str | None = None) -> list[Item]:
    """All items, or those of the group ``only``."""
    modules = (git, secret, dependencies, tested, honesty, model, configuration)
    every = [item for module in modules for item in module.items()]
    return [item for item in every if only in (None, item.group)]
