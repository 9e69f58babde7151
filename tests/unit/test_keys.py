"""Keys are random, fit into one word, and rotate without locking anybody out."""

from __future__ import annotations

import base64
import json
from datetime import UTC, datetime, timedelta

import bcrypt
import pytest

from mldeploy.errors import FailedError
from mldeploy.keys import Key, as_json, from_json, hashed, new_key, rotate

NOW = datetime(2026, 3, 1, 12, 30, tzinfo=UTC)


def test_a_key_is_one_word_that_needs_no_escaping_anywhere() -> None:
    for _ in range(500):
        key = new_key(NOW)
        assert key.key.isalnum()
        assert key.key.startswith("bWxk")
        assert base64.b64decode(key.key) == f"{key.id}:{key.password}".encode()


def test_no_two_keys_are_alike() -> None:
    keys = [new_key(NOW) for _ in range(500)]
    assert len({key.password for key in keys}) == len({key.id for key in keys}) == 500
    assert len({letter for key in keys for letter in key.password}) == 32  # 5 bits a letter
    assert len(keys[0].password) * 5 >= 128


def test_a_key_is_not_shown_by_accident() -> None:
    key = new_key(NOW)
    assert key.key not in repr(key)
    assert key.password not in str(hashed(key))


def test_the_hash_is_of_this_password_and_always_the_same() -> None:
    key, other = new_key(NOW), new_key(NOW)
    found = hashed(key)
    assert found == hashed(key)
    assert found.id == key.id
    assert bcrypt.checkpw(key.password.encode(), found.bcrypt.encode())
    assert not bcrypt.checkpw(other.password.encode(), found.bcrypt.encode())
    assert found.bcrypt[:29] != hashed(other).bcrypt[:29]  # the salts


def test_rotation_leaves_the_last_key_valid_until_the_next_rotation() -> None:
    one, two, three = (new_key(NOW + timedelta(days=day)) for day in range(3))
    assert rotate((), one, at_once=False) == (one,)
    assert rotate((one,), two, at_once=False) == (one, two)
    assert rotate((one, two), three, at_once=False) == (two, three)


def test_rotation_at_once_leaves_only_the_new_key() -> None:
    one, two, three = (new_key(NOW) for _ in range(3))
    assert rotate((one, two), three, at_once=True) == (three,)


def test_keys_come_back_from_json_as_they_were() -> None:
    keys = (new_key(NOW), new_key(NOW + timedelta(seconds=1)))
    text = as_json(keys)
    assert from_json(text, "the volume") == keys
    assert json.loads(text)["keys"][0] == {
        "id": keys[0].id,
        "key": keys[0].key,
        "created_at": "2026-03-01T12:30:00+00:00",
    }
    assert from_json(as_json(()), "the volume") == ()


KEY = new_key(NOW)
GOOD = json.loads(as_json((KEY,)))["keys"][0]


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{",
        "[]",
        "{}",
        '{"keys": 1}',
        '{"keys": [1]}',
        '{"keys": [{}]}',
        *(
            json.dumps({"keys": [GOOD | change]})
            for change in (
                {"id": "mldaaaaa"},
                {"id": 1},
                {"key": None},
                {"key": "###"},
                {"key": KEY.key + "="},
                {"key": base64.b64encode(f"{KEY.id}:x".encode()).decode()},
                {"key": base64.b64encode(b"\xff\xfe\xfd").decode()},
                {"created_at": "yesterday"},
                {"created_at": "2026-03-01T12:30:00"},
            )
        ),
        json.dumps({"keys": [GOOD, GOOD]}),
    ],
    ids=lambda _: "",  # the key is another one in each process
)
def test_a_damaged_file_is_told_in_three_parts_and_never_quoted(text: str) -> None:
    with pytest.raises(FailedError) as caught:
        from_json(text, "the volume a-b-edge")
    error = caught.value
    assert error.code == "keys-damaged"
    assert "the volume a-b-edge" in error.what
    assert "mldeploy keys rotate" in error.do
    assert KEY.key not in str(error.as_dict())


def test_what_a_key_is_made_of_is_checked_when_it_is_read() -> None:
    """A key made by hand could hold what would end the edge's pattern of known ids."""
    odd = Key("mld.*", base64.b64encode(b"mld.*:aaaaaaaaa").decode(), NOW)
    with pytest.raises(FailedError):
        from_json(as_json((odd,)), "x")
