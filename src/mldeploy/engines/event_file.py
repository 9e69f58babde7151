"""A target's history as a file of this folder, one event a line."""

from __future__ import annotations

import json
from contextlib import suppress
from pathlib import Path

from mldeploy.history import Event


def append(folder: Path, event: Event) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "history.jsonl").open("a", encoding="utf-8") as file:
        file.write(json.dumps(event.as_dict()) + "\n")


def read(folder: Path) -> list[Event]:
    """The events, oldest first; a line cut short by a crash is passed over."""
    events = []
    with suppress(FileNotFoundError):
        for line in (folder / "history.jsonl").read_text(encoding="utf-8").splitlines():
            with suppress(ValueError, TypeError):
                events.append(Event(**json.loads(line)))
    return events
