"""The error that this project raises on purpose."""


class ProjectError(Exception):
    """Something the reader can put right: what happened, why, and what to do next.

    Raise it where the cause is known. The command line prints it, once, without a traceback.
    """

    exit_code = 1

    def __init__(self, what: str, why: str, do: str) -> None:
        super().__init__(what, why, do)
        self.what = what
        self.why = why
        self.do = do

    def __str__(self) -> str:
        return f"{self.what}\n  why: {self.why}\n  do:  {self.do}"


class NothingToCompareError(ProjectError):
    """Whether there is drift cannot be told. A code of its own, for CI: 1 would mean drift."""

    exit_code = 2
