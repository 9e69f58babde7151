"""Fetching the values that mldeploy.toml refers to, and keeping them out of everything we print."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

from mldeploy.errors import FailedError
from mldeploy.secret_references import EXAMPLES, Reference, named, reference, seems_secret

COMMAND_SECONDS = 60.0  # a password manager may ask its owner for a pass phrase
LARGEST = 100_000  # bytes; Linux takes 128 KiB for one variable of an environment
SHORTEST_REDACTED = 4  # characters: shorter ones stand in any text by chance
ENCODE = "encode it, such as with base64, and let the service decode it"


class Secrets:
    """Values by name, which show themselves only to :meth:`reveal`.

    ``open_files`` are those among their files that other users may read.
    """

    __slots__ = ("_values", "open_files")

    def __init__(self, values: Mapping[str, str], open_files: tuple[Path, ...] = ()) -> None:
        self._values = dict(values)
        self.open_files = open_files

    def __repr__(self) -> str:
        return f"<secrets: {', '.join(self.names) or 'none'}>"

    def __format__(self, _: str) -> str:
        return repr(self)

    def __bool__(self) -> bool:
        return bool(self._values)

    def __reduce__(self) -> str:
        raise TypeError("secrets are not to be written anywhere")

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(sorted(self._values))

    @property
    def warnings(self) -> list[str]:
        """Sentences for the user, about places and not about values."""
        return [f"other users may read the secret in {path}" for path in self.open_files]

    def reveal(self) -> dict[str, str]:
        """For whoever hands them to a service."""
        return dict(self._values)

    def redact(self, text: str) -> str:
        """``text`` with ``[NAME]`` in the place of each value, however it is written there.

        Found are the value itself, each line of one with several (logs come by lines), and how it
        stands in JSON and in an address. Values under 4 characters are not looked for.
        """
        written = {form: name for name, value in self._values.items() for form in _forms(value)}
        if not written:
            return text
        # In one go and longest first: a value that is part of another, or of a name, does no harm.
        longest_first = sorted(written, key=len, reverse=True)
        pattern = re.compile("|".join(re.escape(form) for form in longest_first))
        return pattern.sub(lambda found: f"[{written[found[0]]}]", text)

    def fingerprint(self, key: bytes) -> str:
        """A digest (HMAC-SHA256) that changes when a name or a value does.

        ``key`` must be random and stay with whoever compares: without it nobody can try out what
        a short value might have been.
        """
        import hashlib
        import hmac
        import json

        text = json.dumps(self._values, sort_keys=True)
        return hmac.new(key, text.encode(), hashlib.sha256).hexdigest()


def resolve(secrets: Mapping[str, str | Reference], project_root: Path) -> Secrets:
    """Fetch every value, within a minute each.

    Raises :class:`FailedError` with the secret's name and its reference, and
    :class:`mldeploy.errors.ConfigError` for a text that is no reference; neither holds a value.
    """
    values: dict[str, str] = {}
    open_files: list[Path] = []
    for name, written in secrets.items():
        where = written if isinstance(written, Reference) else reference(written, name)
        try:
            if where.source == "env":
                value = _from_environment(where)
            elif where.source == "file":
                path = project_root / Path(where.place).expanduser()
                value = _from_file(path, project_root)
                open_files += [path] if path.stat().st_mode & 0o077 else []
            else:
                value = _from_command(where, project_root, Secrets(values))
            values[name] = _usable(value)
        except _MissingError as missing:
            raise FailedError(
                "secret-missing",
                what=f"{named(name)} could not be had from {_shown(where)}.",
                why=missing.why,
                do=missing.do or f"mldeploy.toml has it as, for example, {EXAMPLES[where.source]}",
            ) from None  # what lies below may hold the value
    return Secrets(values, tuple(open_files))


class _MissingError(Exception):
    def __init__(self, why: str, do: str = "") -> None:
        super().__init__(why)
        self.why = why
        self.do = do


def _from_environment(where: Reference) -> str:
    import os

    value = os.environ.get(where.place)
    if value is None:
        variable = "NAME" if seems_secret(where.place) else where.place
        raise _MissingError(
            "There is no such variable in this environment.", f"export {variable}=…"
        )
    return value


def _from_file(path: Path, project_root: Path) -> str:
    if path.resolve().is_relative_to((project_root / "src").resolve()):
        raise _MissingError(
            "It lies under src/, which becomes part of every release.",
            "move it out, such as to secrets/, and keep that out of git",
        )
    try:
        with path.open("rb") as file:
            value = file.read(LARGEST + 1)
    except OSError as error:
        raise _MissingError(
            f"{error.strerror}.", f"put the value into {path}, then: chmod 600 {path}"
        ) from error
    return _as_text(value)


def _from_command(where: Reference, project_root: Path, known: Secrets) -> str:
    import shlex
    import subprocess

    by_hand = f"try it by hand: {'that command' if seems_secret(where.place) else where.place}"
    try:
        done = subprocess.run(
            shlex.split(where.place),
            cwd=project_root,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=COMMAND_SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        raise _MissingError(f"It was stopped after {COMMAND_SECONDS:.0f} s.", by_hand) from error
    except OSError as error:
        raise _MissingError(f"{error.strerror}.", by_hand) from error
    if done.returncode != 0:
        said = _safe_line(done.stderr, done.stdout, known)
        why = f"It ended with exit code {done.returncode}"
        raise _MissingError(f"{why}: {said}" if said else f"{why}.", by_hand)
    return _as_text(done.stdout)


def _safe_line(stderr: bytes, stdout: bytes, known: Secrets) -> str:
    """The first line of what a failed command complained of, without what may be a value."""
    line = stderr.decode(errors="replace").strip().partition("\n")[0][:200]
    printed = stdout.decode(errors="replace").strip()
    line = known.redact(Secrets({"its output": printed}).redact(line))
    return "" if seems_secret(line) else line


def _as_text(value: bytes) -> str:
    """The one line break at the end is the editor's or the command's, not the value's."""
    try:
        text = value.decode()
    except UnicodeDecodeError as error:
        raise _MissingError("It is not text in UTF-8.", ENCODE) from error
    return text.removesuffix("\n").removesuffix("\r")


def _usable(value: str) -> str:
    if not value:
        raise _MissingError("It is empty.")
    if "\0" in value:
        raise _MissingError("It has a zero byte, which no environment can hold.", ENCODE)
    if len(value.encode(errors="surrogateescape")) > LARGEST:
        raise _MissingError(
            f"It has more than {LARGEST // 1000} kB, too much for a variable.",
            "let the service fetch it, with a key that is the secret",
        )
    return value


def _shown(where: Reference) -> str:
    """The reference; but to write the value itself behind `env:` is a slip that happens."""
    if where.source != "file" and seems_secret(where.place):
        return f"`{where.source}:…`, behind which the value itself seems to stand"
    return str(where)


def _forms(value: str) -> set[str]:
    import json
    from urllib.parse import quote

    whole = {value, json.dumps(value)[1:-1], json.dumps(value, ensure_ascii=False)[1:-1]}
    whole |= {quote(value, safe=safe, errors="replace") for safe in ("", "/")}
    return {form for form in whole | set(value.splitlines()) if len(form) >= SHORTEST_REDACTED}
