"""MLflow: runs, versions of the model, and which one is the champion."""
