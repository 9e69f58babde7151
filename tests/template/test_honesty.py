"""A table with three planted leaks, the same without them, and one of pure noise."""

from __future__ import annotations

import csv
import random
import subprocess
from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path

import pytest

from tests.conftest import MLDEPLOY

from .projects import run, succeed

pytestmark = [pytest.mark.slow, pytest.mark.network, pytest.mark.timeout(900)]

ROOT = Path(__file__).parents[2]
ROWS = 4000


def orders(seed: int, customers: int) -> Iterator[dict[str, object]]:
    """Orders, and which of them were cancelled. With few customers these decide it: each has habits
    of their own, and an age and a distance that give them away to a model."""
    draw = random.Random(seed)  # noqa: S311
    known = [
        {"age": draw.randint(18, 90), "distance_km": round(draw.uniform(1, 900), 1),
         "habit": draw.gauss(0, 2.5 if customers < ROWS else 0)}
        for _ in range(customers)
    ]  # fmt: skip
    for number in range(ROWS):
        who = number % customers if customers < ROWS else number
        days, items = draw.randint(0, 60), draw.randint(1, 9)
        amount = round(items * draw.uniform(5, 80), 2)
        chance = known[who]["habit"] + 0.05 * days - 1.5 + 0.004 * (amount - 150)
        ordered = date(2024, 1, 1) + timedelta(days=draw.randint(0, 600))
        cancelled = draw.random() < 1 / (1 + 2.718281828**-chance)
        yield {
            "order": f"A-{number:06}", "customer": f"C{who:05}", "ordered_on": ordered,
            "days_to_delivery": days, "items": items, "amount": amount,
            "age": known[who]["age"], "distance_km": known[who]["distance_km"],
            "channel": draw.choice(["web", "shop", "phone"]),
            "cancelled": "yes" if cancelled else "no",
        }  # fmt: skip


def with_leaks(rows: Iterator[dict[str, object]], seed: int) -> Iterator[dict[str, object]]:
    """What a table out of a real system looks like: written down when the story had ended."""
    draw = random.Random(seed)  # noqa: S311
    for row in rows:
        late = timedelta(days=draw.randint(1, 90))
        yield row | {
            "refund": round(float(str(row["amount"])), 2) if row["cancelled"] == "yes" else 0.0,
            "closed_on": date.fromisoformat(str(row["ordered_on"])) + late,
        }


def noise(seed: int) -> Iterator[dict[str, object]]:
    draw = random.Random(seed)  # noqa: S311
    for row in orders(seed, ROWS):
        yield row | {"cancelled": draw.choice(["yes", "no"])}


def write(path: Path, rows: Iterator[dict[str, object]]) -> Path:
    content = list(rows)
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, list(content[0]))
        writer.writeheader()
        writer.writerows(content)
    return path


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Made from the table with the leaks, by `mldeploy new --csv`."""
    folder = tmp_path_factory.mktemp("honesty")
    table = write(folder / "orders.csv", with_leaks(orders(1, 150), 2))
    made = folder / "cancellations"
    command = [str(MLDEPLOY), "new", str(made), "--csv", str(table), "--target", "cancelled"]
    command += ["--defaults", "--template", str(ROOT), "--ref", "HEAD"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=600, check=False)
    assert done.returncode == 0, done.stderr
    return made


def test_all_three_leaks_are_named_and_nothing_is_promoted(project: Path) -> None:
    done = run(project, ".venv/bin/cancellations", "train", PARAMS_SPLIT__BY="rows")
    assert done.returncode == 1, done.stdout
    looks = [line for line in done.stdout.splitlines() if "LOOK" in line]
    assert any("refund" in line and "alone nearly gives the answer" in line for line in looks)
    assert any("groups are on both sides" in line for line in looks), looks
    # This one `inspect` found when the project was made: it is named, and kept from the model.
    assert "closed_on (100% of the rows) lies after the time of the row: it is kept" in done.stdout
    assert "failed its evaluation and is not promoted" in done.stderr
    assert not (project / "MODEL_CARD.md").exists()
    assert "LOOK" in (project / "reports" / "MODEL_CARD.md").read_text(encoding="utf-8")


def test_without_them_the_optimism_is_near_zero(project: Path) -> None:
    table = write(project.parent / "honest.csv", orders(3, ROWS))
    succeed(project, ".venv/bin/cancellations", "inspect", str(table), "--target", "cancelled",
            "--write")  # fmt: skip
    printed = succeed(project, ".venv/bin/cancellations", "train")
    assert "LOOK" not in printed
    said = [line for line in printed.splitlines() if "an optimism of" in line]
    assert said
    for line in said:
        assert abs(float(line.rpartition("an optimism of ")[2])) < 0.03, line


def test_pure_noise_is_not_promoted(project: Path) -> None:
    table = write(project.parent / "noise.csv", noise(4))
    succeed(project, ".venv/bin/cancellations", "inspect", str(table), "--target", "cancelled",
            "--write")  # fmt: skip
    # Also where the minimum asks for nothing: no better than chance is no better.
    done = run(project, ".venv/bin/cancellations", "train", PARAMS_EVALUATION__MINIMUM="0")
    assert done.returncode == 1, done.stdout
    assert "not promoted" in done.stderr
