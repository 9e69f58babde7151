"""Serve one bento from this process. Run by a serving environment's interpreter, by path.

usage: serve_bento.py BENTO RELEASE       (in the run's own folder; orders come on stdin)

It starts on a free port of the loopback, where the gate asks it. The order ``take PORT`` on stdin
makes it listen on the users' port too. If stdin ends before that order, whoever started it is gone
and it ends itself: a candidate never outlives the `up` that made it.

Files it writes in its folder: started.json (pid, gate port), serving.json (users' port, since),
stopped.json (when, why). It imports bentoml and uvicorn, and nothing of mldeploy.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import shutil
import signal
import socket
import sys
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from mldeploy.project_side import server
else:
    import server  # the script beside this one

    del sys.modules["server"], sys.path[0]

HOST = "127.0.0.1"
TAKE_SECONDS = 15.0
GRACE_SECONDS = 10
LOG_LIMIT = 20_000_000  # bytes; a forgotten service must not fill a learner's disk


def main(bento: str, release: str) -> int:
    app = server.load(bento, home=Path("bentoml").absolute(), metrics=Path("metrics").absolute())
    with asyncio.Runner(loop_factory=server.loop_factory()) as runner:
        return runner.run(serve(app, release))


async def serve(app: Any, release: str) -> int:
    loop = asyncio.get_running_loop()
    orders: asyncio.Queue[str] = asyncio.Queue()
    ended = asyncio.Event()
    reason = ["asked"]

    def end(why: str) -> None:
        reason[0] = why
        ended.set()

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: loop.call_soon_threadsafe(end, "asked"))
    threading.Thread(target=_read_orders, args=(loop, orders), daemon=True).start()

    lifespan = await server.start(app)
    if lifespan is None:
        return 1
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listener.bind((HOST, 0))
    headers = [("x-mldeploy-release", release), ("x-mldeploy-run", _folder_identity())]
    gate, users = (server.uvicorn_server(app, headers, GRACE_SECONDS) for _ in range(2))
    tasks = [asyncio.create_task(gate.serve(sockets=[listener]))]
    _write("started.json", pid=os.getpid(), port=listener.getsockname()[1])

    waiting = asyncio.create_task(orders.get())
    stopping = asyncio.create_task(ended.wait())
    await asyncio.wait({waiting, stopping}, return_when=asyncio.FIRST_COMPLETED)
    if waiting.done() and waiting.result().startswith("take "):
        wanted = int(waiting.result().split()[1])
        taken = await _take(wanted, ended)
        if taken is None:
            end(f"port {wanted} was not free within {TAKE_SECONDS:.0f} s")
        else:
            tasks.append(asyncio.create_task(users.serve(sockets=[taken])))
            while not users.started and not tasks[-1].done():
                await asyncio.sleep(0.001)
            since = time.time()
            gate.should_exit = True
            await tasks[0]  # one port for the users, and no other, from here on
            _write("serving.json", pid=os.getpid(), port=wanted, at=since)
            tasks.append(asyncio.create_task(_watch(end)))
            await ended.wait()
    elif waiting.done():
        end("whoever started it went away before the gate")
    for one in (gate, users):
        one.should_exit = True
    await asyncio.wait(tasks[:2], timeout=GRACE_SECONDS + 5)
    await lifespan.shutdown()
    with contextlib.suppress(FileNotFoundError):  # the folder itself may be what is gone
        _write("stopped.json", at=time.time(), reason=reason[0])
    return 0


async def _take(port: int, ended: asyncio.Event) -> socket.socket | None:
    """Listen on the users' port as soon as the old server leaves it."""
    deadline = time.monotonic() + TAKE_SECONDS
    while time.monotonic() < deadline and not ended.is_set():
        # Made with the protocol named: with proto=0 asyncio leaves Nagle's algorithm on, 40 ms a
        # request on kept-alive connections.
        taken = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
        if os.name != "nt":
            taken.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            taken.bind((HOST, port))
            taken.listen(2048)  # from here on connections wait instead of being refused
            return taken
        except OSError:
            taken.close()
            await asyncio.sleep(0.002)
    return None


def _read_orders(loop: asyncio.AbstractEventLoop, orders: asyncio.Queue[str]) -> None:
    for line in sys.stdin:
        loop.call_soon_threadsafe(orders.put_nowait, line.strip())
    with contextlib.suppress(RuntimeError):  # the loop may have ended first
        loop.call_soon_threadsafe(orders.put_nowait, "")


async def _watch(end: Any) -> None:
    """End when the project's folder was deleted, and keep the log within its limit."""
    log = Path("server.log")
    while True:
        await asyncio.sleep(2)
        if not Path("started.json").exists():
            end("its folder was deleted")
            return
        with contextlib.suppress(OSError):
            if log.stat().st_size > LOG_LIMIT:
                shutil.copyfile(log, "server.log.1")
                os.truncate(log, 0)  # it was opened for appending, so writing goes on at 0


def _folder_identity() -> str:
    """Device and number of the folder we run in: a copy of the project has another one."""
    here = Path().stat()
    return f"{here.st_dev}-{here.st_ino}"


def _write(name: str, **facts: Any) -> None:
    draft = Path(name + ".draft")
    draft.write_text(json.dumps(facts), encoding="utf-8")
    os.replace(draft, name)


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
