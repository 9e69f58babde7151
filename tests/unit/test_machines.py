"""Which machine a target has, and what one behind SSH says of what it lacks."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from mldeploy import config
from mldeploy.config import DockerTarget, SshTarget
from mldeploy.errors import ConfigError, MldeployError
from mldeploy.machines import machine_of
from mldeploy.machines.remote import OwnMachine
from mldeploy.machines.this import ThisMachine
from mldeploy.project import Project
from mldeploy.ssh import facts
from mldeploy.ssh.facts import HostFacts
from mldeploy.ui import Ui
from tests.conftest import SETTINGS
from tests.unit import ssh_to_here

BARE: HostFacts = facts.read("os debian\nname Debian 12\nuser ubuntu\nsudo yes\nsystemd yes\n")
ENGINE = replace(BARE, socket="/var/run/docker.sock", installed=True)


class Nobody(Ui):
    """A terminal where nobody says yes, also where a person runs these tests."""

    def ask(self, question: str) -> bool:
        return False


@pytest.fixture
def project(tmp_path: Path) -> Project:
    file = tmp_path / "mldeploy.toml"
    file.write_text(SETTINGS)
    return Project(tmp_path, config.load(file))


@pytest.fixture
def here(project: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """A machine behind an ssh that leads to this one, of which it is told what it is like."""
    ssh_to_here.connect(tmp_path / "there", monkeypatch)
    made: list[OwnMachine] = []

    def machine(found: HostFacts = BARE, **settings: Any) -> OwnMachine:
        one = OwnMachine(project, "box", SshTarget(host="box", **settings))
        one.__dict__["host_facts"] = found
        made.append(one)
        return one

    yield machine
    for one in made:
        one.connection.close()


def test_each_kind_has_its_machine(project: Project) -> None:
    assert isinstance(machine_of(project, "docker", DockerTarget()), ThisMachine)
    assert isinstance(machine_of(project, "box", SshTarget(host="box")), OwnMachine)


def test_there_is_no_login_to_this_machine(project: Project) -> None:
    with pytest.raises(ConfigError):
        ThisMachine(project, DockerTarget()).login()


def test_users_ask_where_ssh_leads_to_and_at_a_private_one_nobody_does(here: Any) -> None:
    assert here().host() == "203.0.113.7"
    assert here(private=True).host() == "127.0.0.1"


def test_the_login_is_by_the_users_own_ssh(here: Any, project: Project) -> None:
    one = OwnMachine(project, "box", SshTarget(host="me@box:2222"))

    assert one.login()[1:] == ["-p", "2222", "--", "me@box"]


@pytest.mark.parametrize(
    ("found", "why", "do"),
    [
        (BARE, "it is not installed", "mldeploy up box   at a terminal offers to do it"),
        (replace(BARE, installed=True), "not started", "sudo systemctl enable --now docker"),
        (replace(BARE, sudo=False), "not installed", "mldeploy ssh box   and: sudo apt-get"),
        (replace(BARE, family=""), "not installed", "https://docs.docker.com"),
    ],
)
def test_without_docker_and_without_a_yes_the_commands_are_told(
    here: Any, found: HostFacts, why: str, do: str
) -> None:
    with pytest.raises(MldeployError) as raised:
        here(found).make_ready(Nobody())

    assert raised.value.code == "no-docker"
    assert why in raised.value.why
    assert do in raised.value.do


def test_a_user_who_may_not_speak_to_docker_is_told_how(here: Any) -> None:
    with pytest.raises(MldeployError) as raised:
        here(ENGINE).connect()

    assert raised.value.code == "docker-denied"
    assert raised.value.do == "mldeploy ssh box -- sudo usermod -aG docker ubuntu"


@pytest.mark.parametrize(
    ("says", "holder"),
    [
        ("", None),
        ('LISTEN 0 511 *:80 *:* users:(("nginx",pid=7,fd=6))', "nginx on box"),
        ("LISTEN 0 511 *:80 *:*", "Another program on box"),
    ],
)
def test_who_holds_a_port_is_named_where_it_can_be_seen(
    here: Any, tmp_path: Path, says: str, holder: str | None
) -> None:
    ssh_to_here.add_program(tmp_path / "there", "ss", f"#!/bin/sh\necho '{says}'\n")

    assert here().holder_of(80) == holder
