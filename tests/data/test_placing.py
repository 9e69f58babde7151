"""What a job's mounts name lies on its machine: from a path, a machine, a bucket."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from mldeploy import project as projects
from mldeploy.data.base import Bind
from mldeploy.data.machine_store import MachineStore
from mldeploy.data.places import FarPlace, Place, ThisPlace
from mldeploy.data.placing import place
from mldeploy.data.s3_client import bucket_at
from mldeploy.data.s3_store import S3Store
from mldeploy.errors import ConfigError, FailedError, MldeployError, RefusedError
from mldeploy.jobs.mounts import parse_mounts
from mldeploy.project import Project
from mldeploy.ui import Ui
from tests.conftest import SETTINGS
from tests.data.contract import LARGE, push_folder, read, write
from tests.data.s3_server import S3Server
from tests.unit import ssh_to_here

pytestmark = pytest.mark.slow


@pytest.fixture
def bucket(s3: S3Server, monkeypatch: pytest.MonkeyPatch) -> str:
    for name, value in s3.environment().items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    return s3.new_bucket()


@pytest.fixture
def project(tmp_path: Path, bucket: str, s3: S3Server) -> Project:
    root = tmp_path / "project"
    write(root / "images", {"a.txt": b"one", "b/c.txt": b"two", "large.bin": LARGE})
    data = f'[data]\nbucket = "{bucket}"\nendpoint_url = "{s3.endpoint_url}"\n'
    (root / "mldeploy.toml").write_text(SETTINGS + data)
    return projects.find(root)


@pytest.fixture
def store(project: Project) -> S3Store:
    assert project.config.data is not None
    return S3Store(bucket_at(f"s3://{project.config.data.bucket}", project.config.data))


@pytest.fixture(params=["here", "there"])
def where(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Place]:
    """This machine, or one behind an ssh that leads here."""
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "share"))
    if request.param == "here":
        yield ThisPlace("a")
        return
    connection = ssh_to_here.connect(tmp_path / "there", monkeypatch)
    yield FarPlace(connection, "a", "box")
    connection.close()


def placed(where: Place, project: Project, *texts: str) -> list[Bind]:
    return place(where, parse_mounts(texts), Ui(), project)


def test_a_path_becomes_a_version_on_the_machine(where: Place, project: Project) -> None:
    (bind,) = placed(where, project, "./images:/input")

    assert (bind.at, bind.version) == ("/input", "images/1")
    assert read(Path(bind.source)) == read(project.root / "images")
    assert placed(where, project, "./images:/input") == [bind]


def test_what_is_in_the_bucket_is_fetched_by_the_machine_itself(
    where: Place, project: Project, store: S3Store
) -> None:
    pushed = push_folder(store, project.root / "images").manifest

    (bind,) = placed(where, project, "images:/floyd/input/images")

    assert bind.digest == pushed.digest
    assert bind.version == f"{store.bucket.address}/images/1"
    assert read(Path(bind.source)) == read(project.root / "images")


def test_what_was_fetched_is_not_fetched_again(
    where: Place, project: Project, store: S3Store, capfd: pytest.CaptureFixture[str]
) -> None:
    push_folder(store, project.root / "images")
    placed(where, project, "images/1:/input")
    capfd.readouterr()

    (bind,) = placed(where, project, f"{store.bucket.address}/images/1:/input")

    assert read(Path(bind.source)) == read(project.root / "images")
    assert "fetch" not in capfd.readouterr().err


def test_a_fetch_goes_on_where_it_was_and_throws_away_what_is_damaged(
    where: Place, project: Project, store: S3Store, tmp_path: Path
) -> None:
    manifest = push_folder(store, project.root / "images").manifest
    there = MachineStore(where, "box")
    there.manifests()
    incoming = tmp_path / "share" / "mldeploy" / "data" / "a" / "incoming"
    for entry in manifest.files:
        begun = LARGE[:9_000_000] if entry.path == "large.bin" else b"??"
        (incoming / f"{entry.sha256}.fetched.part").write_bytes(begun)

    (bind,) = placed(where, project, "images:/input")

    assert read(Path(bind.source)) == read(project.root / "images")


def test_an_address_is_in_no_process_list_and_no_key_leaves_this_laptop(
    where: Place, project: Project, store: S3Store, s3: S3Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is run over there is looked at as it is started."""
    push_folder(store, project.root / "images")
    seen: list[str] = []
    real = subprocess.Popen.__init__

    def look(self: Any, words: Any, *more: Any, **told: Any) -> None:
        seen.append(str(words))
        real(self, words, *more, **told)

    monkeypatch.setattr(subprocess.Popen, "__init__", look)
    placed(where, project, "images:/input")

    assert any("urllib" in words for words in seen)
    assert not any("X-Amz-Signature" in words or s3.secret_key in words for words in seen)


def test_what_is_damaged_in_the_bucket_is_not_laid_out(
    where: Place, project: Project, store: S3Store
) -> None:
    manifest = push_folder(store, project.root / "images").manifest
    first = manifest.files[0]
    store.bucket.call("put_object", f"objects/{first.sha256}", Body=b"x" * first.size)

    with pytest.raises(FailedError, match="could not be fetched") as caught:
        placed(where, project, "images:/input")
    assert "another hash" in caught.value.why


def test_one_name_for_two_things_is_refused(where: Place, project: Project, store: S3Store) -> None:
    placed(where, project, "./images:/input")
    write(project.root / "images", {"new": b"new"})
    push_folder(store, project.root / "images")

    with pytest.raises(RefusedError, match=r"one thing on .* and another in s3://"):
        placed(where, project, "images:/input")
    (bind,) = placed(where, project, f"{store.bucket.address}/images:/input")
    assert (Path(bind.source) / "new").read_bytes() == b"new"


@pytest.mark.parametrize("source", ["nothing", "nothing/2", "s3://{}/nothing"])
def test_what_is_nowhere_is_said(
    where: Place, project: Project, store: S3Store, source: str
) -> None:
    with pytest.raises(ConfigError, match="There is no nothing"):
        placed(where, project, source.format(store.bucket.name) + ":/input")


def test_a_machine_without_python_is_told_what_to_do(
    where: Place, project: Project, store: S3Store
) -> None:
    push_folder(store, project.root / "images")
    where.python = "no-such-python"

    with pytest.raises(MldeployError, match="can't be fetched") as caught:
        placed(where, project, "images:/input")
    assert caught.value.code == "no-python"
