"""What a machine is asked for with. Pure."""

from __future__ import annotations

import math
from datetime import datetime, timedelta
from typing import Any

from mldeploy.providers.paperspace.settings import REGIONS, PaperspaceTarget


def machine(
    target: PaperspaceTarget,
    *,
    name: str,
    machine_type: str,
    template: str,
    disk_gb: int,
    script: str,
) -> dict[str, Any]:
    """``template`` and ``script`` are ids. Fields that are not in Paperspace's document are refused
    there; that of the password, if left out, mails one."""
    return {
        "name": name,
        "machineType": machine_type,
        "templateId": template,
        "diskSize": disk_gb,
        "region": REGIONS[target.place],
        "publicIpType": target.public_address,
        "startupScriptId": script,
        "startOnCreate": True,
        "emailPassword": False,
    }


def shutdown(expires_at: datetime | None, now: datetime) -> dict[str, Any]:
    """Paperspace's own way to stop it, an hour or two later than it ends itself: a second belt.

    In whole hours. Whether they count from its start or its last use is documented nowhere.
    """
    if expires_at is None:
        return {"autoShutdownEnabled": False}
    hours = math.ceil(max(expires_at - now, timedelta()) / timedelta(hours=1)) + 1
    return {
        "autoShutdownEnabled": True,
        "autoShutdownTimeout": hours,
        "autoShutdownForce": True,
    }
