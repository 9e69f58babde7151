"""The same for many things, some at a time: the first error ends it, and so does Ctrl+C."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from typing import TypeVar

T = TypeVar("T")


class Stopped(BaseException):
    """Somebody else failed, or gave up. No Exception: botocore would try again."""


def each(work: Callable[[T, threading.Event], None], things: Iterable[T], threads: int) -> None:
    """Call ``work(thing, stop)``, which looks at ``stop`` now and then and raises Stopped.

    Things are taken when there is a thread for them, no earlier: they may be large.
    """
    stop = threading.Event()
    waiting: set[Future[None]] = set()
    pool = ThreadPoolExecutor(threads, thread_name_prefix="data")
    try:
        for thing in things:
            waiting.add(pool.submit(work, thing, stop))
            if len(waiting) >= threads:
                done, waiting = wait(waiting, return_when=FIRST_COMPLETED)
                for one in done:
                    one.result()
        for one in waiting:
            one.result()
    except BaseException:
        stop.set()
        raise
    finally:
        pool.shutdown(wait=True, cancel_futures=True)
