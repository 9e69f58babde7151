"""Reaching a Docker Engine, and saying in plain words what it refuses."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from mldeploy.errors import FailedError, MldeployError

if TYPE_CHECKING:
    import docker

HELLO_SECONDS = 5
CALL_SECONDS = 120  # an engine on a full or slow disk is slow; one that hangs is not waited for

USUAL = "unix:///var/run/docker.sock"
START = "start Docker Desktop, or: sudo systemctl start docker"


def connect(instead: str = "") -> docker.DockerClient:
    """A client of the engine that the `docker` command would speak to; it has answered once.

    ``instead`` says, to who has no engine, what works without one.
    Raises :class:`FailedError` with ``no-docker``, ``docker-denied`` or ``docker-down``.
    """
    import docker
    import requests

    where = _where()
    try:
        client = docker.DockerClient(**where, version="auto", timeout=HELLO_SECONDS)
        client.ping()
    except (docker.errors.DockerException, requests.exceptions.RequestException) as error:
        address = without_password(str(where["base_url"]))
        raise _unreachable(error, address, instead) from error
    client.api.timeout = CALL_SECONDS
    return client


def without_password(address: str) -> str:
    """An address as it may be shown: proxies and hosts are written with passwords in them."""
    scheme, separator, rest = address.rpartition("://")
    return f"{scheme}{separator}{rest.rpartition('@')[2]}"


def _where() -> dict[str, Any]:
    """DOCKER_HOST, else the current `docker context` (Docker Desktop, Colima), else the usual.

    With the certificates that belong to it, where it is spoken to by TLS.
    """
    from docker.context import ContextAPI
    from docker.errors import DockerException
    from docker.utils import kwargs_from_env

    if os.environ.get("DOCKER_HOST"):
        return _told_to_use_ssh({**kwargs_from_env()})
    try:
        context = ContextAPI.get_current_context()
        certificates: Any = context.TLSConfig  # None where there are none, whatever its type says
        found = {"base_url": str(context.Host or USUAL), "tls": certificates or False}
        return _told_to_use_ssh(found)
    except (DockerException, OSError, ValueError, KeyError):
        return {"base_url": USUAL}  # a damaged ~/.docker: the usual place may still do


def _told_to_use_ssh(found: dict[str, Any]) -> dict[str, Any]:
    """The system's own `ssh`: with the user's configuration, and no library more."""
    if str(found["base_url"]).startswith("ssh://"):
        return found | {"use_ssh_client": True}
    return found


def _unreachable(error: Exception, address: str, without: str) -> FailedError:
    text = str(error)
    instead = f"     (without Docker: {without})" if without else ""
    what = "There is no Docker Engine to speak to."
    if "Permission denied" in text or "PermissionError" in text:
        return FailedError(
            "docker-denied",
            what="This user may not speak to Docker.",
            why=f"{address} refuses: only root and the group `docker` may (it is as much as root).",
            do="sudo usermod -aG docker $USER   then log out and in again" + instead,
        )
    if "No such file" in text or "FileNotFoundError" in text:
        return FailedError(
            "no-docker",
            what=what,
            why=f"{address} is not there: Docker is not installed, or not started.",
            do="install it (https://docs.docker.com/engine/install/), or " + START + instead,
        )
    if "timed out" in text.lower() or "timeout" in text.lower():
        why = f"{address} did not answer within {HELLO_SECONDS} s: it hangs."
    elif "refused" in text:
        why = f"Nothing listens at {address}: Docker is not started, or DOCKER_HOST is wrong."
    else:
        why = f"{address}: {text[-300:]}"
    return FailedError("docker-down", what=what, why=why, do=START + instead)


@contextmanager
def told() -> Iterator[None]:
    """Turn what the engine refuses, or its going away, into errors of ours."""
    import docker
    import requests
    import urllib3
    from docker.credentials.errors import StoreError

    try:
        yield
    except MldeployError:
        raise
    except docker.errors.APIError as error:
        raise refusal(error) from error
    except StoreError as error:
        raise FailedError(
            "no-credential-helper",
            what="Docker's configuration names a helper for passwords that does not work.",
            why=str(error)[-300:],
            do="take `credsStore` out of ~/.docker/config.json, or install that helper",
        ) from error
    except (
        requests.exceptions.RequestException,
        urllib3.exceptions.HTTPError,
        docker.errors.DockerException,
        ConnectionError,
        TimeoutError,
    ) as error:
        raise FailedError(
            "docker-gone",
            what="The Docker Engine went away, or hangs.",
            why=f"{type(error).__name__}: {str(error)[-300:]}",
            do="look whether it runs (docker info), then run this again: it takes up what is left",
        ) from error


def refusal(error: docker.errors.APIError) -> FailedError:
    """What the engine's API refused, and what to do about it where we know."""
    text = str(error.explanation or error)
    lower = text.lower()
    if "no space left" in lower or "disk quota" in lower:
        return FailedError(
            "disk-full",
            what="The engine's disk is full.",
            why=text[-300:],
            do="mldeploy prune   (old releases of this project), or: docker system prune",
        )
    if "port is already allocated" in lower or "address already in use" in lower:
        return FailedError(
            "port-taken",
            what="The port of this target is taken.",
            why=text[-300:],
            do="stop what holds it, or choose another `port` in mldeploy.toml",
        )
    return FailedError(
        "docker-refused",
        what="The Docker Engine refused a step.",
        why=text[-500:],
        do="mldeploy doctor     (looks for what is wrong with the engine)",
    )
