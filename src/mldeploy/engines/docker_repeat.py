"""Once more, when the engine's answer broke off: for what may be done twice."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")
TRIES = 4


def repeated(step: Callable[[], T]) -> T:
    """What ``step`` returns; it is taken again, a few times, when the connection breaks in it.

    No pause: whoever makes the connection waits for it. Where the engine is gone, that fails.
    """
    import requests
    import urllib3

    broken = (
        requests.exceptions.ConnectionError,
        requests.exceptions.ChunkedEncodingError,
        urllib3.exceptions.ProtocolError,
        ConnectionError,
        BrokenPipeError,
    )
    for _ in range(TRIES - 1):
        try:
            return step()
        except requests.exceptions.Timeout:
            raise
        except broken:
            continue
    return step()
