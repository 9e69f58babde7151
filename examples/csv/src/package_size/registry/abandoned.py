"""Runs whose process was killed, as by `kill -9` or a power cut: it could not end them itself."""

import os
import socket

import mlflow

HOST, PROCESS = "host", "process"  # tags of a run


def tags() -> dict[str, str]:
    """Who goes on with a run: this process, on this machine."""
    return {HOST: socket.gethostname(), PROCESS: str(os.getpid())}


def end(client: mlflow.MlflowClient, experiment_id: str) -> None:
    """Runs of this machine that are called RUNNING, and whose process is gone, become KILLED."""
    if os.name != "posix":  # elsewhere, asking whether a process is there can end it
        return
    running = f"attributes.status = 'RUNNING' and tags.{HOST} = '{socket.gethostname()}'"
    for run in client.search_runs([experiment_id], running):
        if not _is_there(int(run.data.tags[PROCESS])):
            client.set_terminated(run.info.run_id, "KILLED")


def _is_there(process: int) -> bool:
    try:
        os.kill(process, 0)  # no signal: it only asks
    except ProcessLookupError:
        return False
    except PermissionError:  # somebody else's
        return True
    return True
