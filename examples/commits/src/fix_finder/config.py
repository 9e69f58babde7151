"""params.toml, checked: every number that shapes the model is there and nowhere in the code."""

import difflib
import tomllib
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, Field, ValidationError
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict

from .data.settings import Clean, Collect
from .errors import ProjectError
from .section import Section


class Split(Section):
    by: Literal["group", "time", "rows"]
    holdout_share: float = Field(gt=0, lt=1)
    salt: str


class Model(Section):
    seed: int
    max_iterations: int = Field(ge=1)
    learning_rate: float = Field(gt=0)
    max_leaves: int = Field(ge=2)
    min_leaf_rows: int = Field(ge=1)
    l2: float = Field(ge=0)


class Evaluation(Section):
    threshold: float = Field(gt=0, lt=1)
    minimum: float = Field(le=1)
    resamples: int = Field(ge=20)


class Honesty(Section):
    checks: bool
    single_column: float = Field(gt=0, le=1)
    few_columns: float = Field(gt=0, le=1)
    copies: float = Field(ge=0, le=1)
    shuffled: float = Field(gt=0, lt=1)
    optimism: float = Field(gt=0, lt=1)
    accepted: tuple[str, ...]


class Monitoring(Section):
    log: bool
    latest_rows: int = Field(ge=1)
    minimum_rows: int = Field(ge=1)
    psi: float = Field(gt=0)
    p_value: float = Field(gt=0, lt=1)
    missing: float = Field(gt=0, le=1)
    unseen: float = Field(ge=0, le=1)


class Params(BaseSettings):
    """The whole file. An environment variable wins: PARAMS_MODEL__SEED=2 sets model.seed."""

    model_config = SettingsConfigDict(
        frozen=True, extra="forbid", env_prefix="PARAMS_", env_nested_delimiter="__"
    )

    collect: Collect
    clean: Clean
    split: Split
    model: Model
    evaluation: Evaluation
    honesty: Honesty
    monitoring: Monitoring

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        return env_settings, init_settings  # the first wins


def load(path: Path) -> Params:
    """The parameters in the file at `path`. Unknown keys and impossible values are refused."""
    try:
        values = tomllib.loads(path.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ProjectError(
            what=f"{path.name} is not valid TOML.",
            why=str(error),
            do=f"Correct that place in {path}",
        ) from None
    try:
        return Params(**values)
    except ValidationError as error:
        raise ProjectError(
            what=f"{path.name} holds something that the project does not understand.",
            why="; ".join(_explain(fault) for fault in error.errors()),
            do=f"Correct it in {path} (or in the PARAMS_… environment variable that sets it)",
        ) from None


def flat(params: Params) -> dict[str, Any]:
    """The parameters with dotted names, as a run records them."""
    return {
        f"{section}.{name}": value
        for section, values in params.model_dump(mode="json").items()
        for name, value in values.items()
    }


def _explain(fault: Any) -> str:
    name = ".".join(str(part) for part in fault["loc"])
    if fault["type"] != "extra_forbidden":
        return f"{name}: {fault['msg']} (it is {fault['input']!r})"
    near = difflib.get_close_matches(name, _names(), n=1)
    return f"{name}: there is no such parameter" + (f"; did you mean {near[0]}?" if near else "")


def _names() -> list[str]:
    sections = {name: field.annotation for name, field in Params.model_fields.items()}
    return [
        f"{section}.{name}"
        for section, kind in sections.items()
        if isinstance(kind, type) and issubclass(kind, BaseModel)
        for name in kind.model_fields
    ] + list(sections)
