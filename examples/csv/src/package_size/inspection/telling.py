"""Say what was found: in plain words for a person, and as data for a program."""

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from ..data.formats import Format
from ..data.reading import Sample
from .inspecting import Found
from .looking import Column
from .settling import split_by

KINDS = {
    "binary": "yes or no",
    "classes": "one of {} kinds",
    "regression": "a number",
}


def words(name: str, form: Format, sample: Sample, found: Found) -> str:
    """The report that `inspect` prints."""
    return "\n\n".join([_file(name, form, sample, found), _table(found), _proposal(found)])


def data(name: str, form: Format, sample: Sample, found: Found) -> dict[str, Any]:
    """The same for a program."""
    proposal = found.proposal
    roles = {"group": proposal.group, "time": proposal.time, "label": proposal.label}
    return {
        "file": name,
        "rows": sample.rows,
        "looked_at": len(sample.frame),
        "ragged_rows": sample.ragged,
        "copies": found.copies,
        "format": asdict(form) | {"decimal": found.decimal, "missing": found.missing},
        "task": proposal.task,
        "target": proposal.target.name,
        "answers": proposal.answers,
        "split": split_by(found),
        **{role: column and column.name for role, column in roles.items()},
        "columns": [asdict(column) | {"use": _use(column, found)} for column in found.columns],
    }


def _file(name: str, form: Format, sample: Sample, found: Found) -> str:
    separator = {"\t": "tab"}.get(form.separator, form.separator)
    lines = [
        f"{name}: {sample.rows:,} rows, {len(found.columns)} columns",
        f"  {form.encoding}, cells parted by {separator}, decimal mark {found.decimal}"
        + ("" if form.header else ", no header: columns are called by their place")
        + (f"; begins after row {form.skip_rows}" if form.skip_rows else ""),
    ]
    spelled = [spelling for spelling in found.missing if spelling]
    if spelled:
        lines.append(f"  taken for missing: an empty cell, {', '.join(map(repr, spelled))}")
    if sample.ragged:
        lines.append(f"  {sample.ragged:,} rows have too few or too many cells")
    if found.copies:
        lines.append(f"  {found.copies:.1%} of the rows are copies of an earlier one")
    if len(sample.frame) < sample.rows:
        looked = f"{len(sample.frame):,} rows, evenly spread"
        lines.append(f"  roles and figures below come from {looked}; all rows are used to learn")
    return "\n".join(lines)


def _table(found: Found) -> str:
    heads = ["column", "name", "what it is", "missing", "values", "example", "use"]
    rows = [
        [
            column.header[:28],
            column.name[:28],
            column.role,
            f"{column.missing:.1%}" if column.missing else "",
            f"{column.distinct:,}",
            column.example[:24],
            _use(column, found),
        ]
        for column in found.columns
    ]
    widths = [max(len(row[place]) for row in [heads, *rows]) for place in range(len(heads))]
    lines = []
    for row, column in zip([heads, *rows], [None, *found.columns], strict=True):
        cells = (cell.ljust(width) for cell, width in zip(row, widths, strict=True))
        lines.append("  ".join(cells).rstrip())
        lines += [f"    ! {note}" for note in (column.notes if column else ())]
    return "\n".join(lines)


def _use(column: Column, found: Found) -> str:
    proposal = found.proposal
    said: dict[str, Sequence[Column | None]] = {
        "answer": [proposal.target],
        "group": [proposal.group],
        "time": [proposal.time],
        "label": [proposal.label],
        "days before time": proposal.days,
        "yes": proposal.features,
    }
    for use, columns in said.items():
        if column in columns:
            return use
    return "no: " + next(why for each, why in proposal.left_out if each == column)


def _proposal(found: Found) -> str:
    proposal = found.proposal
    kind = KINDS[proposal.task].format(len(proposal.answers))
    if proposal.task == "binary":
        kind += f" (yes is {proposal.answers[0]!r}; another: --yes VALUE)"
    lines = [
        f"task    {proposal.task}: {proposal.target.header} is {kind}",
        f"group   {proposal.group.header if proposal.group else 'none'}"
        "  (rows alike stay on one side of the split; another: --group COLUMN or none)",
        f"time    {proposal.time.header if proposal.time else 'none'}"
        "  (when the row was; another: --time COLUMN or none)",
        f"split   by {split_by(found)}",
    ]
    return "\n".join(lines)
