"""How mldeploy speaks: results on stdout, progress on stderr, JSON for programs.

rich is imported only where something moves on a terminal.
"""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from mldeploy.errors import MldeployError

PROGRESS_SECONDS = 2.0


class Step:
    """One long step; ``say`` leaves the sentence that its line ends with."""

    def __init__(self) -> None:
        self.outcome = ""

    def say(self, outcome: str) -> None:
        self.outcome = outcome


class Ui:
    """The flags of product.md, as behaviour."""

    def __init__(
        self, *, as_json: bool = False, explaining: bool = False, agreed: bool = False
    ) -> None:
        self.agreed = agreed  # --yes
        self.as_json = as_json
        self.explaining = explaining
        self.took: list[tuple[str, float, float]] = []  # steps: from when to when, monotonic
        self._progressed = time.monotonic()
        self.lively = sys.stderr.isatty() and not os.environ.get("NO_COLOR") and not explaining

    def result(self, data: Mapping[str, Any], text: str) -> None:
        """The answer of a verb: ``data`` with --json, else ``text``."""
        self.out(json.dumps(data, ensure_ascii=False) if self.as_json else text)

    def out(self, text: str) -> None:
        sys.stdout.write(text + "\n")
        sys.stdout.flush()

    def note(self, text: str) -> None:
        """A line of progress."""
        sys.stderr.write(f"  {text}\n")
        sys.stderr.flush()

    def progress(self, text: str) -> None:
        """A line of progress that is one of many: at most one in two seconds is shown."""
        if time.monotonic() - self._progressed > PROGRESS_SECONDS:
            self._progressed = time.monotonic()
            self.note(text)

    def ask(self, question: str) -> bool:
        """A yes or no from the person at the terminal; no, where nobody is."""
        import click

        return sys.stdin.isatty() and click.confirm(f"  {question}", default=False, err=True)

    def explain(self, command: str, why: str) -> None:
        """With --explain: the command that a person would type, and why."""
        if self.explaining:
            sys.stderr.write(f"    # {why}\n    $ {command}\n")
            sys.stderr.flush()

    @contextmanager
    def step(self, name: str) -> Iterator[Step]:
        """A long step: a live line with the time so far on a terminal, plain lines elsewhere."""
        step = Step()
        began = self._progressed = time.monotonic()
        with self._moving(name):
            yield step
        self.took.append((name, began, time.monotonic()))
        took = f"{time.monotonic() - began:.1f} s"
        outcome = f": {step.outcome}" if step.outcome else ""
        self.note(f"{name}{outcome}  ({took})")

    @contextmanager
    def _moving(self, name: str) -> Iterator[None]:
        if not self.lively:
            self.note(f"{name} …")
            yield
            return
        from rich.console import Console
        from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

        columns = (SpinnerColumn(), TextColumn("{task.description}"), TimeElapsedColumn())
        console = Console(stderr=True, highlight=False)
        with Progress(*columns, console=console, transient=True) as progress:
            progress.add_task(name)
            yield

    def error(self, error: MldeployError) -> None:
        """The three parts on stderr; with --json an object on stdout."""
        if self.as_json:
            self.out(json.dumps({"error": error.as_dict()}, ensure_ascii=False))
            return
        lines = ["", f"error: {error.what}", f"  why: {error.why}"]
        if error.detail:
            lines += [f"       | {line}" for line in error.detail.splitlines()]
        sys.stderr.write("\n".join([*lines, f"   do: {error.do}", ""]))
        sys.stderr.flush()


def table(headings: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Plain columns, as wide as their widest cell: readable in a pipe as on a terminal."""
    lines = [list(headings), *[list(row) for row in rows]]
    widths = [max(len(line[i]) for line in lines) for i in range(len(headings))]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip()
        for line in lines
    )
