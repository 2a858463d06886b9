"""Parts of a photo, denoised as they are in the result of the whole photo, without all of it going through the network.

A part is taken with as much round it as the network sees. What is told from the whole photo is told from the whole
photo: its noise, its black, and, by squares spread over it, the mean that its result is brought back to.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np

from lgbpn_cli.config.look import Look
from lgbpn_cli.denoise.denoiser import Denoiser
from lgbpn_cli.denoise.mean_colour import MeanShift, mean_shift
from lgbpn_cli.denoise.mean_light import REACH_PX as LIGHT_REACH_PX
from lgbpn_cli.denoise.mean_of_mosaic import PERIOD
from lgbpn_cli.denoise.working import ResultPixels, WorkingPixels
from lgbpn_cli.image.types import Window
from lgbpn_cli.noise.measure import NoiseMeasurement
from lgbpn_cli.photos.photo import Photo

GRID_PX = 80
"""What is taken begins and ends on multiples of this: 16 for the networks' tiles and the squares in which light is
compared, 5 for the cells in which detail is given back."""
WHOLE_PIXELS = 500_000
"""Smaller photos go through the network as a whole."""
SAMPLE_PX = 64
"""Side of the squares that the mean is told from; `fast` and `best` differ in it by a tenth of a level of 255."""
SAMPLE_HALO_PX = 32
SAMPLES_A_SIDE = 5


@dataclass(frozen=True, eq=False)
class WholePhoto:
    """A photo, and what is told from all of it."""

    photo: Photo
    noise: NoiseMeasurement
    darkest: np.ndarray
    """The lowest sample of each channel."""
    shift: MeanShift | None
    """What brings a result back to the photo's mean."""
    answer: ResultPixels | None = None
    """What the network makes of all of it, where that is not told from parts: a teacher looks at the whole photo."""

    @classmethod
    def seen(cls, photo: Photo, denoiser: Denoiser) -> WholePhoto:
        """Return the photo after a look at all of it; a few squares go through the network, or, for a teacher, all."""
        noise, darkest = denoiser.measure(WorkingPixels(photo)), photo.pixels.min(axis=(0, 1))
        if denoiser.model_for_mosaic(photo) is None and denoiser.model.part == "teacher":
            answer = denoiser.answer(photo, noise)
            shift = None if photo.linear else mean_shift(WorkingPixels(photo), answer)
            return cls(photo, noise, darkest, shift, answer)
        return cls(photo, noise, darkest, None if photo.linear else _mean_shift(photo, denoiser, noise))


def denoised_part(
    whole: WholePhoto, denoiser: Denoiser, window: Window, looks: Sequence[Look]
) -> Iterator[Photo]:
    """Return the part of the photo that lies in a window, once for each look; the network runs once."""
    outer = with_halo(window, whole.photo.pixels.shape, _seen_px(whole.photo, denoiser))
    part = cut_out(whole.photo, outer)
    answered = denoiser.answer(part, whole.noise) if whole.answer is None else _cut(whole.answer, outer, part)
    answer = _shifted(answered, whole.shift)
    inner = inside(window, outer)
    for look in looks:
        dressed = replace(denoiser, settings=replace(denoiser.settings, strength=None, look=look))
        finished = dressed.finish(part, answer.copy(), whole.noise, darkest=whole.darkest)
        yield replace(finished, pixels=finished.pixels[inner], mosaic=None)


def cut_out(photo: Photo, window: Window) -> Photo:
    """Return a part of a photo, and of its mosaic; the window of a mosaic begins on even rows and columns."""
    noisy = photo.mosaic
    if noisy is not None:
        samples = np.ascontiguousarray(noisy.mosaic.samples[window])
        noisy = replace(noisy, mosaic=replace(noisy.mosaic, samples=samples))
    pixels = np.ascontiguousarray(photo.pixels[window])
    return replace(photo, pixels=pixels, mosaic=noisy, alpha=None, container=None, further=())


def _cut(answer: ResultPixels, window: Window, part: Photo) -> ResultPixels:
    """Return what of an answer to the whole photo lies in a window of it, which `part` is."""
    held = ResultPixels(part)
    held[slice(None), slice(None)] = answer[window]
    return held


def with_halo(window: Window, shape: tuple[int, ...], halo_px: int) -> Window:
    """Return the window with a halo, cut off at the photo's edges, from the grid on; a small photo is taken whole."""
    if shape[0] * shape[1] <= WHOLE_PIXELS:
        return slice(0, shape[0]), slice(0, shape[1])
    rows, columns = (
        slice(max(0, (span.start - halo_px) // GRID_PX * GRID_PX), min(side, _up(span.stop + halo_px)))
        for span, side in zip(window, shape, strict=False)
    )
    return rows, columns


def _seen_px(photo: Photo, denoiser: Denoiser) -> int:
    """Return how far beyond a part what decides about it may lie: what the network sees, and the mean of its light."""
    raw_model = denoiser.model_for_mosaic(photo)
    if raw_model is not None:
        return raw_model.network.halo_px + PERIOD * LIGHT_REACH_PX
    return denoiser.model.network.halo_px + (LIGHT_REACH_PX if photo.linear else 0)


def inside(window: Window, outer: Window) -> Window:
    """Return where a window lies in a larger one."""
    rows, columns = (
        slice(span.start - seen.start, span.stop - seen.start)
        for span, seen in zip(window, outer, strict=True)
    )
    return rows, columns


def _mean_shift(photo: Photo, denoiser: Denoiser, noise: NoiseMeasurement) -> MeanShift | None:
    """Return the shift of the whole photo's result, told from squares of it."""
    height, width = photo.pixels.shape[:2]
    if height * width <= WHOLE_PIXELS:
        return mean_shift(WorkingPixels(photo), denoiser.answer(photo, noise))
    noisy, clean = [], []
    for top in _spread(height):
        for left in _spread(width):
            window = (slice(top, top + SAMPLE_PX), slice(left, left + SAMPLE_PX))
            outer = with_halo(window, (height, width), SAMPLE_HALO_PX)
            part = cut_out(photo, outer)
            noisy.append(WorkingPixels(part)[inside(window, outer)])
            clean.append(denoiser.answer(part, noise)[inside(window, outer)])
    return mean_shift(np.concatenate(noisy), np.concatenate(clean))


def _shifted(answer: ResultPixels, shift: MeanShift | None) -> ResultPixels:
    return answer if shift is None else answer.changed_by(lambda pixels: pixels + shift.at(pixels))


def _spread(side: int) -> list[int]:
    """Return where squares begin that are spread over a side."""
    return [int(start) for start in np.linspace(0, side - SAMPLE_PX, SAMPLES_A_SIDE)]


def _up(length: int) -> int:
    return length + -length % GRID_PX
