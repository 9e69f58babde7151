"""`make demo`: the main job on embedded defaults, in demo/, with no account and no Docker.

New project → train → up → a real prediction over HTTP. Run again, it goes on from what is there.
"""

from __future__ import annotations

import os
import re
import shutil
import socket
import subprocess
import sys
from pathlib import Path

CHECKOUT = Path(__file__).resolve().parents[1]
PROJECT = CHECKOUT / "demo" / "function-docs"
MLDEPLOY = Path(sys.executable).with_name("mldeploy")


def main() -> int:
    if not (PROJECT / ".venv").exists():
        shutil.rmtree(PROJECT, ignore_errors=True)  # a demo that was interrupted half-way
        step("mldeploy", "new", "demo/function-docs", "--defaults", cwd=CHECKOUT)
        use_a_free_port()
    step("make", "train", cwd=PROJECT)
    step("mldeploy", "up", cwd=PROJECT)
    step("mldeploy", "predict", cwd=PROJECT)
    say("It goes on serving after this terminal is closed. To stop it:")
    say(f"  cd {PROJECT.relative_to(CHECKOUT)} && ../../.venv/bin/mldeploy down")
    return 0


def step(*words: str, cwd: Path) -> None:
    """Show a command as it would be typed, run it, and end the demo if it fails."""
    say(f"$ {' '.join(words)}")
    program = str(MLDEPLOY) if words[0] == "mldeploy" else words[0]
    inherited = {k: v for k, v in os.environ.items() if k != "PYTHONDONTWRITEBYTECODE"}
    # make was started by make: its own variables must not reach the project's.
    env = {k: v for k, v in inherited.items() if not k.startswith(("MAKE", "MFLAGS"))}
    done = subprocess.run([program, *words[1:]], cwd=cwd, env=env, timeout=1800, check=False)
    if done.returncode != 0:
        sys.exit(done.returncode)


def use_a_free_port() -> None:
    """The demo must also work where something else has port 3000."""
    with socket.socket() as probe:
        if probe.connect_ex(("127.0.0.1", 3000)) != 0:
            return
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    say(f"(port 3000 is taken on this machine: the demo uses {port})")
    path = PROJECT / "mldeploy.toml"
    path.write_text(re.sub(r"port = 3000", f"port = {port}", path.read_text()))
    git = ["git", "-c", "user.name=demo", "-c", "user.email=demo@example.invalid"]
    subprocess.run([*git, "commit", "-qam", "Use a free port"], cwd=PROJECT, timeout=60, check=True)


def say(text: str) -> None:
    sys.stderr.write(f"\n{text}\n" if text.startswith("$") else f"{text}\n")
    sys.stderr.flush()


if __name__ == "__main__":
    sys.exit(main())
