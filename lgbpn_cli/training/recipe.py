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
from lgbpn_cli.training.config import (
    DataSource,
    DistillationConfig,
    NoiseEstimatorTrainingConfig,
    RawTrainingConfig,
    TrainingConfig,
)

NOISE_ESTIMATOR = "noise-estimator"
"""What a recipe of the noise estimator makes; also the name of its file."""


@dataclass(frozen=True)
class AnyRecipe:
    """What every recipe says."""

    name: str
    """Name of the model that it makes, or that what it makes becomes a part of."""
    licence: str
    """Licence of the weights."""
    sources: tuple[DataSource, ...]


@dataclass(frozen=True)
class Recipe(AnyRecipe):
    """What `lgbpn train` runs."""

    preset: str
    """Shift preset the model is used with unless told otherwise."""
    network: NetworkConfig
    training: TrainingConfig
    start: str | None = None
    """Name or file of the teacher whose weights the run begins with; None: with random ones."""


@dataclass(frozen=True)
class DistillationRecipe(AnyRecipe):
    """What `lgbpn distill` runs."""

    teacher: str
    """Model whose teacher is asked."""
    student: StudentConfig
    distillation: DistillationConfig


@dataclass(frozen=True)
class RawRecipe(AnyRecipe):
    """What `lgbpn train-raw` runs."""

    network: RawConfig
    training: RawTrainingConfig
    start: str | None = None
    """Model or weight file whose raw network it begins with; None: random weights."""


@dataclass(frozen=True)
class NoiseEstimatorRecipe(AnyRecipe):
    """What `lgbpn train` runs for the noise estimator, which serves all models."""

    student: str
    """Model whose student cleans the noisy photos."""
    start: str | None
    """Weight file whose estimator it begins with, `shipped` for the one that ships; None: random weights."""
    training: NoiseEstimatorTrainingConfig


def data_root() -> Path:
    """Return the folder that holds the data sets: LGBPN_DATA, or ../shared/data."""
    return Path(os.environ.get("LGBPN_DATA", "../shared/data"))


def read_recipe(path: Path) -> Recipe:
    """Return the recipe in `path`; UsageError, naming the key, for anything unknown or unreadable."""
    with _keys_of(path) as document:
        recipe = Recipe(
            **_of_every_recipe(document),
            preset=document.pop("preset", "sidd"),
            network=_network(document.pop("network", {})),
            training=TrainingConfig(**document.pop("training", {})),
            start=document.pop("start", None),
        )
    if recipe.preset not in PRESETS:
        raise UsageError(path, f"unknown preset '{recipe.preset}'", f"Choose one of {', '.join(PRESETS)}.")
    return recipe


def read_distillation_recipe(path: Path) -> DistillationRecipe:
    """Return the recipe of a student in `path`; UsageError as `read_recipe`."""
    with _keys_of(path) as document:
        return DistillationRecipe(
            **_of_every_recipe(document),
            teacher=document.pop("teacher"),
            student=StudentConfig(**document.pop("student", {})),
            distillation=DistillationConfig(**document.pop("distillation", {})),
        )


def read_raw_recipe(path: Path) -> RawRecipe:
    """Return the recipe of a raw network in `path`; UsageError as `read_recipe`."""
    with _keys_of(path) as document:
        return RawRecipe(
            **_of_every_recipe(document),
            network=RawConfig(**document.pop("network", {})),
            training=RawTrainingConfig(**document.pop("training", {})),
            start=document.pop("start", None),
        )


def is_of_noise_estimator(path: Path) -> bool:
    """Return whether the recipe in `path` makes a noise estimator; UsageError where it cannot be read."""
    return _document(path).get("makes") == NOISE_ESTIMATOR


def read_noise_estimator_recipe(path: Path) -> NoiseEstimatorRecipe:
    """Return the recipe of a noise estimator in `path`; UsageError as `read_recipe`."""
    with _keys_of(path) as document:
        del document["makes"]
        return NoiseEstimatorRecipe(
            name=NOISE_ESTIMATOR,
            licence=document.pop("licence"),
            sources=_sources(document),
            student=document.pop("student"),
            start=document.pop("start", None),
            training=NoiseEstimatorTrainingConfig(**document.pop("training", {})),
        )


@contextmanager
def _keys_of(path: Path) -> Iterator[dict[str, Any]]:
    """Give the keys of a recipe to take out; whatever is wrong with them, or left over, is a UsageError."""
    document = _document(path)
    compare = "Compare with recipes/ in the project."
    try:
        yield document
    except (KeyError, TypeError, ValueError) as error:
        raise UsageError(path, f"a key is missing or unknown ({error})", compare) from error
    if document:
        raise UsageError(path, f"unknown key '{next(iter(document))}'", compare)


def _document(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise UsageError(path, f"cannot be read ({error.strerror})", "Check the path.") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise UsageError(path, f"not a TOML file ({error})", "Fix that line.") from error


def _of_every_recipe(document: dict[str, Any]) -> dict[str, Any]:
    """Take out what every recipe of a model says; ModelError for a name that no model can have."""
    name = str(document.pop("name"))
    check_name(name)
    return {"name": name, "licence": document.pop("licence"), "sources": _sources(document)}


def _network(table: dict[str, Any]) -> NetworkConfig:
    """Return the named network of `table`, with the fields that it changes."""
    fields = dict(table)
    base = fields.pop("base", "small")
    if base not in NETWORKS:
        raise UsageError("network.base", f"unknown network '{base}'", f"Choose one of {', '.join(NETWORKS)}.")
    return NetworkConfig(**{**vars(NETWORKS[base]), **fields})


def _sources(document: dict[str, Any]) -> tuple[DataSource, ...]:
    return tuple(
        DataSource(**{**table, **{name: tuple(table.get(name, ())) for name in ("exclude", "grainy")}})
        for table in document.pop("sources")
    )
