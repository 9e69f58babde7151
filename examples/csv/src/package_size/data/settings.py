"""The sections of params.toml that belong to this source of data."""

from typing import Literal

from pydantic import Field

from ..section import Section

TASK = "regression"  # the code of this project answers this kind of question


class Collect(Section):
    file: str  # from the project's folder; data/source/example.csv is made up when it is not there
    url: str  # where the file is fetched from when it is not there; "" is nowhere
    encoding: str
    separator: str = Field(min_length=1, max_length=1)
    decimal: Literal[".", ","]
    skip_rows: int = Field(ge=0, le=1000)  # before the header, or before the first row
    header: bool
    missing: tuple[str, ...]  # spellings of "nothing", in small letters


class Clean(Section):
    drop_copies: bool
    most_empty: float = Field(gt=0, le=1)
