"""A model with the settings it is used with: what happens to one photo between its reader and its writer."""

from __future__ import annotations

import json
import time
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

import numpy as np
from numpy.typing import NDArray

from lgbpn_cli.config import PART_OF_QUALITY, InferenceConfig, OutputConfig
from lgbpn_cli.denoise.mean_colour import Lifted, mean_shift
from lgbpn_cli.denoise.mean_light import keep_mean_light
from lgbpn_cli.denoise.working import EncodedPixels, WorkingPixels
from lgbpn_cli.errors import UsageError
from lgbpn_cli.image.types import Canvas, OnTile, Picture
from lgbpn_cli.noise.measure import NO_NOISE, SMALLEST_SIDE_PX, measure_noise
from lgbpn_cli.noise.summary import choose_preset
from lgbpn_cli.photos.companions import with_companions
from lgbpn_cli.photos.photo import Photo
from lgbpn_cli.photos.record import Record
from lgbpn_cli.photos.shot import Shot
from lgbpn_cli.photos.write import write_photo
from lgbpn_cli.version import __version__

if TYPE_CHECKING:
    from lgbpn_cli.models.load import Model

PROBE_SIDE_PX = 256
"""Side of the tile that a dry run times the network with."""


@dataclass(frozen=True)
class RunFacts:
    """What all photos of one run have in common."""

    device: str
    device_description: str
    device_note: str | None
    """What the user should know about the choice of the device."""
    model: str
    seed: int
    settings: str
    """Everything that decides about the pixels, as it is recorded in the results."""


class Listener(Protocol):
    """Who is told how a photo is done."""

    def note(self, text: str) -> None:
        """Something the user should know, one line."""

    def planned(self, plan: object) -> None:
        """How the photo at hand is done: device, precision, tiles, memory; `str` makes it a line."""


def load_model(
    name_or_file: str | None = None, *, quality: str | None = InferenceConfig.quality, device: str = "auto"
) -> Model:
    """The model of that name or weight file (None: the default model), ready on `device`.

    `quality` decides which part of the model is loaded (see `denoise_image`); None takes the fast student where
    the model has one. `device` is auto, cpu, cuda, cuda:N or mps. Load a model once and hand it to every call
    that takes one.
    Raises ModelError for an unknown or damaged model, DeviceError for a device that is not there.
    """
    from lgbpn_cli.device import choose_device
    from lgbpn_cli.models.load import DEFAULT_MODEL
    from lgbpn_cli.models.load import load_model as load

    part = None if quality is None else PART_OF_QUALITY[InferenceConfig(quality=quality).quality or quality]
    return load(name_or_file or DEFAULT_MODEL, part=part, device=choose_device(device))


