"""Ask the replica in whose container this runs: by `docker exec`, with the image's interpreter.

usage: ask.py ready SECONDS   waits until /readyz answers 200; ends with 1 if it doesn't
       ask.py post PATH       posts the JSON on stdin
       ask.py metrics         prints /metrics as it is

`ready` and `post` print one line of JSON, ``{"status", "body"}``: the body as JSON where it is
that, else as text; status 0 and the reason in words when there was no answer. PORT is 3000 unless
the environment says otherwise.
"""

from __future__ import annotations

import http.client
import json
import os
import sys
import time
from typing import Any

PORT = int(os.environ.get("PORT", "3000"))
ANSWER_SECONDS = 60.0
PAUSE_SECONDS = 0.02


def main(verb: str, argument: str = "") -> int:
    if verb == "metrics":
        status, text = ask("GET", "/metrics")
        sys.stdout.write(text)
        return 0 if status == 200 else 1
    if verb == "ready":
        status, text = wait(float(argument))
    elif verb == "post":
        status, text = ask("POST", argument, sys.stdin.buffer.read())
    else:
        sys.stderr.write(str(__doc__))
        return 2
    sys.stdout.write(json.dumps({"status": status, "body": _body(text)}) + "\n")
    return 0 if status == 200 else 1


def wait(seconds: float) -> tuple[int, str]:
    """What /readyz answers once it is 200, or at last."""
    deadline = time.monotonic() + seconds
    while True:
        left = deadline - time.monotonic()
        status, text = ask("GET", "/readyz", seconds=max(left, 0.1))
        if status == 200 or left <= PAUSE_SECONDS:
            return status, text
        time.sleep(PAUSE_SECONDS)


def ask(
    method: str, path: str, body: bytes | None = None, *, seconds: float = ANSWER_SECONDS
) -> tuple[int, str]:
    """Status and text of an answer; 0 and the reason when there is none."""
    connection = http.client.HTTPConnection("127.0.0.1", PORT, timeout=seconds)
    headers = {"Content-Type": "application/json"} if body is not None else {}
    try:
        connection.request(method, path, body, headers)
        answer = connection.getresponse()
        return answer.status, answer.read().decode("utf-8", "replace")
    except (OSError, http.client.HTTPException) as error:
        return 0, f"no answer to {method} {path}: {str(error) or type(error).__name__}"
    finally:
        connection.close()


def _body(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return text


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
