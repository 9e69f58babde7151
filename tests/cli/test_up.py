"""The main job, typed as a person types it, on a real project and real processes."""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import subprocess
import urllib.request
from pathlib import Path

import psutil
import pytest

from tests.conftest import Workplace, until

pytestmark = [pytest.mark.slow, pytest.mark.network, pytest.mark.timeout(300)]

KEYS = {
    "target", "kind", "url", "release", "model", "model_version", "run_id", "commit", "replicas",
    "expires_at", "price_per_hour",
}  # fmt: skip


def answers(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def test_the_whole_way_up_and_down_again(workplace: Workplace) -> None:
    up = workplace.up()

    assert set(up) >= KEYS
    assert up["url"] == f"http://127.0.0.1:{workplace.port}"
    assert up["model_version"] == "1"
    assert workplace.serving_release() == up["release"]

    prediction = workplace.mldeploy("predict", "--json").json
    by_hand = subprocess.run(prediction["curl"], shell=True, capture_output=True, text=True)  # noqa: S602
    assert json.loads(by_hand.stdout) == prediction["response"]
    assert prediction["release"] == up["release"]

    status = workplace.mldeploy("status", "--json").json
    assert set(status) >= KEYS | {"state", "health", "started_at", "cost_so_far"}
    assert status["state"] == "serving"
    # Requests are not logged one by one: that is for the edge. What the service says is.
    assert "initialized" in workplace.mldeploy("logs", "-n", "20").stdout

    down = workplace.mldeploy("down", "--json")
    assert (down.code, down.json["left"]) == (0, [])
    assert workplace.pids() == []
    assert not answers(workplace.port)
    assert workplace.mldeploy("status", "--json").json["state"] == "down"


def test_only_this_machine_can_reach_it(workplace: Workplace) -> None:
    workplace.up()

    (pid,) = workplace.pids()
    listening = [c for c in psutil.Process(pid).net_connections() if c.status == psutil.CONN_LISTEN]

    assert [tuple(c.laddr) for c in listening] == [("127.0.0.1", workplace.port)]


def test_the_service_has_its_four_pages(workplace: Workplace) -> None:
    url = workplace.up()["url"]

    for page in ("/livez", "/readyz", "/metrics", "/docs.json"):
        with urllib.request.urlopen(url + page, timeout=10) as answer:
            assert answer.status == 200, page


def test_it_goes_on_when_the_terminal_closes(workplace: Workplace) -> None:
    """A terminal that closes sends SIGHUP to its session; `up` runs in one that we can end."""
    up = workplace.begin("up", start_new_session=True)
    up.communicate(timeout=120)
    assert up.returncode == 0

    with pytest.raises(ProcessLookupError):  # nothing of that session is left to be told
        os.killpg(up.pid, signal.SIGHUP)

    assert workplace.serving_release()


def test_a_changed_release_takes_over_and_rollback_returns(workplace: Workplace) -> None:
    first = workplace.up()["release"]
    workplace.edit_service("changed")

    second = workplace.up()
    assert second["release"] != first
    assert workplace.serving_release() == second["release"]
    assert 0 <= second["pause_seconds"] < 5

    back = workplace.mldeploy("rollback", "--json").json
    assert back["release"] == first
    assert workplace.serving_release() == first
    assert len(workplace.pids()) == 1

    named = workplace.mldeploy("rollback", "--to", second["release"], "--json").json
    assert named["release"] == second["release"]
    events = workplace.mldeploy("history", "--json").json["events"]
    assert [event["action"] for event in events] == ["rollback", "rollback", "up", "up"]
    assert [event["state"] for event in events] == ["serving", "kept", "kept", "kept"]
    assert all(event["metric"][0] == "roc_auc" for event in events)


def test_up_twice_changes_nothing(workplace: Workplace) -> None:
    workplace.up()
    pids = workplace.pids()

    again = workplace.up()

    assert again["changed"] is False
    assert workplace.pids() == pids


def test_a_new_port_is_taken_and_the_old_one_left(workplace: Workplace) -> None:
    workplace.up()
    old, workplace.port = workplace.port, workplace.port + 1
    settings = workplace.root / "mldeploy.toml"
    settings.write_text(settings.read_text().replace(str(old), str(workplace.port)))

    up = workplace.up()

    assert up["url"].endswith(str(workplace.port))
    assert workplace.serving_release()
    assert not answers(old)


def test_a_killed_server_is_reported_and_up_brings_it_back(workplace: Workplace) -> None:
    workplace.up()
    (pid,) = workplace.pids()
    os.kill(pid, signal.SIGKILL)
    until(lambda: not workplace.pids())

    status = workplace.mldeploy("status", "--json")
    assert (status.code, status.json["state"]) == (1, "dead")
    assert "mldeploy up" in workplace.mldeploy("status").stdout
    assert "Nothing serves" in workplace.mldeploy("predict").stderr

    assert workplace.up()["changed"] is True
    assert workplace.serving_release()


def test_a_reused_process_id_is_not_mistaken_for_ours(workplace: Workplace) -> None:
    workplace.up()
    (pid,) = workplace.pids()
    os.kill(pid, signal.SIGKILL)
    until(lambda: not workplace.pids())
    bystander = subprocess.Popen(["sleep", "300"])
    try:
        (facts,) = workplace.root.glob(".mldeploy/targets/local/runs/*/started.json")
        facts.write_text(json.dumps(json.loads(facts.read_text()) | {"pid": bystander.pid}))

        assert workplace.mldeploy("status", "--json").json["state"] == "dead"
        assert workplace.mldeploy("down").code == 0
        assert bystander.poll() is None
    finally:
        bystander.kill()
        bystander.wait(timeout=10)


def test_a_copied_project_does_not_control_the_original(
    workplace: Workplace, tmp_path: Path
) -> None:
    release = workplace.up()["release"]
    copied = tmp_path / "copy"
    shutil.copytree(workplace.root, copied, symlinks=True)
    copy = Workplace(copied, workplace.port)

    status = copy.mldeploy("status", "--json").json
    assert status["state"] == "down"
    assert str(workplace.root) in status["health"]
    assert copy.mldeploy("down").code == 0
    assert workplace.serving_release() == release

    refused = copy.mldeploy("up", "--json")
    assert refused.json["error"]["code"] == "port-taken"
    assert str(workplace.root) in refused.json["error"]["why"]


def test_a_moved_project_keeps_its_server(workplace: Workplace, tmp_path: Path) -> None:
    workplace.up()
    moved = tmp_path / "moved"
    workplace.root.rename(moved)
    workplace.root = moved

    assert workplace.mldeploy("status", "--json").json["state"] == "serving"
    assert workplace.mldeploy("down").code == 0
    assert workplace.pids() == []


def test_a_deleted_project_ends_its_server(workplace: Workplace) -> None:
    workplace.up()
    (pid,) = workplace.pids()

    shutil.rmtree(workplace.root)

    until(lambda: not psutil.pid_exists(pid) or psutil.Process(pid).status() == "zombie")


def test_the_last_five_releases_are_kept_and_their_environments(
    workplace: Workplace,
) -> None:
    names = []
    for number in range(6):
        workplace.edit_service(f"edit {number}")
        names.append(workplace.up()["release"])

    kept = {folder.name for folder in (workplace.root / ".mldeploy/releases").iterdir()}

    assert kept == set(names[1:])
    assert len(list((workplace.root / ".mldeploy/envs").iterdir())) == 1
    gone = workplace.mldeploy("rollback", "--to", names[0], "--json")
    assert gone.code == 2
    assert gone.json["error"]["code"] == "no-such-release"


def test_following_the_log_goes_on_with_the_next_release(workplace: Workplace) -> None:
    workplace.up()
    following = workplace.begin("logs", "-f")
    workplace.edit_service("next")

    release = workplace.up()["release"]

    assert following.stdout is not None
    seen = ""
    while f"now release {release}" not in seen:
        seen = following.stdout.readline()
        assert seen, "the log ended"
    following.send_signal(signal.SIGINT)
    assert following.wait(timeout=10) == 130


def test_a_second_target_of_the_project_is_its_own(workplace: Workplace) -> None:
    settings = workplace.root / "mldeploy.toml"
    settings.write_text(
        settings.read_text() + f'\n[targets.two]\nkind = "process"\nport = {workplace.port + 1}\n'
    )
    workplace.up()

    assert workplace.mldeploy("up", "two").code == 0
    assert workplace.mldeploy("down", "local").code == 0
    assert workplace.mldeploy("status", "two", "--json").json["state"] == "serving"
