"""Projects with an own table: the made-up one for each kind of answer, and a messy one."""

from __future__ import annotations

import csv
import io
import json
import random
import re
import subprocess
from datetime import date, timedelta
from pathlib import Path

import pytest

from tests.conftest import MLDEPLOY

from .conftest import ROOT, Render, git
from .projects import installed, on_a_free_port, run, succeed

pytestmark = [pytest.mark.slow, pytest.mark.network, pytest.mark.timeout(900)]

PLANTED = {"price": "Preis (€)", "copy": "Preis in Tsd.", "future": "Verkauft am"}


def houses(rows: int = 900, *, leaking: bool) -> bytes:
    """German houses as an office program exports them: nothing is as Python would like it."""
    draw = random.Random(3)  # noqa: S311 - a made-up table, no secret
    out = io.StringIO()
    out.write("Export vom 03.05.2024;;\r\n")
    writer = csv.writer(out, delimiter=";", lineterminator="\r\n")
    headers = ["Nr.", "Straße", "Wohnfläche (m²)", "Zimmer", "Baujahr", "Zustand", "Keller"]
    headers += ["Angeboten am", "Verkauft am", "PLZ", "Preis (€)", "Bemerkung"]
    writer.writerow([*headers, *[PLANTED["copy"]] * leaking, ""])
    towns = {"01067": 1.0, "10115": 1.6, "20095": 1.7, "80331": 2.4}
    for row in range(rows):
        size = draw.uniform(40, 240)
        town, state = draw.choice(list(towns)), draw.choice(["neu", "gut", "GUT ", "alt"])
        worth = {"neu": 1.3, "gut": 1.0, "alt": 0.8}[state.strip().lower()]
        price = size * 2600 * towns[town] * worth * draw.lognormvariate(0, 0.12)
        offered = date(2021, 1, 1) + timedelta(days=row)
        cells = [
            row + 1,
            f"Gäßchen {draw.randint(1, 99)}",
            _german(size, 1) if draw.random() > 0.05 else "k.A.",
            max(1, round(size / 28 + draw.gauss(0, 0.7))) if draw.random() > 0.03 else "-",
            draw.randint(1890, 2020),
            state,
            draw.choice(["ja", "nein"]),
            f"{offered:%d.%m.%Y}",
            f"{offered + timedelta(days=draw.randint(10, 200)):%d.%m.%Y}",
            town,
            _german(price, 2) if draw.random() > 0.02 else "",
            draw.choice(["", 'mit Blick; "Elbe"', "erste Zeile\nzweite"]),
        ]
        writer.writerow([*cells, *[_german(price / 1000, 3)] * leaking, ""])
    return out.getvalue().encode("cp1252")


def _german(value: float, digits: int) -> str:
    return f"{value:,.{digits}f}".translate(str.maketrans(",.", ".,"))


