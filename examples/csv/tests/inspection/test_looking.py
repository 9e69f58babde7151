import pandas as pd
import pytest

from package_size.data import values
from package_size.inspection.looking import Column, look, spellings
from package_size.inspection.naming import names_for


def looked_at(cells: list[str], name: str = "a", decimal: str = ".") -> Column:
    texts = pd.Series(cells, dtype="str")
    return look(name, name, texts, values.missing(texts, ["-"]), decimal)


@pytest.mark.parametrize(
    ("cells", "role"),
    [
        ([f"{number / 7:.3f}" for number in range(100)], "number"),
        ([str(number % 12) for number in range(100)], "number"),
        (["red", "green", "blue", "red"] * 25, "category"),
        (["yes", "no", "-", "Yes"] * 25, "yes/no"),
        (["0", "1"] * 50, "yes/no"),
        (["red", "green"] * 50, "category"),
        ([f"2024-01-{1 + number % 28:02}" for number in range(100)], "date"),
        ([f"{1 + number % 28}.{1 + number % 12}.2024 10:30" for number in range(100)], "date"),
        ([f"AB-{number}" for number in range(100)], "identifier"),
        ([f"AB-{number % 100}" for number in range(400)], "identifier"),  # no few stand out
        ([str(number) for number in range(500, 600)], "identifier"),  # runs on without a gap
        ([f"{number * 7919 % 10007:05}" for number in range(100)], "identifier"),  # 01067 and such
        ([f"It was seen in street {number} of the town" for number in range(100)], "free text"),
        (["EUR"] * 100, "constant"),
        (["-", ""] * 50, "empty"),
    ],
)
def test_the_role_of_a_column_is_told_by_its_cells(cells: list[str], role: str) -> None:
    assert looked_at(cells).role == role


def test_cells_of_another_kind_are_counted_with_examples() -> None:
    column = looked_at([str(number * 1.5) for number in range(97)] + ["about 5"] * 2 + ["x"])
    assert column.role == "number"
    assert column.optional
    [note] = column.notes
    assert note.startswith("3 cells are no numbers, for example 'about 5', 'x'")


def test_a_number_far_off_that_stands_for_nothing_is_not_a_limit() -> None:
    column = looked_at([str(number % 50 + 0.5) for number in range(200)] + ["99999"] * 5)
    assert (column.low, column.high) == (0.5, 49.5)
    assert column.optional
    assert "99,999 (5 times) is far off" in column.notes[0]


def test_a_number_far_off_that_may_be_meant_is_told_and_kept() -> None:
    column = looked_at([str(number % 50 + 0.5) for number in range(200)] + ["7000"])
    assert column.high == 7000
    assert "1 far from the rest, for example 7,000" in column.notes[0]


def test_half_numbers_half_words_are_said_to_be_mixed() -> None:
    column = looked_at(["1", "2", "3", "many", "few"] * 20)
    assert column.role == "category"
    assert "60% of the cells are numbers" in column.notes[0]


def test_a_date_that_is_written_in_two_ways_is_read_in_both() -> None:
    days = [f"2024-01-{day:02}" for day in range(1, 29)] + [f"{day}.2.2024" for day in range(1, 29)]
    assert set(looked_at(days).formats) == {values.ISO, "%d.%m.%Y"}


def test_the_most_frequent_spelling_is_the_name_of_a_value() -> None:
    cells = ["City"] * 5 + ["CITY"] * 3 + ["road"] * 4 + ["Road"] * 2
    assert spellings(pd.Series(cells, dtype="str")) == ("City", "road")


def test_a_column_is_optional_if_not_all_of_it_was_looked_at() -> None:
    texts = pd.Series([str(number / 3) for number in range(100)], dtype="str")
    some = look("a", "a", texts, texts == "", ".", complete=False)
    assert some.optional
    assert not looked_at(list(texts)).optional


@pytest.mark.parametrize(
    ("headers", "names"),
    [
        (["Price (€)", "price", "PRICE"], ["price", "price_2", "price_3"]),
        (["Größe", "Été", "Straße"], ["grosse", "ete", "strasse"]),
        (["class", "json", "model_config"], ["the_class", "the_json", "the_model_config"]),
        (["2019", "%", "日本"], ["column_2019", "column_2", "column_3"]),
        (["_a", "a b-c", "x" * 60], ["a", "a_b_c", "x" * 40]),
    ],
)
def test_headers_become_names_of_python(headers: list[str], names: list[str]) -> None:
    made = names_for(headers)
    assert list(made.values()) == names
    assert all(name.isidentifier() for name in names)
