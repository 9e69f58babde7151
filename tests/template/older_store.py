"""A store with one run, as an MLflow made it that is two changes of the tables behind.

usage: older_store.py DATABASE
"""

import sqlite3
import sys

from alembic import command  # type: ignore[import-not-found]
from mlflow.store.db.utils import InitialBase, _get_alembic_config
from sqlalchemy import create_engine  # type: ignore[import-not-found]

uri = f"sqlite:///{sys.argv[1]}"
InitialBase.metadata.create_all(create_engine(uri))
command.upgrade(_get_alembic_config(uri), "heads-2")
with sqlite3.connect(sys.argv[1]) as database:
    database.execute(
        "INSERT INTO experiments (experiment_id, name, artifact_location, lifecycle_stage)"
        " VALUES (1, 'old', '/job/code/mlruns', 'active')"
    )
    database.execute(
        "INSERT INTO runs (run_uuid, name, status, start_time, end_time, lifecycle_stage,"
        " artifact_uri, experiment_id) VALUES ('abc', 'old', 'FINISHED', 1, 2, 'active',"
        " '/job/code/mlruns/abc/artifacts', 1)"
    )
    database.execute("INSERT INTO params VALUES ('depth', '3', 'abc')")
database.close()
