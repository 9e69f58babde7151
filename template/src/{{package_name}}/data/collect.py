"""Collect the raw rows once, and know them again: data/raw/rows.csv and a manifest beside it."""

import json
from dataclasses import dataclass
from io import BytesIO
from typing import Any

import pandas as pd

from .. import files
from ..errors import ProjectError
from ..paths import Layout
from . import schema, source
from .settings import Collect


@dataclass(frozen=True)
class Raw:
    """The collected rows and where they come from."""

    frame: pd.DataFrame
    sha256: str
    reused: bool
    notes: dict[str, int]  # what the source counted, such as files that did not parse


def collect(params: Collect, layout: Layout, again: bool = False) -> Raw:
    """The raw rows: those of last time if they were collected in the same way, else new ones.

    The rows always pass through the file, so a first and a second run see the same types.
    """
    manifest = _manifest(layout)
    origin = source.origin(params, layout) | {
        "params": params.model_dump(mode="json"),
        "columns": schema.types(),
    }
    reuse = not again and manifest is not None and manifest["origin"] == origin
    if manifest is None or not reuse:
        manifest = _write(source.collect(params, layout), origin, layout)
    content = layout.raw.read_bytes()
    if files.sha256(content) != manifest["sha256"]:
        raise ProjectError(
            what=f"{layout.raw} is not what was collected.",
            why="Its sha256 differs from the one in manifest.json: it was edited or cut short.",
            do="Collect it again: make collect",
        )
    # Only an empty cell is a missing value: "NA" and "null" may be words like any other.
    frame = pd.read_csv(
        BytesIO(content), dtype=schema.types(), keep_default_na=False, na_values=[""]
    )
    return Raw(schema.check(frame, schema.RAW), manifest["sha256"], reuse, manifest["notes"])


def _write(frame: pd.DataFrame, origin: dict[str, Any], layout: Layout) -> dict[str, Any]:
    content = schema.check(frame, schema.RAW).to_csv(index=False, lineterminator="\n").encode()
    manifest = {
        "sha256": files.sha256(content),
        "rows": len(frame),
        "origin": origin,
        "notes": dict(frame.attrs),
    }
    files.write(layout.raw, content)
    # The manifest comes last: without it the rows do not count as collected.
    files.write(layout.manifest, json.dumps(manifest, indent=2).encode())
    return manifest


def _manifest(layout: Layout) -> dict[str, Any] | None:
    if not layout.raw.is_file():
        return None
    try:
        content: dict[str, Any] = json.loads(layout.manifest.read_text(encoding="utf-8"))
    except (FileNotFoundError, ValueError):
        return None
    return content
