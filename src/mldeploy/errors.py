"""The one error tree: what happened, why, and the next command to type.

An error is raised where its cause is known and printed once, by the command line.
Exit codes: 0 done, 1 failed, 2 wrong usage or configuration, 3 refused by a limit
(price, lifetime, lock, gate), 130 interrupted.
"""

from __future__ import annotations


class MldeployError(Exception):
    """Something went wrong and we know what to do about it.

    ``code`` is a stable slug that scripts may rely on; ``what``, ``why`` and ``do`` are sentences
    for a person; ``detail`` holds lines to show below them, such as the end of a log.
    """

    exit_code = 1

    def __init__(self, code: str, *, what: str, why: str, do: str, detail: str = "") -> None:
        super().__init__(what)
        self.code = code
        self.what = what
        self.why = why
        self.do = do
        self.detail = detail

    def as_dict(self) -> dict[str, str]:
        """The error as ``--json`` prints it."""
        parts = {"code": self.code, "what": self.what, "why": self.why, "do": self.do}
        return parts | ({"detail": self.detail} if self.detail else {})


class FailedError(MldeployError):
    """A step did not work."""


class ConfigError(MldeployError):
    """The command line or mldeploy.toml asks for something that can't be."""

    exit_code = 2


class Interrupted(KeyboardInterrupt):
    """Ctrl+C, with a sentence on what is there now."""


class RefusedError(MldeployError):
    """A limit said no: the gate, the lock, a price, a lifetime. Nothing was changed."""

    exit_code = 3
