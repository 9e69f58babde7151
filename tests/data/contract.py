"""What every store of versions does, wherever it keeps them. A subclass has a fixture ``store``."""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from mldeploy.data.base import Store
from mldeploy.data.progress import Progress
from mldeploy.data.pull import find, pull
from mldeploy.data.push import Pushed, push
from mldeploy.data.remove import remove
from mldeploy.data.scan import scan
from mldeploy.data.versions import Manifest, Reference, digest_of
from mldeploy.errors import ConfigError, RefusedError
from mldeploy.ui import Ui

LARGE = bytes(range(256)) * 64_000  # 16.4 MB: more than one part of an upload
FILES = {
    "a.txt": b"one",
    "empty": b"",
    "sub/the same.txt": b"one",
    "sub/deep er/ü.bin": bytes(range(256)),
    " led by a space": b"two",
    "large.bin": LARGE,
}


def write(folder: Path, files: dict[str, bytes]) -> Path:
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    return folder


def read(folder: Path) -> dict[str, bytes]:
    found = (path for path in folder.rglob("*") if path.is_file())
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in found}


def push_folder(store: Store, folder: Path, name: str = "images") -> Pushed:
    return push(store, folder, name, "a message", Ui())


def numbers(store: Store) -> list[int]:
    return [one.number for one in store.manifests("images")]


