"""Scripts that the *project's* interpreter runs, by path.

They may import mlflow or bentoml, which the project has and the CLI's environment has not, and
they import nothing of mldeploy. Each prints one line of JSON as its last line on stdout.
"""
