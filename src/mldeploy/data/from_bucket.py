"""A machine fetches from a bucket by itself, from addresses that were signed for it here.

The credentials stay on this laptop; an address opens one object, to read it, for an hour.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from mldeploy.data import machine_side, scripts
from mldeploy.data.machine_store import MachineStore
from mldeploy.data.pouring import drawn
from mldeploy.data.progress import Progress, sized
from mldeploy.data.s3_store import S3Store
from mldeploy.data.versions import Manifest
from mldeploy.errors import FailedError
from mldeploy.ssh.connection import LostError
from mldeploy.ui import Ui

LINK_SECONDS = 3600
ROUND_FILES, ROUND_BYTES = 2_000, 20_000_000_000  # that are fetched within that hour
TRIES = 3  # in a row of which none brought a byte


def fetch(store: S3Store, there: MachineStore, manifest: Manifest, ui: Ui) -> int:
    """Have the objects of a version on a machine; the bytes that it fetched. Raises FailedError.

    An interruption leaves what has arrived; it is not fetched again.
    """
    there.draft(manifest)
    lacks = _lacking(there, manifest)
    if not lacks:
        return 0
    whole = sum(lacks.values())
    with (
        ui.step(f"fetch {manifest.reference}, {sized(whole)}, {there.called}") as step,
        Progress(ui, "fetched", whole) as progress,
    ):
        in_vain, why = 0, ""
        while lacks:
            before = len(lacks), progress.sent
            for some in _rounds(lacks):
                try:
                    why = _round(store, there, some, progress) or why
                except LostError as error:
                    why = f"The connection to it broke: {error}"
            lacks = _lacking(there, manifest)
            progress.at(whole - sum(lacks.values()))
            moved = len(lacks) < before[0] or progress.sent > before[1]
            in_vain = 0 if moved else in_vain + 1
            if in_vain >= TRIES or (lacks and _hopeless(why)):
                raise _failed(store, there, why)
        step.say("it did that itself")
    return progress.sent


def _round(store: S3Store, there: MachineStore, some: Mapping[str, int], progress: Progress) -> str:
    """Why something of it was not fetched; empty if all of it was."""
    lines = [
        f"{sha256} {size} {store.bucket.link(f'objects/{sha256}', LINK_SECONDS)}\n"
        for sha256, size in some.items()
    ]
    words = (there.place.python, machine_side.program("fetch_objects"))
    base, why = progress.done, ""
    with drawn(there.place, scripts.FETCH, words, "".join(lines).encode()) as said:
        for line in said.lines():
            kind, _, rest = line.partition(" ")
            if kind == "at" and rest.isdigit():
                progress.add(max(0, base + int(rest) - progress.done))
            elif kind == "no":
                why = rest.partition(" ")[2]
            elif kind == "python":
                raise _without_python(there)
    return why


def _rounds(lacks: Mapping[str, int]) -> Iterator[dict[str, int]]:
    some: dict[str, int] = {}
    for sha256, size in lacks.items():
        if len(some) >= ROUND_FILES or sum(some.values()) > ROUND_BYTES:
            yield some
            some = {}
        some[sha256] = size
    if some:
        yield some


def _lacking(there: MachineStore, manifest: Manifest) -> dict[str, int]:
    lacks = there.lacking(manifest.objects)
    return {sha256: size for sha256, size in manifest.objects.items() if sha256 in lacks}


def _hopeless(why: str) -> bool:
    """Would the next try say the same?"""
    return "no space" in why or "another hash" in why


def _failed(store: S3Store, there: MachineStore, why: str) -> FailedError:
    if "no space" in why:
        return FailedError(
            "disk-full",
            what=f"There is no room for the data {there.called}.",
            why="Its disk is full.",
            do="mldeploy data ls   and `mldeploy data rm` what nobody needs; what has arrived is "
            "not fetched again",
        )
    at = store.bucket.settings.endpoint_url or "Amazon S3"
    return FailedError(
        "machine-cannot-fetch",
        what=f"The data could not be fetched {there.called} from {store.bucket.address}.",
        why=f"From there, {at} said: {why}." if why else f"From there, {at} said nothing.",
        do=(
            "is `region` under [data] in mldeploy.toml the bucket's? "
            if "answers 4" in why  # an address is signed for one region
            else "is that address reached from there, or only from this laptop? "
        )
        + "Without it: mldeploy data pull NAME here, and ./NAME:MOUNT for the job",
    )


def _without_python(there: MachineStore) -> FailedError:
    return FailedError(
        "no-python",
        what=f"The data can't be fetched {there.called}.",
        why="There is no python3 there, which would fetch it.",
        do="install it there: sudo apt-get install -y python3-minimal; or without it: "
        "mldeploy data pull NAME here, and ./NAME:MOUNT for the job",
    )
