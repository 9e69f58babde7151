"""Versions on a machine: this one, and one behind an ssh that leads here."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from mldeploy.data import scripts
from mldeploy.data.base import Store
from mldeploy.data.machine_store import MachineStore
from mldeploy.data.places import FarPlace, Place, ThisPlace
from mldeploy.data.progress import Progress
from mldeploy.data.pull import pull
from mldeploy.data.remove import remove
from mldeploy.data.scan import scan
from mldeploy.data.versions import Reference
from mldeploy.errors import FailedError
from mldeploy.ui import Ui
from mldeploy.who import laptop
from tests.data.contract import LARGE, StoreContract, push_folder, read, write
from tests.unit import ssh_to_here

pytestmark = pytest.mark.slow


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where the machine keeps its data."""
    home = tmp_path / "home"
    monkeypatch.setenv("XDG_DATA_HOME", str(home))
    return home / "mldeploy" / "data" / "a"


class TestHere(StoreContract):
    @pytest.fixture
    def store(self, home: Path) -> Store:
        return MachineStore(ThisPlace("a"), "local")

    @pytest.fixture
    def again(self, home: Path) -> Callable[[], Store]:
        return lambda: MachineStore(ThisPlace("a"), "local")


class TestThere(StoreContract):
    @pytest.fixture
    def place(
        self, home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> Iterator[FarPlace]:
        (tmp_path / "there").mkdir()
        # What a person's start-up files say must not get into the data.
        (tmp_path / "there" / ".bashrc").write_text("echo welcome\n")
        connection = ssh_to_here.connect(tmp_path / "there", monkeypatch)
        yield FarPlace(connection, "a", "box")
        connection.close()

    @pytest.fixture
    def store(self, place: Place) -> Store:
        return MachineStore(place, "box")

    @pytest.fixture
    def again(self, place: Place) -> Callable[[], Store]:
        return lambda: MachineStore(place, "box")


@pytest.fixture
def store(home: Path) -> MachineStore:
    return MachineStore(ThisPlace("a"), "local")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return write(tmp_path / "images", {"a.txt": b"one", "b/ c ": b"two", "large.bin": LARGE})


def test_others_of_the_machine_see_nothing_of_it(store: MachineStore, home: Path) -> None:
    store.manifests()

    assert home.parent.stat().st_mode & 0o077 == 0


@pytest.mark.parametrize("python", ["", "no-such-python"])
def test_a_tree_is_made_of_links_that_nobody_can_write_to(
    store: MachineStore, folder: Path, home: Path, python: str
) -> None:
    """By Python, and by the shell where there is none."""
    store.place.python = python or store.place.python
    (folder / "run").write_text("#!/bin/sh\n")
    (folder / "run").chmod(0o755)
    manifest = push_folder(store, folder).manifest

    tree = Path(store.tree(manifest, "trees/images/1"))

    assert tree == home / "trees" / "images" / "1"
    assert read(tree) == read(folder)
    content = home / "objects" / next(e.sha256 for e in manifest.files if e.path == "a.txt")
    assert (tree / "a.txt").samefile(content)
    assert (tree / "a.txt").stat().st_mode & 0o777 == 0o444
    assert (tree / "run").stat().st_mode & 0o777 == 0o555
    assert store.tree(manifest, "trees/images/1") == str(tree)


def test_a_tree_goes_with_its_version(store: MachineStore, folder: Path, home: Path) -> None:
    manifest = push_folder(store, folder).manifest
    store.tree(manifest, "trees/images/1")

    remove(store, manifest, Ui())

    assert list((home / "trees" / "images").iterdir()) == []
    assert list((home / "objects").iterdir()) == []


def test_a_tree_of_what_is_not_whole_is_not_made(
    store: MachineStore, folder: Path, home: Path
) -> None:
    manifest = push_folder(store, folder).manifest
    (home / "objects" / manifest.files[0].sha256).unlink()

    with pytest.raises(FailedError, match="not whole"):
        store.tree(manifest, "trees/images/1")
    assert not (home / "trees" / "images" / "1").exists()


@pytest.mark.parametrize(
    "begun", [LARGE[:9_000_000], LARGE + b"more", b"x" * 9_000_000, b"x" * len(LARGE)]
)
def test_a_large_file_goes_on_where_it_was_unless_that_is_damaged(
    store: MachineStore, folder: Path, home: Path, begun: bytes
) -> None:
    large = next(e for e in scan(folder, Ui()).entries if e.path == "large.bin")
    store.manifests()
    (home / "incoming" / f"{large.sha256}.{laptop()}.part").write_bytes(begun)

    pushed = push_folder(store, folder)

    assert (home / "objects" / large.sha256).read_bytes() == LARGE
    if LARGE.startswith(begun):
        assert pushed.sent == len(LARGE) - len(begun) + 6


def test_of_small_files_that_were_cut_off_the_whole_ones_count(
    store: MachineStore, tmp_path: Path, home: Path
) -> None:
    """As if the line had ended in the second of two files of a batch."""
    import io
    import tarfile

    files = list(scan(write(tmp_path / "f", {"1": b"a" * 9000, "2": b"b" * 9000}), Ui()).entries)
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w") as archive:
        for entry, letter in zip(files, (b"a", b"b"), strict=True):
            told = tarfile.TarInfo(entry.sha256)
            told.size = 9000
            archive.addfile(told, io.BytesIO(letter * 9000))
    cut = packed.getvalue()[: 512 + 9216 + 512 + 3000]

    store.place.run(scripts.UNPACK, "a", "batch", stdin=cut)

    assert store.lacking({entry.sha256: 9000 for entry in files}) == {files[1].sha256}
    assert list((home / "incoming").iterdir()) == []


def test_a_file_that_changes_while_it_is_sent_is_said(store: MachineStore, folder: Path) -> None:
    found = scan(folder, Ui())
    small = next(file for file in found.sources.values() if file.path.name == "a.txt")
    small.path.write_bytes(b"something else")

    with pytest.raises(FailedError, match="not what it was"):
        store.send([small], Progress(Ui(), "sent", 0))


def test_a_full_disk_is_said_and_what_arrived_is_not_sent_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, folder: Path
) -> None:
    disk = tmp_path / "disk"
    disk.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=12m", "mldeploy-test", str(disk)]
    if os.geteuid() != 0 or subprocess.run(mount, capture_output=True).returncode != 0:
        pytest.skip("no small disk: it is mounted, which only root may")
    try:
        monkeypatch.setenv("XDG_DATA_HOME", str(disk))
        store = MachineStore(ThisPlace("a"), "local")
        with pytest.raises(FailedError) as caught:
            push_folder(store, folder)
        assert caught.value.code == "disk-full"
        assert store.manifests() == []

        larger = ["mount", "-o", "remount,size=60m", str(disk)]
        subprocess.run(larger, check=True, capture_output=True)
        assert push_folder(store, folder).sent < 10_000_000
    finally:
        subprocess.run(["umount", str(disk)], check=True, capture_output=True)


