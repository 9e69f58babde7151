"""What becomes of what was asked for: Paperspace tells it as events."""

from __future__ import annotations

from mldeploy.errors import MldeployError
from mldeploy.providers import clock
from mldeploy.providers.base import Say
from mldeploy.providers.paperspace.client import Client
from mldeploy.providers.paperspace.errors import NotThereError
from mldeploy.providers.paperspace.records import Event

EVENT_SECONDS, LOOK_SECONDS, SAY_SECONDS = 300.0, 3.0, 30.0


def outcome(client: Client, event: Event, say: Say) -> str | None:
    """Wait until it is known whether a machine comes of it: the reason where none does.

    Where that takes longer than some minutes it is left to who waits for its boot.
    """
    deadline = clock.monotonic() + EVENT_SECONDS
    said = clock.monotonic()
    while not event.is_over and clock.monotonic() < deadline:
        clock.sleep(LOOK_SECONDS)
        try:
            event = client.get(f"/machine-events/{event.id}", Event)
        except NotThereError:
            continue  # not yet
        except MldeployError:
            return None  # the machine is there
        if clock.monotonic() - said >= SAY_SECONDS:
            say("Paperspace is still making the machine")
            said = clock.monotonic()
    return (event.error or "") if event.state == "error" else None


def is_deletion(client: Client, machine_id: str) -> bool:
    """Is it being deleted? Its state alone looks like that of one that is stopped."""
    events = client.pages("/machine-events", Event, machineId=machine_id)
    return any(
        one.name == "deactivate" and one.state not in ("error", "cancelled") for one in events
    )
