"""Who is at work here: for locks, history and records of releases."""

from __future__ import annotations


def user() -> str:
    """The name of the user; its number where it has no name, as often in containers."""
    import getpass
    import os

    try:
        return getpass.getuser()
    except (KeyError, OSError):  # KeyError until Python 3.12, OSError from 3.13 on
        return f"uid {os.getuid()}"


def laptop() -> str:
    """A name for this machine and home folder: random, made once, and kept in the user's state.

    It tells our own leftover lock from another laptop's, which may still be at work.
    """
    import os
    import secrets
    from pathlib import Path

    base = os.environ.get("XDG_STATE_HOME") or Path.home() / ".local" / "state"
    place = Path(base) / "mldeploy" / "laptop"
    if not place.exists():
        place.parent.mkdir(parents=True, exist_ok=True)
        draft = place.with_name(f"laptop.{os.getpid()}")
        draft.write_text(secrets.token_hex(8), encoding="utf-8")
        draft.replace(place)
    return place.read_text(encoding="utf-8").strip()


def user_and_host() -> str:
    import socket

    return f"{user()}@{socket.gethostname()}"
