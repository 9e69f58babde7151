"""Plans: pure from facts to what will be created, changed, removed and paid."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

from mldeploy.engines.base import Serving
from mldeploy.plan import Facts, Renting, plan, text_of
from mldeploy.prices import Price

COMMIT, OTHER = "a" * 40, "b" * 40
FIRST = Facts(
    target="local",
    kind="process",
    address="127.0.0.1",
    port=3000,
    replicas=1,
    certificate="none",
    url="http://127.0.0.1:3000",
    of_the_world=False,
    opens=(),
    serving=Serving("down"),
    model="docs@champion",
    model_version="1",
    run_id="r" * 32,
    metrics={"roc_auc": 0.756},
    commit=COMMIT,
    dirty=False,
    served_commit=None,
    served_model_version=None,
)


def test_a_first_plan_creates_and_removes_nothing() -> None:
    made = plan(FIRST)

    assert made.removes == ()
    assert made.changes == ()
    assert "commit aaaaaaa" in made.creates[0]
    assert "model version 1 (run rrrrrrrr, roc_auc 0.756)" in made.creates[0]
    assert made.missing == ()


def test_a_later_plan_says_what_changes_and_what_goes() -> None:
    serving = Serving("serving", "v1-x", "http://127.0.0.1:3000", replicas=1)
    made = plan(
        replace(
            FIRST, serving=serving, served_commit=OTHER, served_model_version="1", model_version="2"
        )
    )

    assert made.changes == ("model version 1 → 2", "commit bbbbbbb → commit aaaaaaa")
    assert "v1-x" in made.removes[0]


def test_a_plan_without_a_champion_names_what_is_missing() -> None:
    made = plan(replace(FIRST, model_version=None))

    assert made.missing == ("docs@champion: train first (make train)",)


def test_uncommitted_changes_are_said() -> None:
    assert "uncommitted" in plan(replace(FIRST, dirty=True)).creates[0]


def test_money_is_a_decimal_string() -> None:
    assert plan(FIRST).as_dict()["price_per_hour"] == "0.00"


def test_the_text_names_price_reach_and_lifetime() -> None:
    text = text_of(plan(FIRST))

    assert "$0.00 an hour" in text
    assert "127.0.0.1:3000" in text
    assert "until `mldeploy down`" in text


def test_containers_are_planned_with_their_edge_and_what_opens_it() -> None:
    docker = replace(FIRST, kind="docker", port=8080, replicas=3)
    serving = Serving("serving", "v1-x", "http://127.0.0.1:8080", replicas=3)

    first, later = plan(docker), plan(replace(docker, serving=serving))

    assert any("3 replicas" in one for one in first.creates)
    assert any("127.0.0.1:8080, with an API key" in one for one in first.creates)
    assert not any("Caddy" in one for one in later.creates)
    assert "the replicas of v1-x" in later.removes[0]
    assert "have the API key" in first.reachable_by


def test_who_can_reach_it_is_told_for_every_way_of_opening_it() -> None:
    docker = replace(FIRST, kind="docker", port=8080)
    box = replace(docker, target="box", kind="ssh", address="0.0.0.0", port=443)
    named = replace(box, certificate="domain", url="https://m.example.org")

    assert "this machine only" in plan(FIRST).reachable_by
    assert "this machine that have the API key" in plan(docker).reachable_by
    assert "WITHOUT ENCRYPTION" in plan(replace(docker, address="0.0.0.0")).reachable_by
    assert "https://m.example.org, with a public certificate" in plan(named).reachable_by
    bare = replace(box, certificate="address")
    assert "`predict` verifies" in plan(replace(box, certificate="own")).reachable_by
    assert "`predict` verifies" in plan(bare).reachable_by  # nobody could certify it
    assert "for the bare address" in plan(replace(bare, of_the_world=True)).reachable_by
    assert "mldeploy open box" in plan(replace(box, address="127.0.0.1")).reachable_by
    assert any("ports 80 and 443" in one for one in plan(named).creates)


def test_what_is_opened_on_another_machine_is_told() -> None:
    made = plan(replace(FIRST, target="box", kind="ssh", opens=(80, 443)))

    assert "opens   ports 80, 443 of that machine, and no other" in text_of(made)
    assert made.as_dict()["opens"] == [80, 443]
    assert "opens" not in text_of(plan(FIRST))


RENTING = Renting(
    provider="AWS",
    who="arn:aws:iam::123456789012:user/learner",
    creates=("a machine t3.small",),
    price=Price(
        Decimal("0.0208"), Decimal("0.00219178"), Decimal("0.005"), date(2026, 7, 20), "a list"
    ),
    lifetime=timedelta(hours=4),
    expires_at=None,
)
RENTED = replace(
    FIRST, target="aws", kind="aws", address="0.0.0.0", certificate="address", url="",
    opens=(80, 443), renting=RENTING,
)  # fmt: skip


def test_a_rented_machine_has_three_prices_and_an_end() -> None:
    made = plan(RENTED)
    told, text = made.as_dict(), text_of(made)

    assert made.creates[0] == "a machine t3.small"
    assert told["price_per_hour"] == "0.0280"
    assert told["price_until_end"] == "0.11"
    assert told["price_per_month"] == "20.43"
    assert told["prices_dated"] == "2026-07-20"
    assert "$0.11 until its lifetime ends (machine $0.08, disk $0.01, address $0.02)" in text
    assert "4 h: then it ends itself" in text
    assert "its address is known when it is rented" in text
    assert "your own machine" not in text


def test_one_without_a_lifetime_says_so_loud() -> None:
    text = text_of(plan(replace(RENTED, renting=replace(RENTING, lifetime=None))))

    assert "NONE: it costs until `mldeploy down aws`" in text


def test_a_limit_that_would_refuse_is_in_the_plan() -> None:
    made = plan(replace(RENTED, renting=replace(RENTING, refused="above max_price")))

    assert made.as_dict()["refused"] == "above max_price"
    assert "REFUSED    above max_price" in text_of(made)


def test_a_machine_that_is_there_is_not_made_again() -> None:
    end = datetime(2026, 11, 23, 16, tzinfo=UTC)
    made = plan(replace(RENTED, renting=replace(RENTING, creates=(), expires_at=end)))

    assert not [line for line in made.creates if "t3.small" in line]
    assert made.as_dict()["expires_at"] == end.isoformat()
