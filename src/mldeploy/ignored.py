"""Which names a file in the syntax of .gitignore leaves out, as git decides it.

pathspec reads the patterns. What it does not do is what git does with folders: it takes `!*.md` to
bring back files of a folder that is left out, and `!docs` to bring back all that is in docs.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable


def ignores(lines: Iterable[str]) -> Callable[[str], bool]:
    """A test for names of files, with slashes, seen from the folder of the file with ``lines``."""
    patterns = _read(lines)
    folders: dict[str, bool] = {"": False}

    def is_folder_out(folder: str) -> bool:
        if folder not in folders:
            above = is_folder_out(_parent(folder))
            folders[folder] = above or _is_last_out(patterns, folder, is_folder=True)
        return folders[folder]

    return lambda name: (
        is_folder_out(_parent(name)) or _is_last_out(patterns, name, is_folder=False)
    )


def _read(lines: Iterable[str]) -> list[tuple[re.Pattern[str], bool]]:
    """Each pattern, and whether it leaves out."""
    from pathspec.patterns.gitignore.spec import GitIgnoreSpecPattern

    made = [GitIgnoreSpecPattern(line) for line in lines]
    return [
        # To git `[!a]` is no slash, to pathspec it may be one.
        (re.compile(each.regex.pattern.replace("[^", "[^/")), bool(each.include))
        for each in made
        if each.regex is not None and each.include is not None  # the others are comments
    ]


def _parent(name: str) -> str:
    return name.rpartition("/")[0]


def _is_last_out(
    patterns: list[tuple[re.Pattern[str], bool]], name: str, *, is_folder: bool
) -> bool:
    """What the last pattern says that is about ``name`` itself."""
    for regex, leaves_out in reversed(patterns):
        if _is_about(regex, name, is_folder=is_folder):
            return leaves_out
    return False


def _is_about(regex: re.Pattern[str], name: str, *, is_folder: bool) -> bool:
    """And not only about a folder above it: pathspec's group `ps_d` is the slash behind one."""
    if any(not match.groupdict().get("ps_d") for match in regex.finditer(name)):
        return True
    slashed = f"{name}/"
    ends = (m.end() for m in regex.finditer(slashed) if m.groupdict().get("ps_d"))
    return is_folder and len(slashed) in ends
