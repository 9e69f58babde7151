"""The commands that install Docker: exactly those that a person is shown."""

from __future__ import annotations

import subprocess
from dataclasses import replace

import pytest

from mldeploy.ssh import facts
from mldeploy.ssh.facts import HostFacts
from mldeploy.ssh.install import commands, script, text

BARE: HostFacts = facts.read("os debian\nuser ubuntu\nsudo yes\nsystemd yes\nmay no\n")


def test_debian_and_ubuntu_have_it_in_their_own_packages() -> None:
    assert commands(BARE) == [
        "apt-get update -qq",
        "DEBIAN_FRONTEND=noninteractive apt-get install -y -qq -o DPkg::Lock::Timeout=300 "
        "--no-install-recommends docker.io iptables ca-certificates",
        "systemctl enable --now docker",
        "usermod -aG docker ubuntu",
    ]


@pytest.mark.parametrize(
    ("family", "words"),
    [
        ("amazon", ["dnf install -y -q docker", "yum install -y -q docker"]),
        ("fedora", ["moby-engine docker-cli", "docker-ce docker-ce-cli", "centos/docker-ce.repo"]),
    ],
)
def test_other_families_have_other_packages(family: str, words: list[str]) -> None:
    first, *rest = commands(replace(BARE, family=family))

    assert all(word in first for word in words)
    assert rest == ["systemctl enable --now docker", "usermod -aG docker ubuntu"]


def test_for_a_family_that_is_not_known_nothing_is_offered() -> None:
    assert commands(replace(BARE, family="")) == []


def test_where_there_is_no_systemd_the_service_is_started_by_its_script() -> None:
    assert "service docker start" in commands(replace(BARE, systemd=False))


def test_what_is_installed_is_only_started() -> None:
    assert commands(replace(BARE, installed=True))[0] == "systemctl enable --now docker"


def test_root_needs_no_group_and_no_sudo() -> None:
    root = replace(BARE, is_root=True, user="root")

    assert not any("usermod" in word for word in commands(root))
    assert "sudo" not in text(commands(root), root) + script(root)


@pytest.mark.parametrize("family", ["debian", "amazon", "fedora"])
def test_what_is_shown_can_be_typed(family: str) -> None:
    host = replace(BARE, family=family)
    shown = text(commands(host), host)

    assert all(line.startswith("sudo ") for line in shown.splitlines())
    assert subprocess.run(["sh", "-n", "-c", shown], timeout=10).returncode == 0


def test_it_stops_at_the_first_command_that_fails() -> None:
    root = replace(BARE, is_root=True)

    done = subprocess.run(
        ["sh", "-c", script(root), "sh", "echo one\nfalse\necho two"],
        capture_output=True,
        text=True,
        timeout=10,
    )

    assert (done.returncode, done.stdout) == (1, "one\n")