def new(folder: Path, *words: str) -> Path:
    done = subprocess.run(
        [MLDEPLOY, "new", folder, *words, "--defaults", "--template", ROOT, "--ref", "HEAD"],
        cwd=folder.parent,
        capture_output=True,
        text=True,
        timeout=600,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return folder


def program(project: Path) -> str:
    return str(project / ".venv/bin" / project.name)


@pytest.mark.parametrize(
    ("task", "target"),
    [("binary", "Sold within a week"), ("classes", "Kind"), ("regression", "Price (€)")],
)
def test_a_project_works_before_there_is_a_table_of_ones_own(
    render: Render, tmp_path: Path, task: str, target: str
) -> None:
    """Checks, training, serving and a prediction, untouched; and inspect would change nothing."""
    answers = {"project_name": "Bicycles", "data_source": "csv", "task": task}
    project = installed(render(tmp_path / "bicycles", **answers))
    for command in (["ruff", "format", "--check", "."], ["ruff", "check", "."], ["mypy"]):
        succeed(project, f".venv/bin/{command[0]}", *command[1:])
    if task != "binary":  # its tests are run below, on a table of somebody's own
        succeed(project, ".venv/bin/pytest", "-q")
    succeed(project, program(project), "inspect", "--target", target, "--write")
    assert git(project, "status", "--porcelain") == ""
    assert "first champion" in succeed(project, program(project), "train")
    assert git(project, "diff", "--name-only") == ""
    made = git(project, "ls-files", "--others", "--exclude-standard").splitlines()
    assert not [name for name in made if name.startswith("data/") or name.endswith(".csv")]
    _serve(project)


def _serve(project: Path) -> None:
    on_a_free_port(project)
    try:
        for verb in ("up", "predict"):
            done = run(project, str(MLDEPLOY), verb, "--json")
            assert done.returncode == 0, done.stdout + done.stderr
        assert json.loads(done.stdout.splitlines()[-1])
    finally:
        succeed(project, str(MLDEPLOY), "down", "--yes")


@pytest.fixture(scope="module")
def messy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project made of a messy table in which the answer stands twice."""
    folder = tmp_path_factory.mktemp("messy")
    table = folder / "häuser.csv"
    table.write_bytes(houses(leaking=True))
    project = new(folder / "houses", "--csv", table.name, "--target", PLANTED["price"])
    table.unlink()  # the project has its own copy
    return project


def test_a_messy_table_becomes_a_committed_project(messy: Path) -> None:
    assert git(messy, "status", "--porcelain") == ""
    assert git(messy, "rev-list", "--count", "HEAD") == "1"
    assert not [name for name in git(messy, "ls-files").splitlines() if name.endswith(".csv")]
    rows = (messy / "src/houses/data/rows.py").read_text(encoding="utf-8")
    assert '"Wohnfläche (m²)": "wohnflache_m2",' in rows
    assert 'GROUP: str | None = "strasse"' in rows
    assert 'TIME: str | None = "angeboten_am"' in rows
    assert "Verkauft am: after Angeboten am in 100% of the rows" in rows
    params = (messy / "params.toml").read_text(encoding="utf-8")
    assert 'encoding = "cp1252"' in params
    assert 'decimal = ","' in params
    assert "task: regression" in (messy / ".copier-answers.yml").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    "command",
    [["ruff", "format", "--check", "."], ["ruff", "check", "."], ["mypy"], ["pytest", "-q"]],
    ids=" ".join,
)
def test_it_passes_its_own_checks(messy: Path, command: list[str]) -> None:
    succeed(messy, f".venv/bin/{command[0]}", *command[1:])


def test_planted_leaks_are_named_and_without_them_it_is_promoted(messy: Path) -> None:
    done = run(messy, program(messy), "train")
    assert done.returncode != 0
    assert re.search(r"preis_in_tsd \(r2 0\.99\d\) alone nearly gives the answer", done.stdout)
    assert "verkauft_am (100% of the rows) lies after the time of the row" in done.stdout

    without = ["--target", PLANTED["price"], "--without", PLANTED["copy"], "--write"]
    succeed(messy, program(messy), "inspect", *without)
    git(messy, "commit", "-qam", "Leave out the price in thousands")
    assert "first champion" in succeed(messy, program(messy), "train")


def small(*, numbers: bool) -> str:
    """A table with neither group nor time nor label, and with one number or none."""
    draw = random.Random(5)  # noqa: S311 - a made-up table, no secret
    lines = ["weight,one,two,three,sold" if numbers else "zero,one,two,three,sold"]
    for _ in range(1200):
        weight, *words = draw.uniform(0, 50), *(draw.choice("abcdefgh") * 2 for _ in range(4))
        score = (weight / 50 if numbers else "abcdefgh".index(words[0][0]) / 7) + (words[1] == "aa")
        sold = "yes" if score + draw.gauss(0, 0.2) > 0.6 else "no"
        lines.append(",".join([f"{weight:.1f}" if numbers else words[0], *words[1:], sold]))
    return "\n".join(lines) + "\n"


def test_a_table_of_few_columns_passes_its_own_tests(tmp_path: Path) -> None:
    (tmp_path / "one.csv").write_text(small(numbers=True))
    (tmp_path / "none.csv").write_text(small(numbers=False))
    project = new(tmp_path / "few", "--csv", "one.csv", "--target", "sold")
    succeed(project, ".venv/bin/pytest", "-q")
    words = ["inspect", str(tmp_path / "none.csv"), "--target", "sold", "--write"]
    succeed(project, program(project), *words)
    succeed(project, ".venv/bin/pytest", "-q")
    assert "first champion" in succeed(project, program(project), "train")


def test_a_moved_project_without_its_table_says_what_is_missing(messy: Path) -> None:
    [table] = (messy / "data/source").glob("*.csv")
    table.rename(messy / "elsewhere.csv")
    try:
        done = run(messy, program(messy), "collect")
    finally:
        (messy / "elsewhere.csv").rename(table)
    assert done.returncode == 1
    assert f"{table.name} is not here" in done.stderr
    assert f"Copy it to {table}" in done.stderr


def test_a_table_that_the_project_refuses_leaves_a_project_and_the_way_on(tmp_path: Path) -> None:
    (tmp_path / "same.csv").write_text("size,price\n" + "1.5,5\n2.5,5\n" * 40)
    words = ["new", "same", "--csv", "same.csv", "--target", "price", "--defaults", "--json"]
    done = subprocess.run(
        [MLDEPLOY, *words], cwd=tmp_path, capture_output=True, text=True, timeout=600
    )
    assert done.returncode == 1
    error = json.loads(done.stdout.splitlines()[-1])["error"]
    assert "price cannot be learned: it never changes" in error["why"]
    assert "not done: inspect, commit" in error["why"]
    assert "inspect" in error["do"]
    assert (tmp_path / "same/.venv").is_dir()
