"""One picture of NumPy, or one file: the functions that Python programs call."""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from lgbpn_cli.config import InferenceConfig, OutputConfig, Quality, RawPath
from lgbpn_cli.config.look import Look
from lgbpn_cli.denoise.denoiser import prepare
from lgbpn_cli.denoise.working import photo_of_array
from lgbpn_cli.errors import PhotoWriteError, UsageError
from lgbpn_cli.photos.prepare import read_as_result
from lgbpn_cli.photos.suffixes import type_for
from lgbpn_cli.photos.write import write_photo

if TYPE_CHECKING:
    from lgbpn_cli.models.load import Model


@dataclass(frozen=True)
class DenoiseResult:
    """What `denoise_file` did.

    Attributes:
        source: The photo.
        target: Its result.
        seconds: Time for this photo, without loading the model.
        megapixels: Size of the photo.
        model: Name of the model.
        device: Where it was computed, such as cpu or cuda:0.
    """

    source: Path
    target: Path
    seconds: float
    megapixels: float
    model: str
    device: str


def denoise_image(
    array: NDArray[Any],
    *,
    model: Model | str | None = None,
    quality: Quality | None = InferenceConfig.quality,
    preset: str | None = InferenceConfig.preset,
    strength: float | None = InferenceConfig.strength,
    look: Look | None = InferenceConfig.look,
    seed: int = InferenceConfig.seed,
    device: str = "auto",
) -> NDArray[Any]:
    """Return the picture without its noise, in the same shape and dtype; the array itself is not changed.

    Args:
        array: A picture of shape (h, w), (h, w, 1) or (h, w, 3), RGB, in the encoded values of an image file (not
            linear light): uint8 or uint16 over their whole range, or float32 from 0 to 1. One channel more, (h, w, 2)
            or (h, w, 4), is transparency, which stays as it is.
        model: A loaded model, or what `load_model` takes.
        quality: fast, best, teacher or teacher-r3; None takes fast, or teacher for a model without a student.
        preset: sidd or dnd, for the teacher; None measures the picture.
        strength: From 0 (the original) to 1 (fully denoised); None measures the noise and gives back what was
            removed beyond it.
        look: Strengths of brightness and colour apart, and grain; stands in for `strength`.
        seed: Start of the random numbers of teacher-r3 and of grain.
        device: auto, cpu, cuda, cuda:N or mps. A loaded model stays on its own device.

    Raises:
        UsageError: For any other array, or a setting that does not exist.
    """
    _require_picture(array)
    settings = InferenceConfig(quality=quality, preset=preset, strength=strength, look=look, seed=seed)
    denoiser = prepare(model, device, settings)
    samples = array.reshape(*array.shape[:2], -1)
    colours = 1 if samples.shape[2] <= 2 else 3
    clean = denoiser.denoise(photo_of_array(samples[..., :colours])).photo.pixels
    if array.dtype == np.float32:
        clean = np.clip(clean, 0.0, 1.0)
    return np.concatenate([clean, samples[..., colours:]], axis=2).reshape(array.shape)


def denoise_file(
    path: str | Path,
    target: str | Path,
    *,
    model: Model | str | None = None,
    quality: Quality | None = InferenceConfig.quality,
    preset: str | None = InferenceConfig.preset,
    strength: float | None = InferenceConfig.strength,
    raw_path: RawPath = InferenceConfig.raw_path,
    look: Look | None = InferenceConfig.look,
    seed: int = InferenceConfig.seed,
    device: str = "auto",
) -> DenoiseResult:
    """Return what was done: the photo at `path`, denoised, is now at `target`.

    Args:
        path: The photo.
        target: Its result, replaced if it is already there, with the photo's metadata. The ending decides the format
            (`.jpg`, `.png`, `.tif`, `.webp`, `.avif`, and `.dng` for camera raw); any other keeps the photo's.
        model: As in `denoise_image`, and so are the other arguments.
        quality: See `denoise_image`.
        preset: See `denoise_image`.
        strength: See `denoise_image`.
        look: See `denoise_image`.
        raw_path: mosaic, demosaiced or auto: whether camera raw is denoised before its colours are filled in.
        seed: See `denoise_image`.
        device: See `denoise_image`.

    Raises:
        PhotoError: The photo cannot be read or written, or `target` is the photo itself.
    """
    source, target = Path(path), Path(target)
    if target.exists() and source.exists() and target.samefile(source):
        raise PhotoWriteError(source, "its result would replace the photo itself", "Give another target.")
    settings = InferenceConfig(
        quality=quality, preset=preset, strength=strength, look=look, raw_path=raw_path, seed=seed
    )
    output = OutputConfig(format=type_for(source, target))  # type: ignore[arg-type]  # the name of a codec
    denoiser = replace(prepare(model, device, settings), output=output)
    start = time.perf_counter()
    photo, _ = read_as_result(source, output, None, as_mosaic=denoiser.raw_model is not None)
    seconds = time.perf_counter() - start
    start = time.perf_counter()
    denoised = denoiser.denoise(photo)
    write_photo(denoised.photo, target, record=denoised.record)
    seconds += time.perf_counter() - start
    return DenoiseResult(source, target, seconds, photo.megapixels, denoised.record.model, denoised.device)


def _require_picture(array: NDArray[Any]) -> None:
    subject = "array"
    if isinstance(array, str | Path):
        raise UsageError(subject, "a path is not a picture", "Use denoise_file(path, target) for files.")
    if hasattr(array, "__array_interface__") and not isinstance(
        array, np.ndarray
    ):  # as Pillow's images have it
        kind = f"{type(array).__module__}.{type(array).__name__}"
        raise UsageError(subject, f"{kind} is not an array", "Give numpy.asarray(image.convert('RGB')).")
    if not isinstance(array, np.ndarray) or array.dtype not in (np.uint8, np.uint16, np.float32):
        kind = getattr(array, "dtype", type(array).__name__)
        cure = "Give a NumPy array of uint8, uint16 or float32."
        if str(kind) == "float64":
            cure = "Give array.astype(numpy.float32), from 0 to 1."
        raise UsageError(subject, f"{kind} is not a picture", cure)
    if array.ndim not in (2, 3) or (array.ndim == 3 and array.shape[2] > 4) or array.size == 0:
        cause = f"its shape {array.shape} is not that of a picture"
        cure = "Give (h, w), (h, w, 1) or (h, w, 3), with one channel more for transparency."
        if array.ndim == 3 and array.shape[0] in (1, 3) and array.size:
            cure = "Give numpy.moveaxis(array, 0, 2): channels come last."
        raise UsageError(subject, cause, cure)
    # Not `min < 0 or max > 1`: NaN would pass.
    if array.dtype == np.float32 and not (array.min() >= 0.0 and array.max() <= 1.0):
        raise UsageError(subject, "it has values that are not between 0 and 1", "Scale it, and replace NaN.")
