"""Jobs on this machine, typed: what a command is told, and what is there afterwards."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from tests.conftest import until
from tests.jobs.bench import Bench

pytestmark = [pytest.mark.slow, pytest.mark.timeout(120)]


def test_what_a_command_makes_comes_home_and_what_was_sent_does_not(bench: Bench) -> None:
    job = bench.run("-m", "the first", "--", "python", "count.py", "3", "0")

    assert (job["end"], job["exit_code"], job["state"]) == ("succeeded", 0, "fetched")
    assert job["message"] == "the first"
    assert (bench.outputs(job) / "outputs" / "step.txt").read_text() == "3"
    assert not (bench.outputs(job) / "count.py").exists()
    (printed,) = job["runs"]
    assert printed["metrics"] == {"loss": pytest.approx(1 / 3)}
    assert not (bench.folder(job) / "place").exists()  # nothing is kept twice


def test_options_behind_the_command_are_the_commands(bench: Bench) -> None:
    job = bench.run("echo", "--json", "-m", "two words", "a;b")

    assert job["last"] == ["--json -m two words a;b"]
    assert job["message"] == ""


def test_the_log_is_shown_and_kept(bench: Bench) -> None:
    done = bench.mldeploy("run", "--", "python count.py 2 0; echo é >&2")

    assert done.code == 0
    lines = done.stdout.splitlines()
    assert lines[0] == "from step 0"
    assert "é" in lines
    assert bench.mldeploy("jobs", "logs").stdout.splitlines() == lines[: lines.index("é") + 1]
    assert bench.mldeploy("jobs", "logs", "-n", "1").stdout == "é\n"


def test_a_command_that_fails_is_a_run_that_fails_and_keeps_what_it_made(bench: Bench) -> None:
    done = bench.mldeploy("--json", "run", "--", "python count.py 2 0; echo the end; exit 7")

    assert done.code == 1
    assert (done.json["end"], done.json["exit_code"]) == ("failed", 7)
    assert done.json["last"][-1] == "the end"
    assert (bench.outputs(done.json) / "outputs" / "step.txt").read_text() == "2"


def test_the_longest_time_holds_without_the_command_line(bench: Bench) -> None:
    begun = bench.must("run", "--detach", "--max-runtime", "1s", "--", "python count.py 900 0.1")
    until(lambda: bench.job()["end"])

    job = bench.must("jobs", "fetch")

    assert begun["state"] == "running"
    assert job["end"] == "timed-out"
    assert int((bench.outputs(job) / "outputs" / "step.txt").read_text()) >= 5
    assert any("longest time" in line for line in job["last"])


def test_a_command_that_does_not_listen_is_ended_all_the_same(bench: Bench) -> None:
    deaf = "trap '' TERM; python count.py 900 0.05 & wait; sleep 100"
    bench.must("run", "--detach", "--", deaf)
    until(lambda: "loss" in bench.mldeploy("jobs", "show").stdout)
    state = next(bench.root.glob(".mldeploy/jobs/*/place/state.json"))
    supervisor = psutil.Process(int(state.read_text().partition('"pid": ')[2].split("}")[0]))
    children = supervisor.children(recursive=True)

    supervisor.terminate()
    for child in children:  # what is deaf to it, and has no time to lose here
        if child.is_running() and child.ppid() == supervisor.pid:
            child.kill()
    job = bench.must("jobs", "fetch")

    assert job["end"] == "stopped"
    assert not any(child.is_running() and child.status() != "zombie" for child in children)


def test_ctrl_c_leaves_it_running_and_says_how_to_come_back(bench: Bench) -> None:
    command = bench.begin("run", "--", "python count.py 900 0.05", start_new_session=True)
    until(lambda: list(bench.root.glob(".mldeploy/jobs/*/log")) and bench.job()["runs"])

    os.killpg(command.pid, signal.SIGINT)
    _, said = command.communicate(timeout=30)

    assert command.returncode == 130
    assert "mldeploy jobs logs -f 1" in said
    assert bench.job()["state"] == "running"
    ended = bench.must("jobs", "stop")
    assert ended["end"] == "stopped"
    assert (bench.outputs(ended) / "outputs" / "step.txt").exists()


def test_a_laptop_that_falls_asleep_loses_nothing(bench: Bench) -> None:
    """The command line is killed while the job runs; the job ends, and waits."""
    command = bench.begin("run", "--", "python count.py 20 0.05", start_new_session=True)
    until(lambda: list(bench.root.glob(".mldeploy/jobs/*/log")))
    os.killpg(command.pid, signal.SIGKILL)
    command.communicate(timeout=10)

    job = bench.must("jobs", "fetch")

    assert job["end"] == "succeeded"
    assert (bench.outputs(job) / "outputs" / "step.txt").read_text() == "20"
    log = (bench.folder(job) / "log").read_text().splitlines()
    assert len(log) == len(set(log)) == 21  # no line is missing, none comes twice


def test_a_job_that_was_killed_with_its_machine_keeps_its_checkpoints(bench: Bench) -> None:
    bench.must("run", "--detach", "--", "python count.py 900 0.02")
    until(lambda: bench.job()["runs"])
    state = next(bench.root.glob(".mldeploy/jobs/*/place/state.json"))
    supervisor = psutil.Process(int(state.read_text().partition('"pid": ')[2].split("}")[0]))
    for process in [supervisor, *supervisor.children(recursive=True)]:
        process.kill()

    job = bench.must("jobs", "fetch")
    kept = int((bench.outputs(job) / "outputs" / "step.txt").read_text())
    again = bench.run("--from", "1", "--resume", "--", f"python count.py {kept + 2} 0")

    assert job["end"] == "killed"
    assert kept > 1
    assert again["end"] == "succeeded"
    log = bench.mldeploy("jobs", "logs", "2").stdout.splitlines()
    assert log[0] == f"from step {kept}"


def test_one_command_stays_with_a_job_and_another_may_stop_it(bench: Bench) -> None:
    staying = bench.begin("--json", "run", "--", "python count.py 900 0.05")
    until(lambda: list(bench.root.glob(".mldeploy/jobs/*/log")) and bench.job()["runs"])

    second = bench.mldeploy("jobs", "fetch")
    stopped = bench.mldeploy("jobs", "stop")
    said, _ = staying.communicate(timeout=30)

    assert (second.code, "stays with job 1 already" in second.stderr) == (3, True)
    assert stopped.code == 0
    assert json.loads(said.splitlines()[-1])["end"] == "stopped"
    assert bench.job()["state"] == "fetched"


def test_a_kept_job_goes_with_the_stop_that_is_asked_for_later(bench: Bench) -> None:
    kept = bench.run("--keep", "--", "echo 1 > a.txt")
    place = bench.folder(kept) / "place"
    there = place.exists()

    bench.must("jobs", "stop")

    assert (there, place.exists()) == (True, False)
    assert (bench.outputs(kept) / "a.txt").read_text() == "1\n"


def test_runs_that_mlflow_does_not_take_are_here_as_files_and_nothing_waits_for_them(
    bench: Bench,
) -> None:
    subprocess.run(
        [sys.executable, "-m", "venv", "--without-pip", bench.root / ".venv"], check=True
    )

    done = bench.mldeploy("--json", "run", "--", "echo no database > mlflow.db; echo 1 > a.txt")

    job = bench.job()
    assert done.code == 1
    assert str(bench.folder(job) / "runs") in done.json["error"]["why"]
    assert "mldeploy jobs fetch 1" in done.json["error"]["do"]
    assert (job["state"], job["end"]) == ("fetched", "succeeded")
    assert (bench.outputs(job) / "a.txt").read_text() == "1\n"
    assert not (bench.folder(job) / "place").exists()
    assert bench.mldeploy("jobs", "fetch").code == 1  # it is tried again


def test_want_of_memory_has_its_own_name(bench: Bench) -> None:
    job = bench.run("--", "ulimit -v 400000; python -c 'bytearray(10**9)'")

    assert job["end"] == "out-of-memory"
    assert "MemoryError" in job["last"][-1]


def test_again_is_the_code_of_then_unless_something_else_is_said(bench: Bench) -> None:
    first = bench.run("--env", "WHO=me", "--", "cat count.py | wc -l; echo $WHO")
    (bench.root / "count.py").write_text("print('new')\n")

    again = bench.run("--from", "1")
    other = bench.run("--from", "1", "--env", "WHO=you")
    now = bench.run("--", "python count.py")

    assert first["code"] == again["code"] != now["code"]
    assert again["last"] == first["last"]
    assert other["last"] == [first["last"][0], "you"]
    assert now["last"] == ["new"]


def test_the_code_of_a_job_can_be_had_again(bench: Bench, tmp_path: Path) -> None:
    bench.run("--", "true")
    before = (bench.root / "count.py").read_text()
    (bench.root / "count.py").write_text("changed")

    bench.must("jobs", "code", "1", "--to", str(tmp_path / "then"))
    refused = bench.mldeploy("jobs", "code", "1", "--to", str(tmp_path / "then"))

    assert (tmp_path / "then" / "count.py").read_text() == before
    assert refused.code == 2


def test_what_is_ignored_is_not_sent(bench: Bench) -> None:
    (bench.root / "secret.env").write_text("x")
    (bench.root / "note.txt").write_text("not in git, not ignored")
    (bench.root / ".gitignore").write_text("*.env\n")

    job = bench.run("--", "ls")

    assert "note.txt" in job["last"]
    assert "secret.env" not in job["last"]


def test_data_is_found_at_the_same_relative_path(bench: Bench, tmp_path: Path) -> None:
    (tmp_path / "images").mkdir()
    (tmp_path / "images" / "a.txt").write_text("picture")

    job = bench.run("--data", f"{tmp_path / 'images'}:/input/images", "--", "cat input/images/*")

    assert job["last"] == ["picture"]
    assert not (bench.outputs(job) / "input").exists()


def test_data_that_a_job_reads_is_not_removed(bench: Bench, tmp_path: Path) -> None:
    (tmp_path / "images").mkdir()
    (tmp_path / "images" / "a.txt").write_text("picture")
    bench.must("data", "push", str(tmp_path / "images"))
    bench.must("run", "--detach", "--data", "images/1:/input", "--", "sleep 60; cat input/a.txt")

    refused = bench.mldeploy("data", "rm", "images/1", "--yes")
    bench.must("jobs", "stop")

    assert (refused.code, "job 1" in refused.stderr) == (3, True)
    assert bench.mldeploy("data", "rm", "images/1", "--yes").code == 0


def test_removing_takes_what_is_here_and_refuses_what_runs(bench: Bench) -> None:
    bench.must("run", "--detach", "--", "python count.py 900 0.05")
    refused = bench.mldeploy("jobs", "rm", "1", "--yes")
    bench.must("jobs", "stop")

    removed = bench.must("jobs", "rm", "1")

    assert (refused.code, "jobs stop 1" in refused.stderr) == (3, True)
    assert removed["removed"]
    assert bench.must("jobs")["jobs"] == []
    assert not list((bench.root / ".mldeploy" / "code").glob("*"))


def test_a_target_that_is_none_is_said_before_anything_is_done(bench: Bench) -> None:
    done = bench.mldeploy("run", "--on", "locla", "--", "true")

    assert done.code == 2
    assert "mldeploy run --on local" in done.stderr
    assert "collect the code" not in done.stderr
    assert not (bench.root / ".mldeploy").exists()


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["run"], "What is to be run?"),
        (["run", "--on", "nowhere", "--", "true"], "no target called 'nowhere'"),
        (["run", "--task", "none"], "no [jobs.none]"),
        (["run", "--max-runtime", "soon", "--", "true"], "is not a duration"),
        (["run", "--env", "A", "--", "true"], "sets nothing"),
        (["run", "--machine-type", "t3.small", "--", "true"], "No machine is rented"),
        (["run", "--resume", "--", "true"], "--resume needs a job"),
        (["run", "--from", "9"], "has run no job yet"),
        (["run", "--gpu", "--", "true"], "no GPU that a job could use"),
        (["jobs", "show", "9"], "has run no job yet"),
        (["jobs", "logs"], "has run no job yet"),
    ],
)
def test_what_cannot_be_is_refused_in_three_parts(
    bench: Bench, words: list[str], expected: str
) -> None:
    done = bench.mldeploy(*words)

    assert done.code in (1, 2)
    assert expected in done.stderr
    assert "why:" in done.stderr
    assert "do:" in done.stderr


def test_a_task_of_the_settings_is_run_by_its_name(bench: Bench) -> None:
    with (bench.root / "mldeploy.toml").open("a") as settings:
        settings.write(
            '\n[jobs.count]\ncommand = "python count.py $MOST 0"\nmessage = "by name"\n'
            'env = { MOST = "4" }\noutputs = "kept"\n'
        )

    job = bench.run("--task", "count")
    other = bench.run("--task", "count", "--env", "MOST=5")

    assert job["message"] == "by name"
    assert (bench.outputs(job) / "kept" / "step.txt").read_text() == "4"
    assert (bench.outputs(other) / "kept" / "step.txt").read_text() == "5"
