import codecs
import gzip
from pathlib import Path

import pandas as pd
import pytest

from package_size.data import reading
from package_size.data.formats import recognise
from package_size.errors import ProjectError

TEXT = "Größe,Ort,Preis\n1.5,Köln,10\n2.5,Zürich,20\n3.5,Besançon,30\n"


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "table.csv"


def read(path: Path, content: bytes, **given: str) -> pd.DataFrame:
    path.write_bytes(content)
    return reading.sample(path, recognise(path, **given)).frame


@pytest.mark.parametrize(
    ("encoding", "mark"),
    [
        ("utf-8", b""),
        ("utf-8", codecs.BOM_UTF8),
        ("utf-16-le", codecs.BOM_UTF16_LE),
        ("utf-16-be", codecs.BOM_UTF16_BE),
        ("utf-16-le", b""),
        ("cp1252", b""),
        ("latin-1", b""),
    ],
)
def test_the_encoding_is_found(path: Path, encoding: str, mark: bytes) -> None:
    frame = read(path, mark + TEXT.encode(encoding))
    assert list(frame.columns) == ["Größe", "Ort", "Preis"]
    assert frame["Ort"].tolist() == ["Köln", "Zürich", "Besançon"]


@pytest.mark.parametrize(
    ("encoding", "text"),
    [
        ("cp1251", "Город;Цена\nМосква;5\nКазань;6\nТула;7\n"),  # noqa: RUF001
        ("cp1250", "Miasto;Cena\nŁódź;1\nGdańsk;2\nWrocław Świętokrzyskie żółć;3\n"),
        ("gb18030", "城市;价格\n北京公司名字;5\n上海公司名字;6\n"),
    ],
)
def test_an_encoding_from_elsewhere_is_found(path: Path, encoding: str, text: str) -> None:
    frame = read(path, (text * 20).encode(encoding))
    assert list(frame.columns) == text.partition("\n")[0].split(";")


def test_a_late_letter_beyond_ascii_is_not_overlooked(path: Path) -> None:
    rows = "".join(f"{number},plain\n" for number in range(100_000))
    frame = read(path, f"number,word\n{rows}1,caf\xe9\n".encode("cp1252"))
    assert frame["word"].iloc[-1] == "café"


def test_nul_bytes_are_left_out(path: Path) -> None:
    assert read(path, b"a,b\n1,x\0\n2,y\n")["b"].tolist() == ["x", "y"]


def test_a_packed_file_is_unpacked(path: Path) -> None:
    assert len(read(path, gzip.compress(TEXT.encode()))) == 3


def test_a_wrong_encoding_is_named_with_the_row(path: Path) -> None:
    with pytest.raises(ProjectError, match="cannot be read as ascii"):
        read(path, TEXT.encode(), encoding="ascii")


def test_an_encoding_that_does_not_exist_is_named(path: Path) -> None:
    with pytest.raises(ProjectError, match="no encoding"):
        read(path, TEXT.encode(), encoding="utf-9")
