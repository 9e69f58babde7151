"""The model: is there one, and does it say what it is and where it came from?"""

from __future__ import annotations

import re

from mldeploy.check.folder import CHAMPION, Folder
from mldeploy.check.items import Item, Seen, failed, named, not_applicable, passed

CARD = "MODEL_CARD.md"
PICKLES = (".pkl", ".pickle", ".joblib")
NO_CHAMPION = not_applicable("there is no champion yet")


def items() -> list[Item]:
    return [
        Item("champion", "model", "All the rest is for it.", _champion),
        Item("model-card", "model", "Who meets the model later must learn what it is for, how good "
             "it is, and where it fails.", _card),
        Item("committed-code", "model", "A model from uncommitted code can't be made again.",
             _committed_code),
        Item("no-pickle", "model", "Loading a pickle runs whatever code is in it.", _no_pickle),
    ]  # fmt: skip


def _champion(folder: Folder) -> Seen:
    if folder.champion is not None:
        version, run_id = folder.champion.get("version"), str(folder.champion.get("run_id"))
        return passed(f"version {version}, run {run_id[:8]}")
    if not folder.serves:
        return not_applicable(f"there is no {CHAMPION}")
    return failed("no model was promoted yet", "make train")


def _card(folder: Folder) -> Seen:
    if folder.champion is None:
        return NO_CHAMPION
    if not folder.has(CARD):
        return failed(f"there is no {CARD}", "make promote     (it writes the champion's again)")
    text = folder.text(CARD)
    version, run_id = folder.champion.get("version"), str(folder.champion.get("run_id"))
    if run_id[:8] in text and re.search(rf"\bversion\W{{1,4}}{version}\b", text, re.IGNORECASE):
        return passed(f"{CARD} is of version {version}")
    return failed(
        f"{CARD} is of another model than version {version}, run {run_id[:8]}",
        f"rm {CARD} && make promote     (it writes the champion's again)",
    )


def _committed_code(folder: Folder) -> Seen:
    if folder.champion is None:
        return NO_CHAMPION
    if folder.champion.get("git_dirty") is False and folder.champion.get("git_commit"):
        return passed(f"from commit {str(folder.champion['git_commit'])[:7]}")
    return failed(
        "the champion was trained with changes that nobody had committed",
        "git add --all && git commit, then: make train",
    )


def _no_pickle(folder: Folder) -> Seen:
    if folder.champion is None:
        return NO_CHAMPION
    files = (folder.root / CHAMPION).rglob("*")
    found = sorted(p.relative_to(folder.root).as_posix() for p in files if p.suffix in PICKLES)
    if not found:
        return passed("the model's files run no code")
    return failed(
        f"pickles: {named(found)}", "store the model as skops or ONNX, and delete the pickle"
    )
