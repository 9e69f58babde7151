"""Running other programs: git, uv, the project's interpreter. Every call has a time limit."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import cache
from pathlib import Path

from mldeploy.errors import FailedError

# What the programs that we start must not inherit. Python's two switches are for somebody else's
# shell; without bytecode every start of a service takes two to three times as long.
NOT_INHERITED = ("PYTHONDONTWRITEBYTECODE", "PYTHONHOME", "PYTHONPATH", "VIRTUAL_ENV", "UV_PROJECT")
NO_TELEMETRY = {"BENTOML_DO_NOT_TRACK": "True", "MLFLOW_DISABLE_TELEMETRY": "true"}


class ProgramError(FailedError):
    """A program ended with an error, took too long, or isn't there."""

    def __init__(self, argv: Sequence[str], why: str, output: str) -> None:
        full = "No space left on device" in output
        super().__init__(
            "disk-full" if full else "program-failed",
            what=f"{Path(argv[0]).name} did not do its work.",
            why="The disk is full." if full else why,
            do="free some space, then run this again" if full else f"try it by hand: {shown(argv)}",
            detail=last_lines(output, 15),
        )
        self.output = output


def run(
    argv: Sequence[str | Path],
    *,
    cwd: Path,
    timeout: float,
    env: Mapping[str, str] | None = None,
) -> str:
    """Run ``argv`` in ``cwd`` and return its stdout; raises :class:`ProgramError`.

    ``timeout`` is in seconds. ``env`` is added to the inherited environment.
    """
    import subprocess  # not at the top: `status` runs no program

    words = [str(word) for word in argv]
    try:
        done = subprocess.run(
            words,
            cwd=cwd,
            env=environment(env or {}),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=timeout,
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        raise ProgramError(words, f"It was stopped after {timeout:.0f} s.", "") from error
    except OSError as error:
        raise ProgramError(words, f"{error.strerror}: {error.filename}", "") from error
    if done.returncode != 0:
        raise ProgramError(
            words, f"It ended with exit code {done.returncode}.", done.stderr or done.stdout
        )
    return done.stdout


@contextmanager
def waiting_for_order(
    argv: Sequence[str | Path], *, cwd: Path, timeout: float
) -> Iterator[Callable[[str], str]]:
    """Start ``argv``, which gets itself ready and then reads one line from stdin.

    Gives the function that sends that line and returns the program's stdout, or raises
    :class:`ProgramError`. A program that gets no order ends with the block.
    """
    import subprocess

    words = [str(word) for word in argv]
    process = subprocess.Popen(
        words,
        cwd=cwd,
        env=environment({}),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        errors="replace",
    )

    def order(line: str) -> str:
        try:
            stdout, stderr = process.communicate(line + "\n", timeout=timeout)
        except subprocess.TimeoutExpired as error:
            raise ProgramError(words, f"It was stopped after {timeout:.0f} s.", "") from error
        if process.returncode != 0:
            why = f"It ended with exit code {process.returncode}."
            raise ProgramError(words, why, stderr or stdout)
        return stdout

    try:
        yield order
    finally:
        if process.poll() is None:
            process.kill()
            process.communicate(timeout=30)


def environment(extra: Mapping[str, str]) -> dict[str, str]:
    """Our own environment for a program of the project: no telemetry, bytecode, `uv` on PATH."""
    inherited = {key: value for key, value in os.environ.items() if key not in NOT_INHERITED}
    path = os.pathsep.join([str(uv().parent), inherited.get("PATH", os.defpath)])
    return inherited | NO_TELEMETRY | {"PATH": path} | dict(extra)


@cache
def uv() -> Path:
    """The uv that came with mldeploy, whatever is on PATH."""
    import uv as package

    return Path(package.find_uv_bin())


def shown(argv: Sequence[str | Path]) -> str:
    """The command as a person would type it."""
    import shlex

    return shlex.join(str(word) for word in argv)


def last_lines(text: str, count: int) -> str:
    return "\n".join(text.rstrip().splitlines()[-count:])
