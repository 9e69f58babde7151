"""What a laptop keeps of what it rented: whole, private, and not the truth."""

from __future__ import annotations

import stat
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

import pytest

from mldeploy.errors import RefusedError
from mldeploy.providers.base import Account, Owner
from mldeploy.providers.shelf import ORDER, Shelf
from tests.unit.test_user_data import ORDER as AN_ORDER

AT = datetime(2026, 11, 23, tzinfo=UTC)


@pytest.fixture
def shelf(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Shelf:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    return Shelf.of("aws", Account("123456789012", "me", "us-east-1"), Owner("docs", "aws"))


def test_an_order_is_kept_for_nobody_elses_eyes(shelf: Shelf) -> None:
    shelf.write_order(AN_ORDER)

    assert shelf.order() == AN_ORDER
    assert stat.S_IMODE((shelf.folder / ORDER).stat().st_mode) == 0o600
    assert [p.name for p in shelf.folder.iterdir()] == [ORDER]


def test_an_order_that_can_not_be_read_is_none(shelf: Shelf) -> None:
    assert shelf.order() is None
    shelf.write_order(AN_ORDER)
    (shelf.folder / ORDER).write_text('{"owner": ')
    assert shelf.order() is None


def test_accounts_are_kept_apart(shelf: Shelf) -> None:
    shelf.write_order(AN_ORDER)
    other = Shelf.of("aws", Account("999999999999", "me", "us-east-1"), Owner("docs", "aws"))

    assert other.order() is None


def test_keys_are_made_for_one_rental_and_forgotten_with_it(shelf: Shelf) -> None:
    public, host, private = shelf.make_keys("mldeploy docs/aws")
    known = (shelf.login_key.read_text(), public, host)
    again = shelf.make_keys("mldeploy docs/aws")

    assert public.startswith("ssh-ed25519 ")
    assert "PRIVATE KEY" in private
    assert stat.S_IMODE(shelf.login_key.stat().st_mode) == 0o600
    assert private not in "".join(p.read_text() for p in shelf.folder.rglob("*") if p.is_file())
    assert (shelf.login_key.read_text(), *again[:2]) != known
    shelf.forget_order()
    assert not shelf.login_key.exists()


def test_the_journal_says_what_was_about_to_be_done(shelf: Shelf) -> None:
    shelf.intend("ec2:ImportKeyPair", "mldeploy-docs")
    shelf.intend("ec2:RunInstances", "t3.small in us-east-1a")
    with (shelf.folder / "journal.jsonl").open("a") as journal:
        journal.write('{"at": "2026')  # the power went

    assert [one["call"] for one in shelf.journal()] == ["ec2:ImportKeyPair", "ec2:RunInstances"]


def test_the_last_word_on_a_rentals_cost_counts(shelf: Shelf) -> None:
    shelf.add_receipt("one", AT, Decimal("0.11"))
    shelf.add_receipt("two", AT, Decimal("0.50"))
    shelf.add_receipt("one", AT, Decimal("0.03"))
    shelf.add_receipt("old", AT.replace(month=10), Decimal("9.00"))

    assert shelf.costs_in("2026-11") == Decimal("0.53")
    assert shelf.costs_in("2026-11", apart_from="two") == Decimal("0.03")


def test_one_at_a_time(shelf: Shelf) -> None:
    with shelf.lock("up"), pytest.raises(RefusedError, match="already"), shelf.lock("down"):
        pass


def test_a_host_is_known_by_its_rental(shelf: Shelf) -> None:
    shelf.know_host("mldeploy-0123456789", "ssh-ed25519 BBBB a comment")

    assert shelf.known_hosts.read_text() == "mldeploy-0123456789 ssh-ed25519 BBBB\n"


def test_receipts_of_another_rental_stay(shelf: Shelf) -> None:
    shelf.add_receipt("one", AT, Decimal("0.11"))
    shelf.write_order(replace(AN_ORDER, rental="two"))
    shelf.forget_order()

    assert shelf.costs_in("2026-11") == Decimal("0.11")
