"""What the scripts that serve a bento share: its app, uvicorn's server, the log's form.

A sibling script imports it by its plain name, so it is the first thing they do, and they forget the
name again: a project may have a module `server` of its own.
"""

from __future__ import annotations

import contextlib
import gc
import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

App = Callable[..., Any]  # ASGI: called with scope, receive, send

UNKNOWN = "/(unknown)"
MOST_KNOWN = 1000  # paths remembered; a route with a parameter has any number of them


def load(bento: str, *, home: Path, metrics: Path) -> App:
    """The bento's ASGI app; ``home`` and ``metrics`` are folders that may be written to."""
    # All three are read when bentoml is imported; without the folder /metrics answers 500.
    os.environ["BENTOML_DO_NOT_TRACK"] = "True"
    os.environ["BENTOML_HOME"] = str(home)
    metrics.mkdir(parents=True, exist_ok=True)
    os.environ["PROMETHEUS_MULTIPROC_DIR"] = str(metrics)
    gc.disable()  # imports leave no garbage: looking for it takes a tenth of the start
    import bentoml

    app: App = bentoml.load(bento).to_asgi()
    gc.enable()
    return one_name_for_unknown_paths(app)


def one_name_for_unknown_paths(app: Any) -> App:
    """The app, which is told one and the same path for whatever it has no route for.

    BentoML 1.4 counts requests by the path as it was sent, 22 kB of memory for each new one, for
    ever: a scanner's visit would fill a replica, and /metrics would not answer in time.
    """
    known: set[str] = set()

    async def fold(scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "http" and scope["path"] not in known:
            if not _has_route(app, scope["path"]):
                scope = {**scope, "path": UNKNOWN, "raw_path": UNKNOWN.encode()}
            elif len(known) < MOST_KNOWN:
                known.add(scope["path"])
        await app(scope, receive, send)

    return fold


def _has_route(app: Any, path: str) -> bool:
    """Would Starlette's routing find something for ``path``, by whatever method?"""
    for route in getattr(app, "routes", []):
        below = path.removeprefix(getattr(route, "path", ""))
        inner: Any = getattr(route, "app", None)
        if hasattr(inner, "lookup_path"):  # files: a path is known if there is such a file
            if below != path and inner.lookup_path(below.lstrip("/"))[1] is not None:
                return True
        elif hasattr(inner, "routes"):  # another app, such as the one with the page
            if path.startswith(getattr(route, "path", "")) and _has_route(inner, below or "/"):
                return True
        elif route.path_regex.match(path):
            return True
    return False


def uvicorn_server(app: App, headers: Sequence[tuple[str, str]], grace: int) -> Any:
    """A uvicorn server that leaves the process's signals and the app's lifespan to its caller.

    ``headers`` go with every answer; ``grace`` is how many seconds requests in flight get.
    """
    import uvicorn

    class Server(uvicorn.Server):
        @contextlib.contextmanager
        def capture_signals(self) -> Any:
            yield

    settings = uvicorn.Config(
        app,
        lifespan="off",
        log_config=LOGGING,
        access_log=False,  # whether there is one, the service says: BentoML's has times too
        headers=list(headers),
        proxy_headers=False,  # nobody reads the client's address
        timeout_graceful_shutdown=grace,
    )
    return Server(settings)


async def start(app: App) -> Any | None:
    """Load the model by the app's lifespan, which the caller shuts down; None if that failed.

    Why it failed is in the log then, with its traceback.
    """
    import uvicorn
    from uvicorn.lifespan.on import LifespanOn

    lifespan = LifespanOn(uvicorn.Config(app, lifespan="on", log_config=LOGGING))
    await lifespan.startup()
    if lifespan.should_exit:
        return None
    _give_memory_back()
    return lifespan


def loop_factory() -> Any:
    """uvloop's where the project's serving group has it: a third more requests a second.

    uvicorn finds httptools, which reads HTTP faster, in the same way by itself.
    """
    try:
        import uvloop  # type: ignore[import-not-found]  # the project's, not ours
    except ImportError:  # Windows has none
        return None
    return uvloop.new_event_loop


def _give_memory_back() -> None:
    """What only loading the model needed, and glibc keeps: 100 MB for a forest as ONNX."""
    import ctypes

    with contextlib.suppress(OSError, AttributeError, TypeError):  # another C library
        ctypes.CDLL(None).malloc_trim(0)


LOGGING: dict[str, Any] = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {
        "line": {
            "format": "%(asctime)s %(levelname)s %(message)s",
            "datefmt": "%Y-%m-%dT%H:%M:%S%z",
        }
    },
    "handlers": {"all": {"class": "logging.StreamHandler", "formatter": "line"}},
    "loggers": {
        "uvicorn.error": {"handlers": ["all"], "level": "WARNING", "propagate": False},
        "bentoml": {"handlers": ["all"], "level": "INFO", "propagate": False},
        "mldeploy": {"handlers": ["all"], "level": "INFO", "propagate": False},
    },
    "root": {"handlers": ["all"], "level": "WARNING"},
}
