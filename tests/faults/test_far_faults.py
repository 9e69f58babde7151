"""Faults of the line to a host behind SSH, on one of the lab: the cases that take least.

All of them: `python -m tests.faults far`.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.faults import far_cases
from tests.faults.case import Case, prepare
from tests.faults.far_place import FarPlace, far_place_at
from tests.lab.host import Host

pytestmark = [
    pytest.mark.docker,
    pytest.mark.slow,
    pytest.mark.network,
    pytest.mark.timeout(400),
]

IN_CI = [case for case in far_cases.CASES if case.in_ci]


@pytest.fixture(scope="module")
def place(
    trained: Path, tmp_path_factory: pytest.TempPathFactory, lab_host: Host
) -> Iterator[FarPlace]:
    with far_place_at(trained, tmp_path_factory.mktemp("far") / "docs", lab_host) as made:
        yield made


@pytest.mark.parametrize("case", IN_CI, ids=lambda case: case.name)
def test_a_fault_of_a_host_ends_as_promised(place: FarPlace, case: Case) -> None:
    far_cases.unharmed(place)
    prepare(case, place)

    assert case.run(place)
