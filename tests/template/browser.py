"""A real Chromium, driven over the DevTools protocol through a pipe: no driver, no library.

https://chromedevtools.github.io/devtools-protocol/ . Chromium reads its orders from file
descriptor 3 and writes to 4, each message ending in a zero byte. Keys are real key events: what a
person without a mouse can do, and no more.
"""

from __future__ import annotations

import base64
import fcntl
import json
import os
import select
import shutil
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

PATIENCE = 20.0  # seconds, for an answer of the browser or a condition on the page

# A sandbox within a container, and calls home, are what a test machine does not have.
FLAGS = [
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
    "--disable-dev-shm-usage", "--lang=en", "--remote-debugging-pipe",
]  # fmt: skip

# Puts the pipe's ends where Chromium wants them, and becomes Chromium.
WRAPPER = """
import os, sys
orders, answers, *command = sys.argv[1:]
os.dup2(int(orders), 3)
os.dup2(int(answers), 4)
os.execv(command[0], command)
"""

NAMED = {
    "Tab": (9, ""),
    "Enter": (13, "\r"),
    "Space": (32, " "),
    "ArrowDown": (40, ""),
    "Backspace": (8, ""),
}


def chromium() -> str | None:
    names = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
    return next(filter(None, map(shutil.which, names)), None)


class Browser:
    """One tab. All that it said (requests, console, broken policies) is in `events`."""

    def __init__(self, program: str, profile: Path) -> None:
        orders, self._orders = os.pipe()
        self._answers, answers = os.pipe()
        # Above 4, so that the wrapper cannot tread on one while it moves the other.
        ours = [fcntl.fcntl(end, fcntl.F_DUPFD, 10) for end in (orders, answers)]
        self._process = subprocess.Popen(
            [sys.executable, "-c", WRAPPER, *map(str, ours), program, *FLAGS,
             f"--user-data-dir={profile}", "about:blank"],
            pass_fds=ours, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )  # fmt: skip
        for end in (orders, answers, *ours):
            os.close(end)
        os.set_blocking(self._answers, False)
        self._unread = b""
        self._number = 0
        self._session: str | None = None
        self._context: str | None = None
        self.events: list[dict[str, Any]] = []

    def fresh(self) -> Browser:
        """A new tab of somebody who was never here: no key, no history."""
        self._session = None
        if self._context:
            self.call("Target.disposeBrowserContext", browserContextId=self._context)
        self._context = self.call("Target.createBrowserContext")["browserContextId"]
        target = self.call("Target.createTarget", url="about:blank", browserContextId=self._context)
        attached = self.call("Target.attachToTarget", targetId=target["targetId"], flatten=True)
        self._session = attached["sessionId"]
        for domain in ("Page", "Runtime", "Network", "Log"):
            self.call(f"{domain}.enable")
        self.look(1200)
        return self

    def __enter__(self) -> Browser:
        return self

    def __exit__(self, *_: object) -> None:
        self._process.kill()
        self._process.wait(PATIENCE)
        os.close(self._orders)
        os.close(self._answers)

    def call(self, method: str, **parameters: Any) -> dict[str, Any]:
        self._number += 1
        order: dict[str, Any] = {"id": self._number, "method": method, "params": parameters}
        if self._session:
            order["sessionId"] = self._session
        os.write(self._orders, json.dumps(order).encode() + b"\0")
        deadline = time.monotonic() + PATIENCE
        while True:
            message = self._message(deadline)
            if message.get("id") == self._number:
                assert "error" not in message, f"{method}: {message['error']}"
                result: dict[str, Any] = message["result"]
                return result
            self.events.append(message)

    def _message(self, deadline: float) -> dict[str, Any]:
        while b"\0" not in self._unread:
            left = deadline - time.monotonic()
            ready, _, _ = select.select([self._answers], [], [], max(left, 0))
            assert ready, f"Chromium said nothing for {PATIENCE} s"
            part = os.read(self._answers, 1 << 20)
            assert part, "Chromium has ended"
            self._unread += part
        one, _, self._unread = self._unread.partition(b"\0")
        message: dict[str, Any] = json.loads(one)
        return message

    def evaluate(self, expression: str) -> Any:
        """The value of an expression on the page; of a promise, what it comes to."""
        done = self.call(
            "Runtime.evaluate", expression=expression, returnByValue=True, awaitPromise=True
        )
        assert "exceptionDetails" not in done, done["exceptionDetails"]
        return done["result"].get("value")

    def until(self, expression: str) -> None:
        """Wait for the expression to be true on the page."""
        deadline = time.monotonic() + PATIENCE
        while not self.evaluate(f"Boolean({expression})"):
            assert time.monotonic() < deadline, f"it never came true: {expression}"
            time.sleep(0.02)

    def go(self, address: str) -> None:
        """Open a page and wait until it is there."""
        self.events.clear()
        self.call("Page.navigate", url=address)
        self.until(f"location.href === {json.dumps(address)} && document.readyState === 'complete'")

    def press(self, *keys: str) -> None:
        """Press keys by name, one after the other; "Shift+Tab" with shift."""
        for name in keys:
            shift, _, key = name.rpartition("+")
            code, text = NAMED[key]
            self._key(key if key != "Space" else " ", code, text, 8 if shift else 0)

    def write(self, text: str) -> None:
        for character in text:
            self._key(character, 0, character, 0)

    def _key(self, key: str, code: int, text: str, modifiers: int) -> None:
        event = {"key": key, "windowsVirtualKeyCode": code, "modifiers": modifiers}
        self.call("Input.dispatchKeyEvent", type="keyDown", text=text, **event)
        self.call("Input.dispatchKeyEvent", type="keyUp", **event)

    def look(self, width: int, height: int = 800, dark: bool = False) -> None:
        """The size of the window in CSS pixels, and what the reader prefers."""
        self.call(
            "Emulation.setDeviceMetricsOverride",
            width=width, height=height, deviceScaleFactor=1, mobile=width < 600,
        )  # fmt: skip
        scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        still = {"name": "prefers-reduced-motion", "value": "reduce"}
        self.call("Emulation.setEmulatedMedia", features=[scheme, still])

    def picture(self, path: Path, whole: bool = False) -> None:
        """For a person to look at, while the page is being worked on."""
        taken = self.call("Page.captureScreenshot", captureBeyondViewport=whole, format="png")
        path.write_bytes(base64.b64decode(taken["data"]))

    def said(self, method: str) -> list[dict[str, Any]]:
        """The parameters of every event of this kind since the page was opened."""
        self.evaluate("0")  # what happened before this answer has been read
        return [event["params"] for event in self.events if event["method"] == method]
