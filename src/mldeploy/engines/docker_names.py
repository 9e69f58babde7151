"""What things of ours are called on an engine, and the labels that say whose they are. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

PROJECT = "mldeploy.project"
TARGET = "mldeploy.target"
ROLE = "mldeploy.role"
RELEASE = "mldeploy.release"
ALIAS = "mldeploy.alias"
SETTINGS = "mldeploy.settings"
SPEC = "mldeploy.spec"
FOLDER = "mldeploy.folder"
HOST = "mldeploy.host"
BY = "mldeploy.by"
RECORD = "mldeploy.record"

SERVICE_PORT = 3000  # in a replica


@dataclass(frozen=True)
class Names:
    """The names of one target's things; ``owner`` are the labels that all of them carry."""

    project: str
    target: str
    owner: Mapping[str, str]

    @property
    def prefix(self) -> str:
        return f"mldeploy-{self.project}-{self.target}"

    @property
    def edge(self) -> str:
        return f"{self.prefix}-edge"

    @property
    def lock(self) -> str:
        return f"{self.prefix}-lock"

    @property
    def network(self) -> str:
        return self.prefix

    def replica(self, release: str, alias: str) -> str:
        return f"{self.prefix}-{release}-{alias}"

    def secrets(self, nonce: str) -> str:
        return f"{self.prefix}-secrets-{nonce}"

    def labels(self, role: str, **more: str) -> dict[str, str]:
        """The labels of a thing with this role; further ones without their prefix."""
        extra = {f"mldeploy.{name}": value for name, value in more.items()}
        return {**self.owner, PROJECT: self.project, TARGET: self.target, ROLE: role, **extra}

    def ours(self, role: str | None = None) -> dict[str, str | list[str] | bool]:
        """A filter for the engine's lists."""
        wanted = [f"{PROJECT}={self.project}", f"{TARGET}={self.target}"]
        return {"label": wanted + ([f"{ROLE}={role}"] if role else [])}
