import os
import subprocess
import sys
from pathlib import Path

import pytest

from fix_finder.paths import Layout
from fix_finder.registry import abandoned, tracking

pytestmark = pytest.mark.skipif(os.name != "posix", reason="it can't be told there")


@pytest.fixture
def layout(tmp_path: Path) -> Layout:
    """With one run that came to its end."""
    with tracking.run(Layout(tmp_path)):
        pass
    return Layout(tmp_path)


def started(layout: Layout, **tags: str) -> str:
    """A run that says RUNNING."""
    client = tracking.client(layout)
    [ended] = client.search_runs(["1"], "attributes.status = 'FINISHED'")
    run = client.create_run(ended.info.experiment_id, tags=abandoned.tags() | tags)
    return str(run.info.run_id)


def status(layout: Layout, run_id: str) -> str:
    with tracking.run(layout):  # what the next training begins with
        return str(tracking.client(layout).get_run(run_id).info.status)


def test_a_run_whose_process_is_gone_was_killed(layout: Layout) -> None:
    gone = subprocess.Popen([sys.executable, "-c", ""])
    gone.wait()
    assert status(layout, started(layout, process=str(gone.pid))) == "KILLED"


def test_a_run_that_another_process_goes_on_with_is_left_alone(layout: Layout) -> None:
    assert status(layout, started(layout, process=str(os.getppid()))) == "RUNNING"


def test_a_run_of_another_machine_is_left_alone(layout: Layout) -> None:
    assert status(layout, started(layout, host="elsewhere", process="999999")) == "RUNNING"
