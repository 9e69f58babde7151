"""What stands after `ssh`, and what `ssh -G` makes of it."""

from __future__ import annotations

from pathlib import Path

import pytest

from mldeploy.errors import ConfigError, FailedError
from mldeploy.ssh import address
from mldeploy.ssh.address import Address, Resolved, parse, read

# Cut from what OpenSSH 9.2 prints.
PRINTED = """\
host box
user ubuntu
hostname 203.0.113.7
port 22
addressfamily any
userknownhostsfile ~/.ssh/known_hosts ~/.ssh/known_hosts2
"""


@pytest.mark.parametrize(
    ("typed", "destination", "port", "words"),
    [
        ("box", "box", None, ["--", "box"]),
        ("ubuntu@203.0.113.7", "ubuntu@203.0.113.7", None, ["--", "ubuntu@203.0.113.7"]),
        ("me@box:2222", "me@box", 2222, ["-p", "2222", "--", "me@box"]),
    ],
)
def test_what_is_typed_becomes_words_of_ssh(
    typed: str, destination: str, port: int | None, words: list[str]
) -> None:
    found = parse(typed)

    assert (found.destination, found.port) == (destination, port)
    assert found.words == words
    assert str(found) == typed


@pytest.mark.parametrize("typed", ["box:0", "box:65536"])
def test_a_port_that_is_none_is_refused(typed: str) -> None:
    with pytest.raises(ConfigError, match="no port that exists"):
        parse(typed)


def test_where_ssh_would_go_is_read() -> None:
    found = read(PRINTED)

    assert (found.user, found.hostname, found.port) == ("ubuntu", "203.0.113.7", 22)
    home = Path.home() / ".ssh"
    assert found.known_hosts == (home / "known_hosts", home / "known_hosts2")
    assert found.through == ""


@pytest.mark.parametrize(
    ("line", "known_as", "through"),
    [
        ("", "203.0.113.7", ""),
        ("hostkeyalias none\nproxycommand none", "203.0.113.7", ""),
        ("hostkeyalias inside", "inside", ""),
        ("proxyjump me@jump", "203.0.113.7", "me@jump"),
        ("proxycommand nc %h %p", "203.0.113.7", "nc %h %p"),
    ],
)
def test_aliases_and_jump_hosts_are_seen(line: str, known_as: str, through: str) -> None:
    found = read(PRINTED + line)

    assert (found.known_as, found.through) == (known_as, through)


@pytest.mark.parametrize(
    ("value", "files"),
    [
        ("none", []),
        ("/dev/null", ["/dev/null"]),
        ("/home/a b/.ssh/known_hosts /etc/k", ["/home/a b/.ssh/known_hosts", "/etc/k"]),
    ],
)
def test_files_of_known_hosts_may_have_spaces_or_not_be(value: str, files: list[str]) -> None:
    printed = PRINTED.replace("~/.ssh/known_hosts ~/.ssh/known_hosts2", value)

    assert read(printed).known_hosts == tuple(map(Path, files))


def test_another_port_is_part_of_the_name_in_known_hosts() -> None:
    there = Resolved(hostname="box.example", user="me", port=2222, known_hosts=(), alias="")

    assert there.known_as == "[box.example]:2222"


def test_without_ssh_it_is_said_how_to_have_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nowhere")

    with pytest.raises(FailedError) as raised:
        address.resolve(Address("box"))

    assert raised.value.code == "no-ssh"
    assert "apt install openssh-client" in raised.value.do


def test_a_configuration_that_ssh_cannot_read_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    program = tmp_path / "ssh"
    program.write_text(
        "#!/bin/sh\necho '~/.ssh/config line 3: Bad configuration option' >&2\nexit 255"
    )
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")

    with pytest.raises(ConfigError) as raised:
        address.resolve(Address("box"))

    assert raised.value.code == "ssh-configuration"
    assert "line 3" in raised.value.why
