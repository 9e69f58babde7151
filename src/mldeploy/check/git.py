"""git: is every state of the code kept, and nothing else?"""

from __future__ import annotations

import json
import shlex
from pathlib import PurePosixPath
from typing import Any

from mldeploy.check.folder import Folder
from mldeploy.check.items import Item, Seen, failed, named, not_applicable, note, passed

BIG = 1_000_000  # bytes
LOCKS = ("uv.lock", "poetry.lock", "pdm.lock", "package-lock.json")  # large, and meant to be in git
DATABASES = {".db", ".sqlite", ".sqlite3", ".duckdb"}
MODELS = {".skops", ".onnx", ".pkl", ".pickle", ".joblib", ".pt", ".pth", ".ckpt", ".safetensors"}
TABLES = {".csv", ".tsv", ".parquet", ".feather", ".arrow", ".xlsx", ".npy", ".npz", ".jsonl"}
KEEPERS = {".gitkeep", ".gitignore", "README.md"}
NOT_IN_GIT = not_applicable("it is not in git")


def items() -> list[Item]:
    return [
        Item("repository", "git", "A model that can't name its code can't be made again.",
             _repository),
        Item("first-commit", "git", "Only what is committed can be brought back.", _first_commit),
        Item("all-committed", "git", "A model trained now would not name exactly this code.",
             _all_committed),
        Item("no-data", "git", "git keeps every version for ever, of data and models too, "
             "and personal data can't be taken back.", _no_data),
        Item("no-big-files", "git", "A file over 1 MB makes every clone slow, for ever.",
             _no_big_files),
        Item("clean-notebooks", "git", "Outputs hide what changed, and can hold data.",
             _clean_notebooks),
    ]  # fmt: skip


def _repository(folder: Folder) -> Seen:
    if folder.in_git:
        return passed("in git")
    return failed("it is not in git", 'git init && git add --all && git commit -m "Start"')


def _first_commit(folder: Folder) -> Seen:
    if not folder.in_git:
        return NOT_IN_GIT
    if folder.commit:
        return passed(f"at {folder.commit}")
    return failed("nothing was committed yet", 'git add --all && git commit -m "Start"')


def _all_committed(folder: Folder) -> Seen:
    if not folder.commit:
        return not_applicable("there is no commit yet")
    if not folder.uncommitted:
        return passed("everything is committed")
    files = "1 file is" if folder.uncommitted == 1 else f"{folder.uncommitted} files are"
    return note(f"{files} not committed", "git status")


def _no_data(folder: Folder) -> Seen:
    if not folder.in_git:
        return NOT_IN_GIT
    found = [path for path in folder.tracked if _is_data(PurePosixPath(path))]
    if not found:
        return passed("no data, models or databases are tracked")
    return failed(f"tracked: {named(found)}", _out_of_git(found))


def _no_big_files(folder: Folder) -> Seen:
    if not folder.in_git:
        return NOT_IN_GIT
    sizes = {
        path: (folder.root / path).lstat().st_size
        for path in folder.tracked
        if PurePosixPath(path).name not in LOCKS and (folder.root / path).is_file()
    }
    found = [path for path, size in sizes.items() if size > BIG]
    if not found:
        largest = max(sizes.values(), default=0)
        return passed(f"{len(folder.tracked)} tracked files, the largest {largest / 1000:.0f} kB")
    told = [f"{path} ({sizes[path] / 1e6:.1f} MB)" for path in found]
    return failed(f"over 1 MB: {named(told)}", _out_of_git(found))


def _clean_notebooks(folder: Folder) -> Seen:
    notebooks = [path for path in folder.tracked if path.endswith(".ipynb") and folder.has(path)]
    if not notebooks:
        return not_applicable("no notebook is tracked")
    found = [path for path in notebooks if _has_outputs(folder, path)]
    if not found:
        return passed(f"{len(notebooks)} without outputs")
    return failed(
        f"with outputs: {named(found)}",
        f"jupyter nbconvert --clear-output --inplace {shlex.join(found)}",
    )


def _is_data(path: PurePosixPath) -> bool:
    if path.name in KEEPERS or path.parts[0] == "tests":
        return False  # a test's example rows are small, and are code
    if path.parts[0] in ("mlruns", "models") and len(path.parts) > 1:
        return True
    if path.suffix in DATABASES | MODELS:
        return True
    return path.parts[0] == "data" and path.suffix in TABLES


def _out_of_git(paths: list[str]) -> str:
    names = shlex.join(paths[:3]) + (" …" if len(paths) > 3 else "")
    return f"git rm --cached {names}     (and name it in .gitignore; the file itself stays)"


def _has_outputs(folder: Folder, path: str) -> bool:
    try:
        cells: list[dict[str, Any]] = json.loads(folder.text(path)).get("cells", [])
        return any(cell.get("outputs") or cell.get("execution_count") for cell in cells)
    except (ValueError, AttributeError):
        return False  # no notebook, whatever its name says
