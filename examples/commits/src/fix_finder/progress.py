"""Tells what a long command is doing: each finished step, and the time so far while one goes on."""

import sys
import threading
import time

import typer


class Steps:
    """Call it with the name of a finished step and its result; it prints both with the seconds.

    On a terminal a line below counts meanwhile, so that nothing is ever silent for long. It goes to
    stderr: stdout holds only results.
    """

    def __init__(self, first: str) -> None:
        self.start = time.perf_counter()
        typer.echo(f"{first} …", err=True)
        if sys.stderr.isatty():
            threading.Thread(target=self._count, daemon=True).start()

    def __call__(self, step: str, result: str) -> None:
        now = time.perf_counter()
        typer.echo(f"{step:<9} {now - self.start:5.1f} s  {result}")
        self.start = now

    def _count(self) -> None:
        while True:
            time.sleep(0.5)
            if (so_far := time.perf_counter() - self.start) > 1:
                # Written over by whatever is printed next: \r is the start of the line.
                sys.stderr.write(f"          {so_far:5.1f} s …\r")
                sys.stderr.flush()
