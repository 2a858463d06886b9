"""One photo's way from its samples to clean ones, read top to bottom in `Denoiser.denoise`."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from lgbpn_cli.config import PART_OF_QUALITY, InferenceConfig, OutputConfig, Quality
from lgbpn_cli.denoise.controls import luma_weights, measured_parts, take_shares
from lgbpn_cli.denoise.from_mosaic import answer_to_mosaic, finish_mosaic
from lgbpn_cli.denoise.grain import lay_grain
from lgbpn_cli.denoise.mean_colour import keep_mean_colour
from lgbpn_cli.denoise.mean_light import keep_mean_light
from lgbpn_cli.denoise.raw_path import load_raw_model
from lgbpn_cli.denoise.record import asks_noise, chooses_preset, record_of
from lgbpn_cli.denoise.working import ResultPixels, WorkingPixels, photo_of_array
from lgbpn_cli.errors import UsageError
from lgbpn_cli.inference.watch import UNWATCHED, Watch
from lgbpn_cli.machine.stopwatch import during
from lgbpn_cli.noise.measure import NO_NOISE, SMALLEST_SIDE_PX, NoiseMeasurement, measure_noise
from lgbpn_cli.noise.summary import choose_preset
from lgbpn_cli.photos.convert import as_result
from lgbpn_cli.photos.encoding_cost import around_bytes
from lgbpn_cli.photos.photo import Photo
from lgbpn_cli.photos.record import Record

if TYPE_CHECKING:
    from lgbpn_cli.models.load import Model

TOO_SMALL = "too small for its noise to be measured: left as it is (`strength=1` denoises it)"


@dataclass(frozen=True, eq=False)
class Denoised:
    """What became of a photo."""

    photo: Photo
    """Without its noise, all its pages; the rest as it was."""
    record: Record
    """Everything that decided about its pixels."""
    notes: tuple[str, ...] = ()
    """What the user should know about the result, a line each."""
    device: str = ""
    """Where the network ran: the CPU, where the GPU's memory did not suffice."""
    full: Denoised | None = None
    """The same at full strength, where that is to be kept."""


