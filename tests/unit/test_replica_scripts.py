"""What a replica's scripts decide without a service: secrets, and how answers close connections."""

from __future__ import annotations

import asyncio
import importlib
import sys
from pathlib import Path
from typing import Any

import pytest

from mldeploy.build import SCRIPTS


@pytest.fixture
def replica(monkeypatch: pytest.MonkeyPatch) -> Any:
    """serve_replica.py, found as when it is run by its path."""
    monkeypatch.syspath_prepend(str(SCRIPTS))
    monkeypatch.delitem(sys.modules, "serve_replica", raising=False)
    return importlib.import_module("serve_replica")


def test_a_script_leaves_neither_its_folder_nor_its_sibling_in_the_way(replica: Any) -> None:
    assert str(SCRIPTS) not in sys.path
    assert "server" not in sys.modules


def test_secrets_of_all_files_are_read(replica: Any, tmp_path: Path) -> None:
    (tmp_path / "a.json").write_text('{"TOKEN": "one", "OTHER": ""}')
    (tmp_path / "b.json").write_text('{"THIRD": "zwölf = 12"}')
    (tmp_path / "README").write_text("not a secret")

    assert replica.secrets(tmp_path) == {"TOKEN": "one", "OTHER": "", "THIRD": "zwölf = 12"}


def test_no_folder_is_no_secrets(replica: Any, tmp_path: Path) -> None:
    assert replica.secrets(tmp_path / "nothing") == {}


@pytest.mark.parametrize(
    "content",
    [
        '{"TOKEN": "planted',
        '["planted"]',
        '{"TOKEN": ["planted"]}',
        '{"": "planted"}',
        '{"A=B": "planted"}',
        '{"TOKEN": "planted\\u0000"}',
    ],
)
def test_a_wrong_file_is_named_and_its_content_is_not(
    content: str, replica: Any, tmp_path: Path
) -> None:
    (tmp_path / "token.json").write_text(content)

    with pytest.raises(replica.SecretError) as caught:
        replica.secrets(tmp_path)

    assert str(tmp_path / "token.json") in str(caught.value)
    assert "planted" not in str(caught.value)
    assert caught.value.__cause__ is None


def test_a_file_that_cannot_be_read_is_named_with_the_reason(replica: Any, tmp_path: Path) -> None:
    (tmp_path / "token.json").mkdir()

    with pytest.raises(replica.SecretError, match=r"token\.json can't be read: Is a directory"):
        replica.secrets(tmp_path)


@pytest.mark.parametrize("closing", [False, True])
def test_answers_close_their_connection_from_a_moment_on(closing: bool, replica: Any) -> None:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": [(b"a", b"b")]})
        await send({"type": "http.response.body", "body": b"hello"})

    sent: list[Any] = []

    async def send(message: Any) -> None:
        sent.append(message)

    gate = replica.Closing(app)
    gate.closing = closing
    asyncio.run(gate({"type": "http"}, None, send))

    assert ((b"connection", b"close") in sent[0]["headers"]) is closing
    assert (b"a", b"b") in sent[0]["headers"]
    assert sent[1]["body"] == b"hello"
