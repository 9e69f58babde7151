"""The code of a job: what FloydHub took of a folder, what mldeploy takes, and .mldeployignore."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from mldeploy.floyd import ignore
from mldeploy.jobs.code import IGNORE, names

HEAD = "# What jobs do not get. From .floydignore, by git's rules: made by `mldeploy import`.\n"
OURS = {IGNORE, "mldeploy.toml"}
STATE = ".mldeploy/"
# What `floyd init` wrote, and so what held where nobody wrote anything else.
DEFAULT = """
.git
.eggs
eggs
lib
lib64
parts
sdist
var
*.pyc
*.swp
.DS_Store
"""


@dataclass(frozen=True)
class Difference:
    """How many files each takes, and the names, sorted, of those that only one of them does."""

    floyd: int
    job: int
    only_floyd: tuple[str, ...]
    only_job: tuple[str, ...]


def compare(root: Path) -> tuple[Difference, str | None, list[str]]:
    """The difference, the text for .mldeployignore (None to leave it alone), and warnings.

    Nothing is written: the comparison is with what a job will get by that text.
    """
    rules = ignore.read(_text(root / ignore.FILE) if _is(root, ignore.FILE) else DEFAULT)
    text, warnings = None, [f"{ignore.FILE}: {line!r} matched nothing" for line in rules.void]
    lines: list[str] | None = None
    if _is(root, ignore.FILE):
        text = HEAD + "".join(f"{line}\n" for line in ignore.as_gitignore(rules))
        lines = text.splitlines()
    if _is(root, IGNORE):
        if text is not None and _text(root / IGNORE) != text:
            warnings.append(f"{IGNORE} is there already, and otherwise: it is left as it is")
        text, lines = None, None
    return _difference(ignore.sent_of(root, rules), set(names(root, lines))), text, warnings


def _difference(floyd: set[str], job: set[str]) -> Difference:
    """Without what mldeploy itself has put there since."""
    floyd, job = (set(filter(_is_theirs, taken)) for taken in (floyd, job))
    return Difference(len(floyd), len(job), tuple(sorted(floyd - job)), tuple(sorted(job - floyd)))


def _is_theirs(name: str) -> bool:
    return name not in OURS and not name.startswith(STATE)


def _is(root: Path, name: str) -> bool:
    return (root / name).is_file()


def _text(path: Path) -> str:
    return path.read_text(encoding="utf-8", errors="replace")
