"""Where the file is: on this machine, on another one, or made up on the spot."""

import shutil
import time
import urllib.error
import urllib.request
from http.client import HTTPException
from pathlib import Path, PurePosixPath
from urllib.parse import unquote, urlsplit

from .. import PROJECT, files
from ..errors import ProjectError
from ..paths import Layout
from . import example
from .settings import Collect

FOLDER = "data/source"  # .gitignore lists it: data stay out of git
SECONDS, ALL_SECONDS = 30, 900  # without a byte; for the whole file
MOST_BYTES = 2_000_000_000
PIECE = 1 << 20


def located(params: Collect, layout: Layout) -> Path:
    """The file that params.toml names; fetched, or made up, if it is not there."""
    path = layout.root / params.file
    if path.is_file():
        return path
    if params.file == f"{FOLDER}/example.csv":
        files.write(path, example.table().encode("utf-8-sig"))
        return path
    if params.url:
        return fetched(params.url, path)
    raise ProjectError(
        what=f"{params.file} is not here.",
        why="Data stay out of git, so a clone or a moved project comes without the file.",
        do=f"Copy it to {path}, or say where it is now: "
        f"uv run {PROJECT} inspect FILE --target COLUMN --write",
    )


def name_of(address: str) -> str:
    """What a file or an address is called, without folders."""
    path = unquote(urlsplit(address).path) if is_url(address) else Path(address).name
    return PurePosixPath(path).name or "table.csv"


def is_url(address: str) -> bool:
    return address.lower().startswith(("http://", "https://"))


def local(address: str) -> Path:
    """The file with this name on this machine."""
    path = Path(address).expanduser()
    if path.is_file():
        return path
    if path.is_dir():
        names = sorted(each.name for each in path.iterdir() if each.is_file())[:5]
        raise ProjectError(
            what=f"{address} is a folder.",
            why=f"One table is wanted; in it are: {', '.join(names) or 'no files'}.",
            do=f"uv run {PROJECT} inspect {path / (names or ['FILE'])[0]} --target COLUMN",
        )
    raise ProjectError(
        what=f"There is no file {address}.",
        why=f"Looked for in {Path.cwd()}." if not path.is_absolute() else "The path leads nowhere.",
        do="Check the name: ls",
    )


def fetched(url: str, path: Path) -> Path:
    """The file at the address, saved at `path`: whole, or not at all."""
    part = path.with_name(f"{path.name}.part")
    part.parent.mkdir(parents=True, exist_ok=True)
    try:
        if not is_url(url):
            raise ValueError("only http:// and https:// are fetched")
        with (
            urllib.request.urlopen(url, timeout=SECONDS) as answer,  # noqa: S310 - is_url
            part.open("wb") as file,
        ):
            size, deadline = 0, time.monotonic() + ALL_SECONDS
            while piece := answer.read(PIECE):
                size += len(piece)
                if size > MOST_BYTES:
                    raise ValueError(f"it is larger than {MOST_BYTES:,} bytes")
                if time.monotonic() > deadline:
                    raise ValueError(f"{ALL_SECONDS} seconds were not enough")
                file.write(piece)
            expected = int(answer.headers.get("Content-Length") or size)
            if size < expected:
                raise ValueError(f"it broke off after {size:,} of {expected:,} bytes")
        part.replace(path)
    except (OSError, ValueError, HTTPException) as error:  # urllib's own are OSErrors
        reason = error.reason if isinstance(error, urllib.error.URLError) else error
        if isinstance(error, urllib.error.HTTPError):
            error.close()
        raise ProjectError(
            what=f"{url} cannot be fetched.",
            why=f"{reason or type(error).__name__}",
            do="Open the address in a browser; or download it and inspect the file",
        ) from error
    finally:
        part.unlink(missing_ok=True)
    return path


def kept(source: Path, layout: Layout) -> str:
    """The file copied into the project, so that it works wherever the project is moved to.

    A file that lies in the project already is used where it is.
    """
    source = source.resolve()
    if source.is_relative_to(layout.root):
        return source.relative_to(layout.root).as_posix()
    place = layout.root / FOLDER / source.name
    place.parent.mkdir(parents=True, exist_ok=True)
    part = place.with_name(f"{place.name}.part")
    try:
        shutil.copyfile(source, part)
        part.replace(place)
    except OSError as error:
        raise ProjectError(
            what=f"{source} cannot be copied into the project.",
            why=str(error),
            do=f"Make room or give yourself the right to write: ls -ld {place.parent}; df -h .",
        ) from error
    finally:
        part.unlink(missing_ok=True)
    return place.relative_to(layout.root).as_posix()
