"""The contestants: models, baselines and finished results, all as one kind of thing."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from lgbpn_cli.config import InferenceConfig
from lgbpn_cli.config.look import AUTO
from lgbpn_cli.research.baselines import SETTINGS, load_baseline

if TYPE_CHECKING:
    from lgbpn_cli.models.load import Model
    from lgbpn_cli.photos.photo import Photo

OWN_LABELS = ("noisy", "reference")
"""What a report calls the pictures that no method made."""

BlindLoss = Callable[[np.ndarray], float]


@dataclass(frozen=True)
class Method:
    """One way from a noisy picture to a clean one."""

    label: str
    run: Callable[[np.ndarray], np.ndarray] | None
    """(h, w, 3) float32 in 0..1 -> its like; None for finished results, which are read instead."""
    facts: dict[str, object] = field(default_factory=dict)
    blind_loss: BlindLoss | None = None
    """Noisy picture -> how badly the network predicts it, in 8-bit levels; None for what is not a network."""
    run_raw: Callable[[Photo], np.ndarray] | None = None
    """Camera raw file -> what `run` gives, on its way of raw files; None for what knows pictures alone."""


def baseline_methods(names: tuple[str, ...]) -> list[Method]:
    """Return the baselines of these names. Raises UsageError where a library is missing."""
    return [
        Method(name, load_baseline(name), {"kind": "baseline", "settings": SETTINGS[name]}) for name in names
    ]


def result_methods(folders: tuple[Path, ...]) -> list[Method]:
    """Return finished results as methods, one a folder or file."""
    labels = [(path.name if path.is_dir() else path.stem) or str(path) for path in folders]
    return [
        Method(label, None, {"kind": "results", "path": str(path)})
        for label, path in zip(labels, folders, strict=True)
    ]


def network_method(
    model: Model,
    settings: InferenceConfig,
    run: Callable[[np.ndarray], np.ndarray],
    run_raw: Callable[[Photo], np.ndarray] | None = None,
) -> Method:
    """Return a model with its settings as a method; `run` denoises a picture with both, `run_raw` a raw file."""
    label, facts = describe_network(model, settings)

    def blind_loss(image: np.ndarray) -> float:
        from lgbpn_cli.evaluation.blind import blind_loss_8bit

        return blind_loss_8bit(image, model)

    # A student sees the pixel it predicts: its loss to the noisy photo would say nothing.
    return Method(label, run, facts, blind_loss if model.part == "teacher" else None, run_raw)


def describe_network(model: Model, settings: InferenceConfig) -> tuple[str, dict[str, object]]:
    """Return the label of a model with its settings, and everything that decides about its results."""
    quality = model.quality(settings.quality)
    preset = settings.preset or "auto"
    is_teacher = model.part == "teacher"
    label = f"{model.name} {quality} {preset}" if is_teacher else f"{model.name} {quality}"
    look = settings.shares.facts()
    label += "".join(f" {name} {value}" for name, value in look.items() if value != AUTO)
    return label, {
        "kind": "model",
        "model": model.name,
        "sha256": model.sha256,
        "quality": quality,
        "preset": preset if is_teacher else None,
        **look,
        "seed": settings.seed,
        "device": model.device.name,
    }


def with_unique_labels(methods: list[Method]) -> list[Method]:
    """Return the methods, those of one label, or a label of the report's own, with a number behind it."""
    seen = dict.fromkeys(OWN_LABELS, 1)
    unique = []
    for method in methods:
        seen[method.label] = number = seen.get(method.label, 0) + 1
        label = method.label if number == 1 else f"{method.label} ({number})"
        unique.append(replace(method, label=label))
    return unique
