"""Versions on a machine: this one, or one behind SSH."""

from __future__ import annotations

import re
import secrets
from collections.abc import Mapping, Sequence
from pathlib import Path

from mldeploy.data import machine_lines, machine_side, scripts
from mldeploy.data.base import Store
from mldeploy.data.machine_lines import LARGE
from mldeploy.data.places import Place
from mldeploy.data.progress import Progress
from mldeploy.data.scan import Local, changed
from mldeploy.data.versions import Manifest, decode, encode
from mldeploy.errors import FailedError
from mldeploy.ssh.connection import LostError, Ran

TRIES = 20  # each goes on where the last one was cut
BATCH_BYTES, BATCH_FILES = 32_000_000, 1_000  # what one cut may cost
LONG_SECONDS = 600


class MachineStore(Store):
    def __init__(self, place: Place, typed: str) -> None:
        self.place = place
        self.called = f"on {place.called}"
        self.typed = typed

    def manifests(self, name: str | None = None) -> list[Manifest]:
        said = self._run(scripts.MANIFESTS, name or "", seconds=LONG_SECONDS).out
        found = [decode(line.encode(), self.called) for line in said.splitlines() if line]
        return sorted(found, key=lambda one: (one.name, one.number))

    def next_number(self, name: str) -> int:
        said = self._run(scripts.NUMBERS, name).out
        return 1 + max((int(n) for n in re.findall(r"^(\d+)\.", said, re.MULTILINE)), default=0)

    def draft(self, manifest: Manifest) -> None:
        self._run(scripts.DRAFT, manifest.digest, stdin=encode(manifest))

    def lacking(self, objects: Mapping[str, int]) -> set[str]:
        wanted = "".join(f"{sha256}\n" for sha256 in objects)
        said = self._run(scripts.LACKING, stdin=wanted.encode(), seconds=LONG_SECONDS).out
        return set(said.split()) & set(objects)

    def send(self, files: Sequence[Local], progress: Progress) -> None:
        for file in files:
            if file.size > LARGE:
                self._send_large(file, progress)
        small = [file for file in files if file.size <= LARGE]
        all_of_them = progress.done + sum(file.size for file in small)
        for _ in range(TRIES):
            for batch in _batches(small):
                self._send_batch(batch, progress)
            lacks = self.lacking({file.sha256: file.size for file in small})
            small = [file for file in small if file.sha256 in lacks]
            progress.at(all_of_them - sum(file.size for file in small))
            if not small:
                return
        raise self._unsent()

    def publish(self, manifest: Manifest) -> bool:
        words = (manifest.name, str(manifest.number), manifest.digest)
        done = self.place.run(
            scripts.PUBLISH, self.place.project, *words, stdin=encode(manifest), seconds=120
        )
        if done.code not in (0, scripts.TAKEN):
            # A line that broke may have hidden that it worked: the second try finds it taken.
            raise self._refused(done)
        return done.code == 0 or self._is_published(manifest)

    def _is_published(self, manifest: Manifest) -> bool:
        """By us, a moment ago, over a line that broke before we heard of it."""
        return any(one == manifest for one in self.manifests(manifest.name))

    def tree(self, manifest: Manifest, folder: str) -> str:
        """The absolute path there of a folder with its files, made unless it is there."""
        lines = machine_lines.tree_lines(manifest.files)
        program = machine_side.program("lay_out")
        words = (self.place.project, folder, self.place.python, program)
        done = self.place.run(scripts.TREE, *words, stdin=lines, seconds=LONG_SECONDS * 3)
        if done.code == scripts.LACKS:
            raise FailedError(
                "data-incomplete",
                what=f"{manifest.reference} is not whole {self.called}.",
                why="A file of it is gone from the folder `objects` there.",
                do=f"push it again; before that: mldeploy data rm {manifest.reference}",
            )
        if done.code != 0:
            raise self._refused(done)
        return done.out.splitlines()[-1]

    def copy(self, digest: str) -> Manifest | None:
        """What came from a bucket and has no number here; it is in use from now on."""
        said = self._run(scripts.COPY, digest).out.strip()
        return decode(said.encode(), self.called) if said else None

    def keep_copy(self, manifest: Manifest) -> None:
        self._run(scripts.KEEP_COPY, manifest.digest, stdin=encode(manifest))

    def fetch(self, objects: Mapping[str, int], into: Path, progress: Progress) -> None:
        machine_lines.fetch(self.place, objects, into, progress)

    def remove(self, manifest: Manifest) -> int:
        words = (manifest.name, str(manifest.number))
        said = set(self._run(scripts.REMOVE, *words, seconds=LONG_SECONDS).out.split())
        return sum(size for sha256, size in manifest.objects.items() if sha256 in said)

    # Small steps of the above

    def _send_large(self, file: Local, progress: Progress) -> None:
        before = progress.done
        for _ in range(TRIES):
            progress.at(before)
            try:
                whole = machine_lines.send_large(self.place, file, progress)
            except LostError:
                continue  # the next look waits for the connection, and says how much arrived
            if whole:
                progress.at(before + file.size)
                return
            if file.path.stat().st_size != file.size:
                raise changed(file)
        raise self._unsent()

    def _send_batch(self, batch: Sequence[Local], progress: Progress) -> None:
        try:
            code = machine_lines.send_batch(self.place, batch, secrets.token_hex(8), progress)
        except LostError:
            return  # what is lacking now is asked afterwards
        if code == 127:
            raise self._refused(Ran(code, "", "there is no `tar`"))
        if code != 0:
            self._look_for_room()

    def _look_for_room(self) -> None:
        said = self.place.run(scripts.ROOM, self.place.project)
        if "no space" in (said.out + said.err).lower() or said.code != 0:
            raise self._refused(said)

    def _run(self, script: str, *words: str, stdin: bytes = b"", seconds: float = 60) -> Ran:
        done = self.place.run(script, self.place.project, *words, stdin=stdin, seconds=seconds)
        if done.code != 0:
            raise self._refused(done)
        return done

    def _refused(self, done: Ran) -> FailedError:
        said = (done.err or done.out).strip()[-300:]
        lower = said.lower()
        if "no space" in lower or "quota" in lower:
            return FailedError(
                "disk-full",
                what=f"There is no room for the data {self.called}.",
                why=said,
                do="mldeploy data ls   and `mldeploy data rm` what nobody needs; what has "
                "arrived is not sent again",
            )
        return FailedError(
            "data-refused",
            what=f"The data can't be kept {self.called}.",
            why=said or f"its shell ended with {done.code}",
            do="is ~/.local/share there yours, and writable?",
        )

    def _unsent(self) -> FailedError:
        return FailedError(
            "upload-failed",
            what=f"The data could not be sent to {self.place.called}.",
            why=f"The connection broke, or what arrived was damaged, {TRIES} times.",
            do="the same command goes on where this one was",
        )


def _batches(files: Sequence[Local]) -> list[list[Local]]:
    made: list[list[Local]] = []
    size = 0
    for file in files:
        if not made or len(made[-1]) >= BATCH_FILES or size + file.size > BATCH_BYTES:
            made.append([])
            size = 0
        made[-1].append(file)
        size += file.size
    return made
