"""Where the API key of Paperspace lies: the environment, then its CLI's file, then an older one."""

from __future__ import annotations

import json
import os
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mldeploy.errors import ConfigError
from mldeploy.providers.paperspace.sayings import NEW_KEY

URL = "https://api.paperspace.com/v1"


@dataclass(frozen=True)
class Credentials:
    """``key`` is a secret: it is in no message; ``source`` says where it was found."""

    key: str
    url: str
    source: str

    def __repr__(self) -> str:
        return f"Credentials(from {self.source}, at {self.url})"


def find() -> Credentials | None:
    """None where there is no key; raises ConfigError for a file that can't be read."""
    url = (os.environ.get("PAPERSPACE_API_URL") or URL).rstrip("/")
    if key := os.environ.get("PAPERSPACE_API_KEY", "").strip():
        return Credentials(key, url, "the environment (PAPERSPACE_API_KEY)")
    home = Path.home() / ".paperspace"
    for path, read in ((home / "credentials.toml", _of_cli), (home / "config.json", _of_config)):
        if path.is_file() and (key := _read(path, read)):
            return Credentials(key, url, f"~/.paperspace/{path.name}")
    return None


def must_be() -> Credentials:
    found = find()
    if found is None:
        raise ConfigError(
            "paperspace-no-key",
            what="There is no API key of Paperspace here.",
            why="It is looked for in PAPERSPACE_API_KEY, ~/.paperspace/credentials.toml and "
            "~/.paperspace/config.json.",
            do=NEW_KEY,
        )
    return found


def _read(path: Path, read: Any) -> str:
    try:
        return str(read(path.read_text(encoding="utf-8"))).strip()
    except (OSError, ValueError, TypeError, AttributeError, LookupError) as error:
        raise ConfigError(
            "paperspace-key-unreadable",
            what=f"{path} can't be read.",
            why=type(error).__name__,  # its sentence may repeat the key
            do="mend that file, or: export PAPERSPACE_API_KEY=…",
        ) from None


def _of_cli(text: str) -> str:
    """Its table ``keys`` may have one for each team: then it is the first."""
    keys = tomllib.loads(text).get("keys", {})
    found = next(iter(keys.values()), "") if isinstance(keys, dict) else ""
    return found if isinstance(found, str) else ""


def _of_config(text: str) -> str:
    found = json.loads(text).get("apiKey", "")
    return found if isinstance(found, str) else ""
