"""A small project that only runs jobs, and a person who types at it."""

from __future__ import annotations

import json
import os
import signal
import subprocess
from pathlib import Path
from typing import Any

from tests.conftest import Done, Workplace

SETTINGS = """\
[project]
name = "{name}"

[targets.local]
kind = "process"
"""
# Prints a metric a step and writes a checkpoint; goes on where the checkpoint says.
COUNT = """\
import json, os, pathlib, sys, time
most, pause = int(sys.argv[1]), float(sys.argv[2])
kept = pathlib.Path(os.environ["MLDEPLOY_OUTPUTS"], "step.txt")
begun = int(kept.read_text()) if kept.exists() else 0
print("from step", begun, flush=True)
for step in range(begun + 1, most + 1):
    draft = kept.with_suffix(".new")
    draft.write_text(str(step))
    draft.replace(kept)
    print(json.dumps({"metric": "loss", "value": 1 / step, "step": step}), flush=True)
    time.sleep(pause)
"""


class Bench(Workplace):
    """What a person sees: verbs typed, their JSON, and the project's own folder."""

    def run(self, *words: str, timeout: float = 60) -> dict[str, Any]:
        """A `run` that is waited for, whatever became of its job."""
        done = self.mldeploy("run", "--json", "--yes", *words, timeout=timeout)
        assert done.stdout.strip(), done.stderr
        return done.json

    def must(self, *words: str, timeout: float = 60) -> dict[str, Any]:
        done: Done = self.mldeploy("--json", "--yes", *words, timeout=timeout)
        assert done.code == 0, done.stdout + done.stderr
        return done.json

    def job(self, number: str = "1") -> dict[str, Any]:
        return self.must("jobs", "show", number)

    def folder(self, job: dict[str, Any]) -> Path:
        return self.root / ".mldeploy" / "jobs" / str(job["id"])

    def outputs(self, job: dict[str, Any]) -> Path:
        return self.folder(job) / "outputs"

    def git(self, *words: str) -> None:
        subprocess.run(["git", *words], cwd=self.root, check=True, capture_output=True, timeout=30)


def small_project(root: Path, name: str = "counting") -> Bench:
    """In git, with one commit, and nothing that would have to be installed."""
    root.mkdir(parents=True)
    (root / "mldeploy.toml").write_text(SETTINGS.format(name=name))
    (root / "count.py").write_text(COUNT)
    (root / ".gitignore").write_text("outputs/\n.venv/\n")
    bench = Bench(root, 0)
    bench.git("init", "-q")
    bench.git("add", "-A")
    bench.git("commit", "-q", "-m", "Start")
    return bench


def end_what_runs(bench: Bench) -> None:
    """Whatever a test left running of its own project's jobs."""
    bench.end_commands()
    for note in bench.root.glob(".mldeploy/jobs/*/place/state.json"):
        told = json.loads(note.read_text())
        if told.get("state") == "running":
            try:
                os.kill(int(told["pid"]), signal.SIGKILL)
            except ProcessLookupError:
                continue
