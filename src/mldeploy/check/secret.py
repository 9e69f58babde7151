"""Secrets: nothing that opens a door is in git. What is found is named by place, never shown."""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Iterator
from pathlib import PurePosixPath

from mldeploy.check.folder import Folder
from mldeploy.check.git import LOCKS, NOT_IN_GIT
from mldeploy.check.items import Item, Seen, failed, named, note, passed

LARGEST, ALL_TOGETHER = 1_000_000, 20_000_000  # bytes read: of one file, of all
RANDOM_ENOUGH = 3.5  # bits a character, of a value: English words have less, keys have more

KINDS = {
    # The header alone stands in many a documentation: a key has its bytes below it.
    "private key": re.compile(
        r"-----BEGIN (?:[A-Z]+ )*PRIVATE KEY(?: BLOCK)?-----(?:\\n|\s|[A-Za-z-]+: [^\n]*\n)*"
        r"[A-Za-z0-9+/]{40}"
    ),
    "AWS key": re.compile(r"\b(?:AKIA|ASIA)[A-Z0-9]{9}(?!EXAMPLE)[A-Z0-9]{7}\b"),
    "token": re.compile(
        r"\b(?:gh[pousr]_[A-Za-z0-9]{36}|github_pat_\w{60}|glpat-[\w-]{20}|xox[abprs]-[\w-]{20}"
        r"|AIza[\w-]{35}|sk_live_[A-Za-z0-9]{20}|hf_[A-Za-z0-9]{34}|pypi-AgEI[\w-]{50})"
    ),
}
# api_key = "…", "password": "…", and API_KEY=… as .env files and shells have it
ASSIGNED = re.compile(
    r"(?:api_?key|secret(?:_?(?:access_?)?key)?|passw(?:or)?d|token)\\?[\"']?\s*[:=]\s*"
    r"(?:\\?[\"'](?P<quoted>[\w+/=.~-]{16,})\\?[\"']|(?P<bare>[\w+/=~-]{20,})\s*$)",
    re.IGNORECASE | re.MULTILINE,
)
SAMPLES = re.compile(r"example|sample|dummy|change|your|placeholder|xxxx|test|fake", re.IGNORECASE)


def items() -> list[Item]:
    return [
        Item("no-env-file", "secrets", "A .env holds keys, and everybody with a clone has it.",
             _no_env_file),
        Item("no-secrets", "secrets", "Keys in public code are found and used within minutes.",
             _no_secrets),
    ]  # fmt: skip


def _no_env_file(folder: Folder) -> Seen:
    if not folder.in_git:
        return NOT_IN_GIT
    found = [path for path in folder.tracked if _is_env(PurePosixPath(path).name)]
    if not found:
        return passed("no .env is tracked")
    return failed(
        f"tracked: {named(found)}",
        f"git rm --cached {found[0]} && echo .env >> .gitignore     (and change what was in it)",
    )


def _no_secrets(folder: Folder) -> Seen:
    if not folder.in_git:
        return NOT_IN_GIT
    found: list[str] = []
    left = ALL_TOGETHER
    for path in folder.tracked:
        if PurePosixPath(path).name in LOCKS:
            continue
        text = _text(folder, path)
        if len(text) > left:
            return note("there is more text than is searched here", "gitleaks git     (a tool)")
        left -= len(text)
        found += [f"{path}:{line} ({kind})" for line, kind in secrets_in(text)]
    if not found:
        return passed("nothing in the tracked files looks like a key")
    return failed(
        f"looks like one: {named(found)}",
        "make that key useless where it was issued, put the new one into .env, commit: "
        "git remembers the old one",
    )


def secrets_in(text: str) -> Iterator[tuple[int, str]]:
    """Line, from 1, and kind of everything in ``text`` that looks like a secret."""
    for kind, pattern in KINDS.items():
        for match in pattern.finditer(text):
            yield text.count("\n", 0, match.start()) + 1, kind
    for match in ASSIGNED.finditer(text):
        value = match["quoted"] or match["bare"]
        if _is_random(value) and not SAMPLES.search(value):
            yield text.count("\n", 0, match.start()) + 1, "password or key"


def _is_random(value: str) -> bool:
    """Letters and digits without a pattern, not a word, a path or a name."""
    if not (re.search(r"[A-Za-z]", value) and re.search(r"\d", value)):
        return False
    counts = Counter(value).values()
    bits = -sum(n / len(value) * math.log2(n / len(value)) for n in counts)
    return bits >= min(RANDOM_ENOUGH, math.log2(len(value)) - 0.75)


def _is_env(name: str) -> bool:
    if name.endswith((".example", ".sample", ".template", ".dist")):
        return False
    return name == ".env" or name.startswith(".env.")


def _text(folder: Folder, path: str) -> str:
    """The file as text; empty for one that is gone, large, or no text."""
    file = folder.root / path
    try:
        if file.is_symlink() or not file.is_file() or file.stat().st_size > LARGEST:
            return ""
        raw = file.read_bytes()
    except OSError:
        return ""
    return "" if b"\0" in raw[:8000] else raw.decode(errors="replace")
