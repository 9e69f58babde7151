"""Paperspace's v1 API over HTTP: every call through one place, each with bounds.

What only reads, or can be done twice, is asked again where no answer came. What makes something is
asked for once: there is no idempotency key, and a second request would make a second one.
"""

from __future__ import annotations

import weakref
from collections.abc import Mapping
from functools import cached_property
from typing import Any, TypeVar

import msgspec

from mldeploy.errors import MldeployError
from mldeploy.providers import clock
from mldeploy.providers.paperspace.credentials import Credentials
from mldeploy.providers.paperspace.errors import Asked, UnknownOutcomeError
from mldeploy.providers.paperspace.sayings import BY_STATUS, explain, without_answer

T = TypeVar("T")
PAUSES = (1.0, 2.0, 4.0, 8.0)  # seconds between attempts
LONGEST_PAUSE = 30.0
CONNECT_SECONDS, READ_SECONDS = 10.0, 60.0
PAGE = 120  # the most that the API gives at once
MOST_PAGES = 100


class Client:
    """One team, by its key."""

    transport: Any = None  # of httpx; tests go without a network

    def __init__(self, credentials: Credentials) -> None:
        self.credentials = credentials

    @property
    def url(self) -> str:
        return self.credentials.url

    # By what may be asked twice

    def get(self, path: str, into: type[T], **query: str) -> T:
        return self._read(self._call("GET", path, query=query), into, Asked(f"GET {path}"))

    def pages(self, path: str, into: type[T], **query: str) -> list[T]:
        """All of a list. ``nextPage`` may be there on the last page, so ``hasMore`` is what counts;
        a page that leads nowhere ends it."""
        found: list[T] = []
        asked = Asked(f"GET {path}")
        more: dict[str, str] = {"limit": str(PAGE)}
        for _ in range(MOST_PAGES):
            page = self._call("GET", path, query={**query, **more})
            if not isinstance(page, dict) or not isinstance(page.get("items"), list):
                raise without_answer("odd-answer", "it is no list.", asked)
            found += self._read(page["items"], list[into], asked)  # type: ignore[valid-type]
            after = page.get("nextPage")
            if not page.get("hasMore") or not after or after == more.get("after"):
                return found
            more["after"] = str(after)
        raise without_answer("odd-answer", "its list has no end.", asked)

    def put(self, path: str, into: type[T], body: Mapping[str, Any]) -> T:
        return self._read(self._call("PUT", path, body=body), into, Asked(f"PUT {path}"))

    def patch(self, path: str) -> None:
        """Start, stop, restart: no parameters, but the body must be an object."""
        self._call("PATCH", path, body={})

    def delete(self, path: str) -> None:
        self._call("DELETE", path)

    # By what may not

    def make(self, path: str, into: type[T], body: Mapping[str, Any], asked: Asked) -> T:
        """Raises UnknownOutcomeError where it may have been made."""
        answer = self._call("POST", path, body=body, asked=asked, once=True)
        return self._read(answer, into, asked)

    # How it is asked

    def _call(
        self,
        method: str,
        path: str,
        *,
        query: Mapping[str, str] | None = None,
        body: Mapping[str, Any] | None = None,
        asked: Asked | None = None,
        once: bool = False,
    ) -> Any:
        import httpx

        about = asked or Asked(f"{method} {path}")
        for pause in (*PAUSES, None):
            wait = pause
            try:
                answer = self._http.request(method, path, params=query, json=body)
            except (httpx.ConnectError, httpx.ConnectTimeout) as error:
                failed = without_answer("unreachable", str(error), about)  # nothing was sent
            except (httpx.TransportError, httpx.DecodingError) as error:
                failed = without_answer("no-answer", type(error).__name__, about)
                if once:
                    raise failed from error
            except httpx.InvalidURL as error:
                raise without_answer("unreachable", str(error), about) from error
            else:
                told = _told(answer, about)
                if not isinstance(told, MldeployError):
                    return told
                failed = told
                if not _may_pass(failed, once=once):
                    raise failed
                wait = _patience(answer.headers.get("retry-after", ""), pause)
            if pause is None or wait is None:
                raise failed
            clock.sleep(wait)
        raise AssertionError("unreachable")

    def _read(self, answer: Any, into: type[T], asked: Asked) -> T:
        try:
            return msgspec.convert(answer, into, strict=False)
        except (msgspec.ValidationError, ValueError) as error:
            raise without_answer("odd-answer", f"{error}.", asked) from error

    @cached_property
    def _http(self) -> Any:
        import httpx

        made = httpx.Client(
            base_url=self.url,
            headers={
                "Authorization": f"Bearer {self.credentials.key}",
                "Accept": "application/json",
                "User-Agent": "mldeploy",
            },
            timeout=httpx.Timeout(READ_SECONDS, connect=CONNECT_SECONDS),
            transport=self.transport,
            trust_env=self.transport is None,  # proxies, and a company's own authority
            follow_redirects=False,
        )
        weakref.finalize(self, made.close)
        return made


def _told(answer: Any, asked: Asked) -> Any:
    """The body, or what is wrong. Also with status 200 a body with a code and a message is an
    error: the vendor's own client takes it for one."""
    if answer.is_success and not answer.content.strip():
        return None
    try:
        body = msgspec.json.decode(answer.content)
    except msgspec.DecodeError:
        if answer.status_code in BY_STATUS:  # of a proxy in front of it, in its own words
            return explain(BY_STATUS[answer.status_code], "", asked)
        return without_answer("odd-answer", f"status {answer.status_code}.", asked)
    if isinstance(body, dict) and isinstance(body.get("code"), str) and "message" in body:
        return explain(body["code"], _sentence(body), asked)
    if answer.status_code >= 400:
        code = BY_STATUS.get(answer.status_code, "INTERNAL_SERVER_ERROR")
        return explain(code, _sentence(body) if isinstance(body, dict) else "", asked)
    return body


def _sentence(body: Mapping[str, Any]) -> str:
    said = str(body.get("message") or "")
    issues = body.get("issues") or []
    named = [
        str(each["message"]) for each in issues if isinstance(each, dict) and "message" in each
    ]
    return f"{said}: {'; '.join(named)}" if named else said


def _may_pass(error: MldeployError, *, once: bool) -> bool:
    """Does another try make sense? Who was asked too often has done nothing."""
    if error.code == "paperspace-too-many-requests":
        return True
    return not once and isinstance(error, UnknownOutcomeError)


def _patience(told: str, pause: float | None) -> float | None:
    """Seconds: as the answer asks for, within bounds."""
    if pause is None or not told.isdigit():
        return pause
    return min(max(float(told), pause), LONGEST_PAUSE)
