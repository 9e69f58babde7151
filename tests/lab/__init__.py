"""The lab: a real Docker engine and the base images, on a Debian machine without any registry.

`python -m tests.lab engine` brings it up for the tests marked ``docker`` and for contributors;
docs/contributing.md has the page for people.
"""
