"""`python -m PACKAGE` is the same as the project's command."""

from .cli import app

app()
