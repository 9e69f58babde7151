"""A document as sections: as JSON for the page of the service, and as Markdown for a file."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

Table = tuple[tuple[str, ...], ...]  # the first row is the header


@dataclass(frozen=True)
class Section:
    heading: str
    text: tuple[str, ...] = ()
    table: Table = ()


def to_json(sections: Sequence[Section]) -> list[dict[str, Any]]:
    return [asdict(section) for section in sections]


def to_markdown(
    title: str, made: str, sections: Sequence[dict[str, Any]], pictures: Sequence[str]
) -> str:
    """`made` is the line that differs from run to run: version, run, time."""
    lines = [f"# {title}", "", made, ""]
    for section in sections:
        lines += [f"## {section['heading']}", ""]
        for paragraph in section["text"]:
            lines += [paragraph, ""]
        if section["table"]:
            header, *rows = section["table"]
            lines += [_line(header), _line(["---"] * len(header)), *map(_line, rows), ""]
    if pictures:
        lines += ["## Pictures", ""]
    for picture in pictures:
        name = picture.rpartition("/")[2].removesuffix(".png").replace("-", " ")
        lines += [f"![{name}]({picture})", ""]
    return "\n".join(lines).rstrip() + "\n"


def _line(cells: Sequence[str]) -> str:
    return "| " + " | ".join(str(cell).replace("|", "\\|") for cell in cells) + " |"