@dataclass(frozen=True)
class Denoiser:
    """A loaded model and the settings it is used with."""

    model: Model
    settings: InferenceConfig
    output: OutputConfig = field(default_factory=OutputConfig)
    listener: Listener | None = None
    """Who is told how a photo is done."""

    def clean(self, photo: Photo, on_tile: OnTile | None = None) -> Photo:
        """The photo without its noise, all its pages; only the tile at hand is in the network's number format."""
        noisy, held = WorkingPixels(photo), EncodedPixels(photo)
        self._run(noisy, into=held, result=held.as_working(), linear=photo.linear, on_tile=on_tile)
        clean = held.finished()
        if photo.linear and self.settings.strength != 0:
            keep_mean_light(photo, clean)
        pages = tuple(self.clean(page, on_tile) for page in photo.further)
        return replace(clean, further=pages)

    def write(self, photo: Photo, target: Path) -> None:
        """Write a result, and copy what belongs to its photo."""
        record = replace(self.record, source=photo.source_id) if self.output.provenance else None
        times, overwrite = self.output.preserve_times, self.output.overwrite
        with with_companions(photo.path, target):
            write_photo(photo, target, record=record, overwrite=overwrite, times=times)

    def model_of(self, photo: Photo) -> str:
        """The name of the model, which is the same for all photos."""
        return self.model.name

    def run(self, image: NDArray[np.float32], on_tile: OnTile | None = None) -> NDArray[np.float32]:
        """The network's answer to an (h, w, 3) picture from 0 to 1."""
        clean = np.empty_like(image)
        self._run(image, into=clean, result=clean, linear=False, on_tile=on_tile)
        return clean

    def _run(
        self, noisy: Picture, *, into: Canvas, result: Picture, linear: bool, on_tile: OnTile | None
    ) -> None:
        """Denoise `noisy` as its own noise asks for; what is put `into` the canvas is read back from `result`."""
        from lgbpn_cli.denoise.detail import TOLERANCES, give_detail_back
        from lgbpn_cli.inference.run import run_network
        from lgbpn_cli.noise.estimator import cell_levels

        noise = measure_noise(noisy, cell_levels()) if self.asks_noise else NO_NOISE
        if (
            self.settings.strength is None
            and self.listener is not None
            and min(noisy.shape[:2]) < SMALLEST_SIDE_PX
        ):
            self.listener.note(
                "too small for its noise to be measured: left as it is (--strength 1 denoises it)"
            )
        run_network(
            noisy,
            self.model,
            replace(self.settings, preset=choose_preset(noise)) if self._chooses_preset else self.settings,
            into=into,
            on_tile=on_tile,
            on_plan=None if self.listener is None else self.listener.planned,
            on_note=None if self.listener is None else self.listener.note,
        )
        strength = self.settings.strength
        shift = None if linear else mean_shift(noisy, result, 1.0 if strength is None else strength)
        lifted = None if shift is None else Lifted(result, shift)
        if strength is None:
            give_detail_back(noisy, lifted or result, into, noise, TOLERANCES[self.model.part])
        elif lifted is not None:
            lifted.put(into)

    @property
    def _chooses_preset(self) -> bool:
        return self.settings.preset is None and self.model.part == "teacher"

    @property
    def asks_noise(self) -> bool:
        """Whether the noise of each photo decides about its result."""
        return self.settings.strength is None or self._chooses_preset

    def check_plan(self) -> None:
        """Raise UsageError or DeviceError where no photo, however small, can be done with these settings."""
        from lgbpn_cli.inference.plan import plan_inference

        plan_inference(1, 1, self.model, self.settings)

    def time_one_megapixel(self) -> float:
        """An estimate of the seconds a megapixel takes.

        The first of three tiles pays for what happens once a pass or once a process; the second is timed. Halos are
        not, so larger ones make the estimate too low.
        """
        probe = replace(self.settings, refine_passes=1, tile_px=PROBE_SIDE_PX, halo_px=0)
        moments: list[float] = []
        tiles = np.zeros((PROBE_SIDE_PX, 3 * PROBE_SIDE_PX, 3), np.float32)
        denoiser = replace(self, settings=probe, listener=None)
        denoiser.run(tiles, lambda done, total: moments.append(time.perf_counter()))
        calls_a_tile = len(moments) // 3 if self.model.part == "student" else 1
        seconds = moments[2 * calls_a_tile - 1] - moments[calls_a_tile - 1]
        if self.settings.quality == "teacher-r3":
            seconds += self.settings.refine_passes * (moments[4] - moments[3])
        return seconds / (PROBE_SIDE_PX**2 / 1e6)

    @property
    def record(self) -> Record:
        """What is written into results: everything that decides about their pixels, as canonical JSON."""
        settings = self.settings
        values: dict[str, object] = {
            "model_sha256": self.model.sha256,
            "part": self.model.part,
            "quality": settings.quality,
            "strength": "auto" if settings.strength is None else settings.strength,
        }
        if self.asks_noise:
            from lgbpn_cli.noise.estimator import cell_levels

            values["noise_estimator_sha256"] = cell_levels().sha256
        if self.model.part == "teacher":  # students know no shift
            values["preset"] = settings.preset or "auto"
        if settings.quality == "teacher-r3":  # the other qualities draw nothing at random
            values["seed"] = settings.seed
            values["refine_passes"] = settings.refine_passes
            values["refine_probability"] = settings.refine_probability
        if self.model.part == "teacher" and settings.attention != "frozen":
            values["attention"], values["tile_px"] = settings.attention, settings.tile_px
        if settings.halo_px is not None:  # with the default one, tiles do not show, whatever their size
            values["tile_px"], values["halo_px"] = settings.tile_px, settings.halo_px
        if settings.precision != "auto":
            values["precision"] = settings.precision
        for name in ("format", "bit_depth", "jpeg_quality", "colour_space"):
            if getattr(self.output, name) != getattr(OutputConfig, name):
                values[name] = getattr(self.output, name)
        text = json.dumps(values, sort_keys=True, separators=(",", ":"))
        return Record(version=__version__, model=self.model.name, settings=text)

    @property
    def facts(self) -> RunFacts:
        """What the user is told about the run."""
        device = self.model.device
        return RunFacts(
            device=device.name,
            device_description=device.description,
            device_note=device.note,
            model=self.model.name,
            seed=self.settings.seed,
            settings=self.record.settings,
        )


