"""Versions in a bucket of a real S3 server."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from mldeploy.config import DataSettings
from mldeploy.data.base import Store
from mldeploy.data.progress import Progress
from mldeploy.data.s3_client import Bucket
from mldeploy.data.s3_store import S3Store
from mldeploy.data.scan import scan
from mldeploy.data.versions import digest_of
from mldeploy.errors import FailedError, MldeployError
from mldeploy.ui import Ui
from tests.data.contract import LARGE, StoreContract, numbers, push_folder, together, write
from tests.data.s3_server import S3Server

pytestmark = pytest.mark.slow


@pytest.fixture(autouse=True)
def keys(s3: S3Server, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name, value in s3.environment().items():
        monkeypatch.setenv(name, value)
    # Nobody's own configuration has a part in it.
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "config"))
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "credentials"))
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")


@pytest.fixture
def settings(s3: S3Server) -> DataSettings:
    return DataSettings(bucket=s3.new_bucket(), prefix="some/where", endpoint_url=s3.endpoint_url)


@pytest.fixture
def store(settings: DataSettings) -> S3Store:
    return S3Store(Bucket(settings))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return write(tmp_path / "images", {"a.txt": b"one", "large.bin": LARGE})


class TestBucket(StoreContract):
    @pytest.fixture
    def again(self, settings: DataSettings) -> Callable[[], Store]:
        return lambda: S3Store(Bucket(settings))


def ignoring_conditions(settings: DataSettings) -> S3Store:
    """As servers are that never heard of If-None-Match: the second overwrites the first."""
    store = S3Store(Bucket(settings))

    def forget(params: dict[str, Any], **_: Any) -> None:
        params["headers"].pop("If-None-Match", None)

    store.bucket.client.meta.events.register("before-call.s3.PutObject", forget)
    return store


def test_of_many_who_push_at_once_each_gets_a_number_also_where_no_condition_is_known(
    settings: DataSettings, tmp_path: Path
) -> None:
    stores = [ignoring_conditions(settings) for _ in range(4)]
    got: list[int] = []

    def one(number: int) -> None:
        mine = write(tmp_path / str(number), {"a.txt": str(number).encode()})
        got.append(push_folder(stores[number], mine).manifest.number)

    together(one, 4)

    assert sorted(got) == [1, 2, 3, 4]
    assert numbers(stores[0]) == [1, 2, 3, 4]
    assert [key for key, _ in stores[0].bucket.keys("versions/") if "claim" in key] == []
    assert list(stores[0].bucket.keys("drafts/")) == []


def test_everything_lies_below_the_prefix(store: S3Store, folder: Path, s3: S3Server) -> None:
    push_folder(store, folder)

    client = s3.client()
    listed = client.list_objects_v2(Bucket=store.bucket.name)["Contents"]
    client.close()
    assert all(each["Key"].startswith("some/where/") for each in listed)
    assert {each["Key"].split("/")[2] for each in listed} == {"objects", "versions"}


def test_a_part_that_is_there_is_not_sent_again_unless_it_is_another_s(
    store: S3Store, folder: Path
) -> None:
    """An upload of two parts was cut off after the first; the second came damaged."""
    large = next(e for e in scan(folder, Ui()).entries if e.path == "large.bin")
    key = f"objects/{large.sha256}"
    upload = store.bucket.call("create_multipart_upload", key)["UploadId"]
    for number, content in ((1, LARGE[:16_000_000]), (2, b"x" * (len(LARGE) - 16_000_000))):
        store.bucket.call("upload_part", key, UploadId=upload, PartNumber=number, Body=content)

    pushed = push_folder(store, folder)

    assert pushed.sent == len(LARGE) - 16_000_000 + 3
    assert store.bucket.call("get_object", key)["Body"].read() == LARGE
    assert store.bucket.call("list_multipart_uploads").get("Uploads", []) == []


def test_a_file_that_changes_while_it_is_sent_is_said_and_nothing_is_kept(
    store: S3Store, folder: Path
) -> None:
    found = scan(folder, Ui())
    for file in found.sources.values():
        file.path.write_bytes(b"x" * file.size)

    for file in found.sources.values():
        with pytest.raises(FailedError, match="not what it was"):
            store.send([file], Progress(Ui(), "sent", 0))
    assert list(store.bucket.keys("objects/")) == []


def test_a_list_that_was_changed_by_hand_is_not_trusted(store: S3Store, folder: Path) -> None:
    push_folder(store, folder)
    key = "versions/images/1.json"
    told = store.bucket.call("get_object", key)["Body"].read()
    store.bucket.call("put_object", key, Body=told.replace(b'"a.txt"', b'"../a.txt"'))

    with pytest.raises(FailedError, match="can't be trusted"):
        store.manifests()


def refusal(settings: DataSettings, folder: Path) -> MldeployError:
    with pytest.raises(MldeployError) as caught:
        push_folder(S3Store(Bucket(settings, attempts=1)), folder)
    assert all((caught.value.what, caught.value.why, caught.value.do))
    return caught.value


def changed(settings: DataSettings, **what: str) -> DataSettings:
    import msgspec

    return msgspec.structs.replace(settings, **what)


def test_a_bucket_that_is_not_there(settings: DataSettings, folder: Path) -> None:
    error = refusal(changed(settings, bucket="no-such-bucket"), folder)

    assert (error.code, error.exit_code) == ("no-bucket", 2)
    assert "no-such-bucket" in error.what
    assert "aws s3 mb s3://no-such-bucket" in error.do


def test_who_may_only_read_is_told_what_is_missing(
    settings: DataSettings, folder: Path, s3: S3Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", s3.reader_access_key)
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", s3.reader_secret_key)

    error = refusal(settings, folder)

    assert error.code == "bucket-denied"
    assert "s3:PutObject" in error.why


def test_a_wrong_key(settings: DataSettings, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "another")
    assert refusal(settings, folder).code == "bad-credentials"


def test_no_credentials_at_all(
    settings: DataSettings, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")
    assert refusal(settings, folder).code == "no-credentials"


def test_an_endpoint_where_nothing_listens(settings: DataSettings, folder: Path) -> None:
    error = refusal(changed(settings, endpoint_url="http://127.0.0.1:9"), folder)

    assert error.code == "s3-unreachable"
    assert "127.0.0.1:9" in error.what


def test_an_endpoint_that_speaks_another_way(
    settings: DataSettings, folder: Path, s3: S3Server
) -> None:
    encrypted = s3.endpoint_url.replace("http://", "https://")
    assert refusal(changed(settings, endpoint_url=encrypted), folder).code == "not-s3"


def test_a_digest_is_of_the_files_alone(store: S3Store, folder: Path) -> None:
    pushed = push_folder(store, folder).manifest
    assert pushed.digest == digest_of(scan(folder, Ui()).entries)
