"""The examples still match the template, but for what examples/own.toml says is their own."""

from __future__ import annotations

import sys
import tomllib
from pathlib import Path

import pytest

from .conftest import ROOT, Render

EXAMPLES = ROOT / "examples"
sys.path.insert(0, str(EXAMPLES))
import make  # noqa: E402  (a script, and no package: it is found by the path)

OWN = tomllib.loads((EXAMPLES / "own.toml").read_text(encoding="utf-8"))
NAMES = sorted(OWN)


@pytest.mark.parametrize("name", NAMES)
def test_an_example_matches_the_template(name: str, render: Render) -> None:
    example = EXAMPLES / name
    made = render(**make.answers(example))
    expected, found = (make.files_of(folder, OWN[name]) for folder in (made, example))
    assert found == expected
    again = "bring it up to date: make examples"
    differ = [
        file for file in expected if (made / file).read_bytes() != (example / file).read_bytes()
    ]
    assert not differ, again


@pytest.mark.parametrize("name", NAMES)
def test_what_is_an_examples_own_is_there_and_differs(name: str, render: Render) -> None:
    """An entry that is no longer needed would hide a difference that nobody meant."""
    made = render(**make.answers(EXAMPLES / name))
    for own in OWN[name]:
        path = EXAMPLES / name / own
        assert path.exists(), own
        if path.is_file() and (made / own).is_file():
            assert path.read_bytes() != (made / own).read_bytes(), own


@pytest.mark.parametrize("name", NAMES)
def test_an_example_holds_no_data_models_or_large_files(name: str) -> None:
    files = [path for path in (EXAMPLES / name).rglob("*") if path.is_file()]
    forbidden = {".csv", ".db", ".onnx", ".skops", ".pt", ".lock", ".json", ".pkl"}
    assert not [path for path in files if path.suffix in forbidden]
    assert not [path for path in files if path.stat().st_size > 1_000_000]


@pytest.mark.parametrize("name", NAMES)
def test_the_figures_of_the_readme_are_those_of_the_card(name: str) -> None:
    readme, card = (
        (EXAMPLES / name / file).read_text(encoding="utf-8")
        for file in ("README.md", "MODEL_CARD.md")
    )
    [main] = [line for line in card.splitlines() if " reaches the minimum of " in line]
    value, interval = main.partition(" ")[2].partition(" reaches")[0].split(" ", 1)
    rounded = [f"{float(each):.3f}" for each in (value, *interval.strip("()").split(" to "))]
    assert f"{rounded[0]} ({rounded[1]} to {rounded[2]})" in readme


@pytest.mark.parametrize("name", NAMES)
def test_the_pictures_of_the_card_are_there(name: str) -> None:
    card = (EXAMPLES / name / "MODEL_CARD.md").read_text(encoding="utf-8")
    pictures = [part.partition(")")[0] for part in card.split("](")[1:]]
    assert pictures
    assert all((EXAMPLES / name / picture).is_file() for picture in pictures), pictures


def test_the_table_of_packages_is_read_as_it_is_written() -> None:
    import packages

    text = (
        "Package: zed\nSource: zoo (1.0)\nInstalled-Size: 1000\nSize: 300\nSection: misc\n"
        "Maintainer: A Team <a@example.org>\nDepends: libc6 (>= 2.34), libzed1\n"
        "Description: A small zoo\nTag: role::program,\n use::gameplaying\n\n"
        "Package: empty\nMaintainer: Ada Personal <ada@example.org>\n"
    )
    zed, empty = map(packages.row, packages.stanzas(text))
    assert zed["source"] == "zoo"
    assert (zed["depends"], zed["tags"], zed["role"]) == (2, 2, "program")
    assert (zed["installed_kib"], zed["installed_log10"]) == (1000, "3.0000")
    assert empty["source"] == "empty"
    assert empty["installed_log10"] is empty["tags"] is empty["role"] is None
    assert "Ada" not in str(empty)
    assert set(zed) == set(packages.COLUMNS)


def test_every_example_has_its_page_in_the_docs() -> None:
    page = (ROOT / "docs" / "examples.md").read_text(encoding="utf-8")
    assert all(f"../examples/{name}/README.md" in page for name in NAMES)
    assert {
        path.name for path in EXAMPLES.iterdir() if path.is_dir() and path.name != "__pycache__"
    } == set(NAMES)


def test_the_examples_say_nothing_of_the_machine_they_were_made_on() -> None:
    for path in EXAMPLES.rglob("*"):
        if path.is_file() and path.suffix in {".md", ".toml", ".yml"}:
            text = path.read_text(encoding="utf-8")
            assert str(Path.home()) not in text
            assert "/tmp/" not in text, path  # noqa: S108
