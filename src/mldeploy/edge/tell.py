"""What the edge writes down: one line of JSON for each request, without secrets."""

from __future__ import annotations

from typing import Any

Json = dict[str, Any]

ACCESS = "http.log.access"


def logs() -> Json:
    """Requests and trouble to the container's log. The health checks' own noise stays out: a
    replica that is not well would write 16 lines a second."""
    without_secrets = {
        "format": "filter",
        "wrap": {"format": "json", "time_format": "2006-01-02T15:04:05.000Z07:00"},
        "fields": {
            # Authorization, cookies, and whatever else a client thinks is a header.
            "request>headers": {"filter": "delete"},
            "resp_headers": {"filter": "delete"},
            "request>tls": {"filter": "delete"},
            "request>uri": {"filter": "regexp", "regexp": r"\?.*", "value": "?..."},
        },
    }
    to_stdout = {"writer": {"output": "stdout"}, "encoder": without_secrets}
    checks = "http.handlers.reverse_proxy.health_checker.active"
    return {
        "logs": {
            "default": to_stdout | {"level": "WARN", "exclude": [ACCESS, checks]},
            "access": to_stdout | {"level": "INFO", "include": [ACCESS]},
        }
    }
