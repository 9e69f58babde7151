import gzip
from collections import Counter
from pathlib import Path

import pandas as pd
import pytest

from package_size.data import reading
from package_size.data.formats import Format, recognise
from package_size.errors import ProjectError


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "table.csv"


def read(path: Path, content: bytes, **given: str) -> pd.DataFrame:
    path.write_bytes(content)
    return reading.sample(path, recognise(path, **given)).frame


@pytest.mark.parametrize("separator", [",", ";", "\t", "|"])
def test_the_separator_is_found(path: Path, separator: str) -> None:
    cells = [["a", "b", "c"], ["1", "x y", "2"], ["3", "z", "4"]]
    frame = read(path, "\n".join(separator.join(row) for row in cells).encode())
    assert frame.to_numpy().tolist() == cells[1:]


def test_a_quoted_cell_may_hold_separators_and_line_ends(path: Path) -> None:
    frame = read(path, b'a,b\n1,"x, ""y""\nand z"\n2,plain\n')
    assert frame["b"].tolist() == ['x, "y"\nand z', "plain"]


def test_rows_with_too_few_or_too_many_cells_are_counted_and_kept(path: Path) -> None:
    path.write_bytes(b"a,b,c\n1,2,3\n4,5\n6,7,8,9\n\n,,\n10,11,12\n")
    sample = reading.sample(path, Format("utf-8"))
    assert sample.frame["c"].tolist() == ["3", "", "8", "12"]
    assert (sample.rows, sample.ragged) == (4, 2)


def test_a_separator_at_the_end_of_each_row_is_no_fault(path: Path) -> None:
    path.write_bytes(b"a;b\n1;2;\n3;4;\n5;6;\n")
    sample = reading.sample(path, recognise(path))
    assert sample.frame.to_numpy().tolist() == [["1", "2"], ["3", "4"], ["5", "6"]]
    assert sample.ragged == 0


def test_lines_above_the_header_are_passed_over(path: Path) -> None:
    frame = read(path, b"Sales of 2024\n\na;b;c\n" + b"1;2;3\n" * 5)
    assert list(frame.columns) == ["a", "b", "c"]


def test_without_a_header_columns_are_called_by_their_place(path: Path) -> None:
    frame = read(path, b"1.5,red\n2.5,blue\n3.5,red\n")
    assert list(frame.columns) == ["column 1", "column 2"]
    assert len(frame) == 3


def test_years_may_be_names_of_columns(path: Path) -> None:
    frame = read(path, b"city,2019,2020\nBonn,1,2\nKiel,3,4\n")
    assert list(frame.columns) == ["city", "2019", "2020"]


def test_headers_that_are_the_same_or_missing_are_told_apart(path: Path) -> None:
    frame = read(path, b"a,a,,b\nx,y,z,1\nx,y,z,2\n")
    assert list(frame.columns) == ["a", "a (2)", "column 3", "b"]


def test_many_rows_are_looked_at_evenly(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reading, "KEPT", 100)
    monkeypatch.setattr(reading, "PIECE", 64)
    path.write_text("a,b\n" + "".join(f"{number},x\n" for number in range(1000)))
    sample = reading.sample(path, recognise(path))
    assert sample.rows == 1000
    assert sample.frame["a"].astype(int).tolist() == list(range(0, 1000, 16))


def test_pieces_hold_all_rows_in_their_order(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reading, "PIECE", 7)
    path.write_text("a,b\n" + "".join(f"{number},x\n" for number in range(30)))
    pieces = list(reading.pieces(path, Format("utf-8"), Counter()))
    assert [len(piece) for piece in pieces] == [7, 7, 7, 7, 2]
    assert pd.concat(pieces)["a"].astype(int).tolist() == list(range(30))


@pytest.mark.parametrize(
    ("content", "what"),
    [
        (b"", "is empty"),
        (b"\xef\xbb\xbf\r\n\r\n", "is empty"),
        (b"a,b\n", "has a header and no rows"),
        (b"PK\x03\x04 and so on", "an Excel file or a zip"),
        (b'a,b\n1,"' + b"x" * 200_000, "cannot be cut into cells"),
        (gzip.compress(b"a,b\n1,2\n" * 5000)[:-20], "cannot be read"),
        (",".join(f"c{number}" for number in range(2000)).encode() + b"\n1,2\n", "2,000 columns"),
    ],
)
def test_what_cannot_be_read_is_refused_with_the_reason(
    path: Path, content: bytes, what: str
) -> None:
    with pytest.raises(ProjectError, match=what) as error:
        read(path, content)
    assert error.value.why
    assert error.value.do
