"""Put what was found into the project: the file, rows.py and params.toml, all of them or none."""

from dataclasses import dataclass
from difflib import unified_diff
from pathlib import Path

from .. import files
from ..data import fetching
from ..data.formats import Format
from ..data.settings import TASK
from ..errors import ProjectError
from ..paths import Layout
from . import params_file, writing
from .inspecting import Found

MOST_COPIES = 0.2  # more of them are no mistake: the table has few columns, so rows look the same
ROWS = Path(__file__).parents[1] / "data" / "rows.py"


@dataclass(frozen=True)
class Settled:
    written: tuple[str, ...]
    changes: str  # in params.toml, as a diff


def settle(found: Found, form: Format, source: Path, url: str, layout: Layout) -> Settled:
    """Write; if one of the files cannot be written, the others are as they were."""
    check_task(found)
    code = writing.code(found.proposal)
    compile(code, ROWS.name, "exec")  # a fault here would be ours: nothing is written then
    before = layout.params.read_text(encoding="utf-8")
    after = _params(before, found, form, fetching.kept(source, layout), url)
    old = ROWS.read_bytes()
    files.write(ROWS, code.encode())
    try:
        files.write(layout.params, after.encode())
    except BaseException:
        files.write(ROWS, old)
        raise
    lines = unified_diff(before.splitlines(), after.splitlines(), "before", "after", "", "", 0, "")
    changes = [line for line in lines if line[0] in "+-" and line[:3] not in ("+++", "---")]
    return Settled((_shown(ROWS, layout), _shown(layout.params, layout)), "\n".join(changes))


def check_task(found: Found) -> None:
    """The code of a project answers one kind of question."""
    task = found.proposal.task
    if task != TASK:
        raise ProjectError(
            what=f"The answer is of another kind than this project's: {task}, not {TASK}.",
            why=f"Metrics, plots and answers of the project were made for {TASK}.",
            do=f"Change the project: mldeploy update --set task={task}; then run this again",
        )


def _params(text: str, found: Found, form: Format, file: str, url: str) -> str:
    collect: dict[str, params_file.Value] = {
        "file": file,
        "url": url,
        "encoding": form.encoding,
        "separator": form.separator,
        "decimal": found.decimal,
        "skip_rows": form.skip_rows,
        "header": form.header,
        "missing": list(found.missing),
    }
    text = params_file.changed(text, "collect", collect)
    text = params_file.changed(text, "clean", {"drop_copies": found.copies <= MOST_COPIES})
    return params_file.changed(text, "split", {"by": split_by(found)})


def split_by(found: Found) -> str:
    """Whole groups, if there are any; else the latest rows, if that is known; else row by row."""
    if found.proposal.group is not None:
        return "group"
    return "time" if found.proposal.time is not None else "rows"


def _shown(path: Path, layout: Layout) -> str:
    return path.relative_to(layout.root).as_posix()