class StoreContract:
    @pytest.fixture
    def folder(self, tmp_path: Path) -> Path:
        return write(tmp_path / "images", FILES)

    @pytest.fixture
    def again(self) -> Callable[[], Store]:
        """Another laptop's view of the same place; a subclass says how it is had."""
        raise NotImplementedError

    def test_what_was_pushed_comes_back_as_it_was(
        self, store: Store, folder: Path, tmp_path: Path
    ) -> None:
        (folder / "run.sh").write_text("#!/bin/sh\n")
        (folder / "run.sh").chmod(0o755)

        pushed = push_folder(store, folder)
        pulled = pull(store, Reference("images"), tmp_path / "back", Ui(), force=False)

        assert str(pushed.manifest.reference) == "images/1"
        assert read(tmp_path / "back") == read(folder)
        assert (tmp_path / "back" / "run.sh").stat().st_mode & 0o111
        assert not (tmp_path / "back" / "a.txt").stat().st_mode & 0o111
        assert pulled.manifest == pushed.manifest
        assert [path.name for path in tmp_path.iterdir() if ".part" in path.name] == []

    def test_the_same_content_again_is_the_same_version_and_sends_nothing(
        self, store: Store, folder: Path
    ) -> None:
        first = push_folder(store, folder)

        second = push_folder(store, folder)

        assert (second.manifest, second.sent, second.already) == (first.manifest, 0, True)
        assert numbers(store) == [1]

    def test_a_new_version_sends_what_is_new_alone(self, store: Store, folder: Path) -> None:
        push_folder(store, folder)
        write(folder, {"new.txt": b"1234", "copy of large.bin": LARGE})

        second = push_folder(store, folder)

        assert (second.manifest.number, second.sent, second.already) == (2, 4, False)

    def test_an_upload_that_was_not_finished_is_no_version(
        self, store: Store, folder: Path
    ) -> None:
        found = scan(folder, Ui())
        digest = digest_of(found.entries)
        manifest = Manifest("images", 0, digest, "", "2026-01-01T00:00:00Z", "me", found.entries)
        store.draft(manifest)
        store.send([found.sources[found.entries[0].sha256]], Progress(Ui(), "sent", 0))

        assert store.manifests() == []
        assert found.entries[0].sha256 not in store.lacking(manifest.objects)
        assert push_folder(store, folder).sent < found.entries[0].size + sum(
            entry.size for entry in found.entries
        )

    def test_of_two_who_push_at_once_each_gets_a_number_of_its_own(
        self, store: Store, again: Callable[[], Store], tmp_path: Path
    ) -> None:
        others = [store, again(), again()]
        got: list[int] = []

        def one(number: int) -> None:
            mine = write(tmp_path / str(number), {"a.txt": str(number).encode()})
            got.append(push_folder(others[number], mine).manifest.number)

        together(one, 3)

        assert sorted(got) == [1, 2, 3]
        assert numbers(store) == [1, 2, 3]

    def test_of_two_who_push_the_same_at_once_there_is_one_version(
        self, store: Store, again: Callable[[], Store], folder: Path
    ) -> None:
        others = [store, again()]
        got: list[int] = []

        together(lambda n: got.append(push_folder(others[n], folder).manifest.number), 2)

        assert got in ([1, 1], [1, 2], [2, 1])  # both may have asked before either was there
        assert numbers(store) == sorted(set(got))

    def test_a_number_is_taken_once(self, store: Store, folder: Path) -> None:
        manifest = push_folder(store, folder).manifest

        assert not store.publish(manifest_like(manifest))
        assert store.manifests("images") == [manifest]

    def test_a_version_goes_with_what_it_alone_needed(
        self, store: Store, folder: Path, tmp_path: Path
    ) -> None:
        first = push_folder(store, folder).manifest
        write(folder, {"new.txt": b"1234"})
        (folder / "large.bin").unlink()
        second = push_folder(store, folder).manifest

        freed = remove(store, first, Ui()).freed

        assert freed == len(LARGE)
        assert store.lacking(first.objects | second.objects) == first.objects.keys() - set(
            second.objects
        )
        pull(store, Reference("images"), tmp_path / "back", Ui(), force=False)
        assert read(tmp_path / "back") == read(folder)

    def test_a_number_is_not_given_again_after_its_version_is_gone(
        self, store: Store, folder: Path
    ) -> None:
        remove(store, push_folder(store, folder).manifest, Ui())

        assert store.manifests() == []
        assert push_folder(store, folder).manifest.number == 2

    def test_what_somebody_pushes_just_now_is_not_cleared_away(
        self, store: Store, folder: Path
    ) -> None:
        first = push_folder(store, folder).manifest
        store.draft(manifest_like(first, number=0))

        assert remove(store, first, Ui()).freed == 0
        assert store.lacking(first.objects) == set()

    def test_what_a_job_reads_is_not_removed(self, store: Store, folder: Path) -> None:
        first = push_folder(store, folder).manifest

        with pytest.raises(RefusedError, match="in use") as caught:
            remove(store, first, Ui(), used_by=lambda _: ["job 7"])

        assert "job 7" in caught.value.why
        assert store.manifests() == [first]

    def test_what_is_not_there_is_said_with_what_is(self, store: Store, folder: Path) -> None:
        push_folder(store, folder)

        with pytest.raises(ConfigError, match="no images/4") as caught:
            find(store, Reference("images", 4))
        assert "there is 1" in caught.value.why

    def test_a_pull_goes_on_where_it_was(self, store: Store, folder: Path, tmp_path: Path) -> None:
        manifest = push_folder(store, folder).manifest
        large = next(entry for entry in manifest.files if entry.path == "large.bin")
        contents = tmp_path / f".back.{manifest.digest[:12]}.part" / "objects"
        contents.mkdir(parents=True)
        (contents / f"{large.sha256}.part").write_bytes(LARGE[:16_000_000])

        pulled = pull(store, Reference("images"), tmp_path / "back", Ui(), force=False)

        assert pulled.fetched < 1_000_000
        assert read(tmp_path / "back") == read(folder)


def manifest_like(one: Manifest, number: int = 1) -> Manifest:
    """The same files, by somebody else."""
    return Manifest(
        one.name, number, one.digest, "another", one.made_at, "somebody else", one.files
    )


def together(work: Callable[[int], None], count: int) -> None:
    """Call it in so many threads that begin at once; raises what one of them raised."""
    begin, errors = threading.Barrier(count), list[BaseException]()

    def run(number: int) -> None:
        try:
            begin.wait(timeout=10)
            work(number)
        except BaseException as error:  # noqa: BLE001 - raised below, in the test's thread
            errors.append(error)

    threads = [threading.Thread(target=run, args=(number,)) for number in range(count)]
    for each in threads:
        each.start()
    for each in threads:
        each.join(timeout=50)
    if errors:
        raise errors[0]
