"""mldeploy.toml for what was imported: valid, complete, and behind what is there already."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import settings as settled
from hypothesis import strategies as st

from mldeploy import config
from mldeploy.floyd import settings
from mldeploy.floyd.asked import MACHINES, Asked, Input, Machine
from mldeploy.floyd.translate import Choices, Translated, translate
from mldeploy.jobs.spec import is_name

EXISTING = """\
# mine
[project]
name = "mine"   # as it was
service = "a.service:A"
model = "a@champion"

[targets.local]
kind = "process"
"""


def made(name: str = "train", command: str = "python train.py", **asked: object) -> Translated:
    wanted = Asked(command=command, **asked)  # type: ignore[arg-type]
    return translate(name, wanted, Choices(), "floyd.yml")


def read(text: str) -> config.Config:
    return config.parse(tomllib.loads(text), text, Path("mldeploy.toml"))


def test_a_new_file_is_valid_and_has_just_the_tasks_that_were_made() -> None:
    serve = translate("serve", Asked(mode="serve"), Choices(), "floyd.yml")

    found = read(settings.new("digits", [made(), serve, made("test", machine="gpu")]))

    assert found.project.name == "digits"
    assert not found.project.serves
    assert {name: target.kind for name, target in found.targets.items()} == {
        "docker": "docker",
        "local": "process",
    }
    assert list(found.jobs) == ["train", "test"]
    assert found.jobs["train"] == made().task


@pytest.mark.parametrize("machine", MACHINES)
def test_the_blocks_of_rented_machines_are_valid_once_their_marks_are_taken_away(
    machine: Machine,
) -> None:
    text = settings.new("digits", [made(machine=machine), made("other")])
    lines = [
        line.removeprefix("# ") if line.startswith(("# [", "# kind", "# machine_type =", "# ttl",
                                                    "# max_price")) else line
        for line in text.splitlines()
    ]  # fmt: skip

    targets = read("\n".join(lines)).targets

    assert list(targets) == ["docker", "local", "aws", "paperspace"]
    for kind in ("aws", "paperspace"):
        target = targets[kind]
        assert isinstance(target, config.RentedTarget)
        assert target.machine_type in text
        assert target.max_price is not None
        assert 0 < target.max_price < 3


@settled(max_examples=50, deadline=None)
@given(command=st.text(min_size=1), message=st.text())
def test_any_text_comes_back_from_the_table_as_it_was(command: str, message: str) -> None:
    if not command.strip():
        return
    translated = made(command=command, description=message or None)

    found = read(settings.new("digits", [translated])).jobs["train"]

    assert (found.command, found.message) == (command, message)


def test_what_is_there_keeps_every_sign_and_the_tables_come_behind_it() -> None:
    text, added, kept = settings.extended(EXISTING, [made()])

    assert text.startswith(EXISTING)
    assert (added, kept) == (["train"], [])
    assert read(text).jobs["train"] == made().task
    assert settings.extended(text, [made()]) == (text, [], [])


def test_a_file_without_a_last_line_break_or_with_those_of_windows_is_extended() -> None:
    assert read(settings.extended(EXISTING.rstrip("\n"), [made()])[0]).jobs
    windows = settings.extended(EXISTING.replace("\n", "\r\n"), [made()])[0]
    assert windows.count("\n") == windows.count("\r\n")
    assert read(windows).jobs


def test_a_table_that_a_person_has_filled_in_is_the_same_table_and_another_is_named() -> None:
    question = made(input=(Input("foo/datasets/x/1", "x"),))
    text, _, _ = settings.extended(EXISTING, [question])
    filled = text.replace("?foo/datasets/x/1:", "./x:").replace(
        "\nfloyd = true", '\non = "local"\nfloyd = true'
    )

    assert settings.extended(filled, [question]) == (filled, [], [])
    other = filled.replace("train.py", "other.py")
    assert settings.extended(other, [question]) == (other, [], ["train"])


def test_an_entry_to_fill_in_says_so_above_it() -> None:
    question = made(input=(Input("foo/datasets/x/1", "x"),))

    assert "write where it is now" in settings.table(question)
    assert "write where it is now" not in settings.table(made())


@pytest.mark.parametrize(
    ("wished", "name"),
    [("Quick Start", "quick-start"), ("a.b_c", "a.b_c"), ("-x-", "x"), ("日本", "imported")],
)
def test_a_project_gets_the_nearest_name_that_it_may_have(wished: str, name: str) -> None:
    assert settings.project_name(wished) == name


@settled(max_examples=50, deadline=None)
@given(wished=st.text())
def test_any_task_gets_a_name_that_a_table_may_have(wished: str) -> None:
    assert is_name(settings.task_name(wished))
