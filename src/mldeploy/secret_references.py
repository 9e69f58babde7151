"""What stands in mldeploy.toml for a secret: where its value is, never the value. Pure.

People write the value there all the same, or the table the wrong way round. So no message made here
repeats what it refuses.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Literal

from mldeploy.errors import ConfigError

Source = Literal["env", "file", "command"]

NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
PLAINLY_A_NAME = re.compile(r"[A-Z][A-Z0-9]*(_[A-Z0-9]+)+")
FORMS = "env:VARIABLE, file:PATH or command:WORDS"
EXAMPLES: dict[Source, str] = {
    "env": 'HF_TOKEN = "env:HF_TOKEN"',
    "file": 'HF_TOKEN = "file:secrets/hf_token"',
    "command": 'HF_TOKEN = "command:pass show hf_token"',
}


@dataclass(frozen=True)
class Reference:
    """A variable of the environment here, a file of the project, or what a command prints."""

    source: Source
    place: str

    def __str__(self) -> str:
        return f"{self.source}:{self.place}"


def references(secrets: Mapping[str, str], env: Mapping[str, str]) -> dict[str, Reference]:
    """Read a target's table ``secrets``; ``env`` is the table beside it.

    Raises :class:`ConfigError` for a name that no environment can have or that is in both, and for
    whatever :func:`reference` refuses.
    """
    for name in secrets:
        if not NAME.fullmatch(name):
            raise ConfigError(
                "secret-name",
                what="A secret has a name that no environment variable can have.",
                why="Expected letters, digits and underscores, not beginning with a digit.",
                do=f"write it as {EXAMPLES['env']} under secrets in mldeploy.toml",
            )
        if name in env:
            raise ConfigError(
                "secret-and-env",
                what=f"{named(name)} is both in `env` and in `secrets`.",
                why="Only one of the two could reach the service.",
                do="take it out of `env` in mldeploy.toml, if it is secret; else out of `secrets`",
            )
    return {name: reference(text, name) for name, text in secrets.items()}


def reference(text: str, name: str = "") -> Reference:
    """Read one reference; ``name`` is only for the refusal, a :class:`ConfigError`."""
    kind, colon, place = text.partition(":")
    for source in EXAMPLES:
        if colon and kind.strip() == source:
            return _checked(Reference(source, place.strip()), name)
    raise ConfigError(
        "secret-in-config",
        what=f"{named(name)} has something else than a reference; "
        "a secret's value may not stand in mldeploy.toml.",
        why=f"That file is in git, for everybody who can read it. Expected {FORMS}.",
        do=f"write it as {EXAMPLES['env']}, and: export HF_TOKEN=…     "
        "(a value that was committed: make it useless where it was issued)",
    )


def named(name: str) -> str:
    """The secret's name for a message, unless the value was written in its place."""
    return f"The secret {name}" if name and not seems_secret(name) else "A secret"


def seems_secret(text: str) -> bool:
    """Does it look like a value: a token of a known kind, or long and random?"""
    from mldeploy.check.secret import secrets_in

    words = [word for word in text.split() if not PLAINLY_A_NAME.fullmatch(word)]
    return any(any(secrets_in(f'token = "{word}"')) for word in words)


def _checked(given: Reference, name: str) -> Reference:
    """Refuse what could never be found, before anything is built for it."""
    why = ""
    if not given.place:
        why = "Nothing stands behind the colon."
    elif given.source == "env" and not NAME.fullmatch(given.place):
        why = "Behind `env:` stands the name of a variable: letters, digits and underscores."
    elif given.source == "file" and PurePosixPath(given.place).parts[:1] == ("src",):
        why = "What lies under src/ becomes part of every release."
    elif given.source == "command":
        try:
            why = "" if shlex.split(given.place) else "Nothing stands behind the colon."
        except ValueError as error:
            why = f"The command can't be split into words: {error}."
    if not why:
        return given
    raise ConfigError(
        "secret-reference",
        what=f"{named(name)} has a reference, `{given.source}:…`, that can't be right.",
        why=why,
        do=f"write it as {EXAMPLES[given.source]} in mldeploy.toml",
    )
