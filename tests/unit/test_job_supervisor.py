"""What runs a job where it was sent: started as it is there, as a program of its own."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from mldeploy.project_side import job as supervisor
from tests.conftest import until

SCRIPT = Path(supervisor.__file__)


class Folder:
    """The folder of one job."""

    def __init__(self, root: Path) -> None:
        self.root = root
        (root / "code").mkdir(parents=True)
        (root / "code" / "sent.txt").write_text("as it was sent")

    def begin(self, command: str, **order: Any) -> subprocess.Popen[bytes]:
        whole = {"command": command, "outputs": "outputs", "env": {}, "max_seconds": None} | order
        (self.root / "order.json").write_text(json.dumps(whole))
        return subprocess.Popen([sys.executable, SCRIPT, self.root], stdout=subprocess.PIPE)

    def run(self, command: str, **order: Any) -> str:
        said, _ = self.begin(command, **order).communicate(timeout=30)
        return said.decode()

    @property
    def state(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads((self.root / "state.json").read_text())
        return found

    @property
    def kept(self) -> dict[str, str]:
        """Each file that is to be fetched, and what is in it."""
        listed = json.loads((self.root / "kept" / "manifest.json").read_text())["files"]
        return {
            one["path"]: (self.root / "kept" / one["group"] / one["path"]).read_text()
            for one in listed
        }


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    return Folder(tmp_path / "job")


def test_what_is_new_or_changed_is_kept_and_nothing_else(folder: Folder) -> None:
    (folder.root / "code" / "edited.txt").write_text("before")
    lines = "echo new > a.txt; echo after > edited.txt; echo out > $MLDEPLOY_OUTPUTS/b.txt"

    folder.run(f"{lines}; mkdir __pycache__; touch __pycache__/c.pyc; ln -s a.txt link")

    assert folder.kept == {
        "outputs/a.txt": "new\n",
        "outputs/edited.txt": "after\n",
        "outputs/outputs/b.txt": "out\n",
    }
    assert (folder.state["state"], folder.state["end"], folder.state["code"]) == (
        "ended", "succeeded", 0,
    )  # fmt: skip


def test_mlflows_own_files_are_told_apart(folder: Folder) -> None:
    folder.run(
        "mkdir -p mlruns/1/a; echo 1 > mlruns/1/a/f; echo 2 > mlflow.db; echo 3 > mlruns.txt"
    )

    assert set(folder.kept) == {"runs/mlruns/1/a/f", "runs/mlflow.db", "outputs/mlruns.txt"}


def test_lines_of_metrics_are_written_down_and_others_are_not(folder: Folder) -> None:
    lines = [
        '{"metric": "a", "value": 1.5, "step": 3}',
        '{"metric": "b", "value": 2, "epoch": 1}',
        '{"metric": "a"}',
        '{"value": 1}',
        '{"metric": "c", "value": true}',
        "metric a 3",
    ]
    (folder.root / "code" / "lines").write_text("\n".join(lines))

    folder.run("cat lines")

    found = [json.loads(line) for line in (folder.root / "metrics.jsonl").read_text().splitlines()]
    assert [(one["metric"], one["value"], one["step"]) for one in found] == [
        ("a", 1.5, 3),
        ("b", 2, 1),
    ]
    assert "metrics.jsonl" in folder.kept


def test_both_streams_are_one_log_in_their_order(folder: Folder) -> None:
    assert folder.run("echo 1; echo 2 >&2; echo 3") == "1\n2\n3\n"
    assert folder.state["last"] == ["1", "2", "3"]


def test_a_process_that_was_left_behind_ends_with_the_command(folder: Folder) -> None:
    began = time.monotonic()

    folder.run("sleep 60 & echo $! > pid")

    assert time.monotonic() - began < 20
    pid = int((folder.root / "code" / "pid").read_text())
    until(lambda: not Path(f"/proc/{pid}").exists() or "Z" in _state(pid))


def _state(pid: int) -> str:
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]


def test_its_longest_time_ends_it(folder: Folder) -> None:
    said = folder.run("echo begun; echo kept > a; sleep 60", max_seconds=0.5)

    assert folder.state["end"] == "timed-out"
    assert "its longest time" in said
    assert folder.kept["outputs/a"] == "kept\n"


def test_what_does_not_listen_is_killed_after_a_while(folder: Folder) -> None:
    folder.run("trap '' TERM; sleep 60 & wait; sleep 60", max_seconds=0.3, grace=0.5)

    assert folder.state["end"] == "timed-out"


def test_who_stops_it_gets_what_was_made(folder: Folder) -> None:
    process = folder.begin("echo half > a; sleep 60")
    until(lambda: (folder.root / "code" / "a").exists())

    process.send_signal(signal.SIGTERM)
    process.communicate(timeout=20)

    assert folder.state["end"] == "stopped"
    assert folder.kept["outputs/a"] == "half\n"


def test_started_again_after_its_machine_it_packs_and_runs_nothing(folder: Folder) -> None:
    process = folder.begin("echo once >> runs.txt; sleep 60")
    until(lambda: (folder.root / "code" / "runs.txt").exists())
    process.kill()
    process.communicate(timeout=20)

    folder.run("echo twice >> runs.txt")

    assert folder.state["end"] == "killed"
    assert folder.kept["outputs/runs.txt"] == "once\n"


def test_what_a_job_before_left_is_in_its_place_and_is_kept_again(folder: Folder) -> None:
    (folder.root / "resumed" / "outputs").mkdir(parents=True)
    (folder.root / "resumed" / "outputs" / "step").write_text("7")

    said = folder.run("cat outputs/step")

    assert said == "7"
    assert folder.kept["outputs/outputs/step"] == "7"


def test_a_command_that_is_none_is_a_failure_that_says_so(folder: Folder) -> None:
    said = folder.run("no-such-program")

    assert (folder.state["end"], folder.state["code"]) == ("failed", 127)
    assert "not found" in said


def test_large_outputs_come_in_several_groups(
    folder: Folder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(supervisor, "GROUP_BYTES", 10)
    folder.run("true")
    for name in "abc":
        (folder.root / "code" / name).write_text(name * 8)

    supervisor.pack(folder.root)

    listed = json.loads((folder.root / "kept" / "manifest.json").read_text())["files"]
    assert [one["group"] for one in listed] == ["g0001", "g0002", "g0003"]


PLENTY = 10**12


@pytest.mark.parametrize(
    ("code", "last", "stopped", "timed_out", "lack", "free", "expected"),
    [
        (0, [], False, False, False, PLENTY, "succeeded"),
        (0, [], False, True, False, PLENTY, "timed-out"),
        (3, [], False, False, False, PLENTY, "failed"),
        (-15, [], True, False, False, PLENTY, "stopped"),
        (-9, [], False, False, True, PLENTY, "out-of-memory"),
        (1, ["MemoryError"], False, False, False, PLENTY, "out-of-memory"),
        (1, ["CUDA out of memory. Tried"], False, False, False, PLENTY, "out-of-memory"),
        (1, ["OSError: [Errno 28] No space left on device"], False, False, False, PLENTY,
         "disk-full"),
        (1, [], False, False, False, 10, "disk-full"),
    ],
)  # fmt: skip
def test_each_end_has_its_name(
    code: int, last: list[str], stopped: bool, timed_out: bool, lack: bool, free: int, expected: str
) -> None:
    assert supervisor.ending(code, last, stopped, timed_out, lack, free) == expected


def test_what_keras_prints_at_the_end_of_an_epoch_is_written_down(folder: Folder) -> None:
    bar = b"\r30/60 [==>..] - ETA: 2s - loss: 0.9\x08\x08\x08\r60/60 [====] - 5s 80us/step"
    lines = b"Epoch 2/10\n" + bar + b" - loss: 0.25 - val_acc: 9.5e-1\n3/5 files - size: 4\n"
    (folder.root / "code" / "lines").write_bytes(lines)

    folder.run("cat lines")

    found = [json.loads(line) for line in (folder.root / "metrics.jsonl").read_text().splitlines()]
    assert [(one["metric"], one["value"], one["step"]) for one in found] == [
        ("loss", 0.25, 2),
        ("val_acc", 0.95, 2),
    ]
