"""Data that a FloydHub job had: both ways in which it was written, by the rules that it had."""

from __future__ import annotations

import re
from collections.abc import Sequence

from mldeploy.errors import ConfigError
from mldeploy.floyd.asked import MOST_INPUTS, MOUNT, Input
from mldeploy.floyd.refusals import refused

LINE = "SOURCE:MOUNT, such as mckay/datasets/mnist/1:mnist"


def short(text: str, place: str) -> Input:
    """``mckay/datasets/mnist/1:mnist``"""
    source, colon, mount = text.rpartition(":")
    if not colon:
        raise _wrong(place, f"{text!r} does not say where it is mounted.")
    return long(source, mount, place)


def long(source: str, mount: str, place: str) -> Input:
    """The two of them apart, as ``source:`` and ``destination:``."""
    if not re.fullmatch(r"[^\s:]+", source):
        raise _wrong(place, f"{source!r} can't name data.")
    if not re.fullmatch(MOUNT, mount) or mount.strip("/") in (".", ".."):
        raise _wrong(
            place, f"{mount!r} can't be a mount: it is one name of letters, digits and . _ -"
        )
    return Input(source, mount.strip("/"))


def together(inputs: Sequence[Input], place: str) -> tuple[Input, ...]:
    """All of a job, checked beside each other."""
    if len(inputs) > MOST_INPUTS:
        raise _wrong(place, f"{len(inputs)} inputs are more than the {MOST_INPUTS} of a job.")
    mounts = [each.mount for each in inputs]
    if twice := next((each for each in mounts if mounts.count(each) > 1), None):
        raise _wrong(place, f"Two inputs are mounted at {twice}.")
    return tuple(inputs)


def _wrong(place: str, what: str) -> ConfigError:
    return refused(
        place,
        what,
        f"FloydHub refused that too. Expected {LINE}.",
        f"mend {place}, then import again",
    )