def test_what_a_machine_has_damaged_is_not_taken(
    store: MachineStore, folder: Path, home: Path, tmp_path: Path
) -> None:
    manifest = push_folder(store, folder).manifest
    for entry in manifest.files:
        content = home / "objects" / entry.sha256
        content.chmod(0o644)
        content.write_bytes(b"x" * entry.size)

    with pytest.raises(FailedError, match="could not be fetched from this machine"):
        pull(store, Reference("images"), tmp_path / "back", Ui(), force=False)
    assert not (tmp_path / "back").exists()


def test_where_nothing_may_be_kept_that_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, folder: Path
) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "file"))

    with pytest.raises(FailedError, match="can't be kept on this machine"):
        push_folder(MachineStore(ThisPlace("a"), "local"), folder)


def test_many_small_files_come_back_without_waiting_for_one_another(
    store: MachineStore, tmp_path: Path
) -> None:
    folder = write(tmp_path / "f", {str(n): str(n).encode() for n in range(3_000)})
    push_folder(store, folder)

    pull(store, Reference("images"), tmp_path / "back", Ui(), force=False)

    assert read(tmp_path / "back") == read(folder)


def test_what_is_the_same_is_sent_once(store: MachineStore, tmp_path: Path) -> None:
    folder = write(tmp_path / "f", {str(n): b"same" for n in range(50)})

    assert push_folder(store, folder).sent == 4
