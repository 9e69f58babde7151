"""Lifetimes: what mldeploy.toml says, and what the file, the tag and a person read of it."""

from __future__ import annotations

import subprocess
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from mldeploy.errors import ConfigError
from mldeploy.providers import lifetime

NOW = datetime(2026, 11, 23, 12, 0, 0, 123456, tzinfo=UTC)
END = datetime(2026, 11, 23, 16, 0, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("30m", timedelta(minutes=30)),
        ("4h", timedelta(hours=4)),
        ("2d", timedelta(days=2)),
        ("forever", None),
    ],
)
def test_a_duration_is_read(text: str, found: timedelta | None) -> None:
    assert lifetime.parse(text) == found


@pytest.mark.parametrize("text", ["", "4", "0h", "-1h", "4 h", "4w", "h", "1.5h", "for ever"])
def test_what_is_no_duration_is_refused(text: str) -> None:
    with pytest.raises(ConfigError) as refused:
        lifetime.parse(text)
    assert "30m" in refused.value.why


def test_an_end_is_the_same_in_file_and_tag() -> None:
    end = lifetime.end_of(NOW, timedelta(hours=4))

    assert end == END
    assert int(lifetime.in_file(end)) == int(END.timestamp())
    assert lifetime.from_tag(lifetime.as_tag(end)) == end


def test_for_ever_is_a_word() -> None:
    assert lifetime.end_of(NOW, None) is None
    assert lifetime.in_file(None) == lifetime.as_tag(None) == "never"
    assert lifetime.from_tag("never") is None


def test_a_tag_that_somebody_damaged_is_no_end() -> None:
    with pytest.raises(ValueError, match="tomorrow"):
        lifetime.from_tag("tomorrow")


@pytest.mark.parametrize(
    ("time", "said"),
    [
        (timedelta(seconds=40), "40 s"),
        (timedelta(minutes=12, seconds=59), "12 min"),
        (timedelta(hours=3, minutes=20), "3 h 20 min"),
        (timedelta(days=2), "2 d"),
        (timedelta(days=1, minutes=5), "1 d 5 min"),
    ],
)
def test_a_time_in_words(time: timedelta, said: str) -> None:
    assert lifetime.words(time) == said


def test_a_near_end_is_warned_of_with_the_command_that_moves_it() -> None:
    assert lifetime.warning("aws", END, END - timedelta(minutes=16)) == ""
    assert "mldeploy extend aws" in lifetime.warning("aws", END, END - timedelta(minutes=14))
    assert "over" in lifetime.warning("aws", END, END + timedelta(seconds=1))
    assert lifetime.warning("aws", None, END) == ""


@pytest.mark.parametrize(
    ("content", "ends"),
    [
        ("1", True),
        ("99999999999", False),
        ("never", False),
        ("", True),  # of two mistakes the one that costs less
        ("soon", True),
        (None, True),
    ],
)
def test_the_machines_own_program_ends_it_when_its_time_is_over(
    tmp_path: Path, content: str | None, ends: bool
) -> None:
    file, said = tmp_path / "expires", tmp_path / "said"
    if content is not None:
        file.write_text(f"{content}\n")
    (tmp_path / "systemctl").write_text(f'#!/bin/sh\necho "$@" > {said}\n')
    (tmp_path / "systemctl").chmod(0o755)
    program = lifetime.PROGRAM.replace(lifetime.EXPIRES, str(file))
    subprocess.run(
        ["sh", "-c", program],
        env={"PATH": f"{tmp_path}:/usr/bin:/bin"},
        check=True,
        capture_output=True,
        timeout=20,
    )

    assert said.exists() is ends
    assert not ends or said.read_text() == "poweroff\n"
