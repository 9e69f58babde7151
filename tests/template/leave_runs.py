"""What a job may leave in MLflow besides a training; run by a project's interpreter, in its folder.

usage: leave_runs.py database|files     (it ends by SIGKILL)
"""

import math
import os
import signal
import sys
from pathlib import Path

import mlflow
import pandas as pd  # type: ignore[import-untyped]
from mlflow.data.pandas_dataset import from_pandas
from sklearn.linear_model import LinearRegression  # type: ignore[import-not-found]

HERE = Path.cwd()


def leave_everything() -> None:
    """A parent with a history, datasets and an own model, a child, and a run that was deleted."""
    client = mlflow.MlflowClient()
    with mlflow.start_run(run_name="a parent's run") as run:
        for step in range(300):
            client.log_metric(run.info.run_id, "loss", 1 / (step + 1) + 0.1, 1000 + step, step)
        client.log_metric(run.info.run_id, "loss", math.nan, 2000, 300)
        client.log_metric(run.info.run_id, "loss", 0.5, 2001, 7)  # written later, of an early step
        mlflow.log_metrics({"odd": math.nan, "much": math.inf, "little": -math.inf}, step=3)
        mlflow.log_params({"a/b": "two\nlines", "ünicode": "🦉"})
        mlflow.set_tags({"why": "to have one", "mlflow.note.content": "# a note"})
        frame = pd.DataFrame({"x": [1.0, 2.0], "y": [2.0, 4.0]})
        mlflow.log_input(from_pandas(frame, name="two rows", targets="y"), context="training")
        (HERE / "weights").mkdir()
        (HERE / "weights" / "a file.bin").write_bytes(bytes(range(256)) * 500)
        mlflow.log_artifacts(str(HERE / "weights"), "some/weights")
        model = LinearRegression().fit(frame[["x"]], frame["y"])
        logged = mlflow.sklearn.log_model(
            model, name="line", pip_requirements=["scikit-learn"], params={"slope": 2}
        )
        mlflow.log_metric("r2", 1.0, step=1, model_id=logged.model_id)
        with mlflow.start_run(run_name="child", nested=True):
            mlflow.log_metric("loss", 0.25)
    deleted = mlflow.start_run(run_name="deleted").info.run_id
    mlflow.end_run()
    client.delete_run(deleted)


def leave_one_that_goes_on() -> None:
    """The job is killed in the middle of a run."""
    mlflow.start_run(run_name="killed")
    mlflow.log_metric("loss", 0.125, step=4)
    os.kill(os.getpid(), signal.SIGKILL)


if __name__ == "__main__":
    uri = {"database": f"sqlite:///{HERE}/mlflow.db", "files": (HERE / "mlruns").as_uri()}
    os.environ["MLFLOW_TRACKING_URI"] = uri[sys.argv[1]]
    os.environ["MLFLOW_EXPERIMENT_NAME"] = "of the job"
    mlflow.set_tracking_uri(uri[sys.argv[1]])
    location = (HERE / "mlruns").as_uri() if sys.argv[1] == "database" else None
    mlflow.create_experiment("of the job", location, {"kind": "tried"})
    mlflow.set_experiment("of the job")
    leave_everything()
    leave_one_that_goes_on()
