"""A model from raw data to a running service, one short module for each step.

Read them in the order of the steps, which train.py puts together: data/ (source, collect, clean,
split), model/ (features, fit), evaluation/ (metrics, judge), registry/ (register, promote), and
then what the service is made of: model/predict and service.
"""

import os

PROJECT = "package-size"

# Libraries read these variables when they are imported; this file runs before every other module.
# MLflow and BentoML report usage to their makers unless told not to.
os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
os.environ.setdefault("BENTOML_DO_NOT_TRACK", "True")
# scikit-learn's trees would use a thread for each core. On so few rows these mostly wait for each
# other, and on a busy machine for very long: a prediction took 30 ms instead of 0.5, training 18 s
# instead of 0.3. With millions of rows, take this line out.
os.environ.setdefault("OMP_NUM_THREADS", "1")
