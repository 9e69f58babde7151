"""SOURCE:MOUNT, as it is typed after --data."""

from __future__ import annotations

import pytest

from mldeploy.errors import ConfigError
from mldeploy.jobs.mounts import MOST_MOUNTS, parse_mount, parse_mounts
from mldeploy.jobs.spec import Mount


@pytest.mark.parametrize(
    ("text", "source", "at"),
    [
        ("mnist:/input", "mnist", "/input"),
        ("mnist/3:/floyd/input/mnist", "mnist/3", "/floyd/input/mnist"),
        ("mnist:digits", "mnist", "/input/digits"),
        ("./my images:/data", "./my images", "/data"),
        ("/mnt/a:b:/data", "/mnt/a:b", "/data"),
        (".:code-too", ".", "/input/code-too"),
        ("s3://my-bucket/some/where/mnist/2:/input", "s3://my-bucket/some/where/mnist/2", "/input"),
    ],
)
def test_what_is_taken(text: str, source: str, at: str) -> None:
    assert parse_mount(text) == Mount(source, at)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "mnist",
        ":/input",
        "mnist:",
        "Mnist:/input",
        "mnist/0:/input",
        "mnist/1/2:/input",
        "s3://my-bucket/mnist",
        "s3://my-bucket:/input",
        "mnist:/",
        "mnist:a/b",
        "mnist:/a/../b",
        "mnist:..",
        "mnist:/input/",
        "mnist://input",
        "mnist:/in put",
        "mnist:/job/code",
        "mnist:/proc/1",
        "mnist:/etc",
        "mnist:/usr/lib",
        "mnist:/opt/venv/x",
    ],
)
def test_what_is_refused(text: str) -> None:
    with pytest.raises(ConfigError, match="can't be mounted") as caught:
        parse_mount(text)
    assert caught.value.why
    assert "--data" in caught.value.do


def test_several_lie_side_by_side() -> None:
    assert len(parse_mounts(["a:/input/a", "b:/input/ab", "a:c"])) == 3


@pytest.mark.parametrize(
    ("texts", "why"),
    [
        (["a:/input", "b:/input"], "taken by a"),
        (["a:/input", "b:/input/b"], "would lie in /input"),
        (["b:/input/b", "a:/input"], "would lie in /input"),
        ([f"a:{n}" for n in range(MOST_MOUNTS + 1)], "at most"),
    ],
)
def test_none_lies_in_another_and_there_are_not_too_many(texts: list[str], why: str) -> None:
    with pytest.raises(ConfigError) as caught:
        parse_mounts(texts)
    assert why in caught.value.why
