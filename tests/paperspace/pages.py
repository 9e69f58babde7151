"""Lists in pages, and what a list does not show yet or still shows."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Iterable
from typing import Any, TypeVar

from tests.paperspace.account import Account, Thing
from tests.paperspace.refusals import Refused

T = TypeVar("T", bound=Thing)
Keys = dict[str, Callable[[Any], str]]
BY_CREATION = {"dtCreated": lambda it: it.created.isoformat()}


def listed(things: Iterable[T]) -> list[T]:
    """Counts as one look of a list at each of them."""
    found = []
    for each in things:
        if not each.exists:
            each.still_listed -= 1
            if each.still_listed >= 0:
                found.append(each)
        elif each.unseen_in_lists > 0:
            each.unseen_in_lists -= 1
        else:
            found.append(each)
    return found


def page(
    account: Account,
    things: Iterable[T],
    asked: dict[str, Any],
    write: Callable[[T], dict[str, Any]],
    keys: Keys = BY_CREATION,
) -> tuple[dict[str, Any], list[T]]:
    """The answer, and what is in it. The newest is the first, unless it is asked otherwise."""
    key = keys.get(asked.get("orderBy", "dtCreated"))
    if key is None:
        raise Refused("BAD_REQUEST", "Input validation failed", issues=[{"message": "orderBy"}])
    down = asked.get("order", "desc") == "desc"

    def place(it: T) -> list[Any]:
        return [key(it), it.number]

    found = sorted(things, key=place, reverse=down)
    if after := asked.get("after"):
        mark = _read(after)
        found = [each for each in found if (place(each) < mark if down else place(each) > mark)]
    size = asked.get("limit", account.page_size)
    shown = found[:size]
    answer: dict[str, Any] = {
        "hasMore": len(found) > size,
        "items": [write(each) for each in shown],
    }
    if shown and (answer["hasMore"] or account.pages_to_spare):
        answer["nextPage"] = _mark(place(shown[-1]))
    return answer, shown


def _mark(place: list[Any]) -> str:
    return base64.urlsafe_b64encode(json.dumps(place).encode()).decode()


def _read(mark: str) -> list[Any]:
    try:
        found = json.loads(base64.urlsafe_b64decode(mark))
        return [str(found[0]), int(found[1])]
    except (ValueError, TypeError, IndexError):
        raise Refused("BAD_REQUEST", "Invalid cursor") from None
