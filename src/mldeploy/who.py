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
