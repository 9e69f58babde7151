"""What ssh says, in three parts: by its own words, which OpenSSH 9.2 printed."""

from __future__ import annotations

from pathlib import Path

import pytest

from mldeploy.errors import RefusedError
from mldeploy.ssh import trouble
from mldeploy.ssh.address import Address, Resolved
from mldeploy.ssh.trouble import explain

THERE = Resolved("203.0.113.7", "ubuntu", 22, (Path("/home/me/.ssh/known_hosts"),), "")
CHANGED = """\
@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@
@    WARNING: REMOTE HOST IDENTIFICATION HAS CHANGED!     @
Host key for 203.0.113.7 has changed and you have requested strict checking.
Host key verification failed.
"""
UNKNOWN = """\
No ED25519 host key is known for 203.0.113.7 and you have requested strict checking.
Host key verification failed.
"""


@pytest.mark.parametrize(
    ("said", "code", "part_of_do"),
    [
        (CHANGED, "ssh-host-changed", "ssh-keygen -R '203.0.113.7'"),
        (UNKNOWN, "ssh-unknown-host", "ssh box"),
        ("ubuntu@203.0.113.7: Permission denied (publickey).", "ssh-denied", "IdentityFile"),
        ("Received disconnect: Too many authentication failures", "ssh-denied", "ssh box"),
        (
            "ssh: Could not resolve hostname box: Name or service not known",
            "ssh-no-such-host",
            "mend `host`",
        ),
        (
            "ssh: connect to host 203.0.113.7 port 22: Connection refused",
            "ssh-refused",
            "user@name:port",
        ),
        (
            "ssh: connect to host 203.0.113.7 port 22: Connection timed out",
            "ssh-unreachable",
            "firewall",
        ),
        (
            "ssh: connect to host 203.0.113.7 port 22: No route to host",
            "ssh-unreachable",
            "switched on",
        ),
        ("kex_exchange_identification: Connection closed", "ssh-failed", "add -v"),
        ("", "ssh-failed", "add -v"),
    ],
)
def test_each_trouble_has_its_code_and_the_next_command(
    said: str, code: str, part_of_do: str
) -> None:
    error = explain(said, Address("box"), THERE)

    assert error.code == code
    assert part_of_do in error.do
    assert error.why


def test_a_changed_key_is_a_refusal() -> None:
    assert isinstance(explain(CHANGED, Address("box"), THERE), RefusedError)


def test_an_unknown_hosts_fingerprint_is_there_to_be_compared() -> None:
    error = explain(UNKNOWN, Address("box"), THERE, "SHA256:abc (ED25519)")

    assert "It shows SHA256:abc (ED25519)." in error.why
    assert "/home/me/.ssh/known_hosts" in error.why
    assert "compare" in error.do


def test_the_command_to_type_has_the_port_that_was_given() -> None:
    assert explain(UNKNOWN, Address("me@box", 2222), THERE).do.startswith("ssh -p 2222 me@box ")


def test_a_host_that_is_gone_is_told_with_how_long_it_was_waited_for() -> None:
    error = trouble.gone(Address("box"), 240)

    assert error.code == "ssh-gone"
    assert "within 240 s" in error.why
