import random
from typing import Any

import pandas as pd
import pytest

from package_size.data import example
from package_size.data.reading import Sample
from package_size.errors import ProjectError
from package_size.inspection.inspecting import Found, Wanted, inspect


def table(rows: int = 200) -> dict[str, list[str]]:
    draw = random.Random(1)  # noqa: S311
    days = [f"2024-{1 + row // 28 % 12:02}-{1 + row % 28:02}" for row in range(rows)]
    return {
        "Order": [f"O-{row}" for row in range(rows)],
        "Customer id": [f"C{draw.randrange(40)}" for _ in range(rows)],
        "Ordered on": days,
        "Born": [f"19{60 + row % 40}-05-01" for row in range(rows)],
        "Paid on": [f"2026-01-{1 + row % 28:02}" for row in range(rows)],
        "Size": [f"{draw.uniform(1, 9):.2f}" for _ in range(rows)],
        "Colour": [draw.choice(["red", "green", "blue"]) for _ in range(rows)],
        "Shop": ["north"] * rows,
        "Kept": [draw.choice(["yes", "no"]) for _ in range(rows)],
        "Stars": [str(draw.randint(1, 5)) for _ in range(rows)],
        "Price": [f"{draw.uniform(10, 90):.2f}" for _ in range(rows)],
    }


def found(columns: dict[str, list[str]], target: str, **wanted: Any) -> Found:
    frame = pd.DataFrame(columns, dtype="str")
    return inspect(Sample(frame, len(frame), 0), ",", Wanted(target, **wanted))


@pytest.mark.parametrize(
    ("target", "task", "answers"),
    [
        ("Kept", "binary", ("yes",)),
        ("Colour", "classes", ("blue", "green", "red")),
        ("Stars", "classes", ("1", "2", "3", "4", "5")),
        ("price", "regression", ()),
    ],
)
def test_the_task_is_told_by_the_answer(target: str, task: str, answers: tuple[str, ...]) -> None:
    proposal = found(table(), target).proposal
    assert proposal.task == task
    assert proposal.answers == answers


def test_the_task_can_be_said() -> None:
    assert found(table(), "Stars", task="regression").proposal.task == "regression"
    assert found(table(), "Stars", task="binary", yes="5").proposal.answers == ("5",)


def test_without_a_word_for_yes_it_is_the_rarer_value() -> None:
    columns = table() | {"Kept": ["left", "stayed", "stayed", "stayed"] * 50}
    assert found(columns, "Kept").proposal.answers == ("left",)


def test_group_time_and_label_are_found() -> None:
    proposal = found(table(), "Price").proposal
    about = [proposal.group, proposal.time, proposal.label]
    assert [column and column.header for column in about] == ["Customer id", "Ordered on", "Order"]


def test_group_and_time_can_be_said_or_be_none() -> None:
    proposal = found(table(), "Price", group="Colour", time="none").proposal
    assert proposal.group is not None
    assert proposal.group.header == "Colour"
    assert proposal.time is None


def test_a_date_after_the_time_of_the_row_is_left_out_and_named() -> None:
    proposal = found(table(), "Price").proposal
    assert [column.header for column in proposal.days] == ["Born"]
    assert [column.header for column in proposal.aside] == ["Born", "Paid on"]
    reasons = {column.header: why for column, why in proposal.left_out}
    assert reasons["Paid on"] == "after Ordered on in 100% of the rows: not known yet by then"
    assert reasons["Shop"] == "always the same"


def test_a_column_can_be_left_out() -> None:
    proposal = found(table(), "Price", without=("size",)).proposal
    assert "Size" not in [column.header for column in proposal.features]
    assert ("Size", "on purpose") in [(column.header, why) for column, why in proposal.left_out]


def test_the_spellings_of_nothing_are_those_that_occur() -> None:
    columns = table()
    columns["Size"][:3] = ["n/a", "-", "N/A"]
    assert found(columns, "Price").missing == ("-", "n/a")


def test_copies_are_counted() -> None:
    columns = {name: cells + cells[:50] for name, cells in table().items()}
    assert found(columns, "Price").copies == pytest.approx(0.2)


@pytest.mark.parametrize(
    ("columns", "target", "what"),
    [
        ({name: cells[:1] for name, cells in table().items()}, "Price", "has 1 row"),
        (table(30), "Price", "has 30 rows"),
        (table(), "Prise", "no column 'Prise'"),
        (table(), "Shop", "it never changes"),
        (table() | {"Shop": [""] * 200}, "Shop", "it never changes"),
        (table() | {"Price": ["1.5", "2.5", *[""] * 198]}, "Price", "mostly missing"),
        (table(), "Order", "cannot be the answer as it is: identifier"),
        (table(), "Ordered on", "cannot be the answer as it is: date"),
        ({"Order": table()["Order"], "Price": table()["Price"]}, "Price", "No column is left"),
        ({"Price": table()["Price"]}, "Price", "No column is left"),
    ],
)
def test_what_cannot_be_learned_is_refused_with_the_reason(
    columns: dict[str, list[str]], target: str, what: str
) -> None:
    with pytest.raises(ProjectError, match=what) as error:
        found(columns, target)
    assert error.value.why
    assert error.value.do


def test_the_nearest_name_is_offered() -> None:
    with pytest.raises(ProjectError) as error:
        found(table(), "Prise")
    assert error.value.do == "Type it as in the table: --target 'Price'"


@pytest.mark.parametrize(
    ("target", "said", "what"),
    [
        ("Price", {"time": "Size"}, "is not a time"),
        ("Colour", {"task": "regression"}, "holds no numbers"),
        ("Colour", {"task": "binary"}, "has 3 values, and yes or no needs two"),
        ("Kept", {"yes": "perhaps"}, "does not occur"),
        ("Price", {"task": "classes"}, "too few rows of each kind"),
    ],
)
def test_what_is_said_and_cannot_be_is_refused(
    target: str, said: dict[str, Any], what: str
) -> None:
    with pytest.raises(ProjectError, match=what):
        found(table(), target, **said)


def test_the_example_is_the_same_every_time() -> None:
    assert example.table() == example.table()
    assert len(example.table().splitlines()) == 1 + example.ROWS + example.COPIES