@dataclass(frozen=True)
class Denoiser:
    """A loaded model and the settings it is used with."""

    model: Model
    settings: InferenceConfig
    output: OutputConfig = field(default_factory=OutputConfig)
    """What results become; told in their record."""
    raw_model: Model | None = None
    """The network that camera raw files with a mosaic go through; None where all are demosaiced first."""

    def denoise(self, photo: Photo, watch: Watch = UNWATCHED) -> Denoised:
        """Return the photo without its noise; only the tile at hand is in the network's number format."""
        if (raw_model := self.model_for_mosaic(photo)) is not None:
            return self._denoise_mosaic(photo, raw_model, watch)
        noisy = WorkingPixels(photo)
        noise = self.measure(noisy)
        clean = self.answer(photo, noise, watch)
        if not photo.linear:
            with during("colours"):
                clean = keep_mean_colour(noisy, clean)
        full = None
        if (at_full := self._at_full()) is not None:
            full_record = replace(at_full.record, source=photo.source_id)
            full = Denoised(at_full.finish(photo, clean.copy(), noise), full_record)
        result = self.finish(photo, clean, noise)
        is_left = self.settings.shares.is_auto and min(noisy.shape[:2]) < SMALLEST_SIDE_PX
        pages = [self.denoise(page, watch) for page in photo.further]
        notes = [*([TOO_SMALL] if is_left else []), *(note for page in pages for note in page.notes)]
        result = replace(result, further=tuple(page.photo for page in pages))
        record = replace(self.record, source=photo.source_id)
        if full is not None:
            further = tuple(page.full.photo for page in pages if page.full is not None)
            full = replace(full, photo=replace(full.photo, further=further))
        return Denoised(result, record, tuple(dict.fromkeys(notes)), self.model.device.name, full)

    def _denoise_mosaic(self, photo: Photo, raw_model: Model, watch: Watch) -> Denoised:
        """Return a camera raw file without its noise, from its mosaic, in the type of its result."""
        light = self.answer(photo, NO_NOISE, watch)
        at_full = self._at_full()
        full = None if at_full is None else at_full._of_light(photo, light.copy(), raw_model)
        result = self._of_light(photo, light, raw_model)
        notes = tuple(note for note in result.photo.notes if note not in photo.notes)
        return replace(result, notes=notes, device=raw_model.device.name, full=full)

    def _of_light(self, photo: Photo, light: ResultPixels, raw_model: Model) -> Denoised:
        """Return a camera raw file with the light that the network saw in it, in the type of its result."""
        result = self.finish(photo, light, NO_NOISE)
        if result.format == "raw":  # it is to become a picture, which was put off until its light is known
            result = as_result(result, self.output)
        record = record_of(raw_model, self.settings, self.output)
        return Denoised(replace(result, source_id=photo.source_id), replace(record, source=photo.source_id))

    def _at_full(self) -> Denoiser | None:
        """Return what makes the result at full strength; None where that is not to be kept."""
        if self.output.full_folder is None:
            return None
        return replace(
            self, settings=replace(self.settings, strength=None, look=self.settings.shares.at_full)
        )

    def denoise_array(self, image: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return an (h, w, 3) picture of encoded values from 0 to 1 without its noise."""
        return self.denoise(photo_of_array(image)).photo.pixels

    def model_for_mosaic(self, photo: Photo) -> Model | None:
        """Return the network that a camera raw file's mosaic goes through; None where a picture is denoised."""
        return None if photo.mosaic is None else self.raw_model

    @during("measure")
    def measure(self, noisy: WorkingPixels) -> NoiseMeasurement:
        """Return the noise of a photo, as far as it decides about the result."""
        if not asks_noise(self.model, self.settings):
            return NO_NOISE
        from lgbpn_cli.noise.estimator import cell_levels

        return measure_noise(noisy, cell_levels())

    @during("network")
    def answer(self, photo: Photo, noise: NoiseMeasurement, watch: Watch = UNWATCHED) -> ResultPixels:
        """Return what the network makes of a photo's pixels, or of its mosaic: all of it."""
        from lgbpn_cli.inference.run import run_network

        if (raw_model := self.model_for_mosaic(photo)) is not None:
            return answer_to_mosaic(
                photo, raw_model, self.settings, watch, copies=self.output.full_folder is not None
            )
        clean, settings = ResultPixels(photo), self.settings
        if chooses_preset(self.model, settings):
            settings = replace(settings, preset=choose_preset(noise))
        run_network(
            WorkingPixels(photo),
            self.model,
            settings,
            into=clean,
            around_bytes=max(around_bytes(photo), clean.finishing_bytes)
            + (clean.nbytes if self.output.full_folder is not None else 0),
            watch=watch,
        )
        return clean

    @during("colours")
    def finish(
        self, photo: Photo, clean: ResultPixels, noise: NoiseMeasurement, *, darkest: np.ndarray | None = None
    ) -> Photo:
        """Return the photo with the network's answer, which is changed in its place, as the settings want it to look.

        `darkest` is the lowest sample of each channel, of the photo that `photo` is a part of.
        """
        from lgbpn_cli.denoise.detail import TOLERANCES, give_detail_back

        if self.model_for_mosaic(photo) is not None:
            return finish_mosaic(photo, clean, self.settings)
        noisy, look, weights = WorkingPixels(photo), self.settings.shares, luma_weights(photo)
        if look.is_auto:
            tolerance = TOLERANCES[self.model.part]
            with during("give back"):
                clean = give_detail_back(noisy, clean, noise, tolerance, measured_parts(look, weights))
        if photo.linear and not look.is_nothing:
            # the very samples: linear light is held as it came
            keep_mean_light(photo, clean.as_photo(), darkest)
        clean = clean.as_it_was() if look.is_nothing else take_shares(noisy, clean, look, weights)
        return lay_grain(clean, look.grain, self.settings.seed).as_photo()

    def check_plan(self) -> None:
        """Raise UsageError or DeviceError where no photo, however small, can be done with these settings."""
        from lgbpn_cli.inference.plan import plan_inference

        plan_inference(1, 1, self.model, self.settings)

    @property
    def record(self) -> Record:
        """What is written into results."""
        return record_of(self.model, self.settings, self.output)

    @property
    def records(self) -> tuple[Record, ...]:
        """What is written into results, those of mosaics included."""
        raw = () if self.raw_model is None else (record_of(self.raw_model, self.settings, self.output),)
        return (self.record, *raw)


def load_model(
    name_or_file: str | None = None,
    *,
    quality: Quality | None = InferenceConfig.quality,
    device: str = "auto",
) -> Model:
    """Return a model, ready on `device`; load it once and pass it to every call.

    Args:
        name_or_file: Name of a model, or a weight file; None takes the model that ships.
        quality: Decides which part of the model is loaded (see `denoise_image`); None takes the fast student where
            the model has one.
        device: auto, cpu, cuda, cuda:N or mps.

    Raises:
        ModelError: The model is unknown or damaged.
        DeviceError: The device is not there.
    """
    from lgbpn_cli.machine.device import choose_device
    from lgbpn_cli.models.load import load_model as load
    from lgbpn_cli.models.names import DEFAULT_MODEL

    part = None if quality is None else PART_OF_QUALITY[InferenceConfig(quality=quality).quality or quality]
    return load(name_or_file or DEFAULT_MODEL, part=part, device=choose_device(device))


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
            f"`preset` {settings.preset}", f"`quality` {quality} has no presets", "Use `quality=teacher`."
        )
    settings = replace(settings, quality=quality)
    if asks_noise(model, settings):
        from lgbpn_cli.noise.estimator import cell_levels

        cell_levels()  # which tells now, not at the first photo, that its file is missing
    return Denoiser(model, settings, raw_model=load_raw_model(model, settings))
