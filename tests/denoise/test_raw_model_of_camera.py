"""Raw files get the user's model that learned from raw files, other photos one that learned from such."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from model_folders import KeepModels

from lgbpn_cli.config import InferenceConfig
from lgbpn_cli.denoise import by_camera
from lgbpn_cli.denoise.by_camera import DenoiserOfCamera
from lgbpn_cli.models import manifest
from lgbpn_cli.models.manifest import ModelEntry, ModelPart
from lgbpn_cli.photos.shot import Shot


@dataclass(frozen=True)
class Used:
    """Stands in for a denoiser."""

    model: Any
    settings: InferenceConfig
    raw_model: str | None


@pytest.mark.parametrize("raw_path", ["auto", "mosaic"])
def test_each_kind_of_photo_has_its_own_model(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, keep_models: KeepModels, raw_path: Any
) -> None:
    keep_models(tmp_path)
    shot = Shot("EOS 5D", 6400)
    student, raw = (ModelPart(f"{name}.safetensors", "0") for name in ("s", "r"))
    for name, parts in (("photos", {"student": student}), ("mosaics", {"student": student, "raw": raw})):
        entry = ModelEntry(name, "sidd", parts, cameras=((shot.camera, shot.iso),), folder=tmp_path)
        manifest.add_entry(entry)

    def loaded(name: str, **_: Any) -> Any:
        return SimpleNamespace(name=name, device=SimpleNamespace(name="cpu"), quality=lambda asked: asked)

    monkeypatch.setattr(by_camera, "load_model", loaded)
    monkeypatch.setattr(by_camera, "load_raw_model", lambda model, settings: f"raw of {model.name}")
    default: Any = Used(loaded("default"), InferenceConfig(raw_path=raw_path), "raw of default")
    chosen = DenoiserOfCamera(default, None, {})
    told: list[str] = []
    watch = by_camera.Watch(note=told.append)
    for _ in range(2):
        on_photo, on_mosaic = chosen.suited(shot, watch), chosen.suited(shot, watch, on_mosaic=True)
        assert (on_photo.model.name, on_photo.raw_model) == ("photos", "raw of default")
        assert (on_mosaic.model.name, on_mosaic.raw_model) == ("mosaics", "raw of mosaics")
    assert told == ["EOS 5D, ISO 6400: model photos", "EOS 5D, ISO 6400: model mosaics"]
    assert chosen.suited(Shot("D800", 6400), watch, on_mosaic=True) is default
