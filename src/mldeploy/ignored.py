"""Which names a file in the syntax of .gitignore leaves out, as git decides it.

pathspec reads the patterns. What it does not do is what git does with folders: it takes `!*.md` to
bring back files of a folder that is left out, and `!docs` to bring back all that is in docs.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathspec.patterns.gitignore.spec import GitIgnoreSpecPattern


def ignores(lines: Iterable[str]) -> Callable[[str], bool]:
    """A test for names of files, with slashes, seen from the folder of the file with ``lines``."""
    from pathspec.patterns.gitignore.spec import GitIgnoreSpecPattern

    made = [GitIgnoreSpecPattern(line) for line in lines]
    patterns = [each for each in made if each.include is not None]  # the others are comments
    folders: dict[str, bool] = {"": False}

    def is_folder_out(folder: str) -> bool:
        if folder not in folders:
            above = is_folder_out(_parent(folder))
            folders[folder] = above or _is_last_out(patterns, f"{folder}/")
        return folders[folder]

    return lambda name: is_folder_out(_parent(name)) or _is_last_out(patterns, name)


def _parent(name: str) -> str:
    return name.rpartition("/")[0]


def _is_last_out(patterns: list[GitIgnoreSpecPattern], name: str) -> bool:
    """What the last pattern says that is about ``name`` itself; folders end with a slash."""
    found = (each.include for each in reversed(patterns) if _is_about(each, name))
    return bool(next(found, False))


def _is_about(pattern: GitIgnoreSpecPattern, name: str) -> bool:
    """And not only about a folder above it, after which pathspec's group `ps_d` ends."""
    assert pattern.regex is not None  # noqa: S101 - comments have none, and were taken out
    for match in pattern.regex.finditer(name):
        if "ps_d" in match.groupdict() and match["ps_d"]:
            if match.end("ps_d") == len(name):
                return True
        elif not (name.endswith("/") and match.end() == len(name)):  # `foo/**` is not about foo
            return True
    return False
