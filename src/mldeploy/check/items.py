"""The contract of an item, and running them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Literal

from mldeploy.errors import MldeployError

if TYPE_CHECKING:
    from mldeploy.check.folder import Folder

State = Literal["passed", "failed", "note", "not applicable"]
GROUPS = ("git", "secrets", "dependencies", "tests", "honesty", "model", "configuration")


@dataclass(frozen=True)
class Seen:
    """What an item saw; ``fix`` is a command or the file to edit, empty when all is well.

    A note is worth knowing and costs no point.
    """

    state: State
    message: str
    fix: str = ""


@dataclass(frozen=True)
class Item:
    """One thing that a good project has; ``why`` is a sentence for who has never heard of it.

    ``look`` returns what it saw, or raises one of our errors, which then is a failure.
    """

    name: str
    group: str
    why: str
    look: Callable[[Folder], Seen]


@dataclass(frozen=True)
class Result:
    name: str
    group: str
    why: str
    state: State
    message: str
    fix: str

    def as_dict(self) -> dict[str, str]:
        return asdict(self)


def examine(items: Sequence[Item], folder: Folder) -> list[Result]:
    """Look at every item; none stops the others."""
    results = []
    for item in items:
        try:
            seen = item.look(folder)
        except MldeployError as error:
            seen = failed(f"{error.what} {error.why}", error.do)
        results.append(Result(item.name, item.group, item.why, seen.state, seen.message, seen.fix))
    return results


def score(results: Sequence[Result]) -> tuple[int, int]:
    """How many passed, of how many that could have failed."""
    passing = sum(result.state == "passed" for result in results)
    return passing, passing + sum(result.state == "failed" for result in results)


def passed(message: str) -> Seen:
    return Seen("passed", message)


def failed(message: str, fix: str) -> Seen:
    return Seen("failed", message, fix)


def note(message: str, fix: str = "") -> Seen:
    return Seen("note", message, fix)


def not_applicable(message: str) -> Seen:
    return Seen("not applicable", message)


def named(paths: Sequence[str], at_most: int = 3) -> str:
    """The first few of them, and how many more there are."""
    more = f" and {len(paths) - at_most} more" if len(paths) > at_most else ""
    return ", ".join(paths[:at_most]) + more
