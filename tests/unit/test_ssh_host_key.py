"""An unknown host's key: shown, asked for, and written down only after a yes."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from mldeploy.errors import MldeployError
from mldeploy.ssh import host_key
from mldeploy.ssh.address import Address, Resolved
from mldeploy.ssh.host_key import HostKey
from tests.unit import ssh_to_here

KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIOMqqnkVzrm0SdG6UOoqKLsabgH5C9okWi0dh2l9GKJl"
PRINT = "SHA256:+DiY3wvvV6TuJJhbpZisF/zLDA0zPMSvHdkr4UvCOqU (ED25519)"
# An ssh that is told by its options where to write what the host shows, as OpenSSH's does.
SHOWS = f"""\
#!/bin/sh
for word in "$@"; do
  case "$word" in
    UserKnownHostsFile=*) echo '203.0.113.7 {KEY}' > "${{word#*=}}";;
    StrictHostKeyChecking=yes) echo 'Host key verification failed.' >&2; exit 255;;
  esac
done
echo 'me@203.0.113.7: Permission denied (publickey).' >&2
exit 255
"""
BOX = Address("box")


@pytest.fixture
def there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Resolved:
    """A host that shows `KEY` and is not known."""
    ssh_to_here.connect(tmp_path, monkeypatch)
    ssh_to_here.add_program(tmp_path, "ssh", SHOWS)
    return Resolved("203.0.113.7", "me", 22, (tmp_path / ".ssh" / "known_hosts",), "")


def test_the_key_is_fetched_with_the_fingerprint_that_a_person_compares(there: Resolved) -> None:
    assert host_key.fetch(BOX, there) == HostKey(f"203.0.113.7 {KEY}\n", PRINT)


def test_a_host_that_is_not_known_is_said_to_be_so_with_its_fingerprint(there: Resolved) -> None:
    with pytest.raises(MldeployError) as raised:
        host_key.verify(BOX, there)

    assert raised.value.code == "ssh-unknown-host"
    assert PRINT in raised.value.why


def test_a_host_that_only_refuses_the_login_has_the_key_it_is_known_by(
    there: Resolved, tmp_path: Path
) -> None:
    denied = SHOWS.replace("StrictHostKeyChecking=yes)", "no-such-option)")
    ssh_to_here.add_program(tmp_path, "ssh", denied)

    host_key.verify(BOX, there)


@pytest.mark.parametrize("answer", [True, False])
def test_only_a_yes_is_written_down(there: Resolved, answer: bool) -> None:
    said: list[str] = []

    assert host_key.learn(BOX, there, said.append, lambda _: answer) == answer

    assert any(PRINT in line for line in said)
    assert there.known_hosts[0].exists() == answer


@pytest.mark.parametrize("before", ["", "other ssh-ed25519 AAAA\n", "other ssh-ed25519 AAAA"])
def test_what_was_known_stays_known(tmp_path: Path, before: str) -> None:
    file = tmp_path / ".ssh" / "known_hosts"
    if before:
        file.parent.mkdir()
        file.write_text(before)

    host_key.write_down(HostKey("box ssh-ed25519 BBBB\n", ""), file)

    lines = file.read_text().splitlines()
    assert lines == [*before.splitlines(), "box ssh-ed25519 BBBB"]
    assert before or file.stat().st_mode & 0o777 == 0o600
    assert before or file.parent.stat().st_mode & 0o077 == 0


@pytest.mark.parametrize("files", [(), (Path("/dev/null"),)])
def test_where_nothing_is_remembered_nothing_is_written(
    there: Resolved, files: tuple[Path, ...]
) -> None:
    before = Path("/dev/null").stat().st_mode

    with pytest.raises(MldeployError) as raised:
        host_key.learn(BOX, replace(there, known_hosts=files), print, lambda _: True)

    assert raised.value.code == "ssh-remembers-nothing"
    assert Path("/dev/null").stat().st_mode == before
