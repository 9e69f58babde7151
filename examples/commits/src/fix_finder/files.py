"""Files that are either whole or not there, and their fingerprints."""

import hashlib
import tempfile
from pathlib import Path

from .errors import ProjectError


def write(path: Path, content: bytes) -> None:
    """Write `content` to `path` so that no reader, and no Ctrl+C, ever meets half a file.

    The bytes go to a temporary file in the same folder, which then takes the name in one step.
    """
    temporary: Path | None = None
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile(dir=path.parent, prefix=".tmp-", delete=False) as file:
            temporary = Path(file.name)
            file.write(content)
        temporary.chmod(0o644)  # temporary files are made readable by their owner only
        temporary.replace(path)
    except OSError as error:
        raise ProjectError(
            what=f"{path} cannot be written.",
            why=f"{error.strerror or error} ({error.filename or path})",
            do=f"Make room or give yourself the right to write: ls -ld {path.parent}; df -h .",
        ) from error
    finally:
        if temporary is not None:
            temporary.unlink(missing_ok=True)


def sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()
