"""Files to a bucket: small ones at once, large ones in parts that a later try takes up.

Each request carries the SHA-256 of its bytes, which the server compares before it keeps them; one
that doesn't know that header says MD5 in its ETag, and we compare.
"""

from __future__ import annotations

import base64
import hashlib
import io
import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from mldeploy.data.progress import Progress
from mldeploy.data.s3_client import THREADS, Bucket
from mldeploy.data.s3_errors import not_s3
from mldeploy.data.scan import Local, changed
from mldeploy.data.threads import Stopped, each

PART = 16_000_000  # bytes; S3 takes none below 5 MiB but the last
MOST_PARTS = 9_000  # S3 takes 10,000
PART_THREADS = 4  # each holds one part in memory
GONE = ("NoSuchUpload", "NoSuchKey", "404")
TRIES = 4
UNKNOWN = ("NotImplemented", "MethodNotAllowed", "501", "AccessDenied")


class GoneError(Exception):
    """The upload is no more: somebody ended it."""


@dataclass(frozen=True)
class Part:
    number: int
    content: bytes


def send(bucket: Bucket, files: Sequence[Local], progress: Progress) -> None:
    """Have these under ``objects/<sha256>``. Raises errors of ours."""
    small = [file for file in files if file.size <= PART]
    each(lambda file, stop: _send_small(bucket, file, progress, stop), small, THREADS)
    for file in files:
        if file.size > PART:
            _send_large(bucket, file, progress)


def _send_small(bucket: Bucket, file: Local, progress: Progress, stop: threading.Event) -> None:
    content = file.path.read_bytes()
    if hashlib.sha256(content).hexdigest() != file.sha256:
        raise changed(file)
    body = _Body(content, progress, stop)
    checked = base64.b64encode(bytes.fromhex(file.sha256)).decode()
    answer = bucket.call(
        "put_object", _key(file), Body=body, ChecksumSHA256=checked, ContentLength=len(content)
    )
    if not _proved(answer, content, checked):
        raise not_s3(bucket.asked("put_object"))


def _send_large(bucket: Bucket, file: Local, progress: Progress) -> None:
    """Another laptop may take up the same upload, and end it while we are at it."""
    before = progress.done
    for _ in range(TRIES):
        try:
            _upload(bucket, file, progress)
            return
        except GoneError:
            progress.at(before)
            found = bucket.attempt("head_object", _key(file), GONE)
            if not isinstance(found, str) and found.get("ContentLength") == file.size:
                progress.was_there(file.size)
                return
    raise not_s3(bucket.asked("upload_part"))


def _upload(bucket: Bucket, file: Local, progress: Progress) -> None:
    upload, there = _taken_up(bucket, file)
    if upload is None:
        made = bucket.call("create_multipart_upload", _key(file), ChecksumAlgorithm="SHA256")
        if "UploadId" not in made:
            raise not_s3(bucket.asked("create_multipart_upload"))
        upload = made["UploadId"]
    parts: dict[int, dict[str, Any]] = {}

    def work(part: Part, stop: threading.Event) -> None:
        parts[part.number] = _send_part(bucket, file, upload, part, there, progress, stop)

    whole = hashlib.sha256()
    each(work, _parts_of(file, whole), PART_THREADS)
    if whole.hexdigest() != file.sha256:
        bucket.attempt("abort_multipart_upload", _key(file), GONE, UploadId=upload)
        raise changed(file)
    listed = [parts[number] for number in sorted(parts)]
    told = {"UploadId": upload, "MultipartUpload": {"Parts": listed}}
    if isinstance(bucket.attempt("complete_multipart_upload", _key(file), GONE, **told), str):
        raise GoneError


def _send_part(
    bucket: Bucket,
    file: Local,
    upload: str,
    part: Part,
    there: dict[int, Any],
    progress: Progress,
    stop: threading.Event,
) -> dict[str, Any]:
    """Unless it is there from an earlier try, with the same content."""
    content = part.content
    checked = base64.b64encode(hashlib.sha256(content).digest()).decode()
    answer = there.get(part.number)
    if answer and answer["Size"] == len(content) and _proved(answer, content, checked):
        progress.was_there(len(content))
    else:
        answer = bucket.attempt(
            "upload_part",
            _key(file),
            GONE,
            UploadId=upload,
            PartNumber=part.number,
            Body=_Body(content, progress, stop),
            ContentLength=len(content),
            ChecksumSHA256=checked,
        )
        if isinstance(answer, str):
            raise GoneError
        if not _proved(answer, content, checked):
            raise not_s3(bucket.asked("upload_part"))
    made = {"PartNumber": part.number, "ETag": answer["ETag"]}
    # The end of it is refused, where one part has a checksum and another has none.
    return made | {"ChecksumSHA256": checked}


def _taken_up(bucket: Bucket, file: Local) -> tuple[str | None, dict[int, Any]]:
    """The newest upload of it that was begun, and its parts by number."""
    key = bucket.prefix + _key(file)
    found = bucket.attempt("list_multipart_uploads", None, UNKNOWN, Prefix=key)
    begun = [] if isinstance(found, str) else found.get("Uploads", [])
    begun = sorted((one for one in begun if one["Key"] == key), key=lambda one: one["Initiated"])
    if not begun:
        return None, {}
    upload = begun[-1]["UploadId"]
    parts: dict[int, Any] = {}
    marker = 0
    while True:
        page = bucket.attempt(
            "list_parts", _key(file), GONE + UNKNOWN,
            UploadId=upload, PartNumberMarker=marker,
        )  # fmt: skip
        if isinstance(page, str):
            return None, {}
        parts |= {part["PartNumber"]: part for part in page.get("Parts", [])}
        if not page.get("IsTruncated"):
            return upload, parts
        marker = page["NextPartNumberMarker"]


def _parts_of(file: Local, whole: Any) -> Iterator[Part]:
    """In their order; ``whole``, a hash, is fed with all of them."""
    size = max(PART, -(-file.size // MOST_PARTS))
    number = 0
    with file.path.open("rb") as source:
        while content := source.read(size):
            whole.update(content)
            number += 1
            yield Part(number, content)


def _proved(answer: Any, content: bytes, checked: str) -> bool:
    """Does the server say the hash of what it has?"""
    if answer.get("ChecksumSHA256"):
        return bool(answer["ChecksumSHA256"] == checked)
    md5 = hashlib.md5(content, usedforsecurity=False).hexdigest()
    return str(answer.get("ETag", "")).strip('"') == md5


def _key(file: Local) -> str:
    return f"objects/{file.sha256}"


class _Body(io.BytesIO):
    """Counts what is read of it, and ends where a read is no longer wanted.

    botocore reads it again for another try, and once before to sign it where it isn't encrypted.
    """

    def __init__(self, content: bytes, progress: Progress, stop: threading.Event) -> None:
        super().__init__(content)
        self._size = len(content)
        self._progress = progress
        self._stop = stop
        self._counted = 0

    def read(self, size: int | None = -1, /) -> bytes:
        if self._stop.is_set():
            raise Stopped
        chunk = super().read(size)
        if self.tell() > self._counted:
            self._progress.add(self.tell() - self._counted)
            self._counted = self.tell()
        return chunk
