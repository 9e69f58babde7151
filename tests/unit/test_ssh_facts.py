"""What a host says of itself; and that the script runs in any shell."""

from __future__ import annotations

import getpass
import os
import platform
import shutil
import subprocess

import pytest

from mldeploy.ssh.facts import SCRIPT, family_of, read

DEBIAN = """\
Welcome to the machine of the workgroup!
os debian
like
name Debian GNU/Linux 12 (bookworm)
version 12
arch x86_64
user ubuntu
sudo yes
socket /var/run/docker.sock
may no
docker /usr/bin/docker
engine /usr/sbin/dockerd
systemd yes
memory 8319602688
clock 1795416693
"""


def test_a_host_is_read_past_what_its_start_up_files_say() -> None:
    found = read(DEBIAN)

    assert found.name == "Debian GNU/Linux 12 (bookworm)"
    assert (found.family, found.version, found.architecture) == ("debian", "12", "x86_64")
    assert (found.user, found.sudo, found.is_root) == ("ubuntu", True, False)
    assert (found.socket, found.may_use_docker) == ("/var/run/docker.sock", False)
    assert (found.docker_program, found.installed) == ("/usr/bin/docker", True)
    assert (found.systemd, found.memory, found.clock) == (True, 8319602688, 1795416693)


def test_a_host_without_anything_is_read_too() -> None:
    found = read("os alpine\nsudo no\nsocket \nmay no\ndocker \nsystemd \nmemory \nclock \n")

    assert (found.family, found.socket, found.docker_program) == ("", "", "")
    assert (found.sudo, found.installed, found.systemd, found.memory) == (False, False, False, 0)


@pytest.mark.parametrize(
    ("name", "like", "family"),
    [
        ("debian", "", "debian"),
        ("ubuntu", "debian", "debian"),
        ("linuxmint", "ubuntu debian", "debian"),
        ("amzn", "fedora", "amazon"),
        ("amzn", "centos rhel fedora", "amazon"),
        ("fedora", "", "fedora"),
        ("rocky", "rhel centos fedora", "fedora"),
        ("rhel", "fedora", "fedora"),
        ("ol", "fedora", "fedora"),
        ("alpine", "", ""),
        ("arch", "", ""),
        ("opensuse-leap", "suse opensuse", ""),
    ],
)
def test_families_are_told_apart(name: str, like: str, family: str) -> None:
    assert family_of(name, like) == family


@pytest.mark.parametrize("shell", ["dash", "bash", "busybox"])
def test_the_script_runs_in_any_shell(shell: str) -> None:
    program = shutil.which(shell)
    if program is None:
        program = shutil.which("sh")
    words = [str(program), "sh"] if shell == "busybox" and shutil.which(shell) else [str(program)]

    done = subprocess.run([*words, "-c", SCRIPT], capture_output=True, text=True, timeout=30)

    found = read(done.stdout)
    assert done.stderr == ""
    assert found.architecture == platform.machine()
    assert found.user == getpass.getuser()
    assert found.is_root == (os.geteuid() == 0)
    assert found.clock > 0
