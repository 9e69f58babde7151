"""What `doctor` makes of a machine behind SSH: by values, the failing side of each check too."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

import pytest

from mldeploy.config import SshTarget
from mldeploy.doctor import ssh_host, ssh_ports, ssh_way
from mldeploy.doctor.checks import Fix
from mldeploy.doctor.ssh_ports import Listening, judged, listening, listening_after, way_in
from mldeploy.errors import MldeployError
from mldeploy.ssh import facts
from mldeploy.ssh.address import Address, Resolved
from tests.conftest import free_port

HOST = facts.read("os debian\nname Debian 12\narch x86_64\nuser ubuntu\nsudo yes\nmay no\n")
BOX = SshTarget(host="box")
PRIVATE = SshTarget(host="box", private=True)


# The way there


def at(port: int, through: str = "") -> Resolved:
    return Resolved("127.0.0.1", "me", port, (), "", through)


@contextmanager
def answering(says: bytes) -> Iterator[int]:
    with socket.create_server(("127.0.0.1", 0)) as server:

        def greet() -> None:
            connection, _ = server.accept()
            with connection:
                connection.sendall(says)

        thread = threading.Thread(target=greet)
        thread.start()
        yield server.getsockname()[1]
        thread.join(timeout=10)


def test_an_sshd_that_greets_is_reachable() -> None:
    with answering(b"SSH-2.0-OpenSSH_9.2p1\r\n") as port:
        found = ssh_way.reachable(Address("box"), at(port))

    assert found.severity == "ok"


@pytest.mark.parametrize(("says", "why"), [(b"220 mail\r\n", "is no sshd."), (b"", "says nothing")])
def test_what_is_no_sshd_is_named(says: bytes, why: str) -> None:
    with answering(says) as port:
        found = ssh_way.reachable(Address("box"), at(port))

    assert found.severity == "error"
    assert why in found.message
    assert "user@name:port" in found.remedy


def test_a_port_where_nothing_listens_is_named() -> None:
    with pytest.raises(MldeployError) as raised:
        ssh_way.reachable(Address("box"), at(free_port()))

    assert raised.value.code == "ssh-refused"


def test_behind_a_jump_host_nothing_is_asked_from_here() -> None:
    behind = replace(at(1), hostname="no-such-host.invalid", through="jump")

    assert ssh_way.reachable(Address("box"), behind).severity == "ok"
    assert ssh_way.address(Address("box"), behind).message.endswith("by way of jump")


def test_a_name_that_nobody_has_is_named() -> None:
    with pytest.raises(MldeployError) as raised:
        ssh_way.address(Address("box"), replace(at(22), hostname="no-such-host.invalid"))

    assert raised.value.code == "ssh-no-such-host"


# The host


@pytest.mark.parametrize(
    ("architecture", "severity"),
    [("x86_64", "ok"), ("aarch64", "ok"), ("armv7l", "error"), ("riscv64", "error")],
)
def test_architectures_without_packages_are_refused(architecture: str, severity: str) -> None:
    assert ssh_host.system(replace(HOST, architecture=architecture)).severity == severity


@pytest.mark.parametrize(
    ("there", "severity", "word"),
    [
        (None, "ok", "not say"),
        (1000, "ok", "same"),
        (998, "ok", "same"),
        (900, "warning", "99 s behind"),
        (1100, "warning", "99 s ahead"),
    ],
)
def test_a_clock_that_is_wrong_is_named(there: int | None, severity: str, word: str) -> None:
    found = ssh_host.clock_of(there, asked=1000.0, answered=1001.0)

    assert found.severity == severity
    assert word in found.message


DF = """\
/dev/vda1         50633164  9321376  38706980      20% /
/dev/vdb1         10000000  9000000   {free}      90% /home
"""


@pytest.mark.parametrize(
    ("free", "severity"), [(4_000_000, "ok"), (1_000_000, "warning"), (100_000, "error")]
)
def test_the_fuller_of_its_disks_counts(free: int, severity: str) -> None:
    found = ssh_host.room(ssh_host.free_bytes(DF.format(free=free)))

    assert found.severity == severity
    assert ("prune" in found.remedy) == (severity != "ok")


def test_a_host_that_has_no_df_does_not_say() -> None:
    assert ssh_host.room(ssh_host.free_bytes("sh: df: not found")).severity == "ok"


def test_without_docker_the_commands_are_the_remedy() -> None:
    fix = Fix("install it", lambda _: None)

    found = ssh_host.no_docker(HOST, "sudo apt-get update\nsudo apt-get install docker.io", fix)
    unknown = ssh_host.no_docker(replace(HOST, installed=True), "", None)

    assert found.remedy.startswith("sudo apt-get update && sudo apt-get install docker.io ")
    assert found.fix is fix
    assert "not installed" in found.message
    assert "docs.docker.com" in unknown.remedy
    assert "installed, and not started" in unknown.message


def test_the_docker_program_is_needed_where_images_are_built_there() -> None:
    assert ssh_host.docker_program(HOST, "there").severity == "error"
    assert ssh_host.docker_program(HOST, "here").severity == "ok"
    assert ssh_host.docker_program(replace(HOST, docker_program="/d"), "there").severity == "ok"


# Its ports

SS = """\
LISTEN 0      4096      127.0.0.53%lo:53        0.0.0.0:*    users:(("systemd-resolve",pid=5,fd=1))
LISTEN 0      128             0.0.0.0:22        0.0.0.0:*    users:(("sshd",pid=7,fd=3))
LISTEN 0      128                [::]:22           [::]:*    users:(("sshd",pid=7,fd=4))
LISTEN 0      511                   *:80              *:*
LISTEN 0      100               [::1]:631          [::]:*
"""
NETSTAT = """\
tcp        0      0 0.0.0.0:22              0.0.0.0:*               LISTEN      -
tcp6       0      0 :::22                   :::*                    LISTEN      -
"""


def test_what_listens_is_read() -> None:
    found = listening(SS)

    assert found == [
        Listening("127.0.0.53", 53, "systemd-resolve"),
        Listening("0.0.0.0", 22, "sshd"),
        Listening("::", 22, "sshd"),
        Listening("*", 80),
        Listening("::1", 631),
    ]
    assert [one.port for one in found if not one.is_local] == [22, 22, 80]
    assert listening(NETSTAT) == [Listening("0.0.0.0", 22), Listening("::", 22)]
    assert listening("") is None


def test_usual_ports_are_well() -> None:
    found = judged({22, 443}, listening(SS), {22, 80, 443}, "box")

    assert found.severity == "ok"
    assert found.message == (
        "from here answer 22 (sshd), 443 (https); 80 (http) listen and don't answer from here: "
        "a firewall is between"
    )


def test_what_else_answers_is_a_warning_that_names_it() -> None:
    found = judged({22, 5432, 4711}, [Listening("*", 4711, "python3")], {22}, "box")

    assert found.severity == "warning"
    assert "can try 4711 (python3), 5432 (PostgreSQL)" in found.message
    assert "mldeploy ssh box -- sudo ss" in found.remedy


@pytest.mark.parametrize(
    ("answers", "there"),
    [({22, 2375}, None), ({22}, [Listening("0.0.0.0", 2375, "dockerd")])],
)
def test_an_open_docker_socket_is_an_error(
    answers: set[int], there: list[Listening] | None
) -> None:
    found = judged(answers, there, {22, 2375}, "box")

    assert found.severity == "error"
    assert "root there" in found.message


def test_behind_a_jump_host_only_what_listens_is_known() -> None:
    found = judged(None, [Listening("*", 5432, "postgres")], {22}, "box")

    assert found.severity == "ok"
    assert "can't be tried; there listen 5432 (postgres)" in found.message
    assert way_in("serving", BOX, lambda: None).severity == "ok"
    assert judged(None, [Listening("*", 2375)], {22}, "box").severity == "error"


def test_dockers_port_on_the_loopback_is_nobody_elses() -> None:
    assert judged({22}, [Listening("127.0.0.1", 2375)], {22}, "box").severity == "ok"


@pytest.mark.parametrize(
    ("target", "ports"),
    [
        (BOX, (80, 443)),
        (SshTarget(host="box", domain="model.example.org"), (80, 443)),
        (SshTarget(host="box", tls="own"), (443,)),
        (SshTarget(host="box", port=8443), (8443,)),
        (SshTarget(host="box", tls="plain"), (80,)),
        (SshTarget(host="box", tls="plain", port=8080), (8080,)),
        (PRIVATE, ()),
    ],
)
def test_what_up_opens_is_known_beforehand(target: SshTarget, ports: tuple[int, ...]) -> None:
    assert listening_after(target) == ports


@pytest.mark.parametrize(
    ("state", "target", "answers", "severity", "word"),
    [
        ("down", BOX, set(), "ok", "after `up` this listens: 80 and 443"),
        ("down", PRIVATE, set(), "ok", "no port"),
        ("serving", BOX, {80, 443}, "ok", "80 and 443"),
        ("serving", BOX, {80}, "error", "from here at port 443: a firewall"),
        ("serving", BOX, set(), "error", "at port 80 and 443"),
        ("serving", PRIVATE, set(), "ok", "private"),
        ("serving", PRIVATE, {8080}, "error", "port 8080 answers from here"),
    ],
)
def test_what_serves_must_be_in_reach_and_what_is_private_must_not(
    state: str, target: SshTarget, answers: set[int], severity: str, word: str
) -> None:
    found = way_in(state, target, lambda: answers)

    assert found.severity == severity
    assert word in found.message


def test_ports_are_tried_for_real_and_together() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]

        assert ssh_ports.answering("127.0.0.1", [port, free_port()]) == {port}
