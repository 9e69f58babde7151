"""Why a build failed, from what the engine said: the three parts of an error. Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass

from mldeploy.errors import FailedError

UNREACHABLE = (
    "no such host|connection refused|i/o timeout|network is unreachable|TLS handshake|timed out|"
    "Client.Timeout|server misbehaving|connection reset|certificate|proxyconnect"
)
NO_INDEX = (
    "Name or service not known|Temporary failure in name resolution|Failed to fetch|dns error|"
    "Could not connect|client error \\(Connect\\)|NewConnectionError|ConnectTimeout|ReadTimeout|"
    "CERTIFICATE_VERIFY_FAILED|invalid peer certificate|UnknownIssuer|Network is unreachable|"
    "Temporary failure resolving"
)


@dataclass(frozen=True)
class Trouble:
    """``sign`` is searched in what was said; the first that is found explains it.

    In ``do``, {again} stands for the command that builds it again.
    """

    code: str
    sign: str
    why: str
    do: str


DISTURBED = "build-disturbed"
JOB = ("tools", "packages", "files", "code")  # what the images of a job are the images of
AGAIN = "the same `mldeploy run` again"
BY_HAND = "mldeploy image --dockerfile     (shows what is built, to try it by hand)"
LOOK = f"mend what the lines above name, in what the job needs, then: {AGAIN}"

TROUBLES = (
    Trouble(
        "disk-full",
        "no space left on device|disk quota exceeded|ENOSPC",
        "The engine's disk is full.",
        "mldeploy prune     (old releases of this project), or: docker system prune",
    ),
    Trouble(
        DISTURBED,
        # Its base is there before a build begins: what it looks for elsewhere is an image of ours.
        "No such image|pull access denied|manifest for .* not found|/v2/",
        "What it stands on was removed in the middle of it, by another `prune` on this engine.",
        "{again}     (once that has ended)",
    ),
    Trouble(
        "hash-mismatch",
        "Hash mismatch|DO NOT MATCH THE HASHES|hashes? .*(mismatch|do(es)? not match)",
        "A package is not the one that uv.lock names: its hash differs.",
        "uv lock --upgrade-package NAME     (only if you trust where it came from), then again",
    ),
    Trouble(
        "engine-gone",
        "the engine went away",
        "The Docker Engine stopped answering in the middle of it.",
        "docker info     (does it run?), then: {again}, which goes on from here",
    ),
    Trouble(
        "no-wheel",
        "no wheels? with a matching|has no wheels|Failed to build|no source distribution|"
        "Could not find a version that satisfies|No matching distribution found",
        "A package has nothing ready to install for this Python and this kind of machine.",
        "choose a version that has a wheel for Linux, or a `base` image that can compile",
    ),
    Trouble(
        "no-debian-packages",
        # apt's own marks; uv says `Failed to fetch` of its packages, too.
        r"(?:^|\s)(?-i:[EW]): (Failed to fetch|Unable to locate package|"
        "Package .make. has no installation|Unable to fetch some archives|Some index files failed)",
        "The build could not reach the packages of its Debian, of which `make` comes.",
        "check the network and the proxy of the engine's machine; or name a base image that has "
        'make, such as base = "python:3.12-bookworm"; then: {again}',
    ),
    Trouble(
        "no-make-in-base",
        "apt-get: (command )?not found",
        "The base image has no make, and is no Debian where it could be installed.",
        'name one that is, for the job in mldeploy.toml: base = "python:3.12-slim-bookworm"',
    ),
    Trouble(
        "no-package-index",
        NO_INDEX,
        "The build could not reach the package index.",
        "check the network and the proxy of the engine's machine, then: {again}",
    ),
    Trouble(
        "no-python-in-base",
        "python3: (command )?not found|No module named (pip|ensurepip)|/bin/sh: no such file",
        "The base image has no Python with pip.",
        'name one that has, in mldeploy.toml: base = "python:3.12-slim-bookworm"',
    ),
)


def explain_build(role: str, said: str, detail: str) -> FailedError:
    """``said`` is everything that may hold the cause, ``detail`` the last lines to show."""
    what, again, look = f"The image of the {role} could not be built.", "mldeploy up", BY_HAND
    if role == "image":
        what = "The image of the release could not be built."
    if role in JOB:
        what, again, look = f"The job's image of its {role} could not be built.", AGAIN, LOOK
    for one in TROUBLES:
        if re.search(one.sign, said, re.IGNORECASE):
            do = one.do.replace("{again}", again)
            return FailedError(one.code, what=what, why=one.why, do=do, detail=detail)
    return FailedError(
        "build-failed",
        what=what,
        why=said.strip().splitlines()[-1][-300:] if said.strip() else "The engine did not say why.",
        do=look,
        detail=detail,
    )


def explain_pull(base: str, said: str) -> FailedError:
    """The base image is not on the engine, and could not be fetched."""
    if re.search("no space left on device", said, re.IGNORECASE):
        why, do = TROUBLES[0].why, TROUBLES[0].do
        return FailedError("disk-full", what=f"{base} could not be fetched.", why=why, do=do)
    if re.search(UNREACHABLE, said, re.IGNORECASE):
        why = "The engine does not have it, and reaches no registry to fetch it from."
        do = (
            f"docker pull {base}     (where there is a network; or bring it: docker save, "
            "docker load; or name an image that is there as `base` of the target)"
        )
    elif re.search("not found|manifest unknown|does not exist|denied|no matching", said):
        why = "The engine does not have it, and the registry has none of that name for it."
        do = "correct `base` of the target in mldeploy.toml, or: docker login, if it is private"
    else:
        why, do = f"The engine says: {said.strip()[-300:]}", f"docker pull {base}"
    return FailedError(
        "no-base-image", what=f"There is no base image {base}.", why=why, do=do, detail=said[-300:]
    )
