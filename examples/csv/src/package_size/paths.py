"""Where everything is, whatever folder a command is started from."""

from dataclasses import dataclass
from pathlib import Path

from .errors import ProjectError


@dataclass(frozen=True)
class Layout:
    """The files of a project, given its root."""

    root: Path

    @property
    def params(self) -> Path:
        return self.root / "params.toml"

    @property
    def raw(self) -> Path:
        """The collected rows, never changed by hand."""
        return self.root / "data" / "raw" / "rows.csv"

    @property
    def manifest(self) -> Path:
        """How the raw rows were collected, and their sha256."""
        return self.root / "data" / "raw" / "manifest.json"

    @property
    def clean(self) -> Path:
        return self.root / "data" / "clean" / "rows.csv"

    @property
    def reports(self) -> Path:
        """What the last training found: pictures, figures, its model card."""
        return self.root / "reports"

    @property
    def plots(self) -> Path:
        return self.reports / "plots"

    @property
    def cleaning(self) -> Path:
        """What cleaning did, in figures."""
        return self.reports / "cleaning.json"

    @property
    def last_card(self) -> Path:
        """The model card of the last training, promoted or not."""
        return self.reports / "MODEL_CARD.md"

    @property
    def card(self) -> Path:
        """The champion's model card. It belongs in git, with its pictures."""
        return self.root / "MODEL_CARD.md"

    @property
    def card_pictures(self) -> Path:
        return self.root / "docs" / "model-card"

    @property
    def drift(self) -> Path:
        """What the last comparison found, as a picture."""
        return self.reports / "drift.png"

    @property
    def database(self) -> Path:
        """MLflow's runs and registry."""
        return self.root / "mlflow.db"

    @property
    def artifacts(self) -> Path:
        """MLflow's files: models, plots."""
        return self.root / "mlruns"

    @property
    def champion(self) -> Path:
        """The model that is served, as two plain files."""
        return self.root / "models" / "champion"

    @property
    def golden(self) -> Path:
        """Requests with the answers that the champion must give."""
        return self.root / "tests" / "golden.json"


def here(start: Path = Path(__file__)) -> Layout:
    """The layout of the project that `start` lies in: the nearest folder above with a params.toml.

    It goes by this file and not by the current folder, so a command started elsewhere does not
    make a second, empty database. It also holds inside a built release, where src/ is the root.
    """
    for folder in start.resolve().parents:
        if (folder / "params.toml").is_file():
            return Layout(folder)
    raise ProjectError(
        what="There is no params.toml.",
        why=f"No folder above {start} holds one, so the project's root cannot be told.",
        do="Restore it: git checkout -- params.toml",
    )
