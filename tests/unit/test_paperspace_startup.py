"""What a Paperspace machine is told at its first boot."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest

from mldeploy.providers import lifetime, user_data
from mldeploy.providers.paperspace import names, startup
from tests.unit.test_paperspace_names import ORDERED

DELETES = startup.Expiry("delete", "k3y", "https://api.paperspace.com/v1")
STOPS = startup.Expiry("stop")


def files_of(script: str) -> dict[str, str]:
    found = re.findall(r"cat > (\S+) <<'(\w+)'\n(.*?)\n\2$", script, re.DOTALL | re.MULTILINE)
    return {path: content + "\n" for path, _, content in found}


@pytest.mark.parametrize("expiry", [DELETES, STOPS])
def test_a_shell_can_read_it(expiry: startup.Expiry, tmp_path: Path) -> None:
    for name, text in {"all": startup.script(ORDERED, expiry), "gpu": startup.GPU}.items():
        (tmp_path / name).write_text(text)
        subprocess.run(["bash", "-n", str(tmp_path / name)], check=True)


def test_the_lifetime_comes_before_all_that_may_fail() -> None:
    script = startup.script(ORDERED, DELETES)
    order = [
        "systemctl enable --now mldeploy-lifetime.timer",
        "authorized_keys",
        "ssh_host_",
        "systemctl restart ssh",
        f"\n{startup.GPU_FILE}\n",
        f"\n{user_data.INSTALL_FILE} paperspace",
    ]
    places = [script.index(each) for each in order]
    assert places == sorted(places)
    files = files_of(script)
    assert files[lifetime.EXPIRES] == lifetime.in_file(ORDERED.expires_at) + "\n"
    assert files[f"/etc/systemd/system/{lifetime.UNIT}.timer"] == lifetime.TIMER


def test_at_its_end_it_deletes_itself_and_else_switches_itself_off() -> None:
    program = files_of(startup.script(ORDERED, DELETES))[lifetime.PROGRAM_FILE]
    assert f"{startup.END_FILE} || systemctl poweroff" in program


def test_the_api_key_is_where_root_alone_reads_it_and_nowhere_where_it_stops() -> None:
    script = startup.script(ORDERED, DELETES)
    assert script.count("k3y") == 1
    assert f"install -m 600 /dev/null {startup.TOLD_FILE}" in script
    told = json.loads(files_of(script)[startup.TOLD_FILE])
    assert told["name"] == str(names.stem_of(ORDERED))
    stops = startup.script(ORDERED, STOPS)
    assert startup.TOLD_FILE not in stops
    assert files_of(stops)[lifetime.PROGRAM_FILE] == lifetime.PROGRAM
    assert "k3y" not in repr(DELETES)


def test_it_shows_the_host_key_that_was_made_for_it_and_takes_no_passwords() -> None:
    files = files_of(startup.script(ORDERED, STOPS))
    assert files["/etc/ssh/ssh_host_ed25519_key"] == ORDERED.private_host_key
    assert files["/etc/ssh/ssh_host_ed25519_key.pub"] == ORDERED.host_key + "\n"
    assert "PasswordAuthentication no" in files["/etc/ssh/sshd_config.d/00-mldeploy.conf"]


# The program that deletes the machine


class Cloud(HTTPServer):
    """Lists machines, and deletes them after ``refusals`` refusals."""

    def __init__(self, names_there: list[str], refusals: int) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.names_there, self.refusals = names_there, refusals
        self.deleted: list[str] = []
        self.agents: set[str] = set()


class _Handler(BaseHTTPRequestHandler):
    server: Cloud

    def do_GET(self) -> None:
        self.server.agents.add(self.headers["User-Agent"])
        first = "after=" not in self.path
        there = self.server.names_there[:1] if first else self.server.names_there[1:]
        items = [{"id": f"id-{name}", "name": name, "dtDeleted": None} for name in there]
        self._say(200, {"hasMore": first, "items": items, "nextPage": "next"})

    def do_DELETE(self) -> None:
        assert self.headers["Authorization"] == "Bearer k3y"
        if self.server.refusals:
            self.server.refusals -= 1
            self._say(500, {"code": "INTERNAL_SERVER_ERROR", "message": "no"})
            return
        self.server.deleted.append(self.path.rpartition("/")[2])
        self._say(200, {"data": {}})

    def _say(self, status: int, body: object) -> None:
        sent = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(sent)))
        self.end_headers()
        self.wfile.write(sent)

    def log_message(self, *_: object) -> None:
        """Silence."""


@pytest.fixture
def cloud() -> Iterator[Cloud]:
    stem = str(names.stem_of(ORDERED))
    made = Cloud(["train-box", f"{stem}-never", f"{stem[:-1]}0-never"], refusals=0)
    thread = threading.Thread(target=made.serve_forever, args=(0.01,))
    thread.start()
    yield made
    made.shutdown()
    thread.join()
    made.server_close()


def end(cloud: Cloud, folder: Path, tries: int = 3) -> subprocess.CompletedProcess[str]:
    told = folder / "told.json"
    url = f"http://127.0.0.1:{cloud.server_port}/v1"
    told.write_text(json.dumps({"url": url, "key": "k3y", "name": str(names.stem_of(ORDERED))}))
    program = startup.END.replace(startup.TOLD_FILE, str(told))
    program = program.replace(f"range({startup.TRIES})", f"range({tries})")
    program = program.replace(f"sleep({startup.PAUSE_SECONDS})", "sleep(0)")
    return subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, timeout=30, check=False
    )


def test_it_deletes_the_machine_of_its_own_order_alone(cloud: Cloud, tmp_path: Path) -> None:
    ran = end(cloud, tmp_path, tries=1)
    assert cloud.deleted == [f"id-{names.stem_of(ORDERED)}-never"]
    assert cloud.agents == {"mldeploy"}
    assert "k3y" not in ran.stdout + ran.stderr


def test_it_tries_again_and_not_for_ever(cloud: Cloud, tmp_path: Path) -> None:
    cloud.refusals = 2
    ran = end(cloud, tmp_path)
    assert len(cloud.deleted) == 1
    assert ran.stdout.count("not deleted yet") == 2
    assert ran.returncode == 1  # still there: it is switched off


def test_where_nothing_answers_it_is_switched_off(cloud: Cloud, tmp_path: Path) -> None:
    cloud.refusals = 99
    ran = end(cloud, tmp_path)
    assert (cloud.deleted, ran.returncode) == ([], 1)
