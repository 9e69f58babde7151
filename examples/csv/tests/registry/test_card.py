"""The model card: written by the run, kept by MLflow, and beside the champion."""

from package_size import train
from package_size.model import persist
from package_size.registry import promote, tracking

from ..conftest import Project, quiet


def test_the_champions_card_is_in_the_project_with_its_pictures(project: Project) -> None:
    card = project.layout.card.read_text(encoding="utf-8")
    about = persist.describe(project.layout.champion)
    assert about is not None
    assert about["run_id"] in card
    for name in ("What it learned from", "How good it is", "Can the score be believed?", "Limits"):
        assert f"## {name}" in card
    pictures = list(project.layout.card_pictures.iterdir())
    assert len(pictures) >= 3
    for picture in pictures:
        assert f"]({picture.relative_to(project.layout.root).as_posix()})" in card


def test_it_tells_every_row_that_was_dropped_and_every_check(project: Project) -> None:
    card = project.layout.card.read_text(encoding="utf-8")
    about = persist.describe(project.layout.champion)
    assert about is not None
    for rule in about["cleaning"]["rules"]:
        assert f"| {rule['rule']} | {rule['dropped']} |" in card
    assert all(finding["sentence"] in card for finding in about["findings"])


def test_the_run_keeps_it_too(project: Project) -> None:
    client = tracking.client(project.layout)
    run_id = str(tracking.versions(client)[0].run_id)
    kept = {each.path for each in client.list_artifacts(run_id, "reports")}
    assert "reports/MODEL_CARD.md" in kept


def test_training_again_gives_the_same_card_but_for_times_and_names(project: Project) -> None:
    first = _without_the_line_that_differs(project.layout.last_card.read_text(encoding="utf-8"))
    train.train(project.data, project.params, project.layout, quiet)
    again = project.layout.last_card.read_text(encoding="utf-8")
    assert _without_the_line_that_differs(again) == first
    # Not promoted, so the champion's card stays what it was.
    promote.promote(None, project.data.holdout, project.params, project.layout)
    assert project.layout.card.read_text(encoding="utf-8").splitlines()[2].startswith("Version 1,")


def _without_the_line_that_differs(card: str) -> list[str]:
    return [line for line in card.splitlines() if not line.startswith("Version ")]
