"""Our notes: startup scripts, whose names say what Paperspace has no tags for."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace

from mldeploy.errors import FailedError, MldeployError
from mldeploy.providers import patience
from mldeploy.providers.base import Intend, Order
from mldeploy.providers.paperspace import find, names, startup
from mldeploy.providers.paperspace.client import Client
from mldeploy.providers.paperspace.errors import Asked, UnknownOutcomeError
from mldeploy.providers.paperspace.find import Noted, Ours
from mldeploy.providers.paperspace.records import Script

EMPTY = "#!/bin/sh\n# A note of mldeploy: this order was carried out. What was told here is done.\n"


def begin(client: Client, order: Order, expiry: startup.Expiry, intend: Intend) -> Noted:
    """The script that the machine of an order will run, and the note that it was begun."""
    note = names.begun(order)
    intend("paperspace:CreateStartupScript", str(note.stem))
    body = {"name": str(note), "script": startup.script(order, expiry), "isRunOnce": True}
    asked = Asked("POST /startup-scripts")
    try:
        return Noted(client.make("/startup-scripts", Script, body, asked), note)
    except UnknownOutcomeError as error:
        if found := _listed(client, note):
            return found
        # Of no machine: none was asked for.
        raise FailedError(error.code, what=error.what, why=error.why, do=error.do) from error


def _listed(client: Client, note: names.Note) -> Noted | None:
    def look() -> Noted | None:
        known = find.notes(client, note.stem.owner)
        return next((one for one in known if one.note.stem == note.stem), None)

    with suppress(MldeployError):
        return patience.until(look)
    return None


def write(
    client: Client, script: Script, note: names.Note, intend: Intend, *, text: str | None = None
) -> None:
    """The note as the script's name; with a ``text`` the script itself is replaced."""
    intend("paperspace:UpdateStartupScript", f"{script.id} {note.state}")
    body = {"name": str(note)} | ({"script": text} if text else {})
    client.put(f"/startup-scripts/{script.id}", Script, body)


def delete(client: Client, script: Script, intend: Intend) -> None:
    intend("paperspace:DeleteStartupScript", script.id)
    client.delete(f"/startup-scripts/{script.id}")


def remember(
    client: Client, there: Sequence[Ours], known: Sequence[Noted], intend: Intend
) -> list[Noted]:
    """Write static addresses into the notes of their machines; the notes as they are then.

    Raises what kept it from being written: then the machine must stay for a while.
    """
    after = list(known)
    static = [one for one in there if one.machine.public_ip_type == "static"]
    assigned = {one.assigned_machine_id: one for one in find.addresses(client)} if static else {}
    for one in static:
        if one.machine.id not in assigned:
            continue
        address = assigned[one.machine.id].public_ip
        noted = find.note_of(one.stem, after)
        if noted is None:
            after.append(_new_note(client, one, address, intend))
            continue
        made = noted.note.made
        if made and made.id == one.machine.id and made.address == address:
            continue
        state: names.State = "told" if noted.note.state == "told" else "made"
        note = noted.note.of(state, replace(find.made_of(one, noted.note), address=address))
        write(client, noted.script, note, intend)
        after[after.index(noted)] = replace(noted, note=note)
    return after


def _new_note(client: Client, ours: Ours, address: str, intend: Intend) -> Noted:
    """For a machine whose own was deleted by hand."""
    made = replace(find.made_of(ours, None), address=address)
    note = names.Note(ours.stem, "", "", "made", made)
    intend("paperspace:CreateStartupScript", str(ours.stem))
    body = {"name": str(note), "script": EMPTY, "isRunOnce": True}
    script = client.make("/startup-scripts", Script, body, Asked("POST /startup-scripts"))
    return Noted(script, note)
