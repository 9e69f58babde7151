"""Versions in a bucket, of AWS or of any server that speaks S3."""

from __future__ import annotations

import hashlib
import random
import re
import secrets
import threading
import time
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from mldeploy.data import s3_upload
from mldeploy.data.base import Store
from mldeploy.data.progress import Progress
from mldeploy.data.s3_client import THREADS, Bucket
from mldeploy.data.scan import Local
from mldeploy.data.threads import Stopped, each
from mldeploy.data.versions import Manifest, decode, encode
from mldeploy.errors import FailedError

ASK_EACH = 200  # as many as are asked for one by one; beyond it all of them are listed
CHUNK = 256 * 1024
TAKEN = ("PreconditionFailed", "ConditionalRequestConflict", "412", "409")
NOT_KNOWN = ("NotImplemented", "InvalidArgument", "InvalidRequest", "501", "400")
NOT_THERE = ("NoSuchKey", "404", "NotFound")
DRAFT_KEPT = timedelta(days=7)
CLAIMS = 20
VERSION = re.compile(r"versions/([^/]+)/(\d+)\.(json|removed)")


class S3Store(Store):
    def __init__(self, bucket: Bucket) -> None:
        self.bucket = bucket
        self.called = f"in {bucket.address}"
        self.typed = bucket.address
        self._refuses_seconds = False  # may the server be asked to refuse the second of two?

    def manifests(self, name: str | None = None) -> list[Manifest]:
        keys = [key for key, _ in self.bucket.keys(f"versions/{name}/" if name else "versions/")]
        found: list[Manifest] = []

        def read(key: str, _: threading.Event) -> None:
            if (made := self._manifest(key)) is not None:
                found.append(made)

        wanted = [key for key in keys if (told := VERSION.fullmatch(key)) and told[3] == "json"]
        each(read, wanted, THREADS)
        return sorted(found, key=lambda one: (one.name, one.number))

    def next_number(self, name: str) -> int:
        keys = [key for key, _ in self.bucket.keys(f"versions/{name}/")]
        numbers = [int(found[2]) for key in keys if (found := VERSION.fullmatch(key))]
        return 1 + max(numbers, default=0)

    def draft(self, manifest: Manifest) -> None:
        """And see whether the server refuses a second one; some take the header and don't."""
        key = f"drafts/{manifest.digest}.json"
        self.bucket.call("put_object", key, Body=encode(manifest))
        again = self.bucket.attempt(
            "put_object", key, TAKEN + NOT_KNOWN, Body=encode(manifest), IfNoneMatch="*"
        )
        self._refuses_seconds = again in TAKEN

    def lacking(self, objects: Mapping[str, int]) -> set[str]:
        if len(objects) > ASK_EACH:
            there = dict(self.bucket.keys("objects/"))
            return {one for one, size in objects.items() if there.get(f"objects/{one}") != size}
        lacks: set[str] = set()

        def ask(sha256: str, _: threading.Event) -> None:
            found = self.bucket.attempt("head_object", f"objects/{sha256}", NOT_THERE)
            if isinstance(found, str) or found.get("ContentLength") != objects[sha256]:
                lacks.add(sha256)

        each(ask, objects, THREADS)
        return lacks

    def send(self, files: Sequence[Local], progress: Progress) -> None:
        s3_upload.send(self.bucket, files, progress)

    def publish(self, manifest: Manifest) -> bool:
        key = f"versions/{manifest.name}/{manifest.number}.json"
        put: dict[str, Any] = {"Body": encode(manifest)}
        if self._refuses_seconds:
            said = self.bucket.attempt("put_object", key, TAKEN, IfNoneMatch="*", **put)
            # An answer that was lost, and our own second try of it.
            done = not isinstance(said, str) or self._manifest(key) == manifest
        else:
            done = self._publish_after_a_claim(manifest, key, put)
        if done:
            self.bucket.call("delete_object", f"drafts/{manifest.digest}.json")
        return done

    def fetch(self, objects: Mapping[str, int], into: Path, progress: Progress) -> None:
        left = [sha256 for sha256 in objects if not (into / sha256).exists()]
        progress.was_there(sum(size for one, size in objects.items() if (into / one).exists()))

        def get(sha256: str, stop: threading.Event) -> None:
            self._fetch(sha256, objects[sha256], into, progress, stop)

        each(get, left, THREADS)

    def remove(self, manifest: Manifest) -> int:
        version = f"versions/{manifest.name}/{manifest.number}"
        self.bucket.call("put_object", f"{version}.removed", Body=b"")
        self.bucket.call("delete_object", f"{version}.json")
        needed = {sha256 for one in self.manifests() for sha256 in one.objects}
        for one in self._drafts():
            needed |= set(one.objects)
        unneeded = [sha256 for sha256 in manifest.objects if sha256 not in needed]
        each(
            lambda sha256, _: self.bucket.call("delete_object", f"objects/{sha256}"),
            unneeded, THREADS,
        )  # fmt: skip
        return sum(manifest.objects[sha256] for sha256 in unneeded)

    # Small steps of the above

    def _manifest(self, key: str) -> Manifest | None:
        """None where it was removed meanwhile."""
        found = self.bucket.attempt("get_object", key, NOT_THERE)
        if isinstance(found, str):
            return None
        return decode(self._content(found), f"{self.bucket.address}/{key}")

    def _content(self, answer: Any) -> bytes:
        from botocore.exceptions import BotoCoreError

        from mldeploy.data.s3_errors import explain

        try:
            content: bytes = answer["Body"].read()
        except BotoCoreError as error:
            raise explain(error, self.bucket.asked("get_object")) from error
        return content

    def _publish_after_a_claim(self, manifest: Manifest, key: str, put: dict[str, Any]) -> bool:
        """For a server that lets the second of two overwrite the first.

        Who sees no claim but its own after it made it has the number: the other one made its claim
        later, and sees both. Who sees another's goes back, and tries again after a while.
        """
        below = f"versions/{manifest.name}/{manifest.number}."
        for _ in range(CLAIMS):
            claim = f"{below}claim-{secrets.token_hex(8)}"
            self.bucket.call("put_object", claim, Body=b"")
            try:
                seen = {each for each, _ in self.bucket.keys(below)}
                if seen == {claim}:
                    self.bucket.call("put_object", key, **put)
                    return True
                if seen & {key, f"{below}removed"}:
                    return False
            finally:
                self.bucket.call("delete_object", claim)
            time.sleep(random.uniform(0.05, 1))  # noqa: S311 - so that two don't meet again
        raise FailedError(
            "data-claimed",
            what=f"{manifest.reference} could not be published {self.called}.",
            why=f"Another push seems to be at it. If none is: one was cut off, and left {below}…",
            do=f"aws s3 rm --recursive --exclude '*' --include '{manifest.number}.claim-*' "
            f"{self.bucket.address}/versions/{manifest.name}/   then push again",
        )

    def _drafts(self) -> list[Manifest]:
        """Those that somebody may come back to; older ones are cleared away."""
        found = []
        for key in [key for key, _ in self.bucket.keys("drafts/")]:
            answer = self.bucket.attempt("get_object", key, NOT_THERE)
            if isinstance(answer, str):
                continue
            if datetime.now(UTC) - answer["LastModified"] > DRAFT_KEPT:
                self.bucket.call("delete_object", key)
            else:
                found.append(decode(self._content(answer), f"{self.bucket.address}/{key}"))
        return found

    def _fetch(
        self, sha256: str, size: int, into: Path, progress: Progress, stop: threading.Event
    ) -> None:
        from botocore.exceptions import BotoCoreError

        from mldeploy.data.s3_errors import explain

        part = into / f"{sha256}.part"
        whole = hashlib.sha256()
        there = _hashed_again(part, whole) if part.exists() else 0
        if there > size:
            part.unlink()
            whole, there = hashlib.sha256(), 0
        progress.was_there(there)
        if there < size or not part.exists():
            more = {"Range": f"bytes={there}-"} if there else {}
            answer = self.bucket.call("get_object", f"objects/{sha256}", **more)
            try:
                with part.open("ab") as to:
                    for chunk in answer["Body"].iter_chunks(CHUNK):
                        if stop.is_set():
                            raise Stopped
                        to.write(chunk)
                        whole.update(chunk)
                        progress.add(len(chunk))
            except BotoCoreError as error:
                raise explain(error, self.bucket.asked("get_object")) from error
        if whole.hexdigest() != sha256:
            part.unlink()
            raise FailedError(
                "data-damaged",
                what=f"A file arrived damaged from {self.bucket.address}.",
                why=f"Its SHA-256 is {whole.hexdigest()[:12]}…, not {sha256[:12]}….",
                do="the same command gets it again; if it stays so, push that version again",
            )
        part.replace(into / sha256)


def _hashed_again(part: Path, whole: Any) -> int:
    with part.open("rb") as content:
        while chunk := content.read(CHUNK):
            whole.update(chunk)
        return content.tell()
