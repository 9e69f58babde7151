"""Serving the stand-in on the loopback, in threads of this process."""

from __future__ import annotations

from functools import cache
from threading import Thread
from typing import Any

from tests.cloud import patches


class Server:
    """``gate`` is a WSGI application; it is served from now until `close`."""

    def __init__(self, gate: Any, port: int = 0) -> None:
        from werkzeug.serving import WSGIRequestHandler, make_server

        class Silent(WSGIRequestHandler):
            """Its log would be in the output of every test that fails."""

            def log(self, type: str, message: str, *args: Any) -> None:  # noqa: A002
                pass

        self._server = make_server("127.0.0.1", port, gate, threaded=True, request_handler=Silent)
        self._thread = Thread(
            target=self._server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True
        )
        self._thread.start()

    @property
    def endpoint(self) -> str:
        return f"http://127.0.0.1:{self._server.server_port}"

    def close(self) -> None:
        self._server.shutdown()
        self._thread.join(timeout=10)
        self._server.server_close()


def moto_application() -> Any:
    """All services of moto, with our changes; what goes wrong in it is raised, not put in HTML."""
    patches.install()
    from moto.moto_server.werkzeug_app import DomainDispatcherApplication, create_backend_app

    def create(service: Any) -> Any:
        application = create_backend_app(service)
        application.config["PROPAGATE_EXCEPTIONS"] = True
        return application

    class Dispatcher(DomainDispatcherApplication):
        @cache  # noqa: B019, there is one; moto tries its hundreds of patterns for every call
        def get_backend_for_host(self, host: str | None) -> Any:
            return super().get_backend_for_host(host)

    return Dispatcher(create)
