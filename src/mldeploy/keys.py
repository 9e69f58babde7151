"""API keys: made, hashed, kept in keys.json, rotated. Pure, but that a new key is random.

A key is base64 of `id:password`, of a length that needs no padding, so that the edge turns
`Authorization: Bearer KEY` into Basic by replacing one word and a browser can type id and
password. All keys begin with `bWxk`, which a search for leaked secrets can look for.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
import re
import secrets
from dataclasses import asdict, dataclass, field
from datetime import datetime
from typing import Any

from mldeploy.errors import FailedError

# Letters and digits that nobody mixes up when reading them aloud: 32 of them, 5 bits each.
ALPHABET = "abcdefghijkmnpqrstuvwxyz23456789"
PREFIX = "mld"
# `mldxxxxx:` is 9 bytes and the password 27: multiples of 3, so base64 needs no `=`, and its
# first 12 characters say the id alone. ASCII letters and digits never give `+` or `/`.
ID_LENGTH = 8
PASSWORD_LENGTH = 27  # 135 random bits
SHAPE = re.compile(f"({PREFIX}[{ALPHABET}]{{{ID_LENGTH - len(PREFIX)}}}):([{ALPHABET}]+)")


@dataclass(frozen=True)
class Key:
    """One key that opens a target's edge; its `repr` does not show it."""

    id: str
    key: str = field(repr=False)
    created_at: datetime

    @property
    def password(self) -> str:
        """What a browser's dialog asks for beside the id."""
        return base64.b64decode(self.key).decode().partition(":")[2]


@dataclass(frozen=True)
class HashedKey:
    """What the edge's configuration holds of a key: enough to check it, too little to use it."""

    id: str
    bcrypt: str


def new_key(now: datetime) -> Key:
    """A key that never was; `now` has a time zone."""
    key_id = PREFIX + _random(ID_LENGTH - len(PREFIX))
    password = _random(PASSWORD_LENGTH)
    return Key(key_id, base64.b64encode(f"{key_id}:{password}".encode()).decode(), now)


def hashed(key: Key) -> HashedKey:
    """The same key always gives the same hash, so equal configurations can be told by comparing.

    Cost 4 is bcrypt's least. More would slow down the guessing of passwords that people choose;
    135 random bits are not guessed at any speed, and a wrong key must not cost the edge a tenth of
    a second. The salt comes from the id: no two keys share one, and there is nothing to look up.
    """
    import bcrypt

    digest = base64.b64encode(hashlib.sha256(key.id.encode()).digest()[:16]).decode().rstrip("=")
    salt = digest.translate(_BCRYPT_LETTERS)
    return HashedKey(
        key.id, bcrypt.hashpw(key.password.encode(), f"$2b$04${salt}".encode()).decode()
    )


def rotate(keys: tuple[Key, ...], new: Key, *, at_once: bool) -> tuple[Key, ...]:
    """The keys that are valid from now on, oldest first: the new one, and the last one before it
    until the next rotation, so that its users have time to change; with `at_once` the new alone.
    """
    return (new,) if at_once else (*keys[-1:], new)


def as_json(keys: tuple[Key, ...]) -> str:
    """What keys.json holds and `keys show --json` prints."""
    shown = [asdict(key) | {"created_at": key.created_at.isoformat()} for key in keys]
    return json.dumps({"keys": shown}, indent=1) + "\n"


def from_json(text: str, where: str) -> tuple[Key, ...]:
    """The keys in a keys.json; `where` says to a person which one it is.

    Raises FailedError, which quotes nothing of the file, if it is damaged.
    """
    try:
        found = tuple(_key(each) for each in json.loads(text)["keys"])
    except (ValueError, KeyError, TypeError) as error:
        raise _damaged(where, type(error).__name__) from None
    if len({key.id for key in found}) < len(found):
        raise _damaged(where, "two keys with one id")
    return found


def _key(stored: dict[str, Any]) -> Key:
    key = Key(stored["id"], stored["key"], datetime.fromisoformat(stored["created_at"]))
    try:
        decoded = base64.b64decode(key.key, validate=True).decode()
    except (binascii.Error, UnicodeDecodeError):
        raise ValueError("a key that is not base64") from None
    # The edge matches the id as 12 characters of base64: other lengths would never fit.
    shape = SHAPE.fullmatch(decoded)
    fits = shape and shape[1] == key.id and len(shape[2]) % 3 == 0 and key.key.isalnum()
    if not fits or not key.created_at.tzinfo:
        raise ValueError("a key of another shape")
    return key


def _damaged(where: str, reason: str) -> FailedError:
    return FailedError(
        "keys-damaged",
        what=f"The API keys in {where} can't be read.",
        why=f"The file is not what mldeploy wrote there ({reason}).",
        do="Make new ones with `mldeploy keys rotate --at-once`; the old ones stop working.",
    )


def _random(length: int) -> str:
    return "".join(secrets.choice(ALPHABET) for _ in range(length))


_UPPER = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
_REST = "abcdefghijklmnopqrstuvwxyz0123456789"
# bcrypt's base64 has its own order of letters.
_BCRYPT_LETTERS = str.maketrans(_UPPER + _REST + "+/", "./" + _UPPER + _REST)
