"""botocore without the settings of who runs the tests: no profile, no region, no credentials."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

PROFILES = ("AWS_PROFILE", "AWS_DEFAULT_PROFILE")
FILES = ("AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE")


def private_session() -> Any:
    """Of botocore."""
    import botocore.session

    # By its environment variables too a profile is looked for, wherever the files are.
    session = botocore.session.Session({"profile": (None, None, None, None)})
    session.set_config_variable("config_file", os.devnull)
    session.set_config_variable("credentials_file", os.devnull)
    return session


@contextmanager
def nobodys_settings() -> Iterator[None]:
    """For moto, which makes sessions while it is imported: a profile that is gone breaks them."""
    before = {name: os.environ.get(name) for name in (*PROFILES, *FILES)}
    os.environ.update(dict.fromkeys(FILES, os.devnull))
    for name in PROFILES:
        os.environ.pop(name, None)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value