@dataclass
class DenoiserOfCamera:
    """Denoises each photo with the user's model for its camera, if there is one; else with the default model."""

    default: Denoiser
    quality: str | None
    """The quality asked for; None: the one of each model."""
    shots: dict[Path, Shot]
    """Camera and ISO of the photos read so far."""
    loaded: dict[str, Denoiser] = field(default_factory=dict)

    def clean(self, photo: Photo, on_tile: OnTile | None = None) -> Photo:
        """The photo without its noise."""
        return self._suited(photo).clean(photo, on_tile)

    def write(self, photo: Photo, target: Path) -> None:
        """Write a result."""
        self._suited(photo).write(photo, target)

    def model_of(self, photo: Photo) -> str:
        """The name of the model that suits the photo."""
        return self._suited(photo).model.name

    def _suited(self, photo: Photo) -> Denoiser:
        from lgbpn_cli.models.manifest import model_for_camera

        shot = self.shots.get(photo.path, Shot())
        part = None if self.quality is None else PART_OF_QUALITY[self.quality]
        name = model_for_camera(shot.camera, shot.iso, part)
        if name is None:
            return self.default
        if name not in self.loaded:
            model = load_model(name, quality=self.quality, device=self.default.model.device.name)
            settings = replace(self.default.settings, quality=model.quality(self.quality))
            self.loaded[name] = replace(self.default, model=model, settings=settings)
            if self.default.listener is not None:
                self.default.listener.note(f"{shot}: model {name}")
        return self.loaded[name]


def prepare(model: Model | str | None, device: str, settings: InferenceConfig) -> Denoiser:
    """A denoiser with `model`, or with the one of that name, and the quality that it has unless one is named.

    Raises what `load_model` raises, and UsageError for a quality or preset that the model has not.
    """
    if model is None or isinstance(model, str):
        if settings.quality is None and settings.preset is not None:  # which only teachers have
            settings = replace(settings, quality="teacher")
        model = load_model(model, quality=settings.quality, device=device)
    quality = model.quality(settings.quality)
    if settings.preset is not None and PART_OF_QUALITY[quality] == "student":
        raise UsageError(
            f"--preset {settings.preset}", f"--quality {quality} has no presets", "Use --quality teacher."
        )
    settings = replace(settings, quality=quality)
    denoiser = Denoiser(model, settings)
    if denoiser.asks_noise:
        from lgbpn_cli.noise.estimator import cell_levels

        cell_levels()  # which tells now, not at the first photo, that its file is missing
    return denoiser
