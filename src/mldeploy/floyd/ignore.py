"""What .floydignore left out of a job, and the same by git's rules, for .mldeployignore.

FloydHub matched each path with `PurePath.match`: a pattern counts from the right, `**` is no more
than `*`, and what a line with `!` names is kept wherever that line stands. It is written out here,
since that method has changed between versions of Python.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path

FILE = ".floydignore"


@dataclass(frozen=True)
class Rules:
    """The lines of a .floydignore: what they leave out, and what they keep of that.

    ``void`` are the lines that never matched a path, or that stopped FloydHub's own command.
    """

    out: tuple[str, ...] = ()
    kept: tuple[str, ...] = ()
    void: tuple[str, ...] = ()

    def leaves_out(self, path: str) -> bool:
        """Of a path itself, with slashes; what lies above it is asked for apart."""
        return _matches_any(path, self.out) and not _matches_any(path, self.kept)


def read(text: str) -> Rules:
    """The rules of a .floydignore with this text."""
    out: list[str] = []
    kept: list[str] = []
    void: list[str] = []
    for line in (each.strip() for each in text.splitlines()):
        if not line or line.startswith("#"):
            continue
        keeps = line.startswith("!")
        pattern = line.removeprefix("!") if keeps else line.removeprefix("\\")
        pattern = pattern.removeprefix("/")
        if pattern.startswith("/") or ".." in pattern.split("/") or not _parts(pattern):
            void.append(line)
        else:
            (kept if keeps else out).append(pattern)
    return Rules(tuple(out), tuple(kept), tuple(void))


def sent(names: Iterable[str], rules: Rules) -> set[str]:
    """Of these files, seen from the project and with slashes, those that FloydHub took. Pure."""
    return {name for name in names if not any(map(rules.leaves_out, _from_the_top(name)))}


def sent_of(root: Path, rules: Rules) -> set[str]:
    """The files below ``root`` that FloydHub took; links to folders were not followed."""
    found = set()
    for folder, folders, files in os.walk(root):
        here = Path(folder).relative_to(root)
        folders[:] = [name for name in folders if not rules.leaves_out((here / name).as_posix())]
        paths = ((here / name).as_posix() for name in files)
        found |= {path for path in paths if not rules.leaves_out(path)}
    return found


def as_gitignore(rules: Rules) -> list[str]:
    """Lines that leave out the same files by git's rules. Pure."""
    out = [_translated(each) for each in rules.out]
    guarded = [f"\\{line}" if line.startswith(("#", "!")) else line for line in out]
    return guarded + [f"!{_translated(each)}" for each in rules.kept]


def _matches_any(path: str, patterns: Iterable[str]) -> bool:
    return any(_matches(path, each) for each in patterns)


def _matches(path: str, pattern: str) -> bool:
    wanted, there = _parts(pattern), _parts(path)
    if len(wanted) > len(there):
        return False
    return all(map(fnmatchcase, reversed(there), reversed(wanted)))


def _parts(path: str) -> list[str]:
    return [part for part in path.split("/") if part not in ("", ".")]


def _from_the_top(name: str) -> Iterator[str]:
    """a, a/b, a/b/c of a/b/c"""
    parts = _parts(name)
    return ("/".join(parts[:count]) for count in range(1, len(parts) + 1))


def _translated(pattern: str) -> str:
    parts = [_part(each) for each in _parts(pattern)]
    return "/".join(["**", *parts] if len(parts) > 1 else parts)


def _part(part: str) -> str:
    """One name of a pattern; in Python's, unlike in git's, a backslash stands for itself."""
    made, at = "", 0
    while at < len(part):
        sign, at = part[at], at + 1
        if sign == "[":
            end = part.find("]", at + 1 + part.startswith("!", at))
            made += r"\[" if end < 0 else _set(part[at:end])
            at = at if end < 0 else end + 1
        elif sign != "*" or not made.endswith("*") or made.endswith(r"\*"):
            made += rf"\{sign}" if sign == "\\" else sign
    return made


def _set(signs: str) -> str:
    r"""``[signs]``: to git a leading ^ means `not`, and a backslash guards the sign after it."""
    signs = signs.replace("\\", "\\\\")
    if signs in ("^", "["):
        return rf"\{signs}"
    if signs.startswith(("^", "[")):  # the latter is kept from the front for Python's own sets
        return rf"[\{signs}]" if signs[1] in "-!^[" else f"[{signs[1:]}{signs[0]}]"
    return f"[{signs}]"
