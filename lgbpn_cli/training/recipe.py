"""Recipes: one TOML file that says what a model is made from and how."""

from __future__ import annotations

import os
import tomllib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lgbpn_cli.config import NETWORKS, PRESETS, NetworkConfig, RawConfig, StudentConfig
from lgbpn_cli.errors import UsageError
from lgbpn_cli.models.names import check_name
from lgbpn_cli.training.config import DataSource, DistillationConfig, RawTrainingConfig, TrainingConfig


@dataclass(frozen=True)
class Recipe:
    """What `lgbpn train` runs."""

    name: str
    """Name of the model it makes."""
    preset: str
    """Shift preset the model is used with unless told otherwise."""
    licence: str
    """Licence of the weights."""
    network: NetworkConfig
    training: TrainingConfig
    sources: tuple[DataSource, ...]


@dataclass(frozen=True)
class DistillationRecipe:
    """What `lgbpn distill` runs."""

    name: str
    """Name of the model that the student becomes a part of."""
    teacher: str
    """Model whose teacher is asked."""
    licence: str
    """Licence of the weights."""
    student: StudentConfig
    distillation: DistillationConfig
    sources: tuple[DataSource, ...]


@dataclass(frozen=True)
class RawRecipe:
    """What `lgbpn train-raw` runs."""

    name: str
    """Name of the model that the raw network becomes a part of."""
    licence: str
    """Licence of the weights."""
    network: RawConfig
    training: RawTrainingConfig
    sources: tuple[DataSource, ...]


def data_root() -> Path:
    """Return the folder that holds the data sets: LGBPN_DATA, or ../shared/data."""
    return Path(os.environ.get("LGBPN_DATA", "../shared/data"))


def read_recipe(path: Path) -> Recipe:
    """Return the recipe in `path`; UsageError, naming the key, for anything unknown or unreadable."""
    with _keys_of(path) as document:
        recipe = Recipe(
            name=_model_name(document),
            preset=document.pop("preset", "sidd"),
            licence=document.pop("licence"),
            network=_network(document.pop("network", {})),
            training=TrainingConfig(**document.pop("training", {})),
            sources=tuple(_source(each) for each in document.pop("sources")),
        )
    if recipe.preset not in PRESETS:
        raise UsageError(path, f"unknown preset '{recipe.preset}'", f"Choose one of {', '.join(PRESETS)}.")
    return recipe


def read_distillation_recipe(path: Path) -> DistillationRecipe:
    """Return the recipe of a student in `path`; UsageError as `read_recipe`."""
    with _keys_of(path) as document:
        return DistillationRecipe(
            name=_model_name(document),
            teacher=document.pop("teacher"),
            licence=document.pop("licence"),
            student=StudentConfig(**document.pop("student", {})),
            distillation=DistillationConfig(**document.pop("distillation", {})),
            sources=tuple(_source(each) for each in document.pop("sources")),
        )


def read_raw_recipe(path: Path) -> RawRecipe:
    """Return the recipe of a raw network in `path`; UsageError as `read_recipe`."""
    with _keys_of(path) as document:
        return RawRecipe(
            name=_model_name(document),
            licence=document.pop("licence"),
            network=RawConfig(**document.pop("network", {})),
            training=RawTrainingConfig(**document.pop("training", {})),
            sources=tuple(_source(each) for each in document.pop("sources")),
        )


@contextmanager
def _keys_of(path: Path) -> Iterator[dict[str, Any]]:
    """Give the keys of a recipe to take out; whatever is wrong with them, or left over, is a UsageError."""
    try:
        document = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise UsageError(path, f"cannot be read ({error.strerror})", "Check the path.") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise UsageError(path, f"not a TOML file ({error})", "Fix that line.") from error
    compare = "Compare with recipes/ in the project."
    try:
        yield document
    except (KeyError, TypeError, ValueError) as error:
        raise UsageError(path, f"a key is missing or unknown ({error})", compare) from error
    if document:
        raise UsageError(path, f"unknown key '{next(iter(document))}'", compare)


def _network(table: dict[str, Any]) -> NetworkConfig:
    """Return the named network of `table`, with the fields that it changes."""
    fields = dict(table)
    base = fields.pop("base", "small")
    if base not in NETWORKS:
        raise UsageError("network.base", f"unknown network '{base}'", f"Choose one of {', '.join(NETWORKS)}.")
    return NetworkConfig(**{**vars(NETWORKS[base]), **fields})


def _source(table: dict[str, Any]) -> DataSource:
    return DataSource(**{**table, **{name: tuple(table.get(name, ())) for name in ("exclude", "grainy")}})


def _model_name(document: dict[str, Any]) -> str:
    """Return the name of the model that a recipe makes; ModelError for one that no model can have."""
    name = str(document.pop("name"))
    check_name(name)
    return name
