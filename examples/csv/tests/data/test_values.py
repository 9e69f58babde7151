import math

import pandas as pd
import pytest

from package_size.data import values


@pytest.mark.parametrize(
    ("text", "decimal", "meant"),
    [
        ("1250.5", ".", 1250.5),
        ("1,250.50", ".", 1250.5),
        ("1,234,567", ".", 1_234_567),
        ("1250,5", ",", 1250.5),
        ("1.250,50 €", ",", 1250.5),
        ("1.250", ",", 1250),
        ("1.250", ".", 1.25),
        ("1'250.5", ".", 1250.5),
        ("1\u202f250,5", ",", 1250.5),
        ("12.50", ",", 12.5),  # can only be a decimal mark, whatever the rest of the table does
        ("$ -3", ".", -3),
        ("\u22123", ".", -3),
        ("35 %", ".", 35),
        ("2e3", ".", 2000),
        (".5", ".", 0.5),
    ],
)
def test_a_number_is_read_as_people_write_it(text: str, decimal: str, meant: float) -> None:
    assert values.number(text, decimal) == meant


@pytest.mark.parametrize(
    "text", ["", "-", "+", ".", "about 15", "1,2,3", "1.2.3", "12-3", "A1", "e3"]
)
@pytest.mark.parametrize("decimal", [".", ","])
def test_what_is_no_number_is_not_made_one(text: str, decimal: str) -> None:
    assert math.isnan(values.number(text, decimal))


@pytest.mark.parametrize(
    ("cells", "separator", "mark"),
    [
        (["1,5", "2,25", "1.000"], ";", ","),
        (["1.5", "2.25", "1,000"], ",", "."),
        (["1.000", "2.000"], ";", ","),  # cannot be told: a semicolon is used where commas are
        (["1", "2"], ",", "."),
    ],
)
def test_the_decimal_mark_is_the_one_that_cells_leave_no_doubt_of(
    cells: list[str], separator: str, mark: str
) -> None:
    assert values.decimal_of(pd.Series(cells, dtype="str"), separator) == mark


def test_dates_of_several_formats_are_one_moment_each() -> None:
    texts = pd.Series(["2024-03-05", "2024-03-05T06:00:00+02:00", "2024", "soon", ""], dtype="str")
    read = values.dates(texts, [values.ISO])
    assert list(read.notna()) == [True, True, False, False, False]
    assert read[1] == pd.Timestamp("2024-03-05 04:00")  # UTC
    assert values.dates(pd.Series(["05.03.2024"]), ["%d.%m.%Y"])[0] == read[0]


def test_missing_is_what_is_said_to_be_missing() -> None:
    texts = pd.Series(["", "N/A", "-", "0", "no"], dtype="str")
    assert list(values.missing(texts, ["n/a", "-"])) == [True, True, True, False, False]


def test_yes_and_no_have_many_words() -> None:
    texts = pd.Series(["Yes", "JA", "0", "non", "perhaps"], dtype="str")
    assert values.flags(texts).tolist()[:4] == [True, True, False, False]
    assert values.flags(texts).isna().tolist() == [False, False, False, False, True]
