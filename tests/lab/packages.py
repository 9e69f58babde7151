"""Debian packages that the lab needs: what is missing is installed, nothing else."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

from mldeploy.errors import FailedError, RefusedError
from mldeploy.ui import Ui
from tests.lab.daemon import program

APT_SECONDS = 600
OPTIONS = ("-y", "--no-install-recommends")
ENGINE = {"dockerd": "docker.io", "iptables": "iptables", "ip": "iproute2"}
IMAGES = {"mmdebstrap": "mmdebstrap"}
DISK = {"mkfs.ext4": "e2fsprogs", "mount": "mount"}


def missing(programs: dict[str, str], there: Callable[[str], bool]) -> list[str]:
    """The packages of those programs that are not there."""
    return sorted({package for name, package in programs.items() if not there(name)})


def is_there(name: str) -> bool:
    return shutil.which(program(name)) is not None


def may_install() -> bool:
    return os.geteuid() == 0 and is_there("apt-get") and Path("/etc/debian_version").exists()


def install(programs: dict[str, str], ui: Ui, *, purpose: str) -> None:
    """Install what is missing of ``programs`` (their names to Debian's package names)."""
    wanted = missing(programs, is_there)
    if not wanted:
        return
    if not may_install():
        raise RefusedError(
            "lab-not-debian-root",
            what=f"{purpose} needs {', '.join(wanted)}.",
            why="The lab installs packages only on Debian and as root; this is not both.",
            do="Install Docker as its documentation says and start it; the lab uses what answers.",
        )
    with ui.step(f"apt-get install {' '.join(wanted)}"):
        _apt_twice(["install", *OPTIONS], wanted)


def unpack(package: str, folder: Path, ui: Ui) -> None:
    """The files of a package into ``folder``, without installing it."""
    with ui.step(f"apt-get download {package}"):
        _apt_twice(["download"], [package], cwd=folder)
        (archive,) = folder.glob(f"{package}_*.deb")
        command = ["dpkg-deb", "--extract", str(archive), str(folder)]
        subprocess.run(command, check=True, timeout=APT_SECONDS)


def _apt_twice(verb: list[str], wanted: list[str], cwd: Path | None = None) -> None:
    """Once more with fresh package lists: they may be of last month, or not there at all."""
    error = _apt(*verb, *wanted, cwd=cwd)
    if error:
        error = _apt("update") or _apt(*verb, *wanted, cwd=cwd)
    if error:
        raise FailedError(
            "lab-apt-failed",
            what=f"The lab did not get {', '.join(wanted)}.",
            why="apt-get did not manage it.",
            do=f"Try it by hand: apt-get update && apt-get {verb[0]} {' '.join(wanted)}",
            detail=error,
        )


def _apt(*words: str, cwd: Path | None = None) -> str:
    """What apt-get said when it failed; empty when it did not."""
    try:
        done = subprocess.run(
            ["apt-get", "-q", *words],
            cwd=cwd,
            env=os.environ | {"DEBIAN_FRONTEND": "noninteractive"},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=APT_SECONDS,
        )
    except subprocess.TimeoutExpired:
        return f"apt-get {words[0]} was not done within {APT_SECONDS} s"
    return "" if done.returncode == 0 else "\n".join(done.stdout.splitlines()[-15:]) or "no word"
