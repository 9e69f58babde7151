"""Golden requests: reading them, and comparing answers."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from mldeploy import golden
from mldeploy.errors import FailedError


def write(folder: Path, document: Any) -> Path:
    path = folder / "golden.json"
    path.write_text(document if isinstance(document, str) else json.dumps(document))
    return path


ONE = {"path": "/predict", "body": {"rows": []}, "expect": {"p": 0.5}}


@pytest.mark.parametrize(
    ("expected", "got"),
    [
        ({"p": 0.5}, {"p": 0.5 + 5e-7}),
        ({"a": [1, {"b": "x"}]}, {"a": [1.0, {"b": "x"}]}),
        ([], []),
        (None, None),
        (True, True),
    ],
)
def test_an_answer_within_the_tolerance_is_the_same(expected: Any, got: Any) -> None:
    assert golden.differences(expected, got, 1e-6) == []


@pytest.mark.parametrize(
    ("expected", "got", "place"),
    [
        ({"p": 0.5}, {"p": 0.5001}, "answer.p"),
        ({"p": 0.5}, {"p": float("nan")}, "answer.p"),
        ({"p": 0.5}, {"p": "0.5"}, "answer.p"),
        ({"p": 0.5}, {"q": 0.5}, "answer"),
        ({"p": 0.5}, {"p": 0.5, "q": 1}, "answer"),
        ([1, 2], [1], "answer"),
        ([1, [2]], [1, [3]], "answer[1][0]"),
        (True, 1, "answer"),
        (1, True, "answer"),
        ("a", "b", "answer"),
    ],
)
def test_any_other_answer_is_named_by_its_place(expected: Any, got: Any, place: str) -> None:
    assert [one.place for one in golden.differences(expected, got, 1e-6)] == [place]


def test_a_difference_reads_as_a_sentence() -> None:
    (one,) = golden.differences({"p": 0.5}, {"p": 0.75}, 1e-6)

    assert str(one) == "answer.p: expected 0.5, got 0.75"


def test_requests_are_read_with_a_default_tolerance(tmp_path: Path) -> None:
    read = golden.read(write(tmp_path, {"requests": [ONE]}))

    assert read.requests[0].tolerance == 1e-6
    assert read.requests[0].expect == {"p": 0.5}


def test_missing_requests_say_who_writes_them(tmp_path: Path) -> None:
    with pytest.raises(FailedError) as caught:
        golden.read(tmp_path / "golden.json")

    assert caught.value.code == "no-golden"
    assert "make train" in caught.value.do


@pytest.mark.parametrize(
    "document",
    ["{", "[]", {"requests": []}, {"requests": [{"path": "/x"}]}, {"requests": 3}, {}, "\xff"],
)
def test_a_malformed_file_is_refused(tmp_path: Path, document: Any) -> None:
    with pytest.raises(FailedError) as caught:
        golden.read(write(tmp_path, document))

    assert caught.value.code == "bad-golden"


def test_the_answers_of_another_model_are_refused(tmp_path: Path) -> None:
    path = write(tmp_path, {"run_id": "a" * 32, "requests": [ONE]})

    assert golden.read(path, "a" * 32).requests
    with pytest.raises(FailedError) as caught:
        golden.read(path, "b" * 32)
    assert caught.value.code == "golden-of-another-model"
