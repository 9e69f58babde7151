"""A build on the host: what it is told stays unseen, what it says comes, and nothing is left."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from mldeploy.images.output import Output
from mldeploy.ssh import far_build
from mldeploy.ssh.connection import Connection
from tests.unit import ssh_to_here

# It says how it was called and what it reads, as `docker build - < context` does.
DOCKER = """\
#!/bin/sh
echo "called: $*"
echo "token: $TOKEN"
echo "read: $(cat)"
exit "${CODE:-0}"
"""
AWKWARD = 'it\'s "$HOME" `id`\\ ; sw0rdfish'


@pytest.fixture
def connection(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Connection]:
    made = ssh_to_here.connect(tmp_path, monkeypatch)
    ssh_to_here.add_program(tmp_path, "docker", DOCKER)
    folder = tmp_path / "cache" / "mldeploy"
    folder.mkdir(parents=True)
    (folder / "context").write_text("the context")
    yield made
    made.close()


def built(connection: Connection, told: dict[str, str]) -> Output:
    output = Output("image", print)
    far_build.build(connection, "context", "mldeploy-a:1", told, output)
    return output


def test_a_build_gets_its_context_and_its_values_by_the_environment_only(
    connection: Connection, tmp_path: Path
) -> None:
    output = built(connection, {"TOKEN": AWKWARD})

    assert output.failed == ""
    assert list(output.lines) == [
        "called: build --tag mldeploy-a:1 --force-rm --build-arg TOKEN -",
        f"token: {AWKWARD}",
        "read: the context",
    ]
    left = [each.name for each in (tmp_path / "cache" / "mldeploy").iterdir()]
    assert left == ["context"]


def test_a_build_that_fails_says_its_last_lines(connection: Connection, tmp_path: Path) -> None:
    output = built(connection, {"CODE": "3"})

    assert "read: the context" in output.failed
    assert [each.name for each in (tmp_path / "cache" / "mldeploy").iterdir()] == ["context"]


def test_values_that_were_cut_on_the_way_begin_no_build(
    connection: Connection, tmp_path: Path
) -> None:
    ran = connection.once(far_build.BEGIN, "job", "context", "tag", stdin=b"TOKEN='sw0rd")

    assert ran.code == 9
    assert list((tmp_path / "cache" / "mldeploy" / "job").iterdir()) == []


def test_what_is_begun_twice_runs_once(connection: Connection, tmp_path: Path) -> None:
    whole = f"{far_build.WHOLE}\n".encode()
    for _ in range(2):
        assert connection.run(far_build.BEGIN, "job", "context", "tag", stdin=whole).code == 0
    output = Output("image", print)
    far_build._follow(connection, "job", output)

    assert [line for line in output.lines if line.startswith("called")] == [
        "called: build --tag tag --force-rm -"
    ]
