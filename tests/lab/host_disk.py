"""A host's disk: a file system in a sparse file, at the host's /var/lib/docker. Needs root."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path

from tests.lab import full_disk
from tests.lab.places import CACHE
from tests.lab.plain_network import run_as_root
from tests.lab.small_engine import RUNS, mounts_below

# It is gone before this machine could lose its power: nobody waits for what must last.
LAZY = "lazy_itable_init=1,lazy_journal_init=1"
MOUNTED = "loop,noatime,barrier=0,data=writeback"


@dataclass(frozen=True)
class Disk:
    """``name`` is its host's."""

    name: str

    @property
    def file(self) -> Path:
        return CACHE / f"disk-{self.name}.img"

    @property
    def folder(self) -> Path:
        """Where it is mounted on this machine."""
        return RUNS / "hosts" / self.name

    def make(self, size: int) -> None:
        self.folder.mkdir(parents=True)
        with self.file.open("wb") as file:
            file.truncate(size)
        run_as_root("mkfs.ext4", "-q", "-m", "0", "-E", LAZY, str(self.file))
        run_as_root("mount", "-o", MOUNTED, str(self.file), str(self.folder))

    def remove(self) -> None:
        """Whatever is left of it; may be done twice, and for a host that never had one."""
        for place in mounts_below(self.folder, Path("/proc/self/mounts").read_text()):
            run_as_root("umount", place)
        shutil.rmtree(self.folder, ignore_errors=True)
        self.file.unlink(missing_ok=True)

    def free(self) -> int:
        return full_disk.free(self.folder)

    def fill(self, leave: int = 0) -> None:
        """Take all space but ``leave`` bytes."""
        full_disk.fill(self.folder, leave)

    def empty(self) -> None:
        full_disk.empty(self.folder)
