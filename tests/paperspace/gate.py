"""The way of every call: which one it is, who asks, faults, the answer and whether it is right."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

from tests.paperspace import answers, document, life
from tests.paperspace.account import Account
from tests.paperspace.document import Operation
from tests.paperspace.faults import Fault
from tests.paperspace.refusals import Refused, Reply

BASE = "/v1"


@dataclass
class Call:
    """One that was made; ``status`` is None until it is answered, and where it was ``cut``."""

    method: str
    path: str  # below the base
    query: dict[str, str]
    body: Any
    at: datetime
    status: int | None = None
    cut: bool = False
    answer: Any = field(default=None, repr=False)

    @property
    def name(self) -> str:
        """As the patterns of faults name it."""
        return f"{self.method} {self.path}"


class Cut(Exception):  # noqa: N818, nothing is wrong: it was ordered
    """The connection ends without an answer."""


class Gate:
    """One call at a time gets to the account."""

    def __init__(self, account: Account) -> None:
        self.account = account
        self.calls: list[Call] = []

    def answer(
        self,
        method: str,
        target: str,
        headers: dict[str, str],
        sent: bytes,
        wait: Callable[[float], None] = time.sleep,
    ) -> Reply:
        """``target`` is path and query, ``headers`` have names in lower case; ``wait`` lets the
        seconds of a slow answer pass. Raises `Cut`."""
        asked = urlsplit(target)
        path = unquote(asked.path)
        query = dict(parse_qsl(asked.query, keep_blank_values=True))
        below = path.removeprefix(BASE) if path.startswith(f"{BASE}/") else path
        call = Call(method, below, query, _readable(sent), self.account.now())
        with self.account.lock:
            self.calls.append(call)
            seconds = self.account.faults.seconds_of(call.name)
        if seconds:  # not while others wait for the lock
            wait(seconds)
        with self.account.lock:
            try:
                reply = self._reply(call, headers, sent, is_below=below != path)
            except Cut:
                call.cut = True
                raise
            call.status, call.answer = reply.status, reply.told
            return reply

    def _reply(self, call: Call, headers: dict[str, str], sent: bytes, *, is_below: bool) -> Reply:
        fault = self.account.faults.met_by(call.name)
        if fault and fault.when == "before":
            return _wrong(fault)
        try:
            if self.account.is_too_often():
                raise Refused("TOO_MANY_REQUESTS")
            found = document.operation(call.method, call.path) if is_below else None
            if found is None:
                raise Refused("NOT_FOUND")
            reply = Reply(200, self._carried_out(*found, call, headers, sent))
        except Refused as refused:
            reply = Reply(refused.status, refused.body)
        return _wrong(fault) if fault else reply

    def _carried_out(
        self,
        operation: Operation,
        in_path: dict[str, str],
        call: Call,
        headers: dict[str, str],
        sent: bytes,
    ) -> Any:
        if headers.get("authorization") != f"Bearer {self.account.key}":
            if operation.id == "session":
                return None
            raise Refused("UNAUTHORIZED")
        asked = document.query(operation, call.query) | in_path
        asked |= document.body(operation, headers.get("content-type", ""), sent)
        life.advance(self.account)
        told = answers.BY_ID[operation.id](self.account, asked)
        if wrong := document.wrong_answer(operation, told):
            self.account.trouble.append(f"the stand-in itself: {call.name} answers {wrong}")
        return told


def _wrong(fault: Fault) -> Reply:
    if (reply := fault.reply()) is None:
        raise Cut
    return reply


def _readable(sent: bytes) -> Any:
    try:
        return json.loads(sent) if sent else None
    except ValueError:
        return sent
