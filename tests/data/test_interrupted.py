"""A push that is killed three times goes on where it was: 1 GB to a bucket, 0.6 GB to a machine."""

from __future__ import annotations

import hashlib
import os
import signal
import subprocess
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import MLDEPLOY, SETTINGS, Done, until
from tests.data.blocks import write_blocks
from tests.data.s3_server import S3Server

pytestmark = [pytest.mark.slow, pytest.mark.timeout(400)]

SMALL_FILES = 200
BUCKET = """
[data]
bucket = "{}"
endpoint_url = "{}"
"""


@dataclass
class Desk:
    """A project with a gigabyte beside it, and somebody who types."""

    root: Path
    environment: dict[str, str]

    def type(self, *words: str) -> Done:
        process = self.begin(*words)
        out, err = process.communicate(timeout=200)
        return Done(process.returncode, out, err)

    def begin(self, *words: str) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [MLDEPLOY, "data", *words],
            cwd=self.root,
            env=os.environ | self.environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def wait_for(self, claim: Callable[[], bool], process: subprocess.Popen[str]) -> None:
        """Until it is true, while the process runs."""
        until(lambda: claim() or process.poll() is not None, seconds=100)
        assert process.poll() is None, process.communicate()

    def push_until(
        self,
        there: Callable[[], int],
        least: int,
        end_by: signal.Signals,
        words: Sequence[str] = ("push", "./images"),
    ) -> None:
        """Push, and end it by a signal when so many bytes have arrived."""
        process = self.begin(*words)
        try:
            self.wait_for(lambda: there() >= least, process)
            process.send_signal(end_by)
            _, err = process.communicate(timeout=20)
        finally:
            process.kill()
            process.wait(timeout=10)
        if end_by == signal.SIGINT:
            assert "is not sent again" in err
        assert process.returncode == (130 if end_by == signal.SIGINT else -signal.SIGKILL)


@pytest.fixture
def megabytes() -> int:
    return 600


@pytest.fixture
def desk(tmp_path: Path, megabytes: int) -> Desk:
    root = tmp_path / "a"
    write_blocks(root / "images" / "large.bin", megabytes)
    for number in range(SMALL_FILES):
        (root / "images" / f"{number:04}.txt").write_text(f"file {number}\n")
    (root / "mldeploy.toml").write_text(SETTINGS)
    return Desk(root, {"XDG_DATA_HOME": str(tmp_path / "share"), "HOME": str(tmp_path)})


def ends_well(desk: Desk, at_most: int) -> None:
    """The last push sends what is left alone, the next nothing, and all of it comes back."""
    pushed = desk.type("push", "./images", "--json")
    assert pushed.code == 0, pushed.stderr
    assert pushed.json["version"] == 1
    assert 0 < pushed.json["sent_bytes"] <= at_most

    again = desk.type("push", "./images", "--json")
    assert (again.json["version"], again.json["sent_bytes"]) == (1, 0)

    pulled = desk.type("pull", "images", "back", "--json")
    assert pulled.code == 0, pulled.stderr
    assert hashes(desk.root / "back") == hashes(desk.root / "images")


def hashes(folder: Path) -> dict[str, str]:
    found: dict[str, str] = {}
    for path in sorted(folder.iterdir()):
        with path.open("rb") as content:
            found[path.name] = hashlib.file_digest(content, "sha256").hexdigest()
    return found


def test_to_this_machine(desk: Desk) -> None:
    place = Path(desk.environment["XDG_DATA_HOME"]) / "mldeploy" / "data" / "a"

    def there() -> int:
        parts = list((place / "incoming").glob("*.part")) if place.exists() else []
        return max((path.stat().st_size for path in parts), default=0)

    for least, end_by in ((30, signal.SIGKILL), (90, signal.SIGINT), (150, signal.SIGKILL)):
        desk.push_until(there, least * 10**6, end_by)
        assert not list((place / "versions").rglob("*.json"))

    ends_well(desk, at_most=450 * 10**6 + 10_000)


@pytest.mark.parametrize("megabytes", [1_000])
def test_to_a_bucket(desk: Desk, s3: S3Server) -> None:
    bucket = s3.new_bucket()
    desk.environment |= s3.environment() | {"AWS_EC2_METADATA_DISABLED": "true"}
    with (desk.root / "mldeploy.toml").open("a") as settings:
        settings.write(BUCKET.format(bucket, s3.endpoint_url))
    client = s3.client()

    def there() -> int:
        """Of the large file, in parts that are whole."""
        time.sleep(0.2)
        begun: Any = client.list_multipart_uploads(Bucket=bucket).get("Uploads", [])
        return sum(part["Size"] for upload in begun for part in parts_of(upload))

    def parts_of(upload: Any) -> Any:
        told = {"Bucket": bucket, "Key": upload["Key"], "UploadId": upload["UploadId"]}
        return client.list_parts(**told).get("Parts", [])

    for least, end_by in ((100, signal.SIGKILL), (250, signal.SIGINT), (400, signal.SIGKILL)):
        desk.push_until(there, least * 10**6, end_by)
        listed = client.list_objects_v2(Bucket=bucket, Prefix="versions/")
        assert listed["KeyCount"] == 0

    ends_well(desk, at_most=600 * 10**6 + 10_000)
    client.close()
