"""``python -m mldeploy``."""

from mldeploy.cli.main import main

main()
