"""The promises under load and under faults, on a real engine.

A selection that takes minutes; all cases and the whole load: `python -m tests.faults`.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.faults import malformed, steady_load
from tests.faults.all_cases import CASES
from tests.faults.case import Case, prepare
from tests.faults.place import BOX, Place, place_at
from tests.lab.small_engine import SmallEngine

pytestmark = [
    pytest.mark.docker,
    pytest.mark.slow,
    pytest.mark.network,
    pytest.mark.timeout(600),
]

IN_CI = [case for case in CASES if case.in_ci]


@pytest.fixture(scope="module")
def place(trained: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    with place_at(trained, tmp_path_factory.mktemp("faults") / "docs") as made:
        yield made


@pytest.fixture(scope="module")
def place_of_its_own(
    trained: Path, tmp_path_factory: pytest.TempPathFactory, second_engine: SmallEngine
) -> Iterator[Place]:
    folder = tmp_path_factory.mktemp("own")
    with place_at(trained, folder / "docs", small=second_engine) as made:
        yield made


def test_no_request_fails_while_releases_come_and_go(place: Place) -> None:
    report = steady_load.run(place, ups=6, rate=10)

    assert report.trouble == []
    assert sum(each.sent for each in report.phases) == sum(each.good for each in report.phases)
    assert sum(each.good for each in report.during) > 1000


def test_malformed_requests_cause_no_fault_and_no_restart(place: Place) -> None:
    place.up()

    report = malformed.run(place, number=3000)

    assert report.wrong == []
    assert sum(report.answers.values()) == report.sent == 3000
    assert sum(n for (_, status), n in report.answers.items() if status == 400) > 1000


@pytest.mark.parametrize("case", [c for c in IN_CI if not c.own_engine], ids=lambda c: c.name)
def test_a_fault_ends_as_promised(place: Place, case: Case) -> None:
    prepare(case, place)

    assert case.run(place)


@pytest.mark.parametrize("case", [c for c in IN_CI if c.own_engine], ids=lambda c: c.name)
def test_trouble_of_an_engine_ends_as_promised(place_of_its_own: Place, case: Case) -> None:
    prepare(case, place_of_its_own)

    assert case.run(place_of_its_own)


def test_taking_it_down_after_all_that_leaves_nothing(place: Place) -> None:
    assert place.must("down", BOX)["left"] == []

    assert place.everything() == []
