"""Small repositories for the tests, made without files on disk: any name is possible in git."""

import os
import subprocess
from pathlib import Path

DAY = 24 * 60 * 60
START = 1_700_000_000  # seconds since 1970: Tuesday, 14 November 2023, 22:13:20 UTC
ADA = "Ada Personal <ada.personal@example.org>"


class Repository:
    """A bare repository. Each commit is a day after the one before, if nothing else is said."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.seconds = START
        folder.mkdir(parents=True)
        self.git("init", "--quiet", "--bare", "--template=", "--initial-branch=main", ".")

    def commit(
        self,
        message: str,
        files: dict[str, bytes] | None = None,
        author: str = ADA,
        commands: str = "",
        days: float = 1,
    ) -> None:
        """Add a commit. Names in `files` and `commands` are as `git fast-import` quotes them."""
        self.seconds += int(days * DAY)
        parent = "from refs/heads/main^0\n" if self.git("for-each-ref", "refs/heads/main") else ""
        stream = f"commit refs/heads/main\ncommitter {author} {self.seconds} +0000\n".encode()
        stream += b"data %d\n%s\n" % (len(message.encode()), message.encode()) + parent.encode()
        stream += commands.encode()
        for name, content in (files or {}).items():
            stream += f"M 100644 inline {name}\n".encode() + b"data %d\n" % len(content)
            stream += content + b"\n"
        self.git("fast-import", "--quiet", "--force", given=stream)

    def git(self, *arguments: str, given: bytes = b"") -> str:
        """Run git without your own configuration: no hooks, no signatures."""
        environment = os.environ | {"GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_NOSYSTEM": "1"}
        command = ["git", "-C", str(self.folder), *arguments]
        done = subprocess.run(
            command, input=given, env=environment, capture_output=True, check=True, timeout=60
        )
        return done.stdout.decode().strip()


def lines(count: int, word: str = "line") -> bytes:
    return b"".join(b"%s %d\n" % (word.encode(), number) for number in range(count))
