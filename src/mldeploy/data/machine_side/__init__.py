"""What runs on the machine of a job, with the Python that it has: 3.7 or later, and no package."""

from importlib.resources import files


def program(name: str) -> str:
    """The text of one of them, for `python3 -c`."""
    return files("mldeploy.data.machine_side").joinpath(f"{name}.py").read_text("utf-8")
