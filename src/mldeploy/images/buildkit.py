"""Build with the `docker` program, for engines that no longer build over the API by themselves.

BuildKit wants a session with its client (gRPC inside HTTP) that Docker's Python library doesn't
speak; the program does. It gets the same Dockerfile and the same stream.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import threading
import time
from collections.abc import Iterable, Mapping
from contextlib import suppress
from typing import IO

from mldeploy.errors import FailedError
from mldeploy.images.output import Output

NO_BUILDKIT = "buildx component is missing"


def build(
    tag: str,
    context: Iterable[bytes],
    told: Mapping[str, str],
    output: Output,
    seconds: float,
) -> None:
    """Build ``tag`` from a tar stream; what went wrong is in ``output.failed`` afterwards.

    Raises :class:`FailedError` when no program with BuildKit is there.
    """
    if chosen := program():
        _run(chosen, tag, context, told, output, seconds)
        return
    raise FailedError(
        "no-buildkit",
        what="This engine can't be told to build an image.",
        why="It builds with BuildKit only, and no `docker` program with buildx is on the PATH.",
        do="install docker-buildx-plugin (https://docs.docker.com/go/buildx/), then: mldeploy up",
    )


def program() -> str | None:
    """The first `docker` on the PATH that builds with BuildKit: the very first may lack buildx."""
    folders = os.environ.get("PATH", os.defpath).split(os.pathsep)
    found = dict.fromkeys(shutil.which("docker", path=folder) for folder in folders)
    return next((each for each in found if each and _has_buildkit(each)), None)


def _has_buildkit(program: str) -> bool:
    """Asked of the build of nothing, which fails in another way when it is there."""
    asked = subprocess.run(
        [program, "build", "-"],
        env=os.environ | {"DOCKER_BUILDKIT": "1"},
        input=b"",
        capture_output=True,
        timeout=30,
        check=False,
    )
    return NO_BUILDKIT.encode() not in asked.stderr


def _run(
    program: str,
    tag: str,
    context: Iterable[bytes],
    told: Mapping[str, str],
    output: Output,
    seconds: float,
) -> None:
    # By name only: the program takes the values from its environment, and `ps` shows none.
    names = [word for name in told for word in ("--build-arg", name)]
    process = subprocess.Popen(
        [program, "build", "--progress=plain", "--tag", tag, *names, "-"],
        env=os.environ | dict(told) | {"DOCKER_BUILDKIT": "1"},
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        start_new_session=True,  # Ctrl+C is for us; it is ended below
    )
    sending = threading.Thread(target=_send, args=(context, process.stdin), daemon=True)
    deadline = threading.Timer(seconds, process.kill)
    deadline.start()
    began = time.monotonic()
    try:
        sending.start()
        for line in process.stderr or ():
            output.line(line.decode(errors="replace"))
        if process.wait(timeout=30) != 0:
            output.failed = output.tail
            if time.monotonic() - began >= seconds:
                output.failed = f"It was stopped after {seconds:.0f} s."
    finally:
        deadline.cancel()
        if process.poll() is None:
            process.terminate()  # it tells the engine, which ends the build
            with suppress(subprocess.TimeoutExpired):
                process.wait(timeout=10)
            process.kill()
            process.wait(timeout=10)
        sending.join(timeout=10)
        if process.stderr:
            process.stderr.close()


def _send(context: Iterable[bytes], to: IO[bytes] | None) -> None:
    if to is None:
        return
    with suppress(BrokenPipeError), to:  # it ended; why, it says itself
        for chunk in context:
            to.write(chunk)
