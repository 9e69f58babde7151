"""A second engine with a disk of its own, small enough to be filled, and fair game for `kill -9`.

Its data root is an ext4 file system in a sparse file.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mldeploy.errors import RefusedError
from mldeploy.ui import Ui
from tests.lab import full_disk, images, packages
from tests.lab.daemon import Daemon
from tests.lab.places import CACHE
from tests.lab.plain_network import PlainNetwork, bridges_in, run_as_root

if TYPE_CHECKING:
    import docker

SLOTS = 8  # so many at a time on one machine; each has a part of NETWORK for itself
RUNS = Path("/run/mldeploy-lab")  # short: a path of a Unix socket has 104 bytes at most
SIZE = 2 * 1024**3


@dataclass(frozen=True)
class SmallEngine:
    """``DOCKER_HOST=<url>`` is all that a program needs to use it."""

    slot: int
    cache: Path = CACHE

    @property
    def folder(self) -> Path:
        return RUNS / str(self.slot)

    @property
    def data(self) -> Path:
        """The data root: where its disk is mounted."""
        return self.folder / "data"

    @property
    def disk(self) -> Path:
        return self.cache / f"disk-{self.slot}.img"

    @property
    def network(self) -> PlainNetwork:
        return PlainNetwork(self.slot)

    @property
    def url(self) -> str:
        return self.daemon.url

    @property
    def daemon(self) -> Daemon:
        """To ``kill`` and ``start`` again, as the kernel and systemd would."""
        return Daemon(
            socket=self.folder / "docker.sock",
            run=self.folder / "run",
            pidfile=self.folder / "docker.pid",
            record=self.folder / "engine.json",
            log=self.cache / f"dockerd-{self.slot}.log",
            arguments=(
                f"--data-root={self.data}",
                *self.network.arguments,
                "--shutdown-timeout=5",
            ),
        )

    def client(self, timeout: float = 120) -> docker.DockerClient:
        return self.daemon.client(timeout)

    def free(self) -> int:
        """Bytes that are free on its disk."""
        return full_disk.free(self.data)

    def fill(self, leave: int = 0) -> None:
        """Take all space on its disk but ``leave`` bytes."""
        full_disk.fill(self.data, leave)

    def empty(self) -> None:
        """Give back what ``fill`` took."""
        full_disk.empty(self.data)


@contextmanager
def small_engine(ui: Ui, *, size: int = SIZE, with_images: bool = True) -> Iterator[SmallEngine]:
    """A running engine of its own with the base images; nothing of it is left afterwards.

    ``size`` is that of its disk in bytes. Needs root, and the engine of this machine for images.
    """
    if os.geteuid() != 0:
        raise RefusedError(
            "lab-not-root",
            what="No second engine was started.",
            why="It mounts a disk of its own, which only root may.",
            do="Run these tests as root, or leave them out: -m 'not docker'",
        )
    packages.install(packages.ENGINE | packages.DISK, ui, purpose="A second engine")
    with _free_slot() as slot:
        engine = SmallEngine(slot)
        clear(engine)  # of a test run that was killed
        engine.daemon.log.unlink(missing_ok=True)
        try:
            _make_disk(engine, size)
            engine.network.make()
            engine.daemon.start()
            if with_images:
                _load_images(engine)
            yield engine
        finally:
            clear(engine)


def clear(engine: SmallEngine) -> None:
    """End it and remove what is left of it, whatever state it is in. May be done twice."""
    engine.daemon.stop()
    _kill_left_containers(engine)
    bridges = bridges_in(engine.data)
    for place in mounts_below(engine.folder, Path("/proc/self/mounts").read_text()):
        run_as_root("umount", place)
    engine.network.remove(bridges)
    shutil.rmtree(engine.folder, ignore_errors=True)
    engine.disk.unlink(missing_ok=True)


def clear_left() -> list[int]:
    """Clear the engines of test runs that were killed; the slots."""
    found = []
    for slot in range(SLOTS):
        engine = SmallEngine(slot)
        if engine.folder.exists():
            with suppress(_TakenError), _slot(slot):
                clear(engine)
                found.append(slot)
    return found


def mounts_below(folder: Path, mounts: str) -> list[str]:
    """The mount points below ``folder`` in /proc/mounts, the innermost first."""
    points = [line.split()[1].replace("\\040", " ") for line in mounts.splitlines() if line]
    inside = [point for point in points if Path(point).is_relative_to(folder)]
    return sorted(inside, key=lambda point: (point.count("/"), point), reverse=True)


class _TakenError(Exception):
    """Somebody's second engine is in this slot."""


@contextmanager
def _free_slot() -> Iterator[int]:
    for slot in range(SLOTS):
        try:
            with _slot(slot):
                yield slot
                return
        except _TakenError:
            continue
    raise RefusedError(
        "lab-no-slot",
        what="No second engine was started.",
        why=f"{SLOTS} of them run on this machine already.",
        do=f"Wait for the tests that use them; see {RUNS}",
    )


@contextmanager
def _slot(slot: int) -> Iterator[None]:
    """The right to use a slot; it dies with its holder."""
    from filelock import FileLock, Timeout

    RUNS.mkdir(parents=True, exist_ok=True)
    lock = FileLock(RUNS / f"{slot}.lock")
    try:
        lock.acquire(blocking=False)
    except Timeout:
        raise _TakenError from None
    try:
        yield
    finally:
        lock.release()


def _make_disk(engine: SmallEngine, size: int) -> None:
    engine.data.mkdir(parents=True)
    engine.cache.mkdir(parents=True, exist_ok=True)
    with engine.disk.open("wb") as disk:
        disk.truncate(size)
    run_as_root("mkfs.ext4", "-q", "-m", "0", "-E", "lazy_itable_init=1", str(engine.disk))
    run_as_root("mount", "-o", "loop", str(engine.disk), str(engine.data))


def _load_images(engine: SmallEngine) -> None:
    import docker

    source, client = docker.from_env(timeout=300), engine.client(timeout=300)
    try:
        for name in images.MAKERS:
            image: Any = source.images.get(name).save(named=name)  # chunks, as requests takes them
            client.images.load(image)
    finally:
        source.close()
        client.close()


def _kill_left_containers(engine: SmallEngine) -> None:
    """A dockerd that was killed leaves its containers' shims, which know it by its socket."""
    import psutil

    address = str(engine.daemon.containerd)
    for process in psutil.process_iter():
        with suppress(psutil.Error):
            if not any(word.startswith(address) for word in process.cmdline()):
                continue
            family: list[Any] = [*process.children(recursive=True), process]
            for each in family:
                with suppress(psutil.Error):
                    each.kill()
            psutil.wait_procs(family, timeout=10)
