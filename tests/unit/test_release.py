"""The identity of a release and its record."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mldeploy import release
from mldeploy.release import Release, digest_of, main_metric, name_of

ONE = Release(
    name="v3-a1b2c3d-4f2a9c",
    service="a.service:A",
    model="a",
    model_version="3",
    run_id="f" * 32,
    commit="a1b2c3d" + "0" * 33,
    dirty=False,
    digest="4f2a9c",
    environment="abc",
    created_at="2026-01-01T00:00:00+00:00",
    created_by="me",
    metrics={"roc_auc": 0.9},
)


def test_a_name_says_model_code_and_content() -> None:
    assert name_of("3", "a1b2c3d" + "0" * 33, "4f2a9c" + "e" * 58) == "v3-a1b2c3d-4f2a9c"
    assert name_of("3", None, "4f2a9c" + "e" * 58) == "v3-nogit-4f2a9c"


@given(st.dictionaries(st.text(max_size=5), st.binary(max_size=9)), st.randoms())
def test_a_digest_does_not_depend_on_the_order_of_the_parts(parts, random) -> None:  # type: ignore[no-untyped-def]
    shuffled = list(parts.items())
    random.shuffle(shuffled)

    assert digest_of(dict(shuffled)) == digest_of(parts)


def test_a_digest_knows_where_one_part_ends() -> None:
    assert digest_of({"a": b"bc", "d": b""}) != digest_of({"a": b"b", "d": b"c"})
    assert digest_of({"a": b"x"}) != digest_of({"b": b"x"})


def test_a_record_survives_the_disk(tmp_path: Path) -> None:
    release.save(ONE, tmp_path)

    assert release.load(tmp_path) == ONE


def test_a_record_cut_short_is_not_a_release(tmp_path: Path) -> None:
    release.save(ONE, tmp_path)
    path = tmp_path / release.RECORD
    path.write_text(path.read_text()[:40])

    with pytest.raises(ValueError, match=r"delimiter|Expecting|Unterminated"):
        release.load(tmp_path)


def test_the_main_metric_is_the_one_a_person_asks_for() -> None:
    assert main_metric({"brier": 0.1, "roc_auc": 0.9}) == ("roc_auc", 0.9)
    assert main_metric({"zeta": 1.0, "beta": 2.0}) == ("beta", 2.0)
    assert main_metric({}) is None
    assert replace(ONE, metrics={}).metrics == {}
