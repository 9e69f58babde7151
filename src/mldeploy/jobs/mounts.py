"""What stands behind --data: SOURCE:MOUNT, read strictly. Pure."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import PurePosixPath

from mldeploy.errors import ConfigError
from mldeploy.jobs.spec import Mount

MOST_MOUNTS = 32
INPUT = "/input"
SOURCE = re.compile(
    r"[a-z0-9][a-z0-9._-]{0,62}(/[1-9]\d{0,8})?"  # NAME, NAME/N
    r"|s3://[a-z0-9][a-z0-9.-]{1,61}[a-z0-9](/[A-Za-z0-9._=-]+)+"
    r"|(\.|\.\.|~)(/.*)?|/.*"
)
POINT = re.compile(r"/?[A-Za-z0-9._-]+(/[A-Za-z0-9._-]+)*")
# What a container has itself, and the job's own: data over it would break the job.
TAKEN = ("/proc", "/sys", "/dev", "/etc", "/bin", "/lib", "/lib64", "/usr", "/sbin", "/opt/venv")
TAKEN_ITSELF = ("/job", "/job/code", "/job/outputs", "/home", "/root", "/tmp", "/var", "/opt")  # noqa: S108
EXAMPLE = "--data mnist/2:/input, --data ./images:/input/images"


def parse_mount(text: str) -> Mount:
    """Read SOURCE:MOUNT; a bare name for MOUNT is a folder of /input. Raises ConfigError."""
    source, colon, at = text.rpartition(":")
    if not colon or source == "s3":
        raise _refused(text, "It has no mount point: expected SOURCE:MOUNT.")
    if not SOURCE.fullmatch(source):
        raise _refused(
            text,
            f"{source!r} is no source: expected NAME, NAME/N, s3://BUCKET/PREFIX/NAME, or a path "
            "that begins with ./ or /.",
        )
    parts = PurePosixPath(at).parts
    if not POINT.fullmatch(at) or any(part in (".", "..") for part in parts):
        raise _refused(
            text,
            f"{at!r} is no mount point: expected a path such as /input/images, or a name, of "
            "letters, digits, dots and dashes.",
        )
    if not at.startswith("/"):
        if "/" in at:
            raise _refused(text, f"{at!r} is neither a name nor a path that begins with /.")
        at = f"{INPUT}/{at}"
    if at in TAKEN_ITSELF or any(at == one or at.startswith(f"{one}/") for one in TAKEN):
        raise _refused(text, f"{at} belongs to the container; data over it would break the job.")
    return Mount(source, at)


def parse_mounts(texts: Sequence[str]) -> tuple[Mount, ...]:
    """All of one job's; raises ConfigError where one lies in another, or there are too many."""
    if len(texts) > MOST_MOUNTS:
        raise _refused(
            f"{len(texts)} mounts", f"A job has {MOST_MOUNTS} at most: push their folder as one."
        )
    mounts = tuple(parse_mount(text) for text in texts)
    for number, mount in enumerate(mounts):
        for other in mounts[:number]:
            if why := _in_the_way(mount, other):
                raise _refused(f"{mount.source}:{mount.at}", why)
    return mounts


def _in_the_way(mount: Mount, other: Mount) -> str:
    if mount.at == other.at:
        return f"{mount.at} is taken by {other.source} already."
    inner, outer = sorted((mount.at, other.at), key=len, reverse=True)
    if inner.startswith(f"{outer}/"):
        return f"{inner} would lie in {outer}, which nothing can be written to."
    return ""


def _refused(text: str, why: str) -> ConfigError:
    return ConfigError(
        "data-mount",
        what=f"{text!r} can't be mounted.",
        why=why,
        do=f"such as {EXAMPLE}",
    )
