"""Why is a version what it is? What its run wrote down: code, data, cleaning, metrics, findings."""

from typing import Any

from ..model import persist
from ..paths import Layout
from . import tracking
from .versions import files_of, find

WRITTEN_DOWN = ("run_id", "created_at", "git_commit", "git_dirty", "lock_sha256", "data_sha256")
FOUND = ("versions", "params", "cleaning", "metrics", "intervals", "baseline", "findings")


def why(version: str | None, layout: Layout) -> dict[str, Any]:
    """Of a version, or of the champion, or, when there is none, of the newest version."""
    client = tracking.client(layout)
    champion = tracking.champion(client)
    found = champion if version is None and champion is not None else find(client, version)
    about = persist.describe(files_of(client, found)) or {}
    return {
        "version": str(found.version),
        "champion": champion is not None and champion.run_id == found.run_id,
        "evaluation": found.tags.get("evaluation", "not finished"),
        "promotion": found.tags.get("promotion", "nobody asked"),
        **{name: about.get(name) for name in (*WRITTEN_DOWN, *FOUND)},
    }


def told(found: dict[str, Any]) -> str:
    """The same for people."""
    mark = ", the champion" if found["champion"] else ""
    changes = " with changes that were not committed" if found["git_dirty"] else ""
    cleaning = found["cleaning"]
    lines = [
        f"version {found['version']}{mark}: the evaluation {found['evaluation']}",
        f"promotion: {found['promotion']}",
        f"made {found['created_at']} from commit {found['git_commit']}{changes}",
        f"run {found['run_id']}, data {found['data_sha256']}",
        f"rows: {cleaning['rows_in']} collected, {cleaning['rows_out']} after cleaning",
        *(
            f"  {each['rule']:<26} dropped {each['dropped']}, repaired {each['changed']}"
            for each in cleaning["rules"]
        ),
        "metrics, what chance does to them, and a baseline's:",
        *(_metric(name, found) for name in found["metrics"]),
        "can it be believed?",
        *(
            f"  {'ok  ' if each['passed'] else 'LOOK'} {each['sentence']}"
            for each in found["findings"]
        ),
        "parameters:",
        *(f"  {name:<26} {value}" for name, value in found["params"].items()),
    ]
    return "\n".join(lines)


def _metric(name: str, found: dict[str, Any]) -> str:
    low, high = found["intervals"][name]
    value, dumb = found["metrics"][name], found["baseline"][name]
    return f"  {name:<26} {value:.4f}  ({low:.4f} to {high:.4f})  {dumb:.4f}"
