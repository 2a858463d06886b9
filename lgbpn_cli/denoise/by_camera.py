"""Each photo by the user's model for its camera, where there is one."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from pathlib import Path

from lgbpn_cli.config import PART_OF_QUALITY, Quality
from lgbpn_cli.denoise.denoiser import Denoised, Denoiser, load_model
from lgbpn_cli.denoise.raw_path import RAW_PART, load_raw_model
from lgbpn_cli.inference.watch import UNWATCHED, Watch
from lgbpn_cli.photos.photo import Photo
from lgbpn_cli.photos.shot import Shot

AUTO_MODEL = "auto"
"""As a model's name: the user's model for the camera that took the photo."""


@dataclass
class DenoiserOfCamera:
    """Denoises each photo with the user's model for its camera, if there is one; else with the default model."""

    default: Denoiser
    quality: Quality | None
    """The quality asked for; None: the one of each model."""
    shots: dict[Path, Shot]
    """Camera and ISO of the photos that are read and not yet denoised; each is taken out by the one who asks."""
    loaded: dict[tuple[str, bool], Denoiser] = field(default_factory=dict)
    """By the model's name, and whether it is for mosaics."""

    def denoise(self, photo: Photo, watch: Watch = UNWATCHED) -> Denoised:
        """Return the photo without its noise; its record names the model that suited it."""
        shot = self.shots.pop(photo.path, Shot())
        return self.suited(shot, watch, on_mosaic=photo.mosaic is not None).denoise(photo, watch)

    def suited(self, shot: Shot, watch: Watch = UNWATCHED, *, on_mosaic: bool = False) -> Denoiser:
        """Return what denoises photos that were shot so, or their mosaics."""
        from lgbpn_cli.models.manifest import model_for_camera

        part = RAW_PART if on_mosaic else None if self.quality is None else PART_OF_QUALITY[self.quality]
        name = model_for_camera(shot.camera, shot.iso, part)
        if name is None:
            return self.default
        if (name, on_mosaic) not in self.loaded:
            model = load_model(name, quality=self.quality, device=self.default.model.device.name)
            settings = replace(self.default.settings, quality=model.quality(self.quality))
            raw_model = load_raw_model(model, settings) if on_mosaic else self.default.raw_model
            self.loaded[name, on_mosaic] = replace(
                self.default, model=model, settings=settings, raw_model=raw_model
            )
            watch.note(f"{shot}: model {name}")
        return self.loaded[name, on_mosaic]
