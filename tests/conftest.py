"""What all tests share: one real project, trained once, and cheap copies of it."""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from uv import find_uv_bin

# Tests marked docker: a real engine, names, second_engine; stand-ins: cloud (AWS), paperspace.
pytest_plugins = ["tests.lab.fixtures", "tests.cloud.fixtures", "tests.paperspace.fixtures"]

CHECKOUT = Path(__file__).resolve().parents[1]
MLDEPLOY = Path(sys.executable).with_name("mldeploy")
NO_PYTORCH = "no PyTorch for this Python"  # the reason of the only skips that CI allows
SETTINGS = """\
[project]
name = "a"
service = "a.service:A"
model = "a@champion"
[targets.local]
kind = "process"
"""  # the shortest mldeploy.toml that is valid


def pytest_sessionfinish(session: pytest.Session, exitstatus: int) -> None:
    """In CI everything is available: what is skipped there has silently stopped being tested.

    But for PyTorch: its wheel fits one Python, and no usual index has the one for the CPU.
    """
    reporter: Any = session.config.pluginmanager.get_plugin("terminalreporter")
    skipped = reporter.stats.get("skipped", []) if reporter else []
    skipped = [each for each in skipped if NO_PYTORCH not in str(each.longrepr)]
    if os.environ.get("MLDEPLOY_CI") and skipped and exitstatus == 0:
        reporter.write_line(f"{len(skipped)} tests were skipped; in CI that is a failure")
        session.exitstatus = 1


@pytest.fixture(scope="session", autouse=True)
def quiet_environment(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """No telemetry, git with a name and nobody's habits, bytecode as on a user's machine."""
    settings = tmp_path_factory.mktemp("git") / "config"
    settings.write_text(
        "[user]\nname = Test\nemail = test@example.invalid\n[init]\ndefaultBranch = main\n"
    )
    uv = [find_uv_bin(), "cache", "dir"]
    uv_cache = subprocess.run(uv, capture_output=True, text=True, check=True, timeout=60).stdout
    with pytest.MonkeyPatch.context() as patch:
        # mldeploy's own cache is the tests' own; uv's stays, or every test would download anew.
        patch.setenv("UV_CACHE_DIR", uv_cache.strip())
        patch.setenv("XDG_CACHE_HOME", str(tmp_path_factory.mktemp("cache")))
        patch.setenv("GIT_CONFIG_GLOBAL", str(settings))
        patch.setenv("BENTOML_DO_NOT_TRACK", "True")
        patch.setenv("MLFLOW_DISABLE_TELEMETRY", "true")
        patch.delenv("PYTHONDONTWRITEBYTECODE", raising=False)
        patch.delenv("MLFLOW_TRACKING_URI", raising=False)
        yield


@dataclass(frozen=True)
class Done:
    """A command that has ended."""

    code: int
    stdout: str
    stderr: str

    @property
    def json(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self.stdout.splitlines()[-1])
        return found


@dataclass
class Workplace:
    """A project to work in as a person would: by typing mldeploy."""

    root: Path
    port: int
    started: list[subprocess.Popen[str]] = field(default_factory=list)

    def mldeploy(self, *words: str, timeout: float = 120) -> Done:
        process = self.begin(*words)
        stdout, stderr = process.communicate(timeout=timeout)
        return Done(process.returncode, stdout, stderr)

    def begin(self, *words: str, **options: Any) -> subprocess.Popen[str]:
        """Start a command and return; it is ended with the test."""
        process = subprocess.Popen(
            [MLDEPLOY, *words],
            cwd=options.pop("cwd", self.root),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            **options,
        )
        self.started.append(process)
        return process

    def end_commands(self) -> None:
        for process in self.started:
            if process.poll() is None:
                process.kill()
            process.communicate(timeout=30)

    def up(self) -> dict[str, Any]:
        done = self.mldeploy("up", "--json")
        assert done.code == 0, done.stderr + done.stdout
        return done.json

    def edit_service(self, marker: str) -> None:
        """A change of code that changes no answer."""
        (service,) = self.root.glob("src/*/service.py")
        service.write_text(service.read_text() + f"\n# {marker}\n")

    def serving_release(self) -> str | None:
        """Which release answers on the port, by its own word; None if nothing does."""
        from mldeploy.engines.ports import readiness

        head = readiness(self.port) or ""
        found = [h for h in head.split("\r\n") if h.startswith("x-mldeploy-release: ")]
        return found[0].partition(": ")[2] if found else None

    def pids(self) -> list[int]:
        """Every live server whose working directory lies in this project."""
        import psutil

        found = []
        for process in psutil.process_iter():
            try:
                if process.status() == psutil.STATUS_ZOMBIE:
                    continue
                if Path(process.cwd()).is_relative_to(self.root / ".mldeploy"):
                    found.append(process.pid)
            except (psutil.Error, OSError):
                continue
        return found


def until(claim: Callable[[], Any], seconds: float = 30) -> Any:
    """Wait for a condition with a bound, and return what it gave."""
    deadline = time.monotonic() + seconds
    while not (found := claim()):
        assert time.monotonic() < deadline, "it never came true"
        time.sleep(0.05)
    return found


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture(scope="session")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project made by `mldeploy new` and trained once; tests get copies."""
    root = tmp_path_factory.mktemp("trained") / "function-docs"
    for words, cwd in (
        ([MLDEPLOY, "new", root, "--defaults"], root.parent),
        ([root / ".venv" / "bin" / "function-docs", "train"], root),
    ):
        done = subprocess.run(
            [str(w) for w in words], cwd=cwd, capture_output=True, text=True, timeout=600
        )
        assert done.returncode == 0, done.stdout + done.stderr
    return root


@pytest.fixture
def workplace(trained: Path, tmp_path: Path) -> Iterator[Workplace]:
    """A copy of the trained project with a port of its own; what it served ends with the test."""
    place = Workplace(copy_of(trained, tmp_path / "function-docs"), free_port())
    settings = place.root / "mldeploy.toml"
    settings.write_text(settings.read_text().replace("port = 3000", f"port = {place.port}"))
    yield place
    place.end_commands()
    import psutil

    for pid in place.pids():
        psutil.Process(pid).kill()


def copy_of(project: Path, place: Path) -> Path:
    """The project's own files copied; its environment, which nothing here changes, linked."""
    made = {".venv", ".mldeploy", "data", "reports"}  # of the project, not of its package

    def not_needed(folder: str, names: list[str]) -> set[str]:
        return made & set(names) if Path(folder) == project else set()

    shutil.copytree(project, place, ignore=not_needed)
    (place / ".venv").symlink_to(project / ".venv")
    return place
