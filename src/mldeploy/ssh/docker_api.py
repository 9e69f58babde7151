"""Docker's library over a forwarded socket: a request that a broken line cut is sent again.

Each of the engine's requests bears that, or its second answer says that the first one was heard:
see `heard_before`. What is read in pieces (logs, an exec's output) is repeated by who reads it.
"""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlsplit

from mldeploy.ssh import trouble
from mldeploy.ssh.connection import Connection

if TYPE_CHECKING:
    import docker
    import requests

CALL_SECONDS = 120
# Before another try, when the engine hung up and the connection is there: one that was killed, or
# whose machine was restarted, is back in seconds.
PAUSES = (0.2, 0.5, 1.0, 3.0, 6.0)
TOLD_PAUSE = 1.0
REMOVAL_SECONDS = 30


def client(connection: Connection, socket: str) -> docker.DockerClient:
    """A client of the engine that listens at ``socket`` on the host; asks nothing yet."""
    import docker
    from docker.transport import UnixHTTPAdapter

    local = connection.forward(socket)

    pauses = list(PAUSES)

    class Repeating(UnixHTTPAdapter):
        def send(self, request: Any, *args: Any, **kwargs: Any) -> requests.Response:
            return _send(connection, pauses, super().send, self, request, *args, **kwargs)

    url = f"unix://{local}"
    # A version that every engine since 2020 speaks: asking for one would be a request more.
    made = docker.DockerClient(base_url=url, version="1.41", timeout=CALL_SECONDS)
    made.api.mount("http+docker://", Repeating(f"http+{url}", CALL_SECONDS))
    return made


def _send(
    connection: Connection,
    pauses: list[float],
    send: Any,
    adapter: Any,
    request: Any,
    *args: Any,
    **kwargs: Any,
) -> requests.Response:
    """``pauses`` is emptied when they were all in vain: what clears up then has many requests."""
    import requests

    once = not isinstance(request.body, bytes | str | None) or _only_once(request)
    for tries, pause in enumerate([*pauses, None]):
        connection.ensure()
        try:
            answer: requests.Response = send(request, *args, **kwargs)
            if not kwargs.get("stream"):
                _ = answer.content  # it may be cut in the middle, too
        except requests.exceptions.ReadTimeout:
            raise
        except (requests.exceptions.RequestException, OSError):
            adapter.close()  # sockets of the connection that was
            if pause is None:
                pauses.clear()
                _tell_if_forbidden(connection)
            if once or pause is None:
                raise
            if pause >= TOLD_PAUSE:
                connection.tell(f"the engine on {connection.address} does not answer; once more")
            time.sleep(pause)
            continue
        return heard_before(request, answer, send) if tries else answer
    raise AssertionError("unreachable")


def _tell_if_forbidden(connection: Connection) -> None:
    """An engine that answers over there, but not through ssh: the host's sshd stands between."""
    if connection.run("docker version", seconds=30).code == 0:
        raise trouble.forbidden(connection.address)


def _only_once(request: Any) -> bool:
    """What was begun can't be begun again: an exec that has run, a build, a stream."""
    path = str(urlsplit(request.url).path)
    began = ("/exec/" in path and path.endswith("/start")) or path.endswith(("/build", "/load"))
    return str(request.method) == "POST" and began


def heard_before(request: Any, answer: requests.Response, send: Any) -> Any:
    """The answer to a repeated request, as if it had been the first: it may have been heard.

    The engine then says that there is (or isn't) already what was asked for.
    """
    parts = urlsplit(request.url)
    path, code = parts.path, answer.status_code
    if request.method == "DELETE" and code == 409 and "already in progress" in answer.text:
        return _removed(request, answer, send)
    if request.method == "DELETE" and code == 404:
        return _instead(answer, 204)
    if request.method != "POST":
        return answer
    if path.endswith("/containers/create") and code == 409:
        name = parse_qs(parts.query).get("name", [""])[0]
        return _made(request, answer, send, path.replace("/create", f"/{name}/json"), name)
    if path.endswith("/networks/create") and code == 409:
        name = json.loads(request.body)["Name"]
        return _made(request, answer, send, path.replace("/create", f"/{name}"), name)
    if path.endswith("/kill") and code == 409:  # it does not run any more
        return _instead(answer, 204)
    if path.endswith("/connect") and code == 403 and "already exists" in answer.text:
        return _instead(answer, 200)
    if path.endswith("/rename") and code in (404, 409):
        return _instead(answer, 204) if "already in use by" not in answer.text else answer
    return answer


def _removed(request: Any, answer: requests.Response, send: Any) -> requests.Response:
    """The engine is still at the removal that it was first asked for."""
    deadline = time.monotonic() + REMOVAL_SECONDS
    while time.monotonic() < deadline and answer.status_code == 409:
        time.sleep(0.2)
        answer = send(request.copy(), timeout=CALL_SECONDS)
    return _instead(answer, 204) if answer.status_code == 404 else answer


def _made(request: Any, answer: requests.Response, send: Any, path: str, name: str) -> Any:
    """What is there under that name, in the words of its making."""
    if not name:
        return answer
    ask = request.copy()
    ask.method, ask.body = "GET", None
    ask.headers.pop("Content-Length", None)
    ask.url = urlsplit(request.url)._replace(path=path, query="").geturl()
    found = send(ask, timeout=CALL_SECONDS)
    if found.status_code != 200:
        return answer
    return _instead(answer, 201, {"Id": found.json()["Id"], "Warnings": []})


def _instead(answer: requests.Response, code: int, body: Any = None) -> requests.Response:
    answer.status_code = code
    answer._content = json.dumps(body).encode() if body is not None else b""
    return answer
