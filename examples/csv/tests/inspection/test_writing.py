import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from package_size.data import example
from package_size.data.formats import recognise
from package_size.data.reading import Sample, sample
from package_size.inspection import literals, writing
from package_size.inspection.inspecting import Wanted, inspect


@pytest.fixture(scope="module")
def rows(tmp_path_factory: pytest.TempPathFactory) -> Sample:
    """The rows of the example."""
    path = tmp_path_factory.mktemp("example") / "example.csv"
    path.write_text(example.table(), encoding="utf-8", newline="")
    return sample(path, recognise(path))


TARGETS = ["Sold within a week", "Kind", "Price (€)"]


def code_for(rows: Sample, target: str) -> str:
    return writing.code(inspect(rows, ";", Wanted(target)).proposal)


@pytest.mark.parametrize("target", TARGETS)
def test_the_code_is_valid_and_its_names_fit_together(rows: Sample, target: str) -> None:
    module: dict[str, Any] = {"__name__": "rows"}
    exec(code_for(rows, target), module)  # noqa: S102 - it is our own code that is tested
    fields = set(module["Row"].model_fields)
    assert module["COLUMNS"][target] == module["TARGET"]
    assert set(module["NUMBERS"]) | set(module["CATEGORIES"]) == fields
    assert set(module["SLICES"]) <= fields
    assert {module["GROUP"], module["TIME"], module["LABEL"]} == {"seller", "listed_on", "ad_no"}
    assert "reserved_on" in module["ASIDE"]
    assert "last_service_days" in fields
    assert not fields & {"reserved_on", "reserved_on_days", module["TARGET"]}


@pytest.mark.parametrize("target", TARGETS)
def test_the_code_needs_no_formatting(rows: Sample, target: str, tmp_path: Path) -> None:
    path = tmp_path / "rows.py"
    path.write_text(code_for(rows, target), encoding="utf-8")
    command = [sys.executable, "-m", "ruff", "format", "--check", "--line-length", "100", str(path)]
    subprocess.run(command, check=True, capture_output=True)


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("plain", '"plain"'),
        ("it's", '"it\'s"'),
        ('19" wheel', "'19\" wheel'"),
        ("both ' and \"", '"both \' and \\""'),
        ("back\\slash", '"back\\\\slash"'),
        ("tab\t", '"tab\\t"'),
        ("Größe", '"Größe"'),
    ],
)
def test_a_text_is_quoted_as_ruff_would(text: str, code: str) -> None:
    assert literals.quoted(text) == code
    assert eval(code) == text  # noqa: S307


@pytest.mark.parametrize(
    ("value", "rounded"), [(3400, 5000), (5000, 5000), (5001, 10_000), (0.3, 0.5), (0, 1), (-3, 1)]
)
def test_a_limit_is_a_round_number_that_is_not_smaller(value: float, rounded: float) -> None:
    assert literals.round_up(value) == rounded


def test_a_long_list_is_a_line_for_each() -> None:
    listed = literals.listed(["x" * 40, "y" * 40, "z" * 40], "A = ")
    assert listed == f'(\n    "{"x" * 40}",\n    "{"y" * 40}",\n    "{"z" * 40}",\n)'
    assert literals.listed(["a"]) == '("a",)'
    assert literals.mapping("A", {}) == "A = {}\n"
