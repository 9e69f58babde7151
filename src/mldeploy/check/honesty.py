"""Honesty: is the score what it seems, and is a bad model kept out?"""

from __future__ import annotations

from mldeploy.check.folder import Folder
from mldeploy.check.items import Item, Seen, failed, not_applicable, passed

PARAMS = "params.toml"
NO_PARAMS = not_applicable(f"there is no {PARAMS}")


def items() -> list[Item]:
    return [
        Item("leak-checks", "honesty", "A leaked answer gives a wonderful score, and a model that "
             "is worth nothing.", _leak_checks),
        Item("minimum", "honesty", "Without a minimum the first model is served, however bad.",
             _minimum),
        Item("baseline", "honesty", "A score says nothing until a dumb guess stands beside it.",
             _baseline),
    ]  # fmt: skip


def _leak_checks(folder: Folder) -> Seen:
    if not folder.is_from_template or not folder.has(PARAMS):
        return NO_PARAMS
    table = folder.toml(PARAMS).get("honesty")
    if table is None:
        return failed(f"{PARAMS} has no table [honesty]", "mldeploy update")
    if isinstance(table, dict) and table.get("checks") is True:
        return passed("they run in every training")
    return failed("they are switched off", f"{PARAMS}: [honesty] checks = true, then: make train")


def _minimum(folder: Folder) -> Seen:
    if not folder.is_from_template or not folder.has(PARAMS):
        return NO_PARAMS
    table = folder.toml(PARAMS).get("evaluation")
    minimum = table.get("minimum") if isinstance(table, dict) else None
    if isinstance(minimum, (int, float)) and not isinstance(minimum, bool):
        return passed(f"a model below {minimum:g} is not promoted")
    return failed("there is none", f"{PARAMS}: [evaluation] minimum = a number, then: make train")


def _baseline(folder: Folder) -> Seen:
    if folder.champion is None:
        return not_applicable("there is no champion yet")
    baseline, metrics = (folder.champion.get(key) for key in ("baseline", "metrics"))
    if isinstance(baseline, dict) and isinstance(metrics, dict) and baseline.keys() & metrics:
        return passed("the champion's metrics have a dumb guess beside them")
    return failed("the champion was compared with no baseline", "make train")
