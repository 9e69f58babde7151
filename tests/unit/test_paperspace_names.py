"""What names at Paperspace say: there are no tags."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime
from decimal import Decimal

import pytest

from mldeploy.prices import Price
from mldeploy.providers.base import Owner
from mldeploy.providers.paperspace import names
from tests.unit.test_user_data import END, ORDER

HOST = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIO7gQ2SqYp7r0hFZbOwm8G8w1bk0P6v7yE5dM8k2H3xA"
ORDERED = replace(ORDER, host_key=HOST, owner=Owner("function-docs", "gpu-box"))
MADE = names.Made(
    id="ps1a2b",
    machine_type="A100-80G",
    place="ny2",
    price=Price(
        Decimal("3.18"), Decimal("0.00958904"), Decimal(0), date(2026, 9, 20), "where it was read"
    ),
    began=datetime(2026, 11, 23, 12, 0, tzinfo=UTC),
    expires_at=END,
    address="192.0.2.7",
)


def source(place: str, machine_type: str) -> str:
    return "where it was read"


@pytest.mark.parametrize("expires_at", [END, None])
@pytest.mark.parametrize(
    "owner",
    [
        Owner("docs", "aws"),
        Owner("function-docs", "gpu-box"),
        Owner("a-p1-g1-0123456789-abcdef", "b-p3-g2-00-abcdef-never"),
        Owner("x.y_z-", "-"),
    ],
)
def test_a_machine_says_whose_it_is_and_when_it_ends(
    owner: Owner, expires_at: datetime | None
) -> None:
    stem = names.stem_of(replace(ORDERED, owner=owner))
    assert names.read_machine(names.machine(stem, expires_at)) == (stem, expires_at)


@pytest.mark.parametrize(
    "name",
    ["", "train-box", "mldeploy-test", "mldeploy-a-b-p9-g1-0123456789-abcdef-never",
     "mldeploy-a-b-p1-g1-0123456789-abcdef-tomorrow"],
)  # fmt: skip
def test_what_is_not_ours_is_not_taken_for_it(name: str) -> None:
    assert names.read_machine(name) is None
    assert names.read_note(name, source) is None


def test_a_note_says_what_the_machine_does_not() -> None:
    note = names.begun(ORDERED)
    assert names.read_note(str(note), source) == note
    assert note.host_key == HOST
    for state in ("made", "ended"):
        after = note.of(state, MADE)
        assert names.read_note(str(after), source) == after


def test_a_name_is_not_longer_than_most_take() -> None:
    long = replace(ORDERED, owner=Owner("a-project-of-some-length", "paperspace-gpu"))
    note = names.begun(long).of("made", MADE)
    assert len(str(note)) <= 255
    assert len(names.machine(note.stem, END)) <= 100


def test_a_damaged_note_is_still_ours() -> None:
    text = str(names.begun(ORDERED).of("made", MADE)).replace("3.18", "dear")
    found = names.read_note(text, source)
    assert found is not None
    assert found.made is None


def test_the_secret_key_is_in_no_name() -> None:
    note = str(names.begun(ORDERED).of("made", MADE))
    assert ORDERED.private_host_key.splitlines()[1] not in note


def test_who_made_it_fits_into_a_name() -> None:
    note = names.begun(replace(ORDERED, made_by="me: myself/I@häuschen"))
    found = names.read_note(str(note), source)
    assert found is not None
    assert found.made_by == "me--myself-I@h-uschen"
