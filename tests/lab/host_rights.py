"""How much a host's container is allowed: what a machine of the practice cloud is allowed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from mldeploy.providers.fake import rights

if TYPE_CHECKING:
    from docker import APIClient

granted = rights.granted


def host_config(api: APIClient, **settings: Any) -> dict[str, Any]:
    """As the API takes it; with the machine's cgroups, where a nested engine makes its own.

    ``cgroupns="private"`` in the settings is for who mounts cgroups of its own inside.
    """
    settings.setdefault("cgroupns", "host")
    return rights.host_config(api, **settings)
