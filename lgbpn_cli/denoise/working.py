"""Encoded pixel values <-> the working range of the network, both directions side by side.

Encoded values stay as they are (gamma and gamut are not touched), so that the file's own colour profile
stays true. Linear light, of raw files and float TIFFs, goes through sRGB's curve for the network and back:
its noise and shadows then look as in the photos that the network learned from.
"""

from __future__ import annotations

from collections.abc import Callable
from copy import copy
from dataclasses import replace
from pathlib import Path

import numpy as np

from lgbpn_cli.errors import PhotoError, shown
from lgbpn_cli.image.bands import bands
from lgbpn_cli.image.tables import look_up
from lgbpn_cli.image.types import Window
from lgbpn_cli.photos.photo import Photo

Change = Callable[[np.ndarray], np.ndarray]
"""Of pixels (h, w, 3) float32 in 0..1."""
BAND_ROWS, BAND_PIXELS = 256, 2_000_000
"""Most rows and pixels converted at a time: temporary arrays stay small beside the photo itself."""
LIGHT_ROWS = 32
"""Rows of a tile of light that are made samples at a time: they stay in the processor's caches."""
NARROWED_SAMPLES = 1 << 17
"""Samples that are made 8 bits at a time: they stay in the processor's caches."""
LEVELS_OF_16_BITS = 65536
MOST_HELD_IN_MORE_BITS_PX = 100_000_000
"""Results of larger photos are rounded to 8 bits twice, for half of the memory and 0.06 to 0.13 dB."""
LOOKED_AT_PIXELS = 4_000_000
"""Enough to tell the shift of a raw file's colours, which is only told."""
TOE = 0.0031308
SLOPE = 12.92
SCALE, LIFT, POWER = 1.055, 0.055, 2.4
"""sRGB's curve (IEC 61966-2-1): a straight toe up to TOE, then SCALE * light ** (1 / POWER) - LIFT."""


def encode_light(light: np.ndarray) -> np.ndarray:
    """Return the encoded values of linear light, float32, 1.0 -> 1.0.

    The curve goes on above 1.0 and is mirrored below zero: no value is clipped, and `decode_light` is its
    exact inverse.
    """
    size = np.abs(light)
    curved = SCALE * np.maximum(size, TOE) ** (1 / POWER) - LIFT
    encoded: np.ndarray = np.copysign(np.where(size <= TOE, SLOPE * size, curved), light).astype(np.float32)
    return encoded


def decode_light(encoded: np.ndarray) -> np.ndarray:
    """Return the linear light of encoded values, float32; see `encode_light`."""
    size = np.abs(encoded)
    curved = ((np.maximum(size, SLOPE * TOE) + LIFT) / SCALE) ** POWER
    light: np.ndarray = np.copysign(np.where(size <= SLOPE * TOE, size / SLOPE, curved), encoded)
    return light.astype(np.float32)


class WorkingPixels:
    """A photo as the network sees it, (h, w, 3) float32, 0..1; a window is converted when it is asked for."""

    def __init__(self, photo: Photo) -> None:
        """The photo is kept, not copied."""
        self._photo = photo
        height, width, _ = photo.pixels.shape
        self.shape = (height, width, 3)
        self.nbytes = photo.pixels.nbytes
        self._black, self._scale = _black(photo), _scale(photo)

    def __getitem__(self, window: Window) -> np.ndarray:
        """Return a window's pixels; grey is repeated to three channels.

        Linear light is white-balanced and encoded; its highlights may lie above 1. A camera's end there: the colours
        clip one after the other, and a network that saw blown areas in purple would paint their edges so.
        """
        samples = self._photo.pixels[window]
        pixels = (samples - self._black if self._black else samples) / self._scale
        if self._photo.camera is not None:
            np.minimum(pixels, 1, out=pixels)
        if self._photo.linear:
            pixels = encode_light(pixels)
        return pixels if pixels.shape[2] == 3 else np.repeat(pixels, 3, axis=2)


class ResultPixels:
    """The way back: takes windows of a result and holds them as the photo's own samples, encoded ones of 8 bits as 16.

    A result is changed more than once, and would be rounded each time; that of a very large photo is. What is read,
    (h, w, 3) float32 in 0..1, is what is held, as the network would see it, after the change that is pending, if there
    is one.
    """

    def __init__(self, photo: Photo) -> None:
        """`photo` is not changed; the result has all it has but its pixels."""
        height, width, _ = photo.pixels.shape
        self._dtype = photo.pixels.dtype
        self._source = photo.pixels
        # Linear light's mean is kept in the very samples that become the result.
        deeper = (
            not photo.linear
            and held_sample_bytes(height * width, self._dtype.itemsize) > self._dtype.itemsize
        )
        held = np.dtype(np.uint16) if deeper else self._dtype
        self._photo = replace(photo, pixels=np.empty(photo.pixels.shape, held))
        self._black, self._scale = _black(photo), _scale(self._photo)
        self._seen = WorkingPixels(self._photo)
        self._change: Change | None = None
        self._changed_levels: np.ndarray | None = None
        self.shape, self.nbytes = self._seen.shape, self._photo.pixels.nbytes

    def __getitem__(self, window: Window) -> np.ndarray:
        """Return the pixels there."""
        if self._changed_levels is not None:
            return look_up(self._changed_levels, self._photo.pixels[window])
        pixels = self._seen[window]
        return pixels if self._change is None else self._change(pixels)

    def __setitem__(self, window: Window, clean: np.ndarray) -> None:
        """Take a window's pixels, (h, w, 3) in 0..1.

        Values are clipped to what the photo's samples can hold and rounded to the nearest; float samples are
        neither. Grey is the mean of the three channels. What `WorkingPixels` gave comes back exactly, at 8 and at
        16 bits, linear or not, and to 1e-6 as float.

        Raises PhotoError when `clean` holds values that are not numbers.
        """
        photo = self._photo
        values = clean.astype(np.float32, copy=False)
        if photo.pixels.shape[2] == 1:
            values = values.mean(axis=2, keepdims=True)
        self._check_numbers(values)
        if photo.linear:
            values = decode_light(values)
        values = values * self._scale
        if self._black:
            values += self._black
        if photo.camera is not None:
            values = self._with_highlights(values, window, photo.camera.white)
        self._hold(window, values)

    def put_light(self, window: Window, light: np.ndarray) -> None:
        """Take a window of a camera's own light, (h, w, 3) float32, black 0 and white 1, highlights and all.

        It is not balanced. Raises PhotoError as `__setitem__` does.
        """
        camera = self._photo.camera
        if camera is None:
            raise TypeError("light is a camera's")
        top, columns = window[0].start, window[1]
        for rows in bands(len(light), LIGHT_ROWS):
            self._check_numbers(light[rows])
            samples = light[rows] * np.float32(camera.white - camera.black)
            samples += self._black
            self._hold((slice(top + rows.start, top + rows.stop), columns), samples)

    def _check_numbers(self, values: np.ndarray) -> None:
        if not np.isfinite(values).all():
            raise PhotoError(
                shown(self._photo.path), "denoising gave values that are not numbers", "Try it on the CPU."
            )

    def _hold(self, window: Window, samples: np.ndarray) -> None:
        """Take samples, float32, which may be changed."""
        pixels = self._photo.pixels
        if np.issubdtype(pixels.dtype, np.integer):
            np.rint(samples, out=samples)
            pixels[window] = np.clip(samples, 0, np.iinfo(pixels.dtype).max, out=samples)
        else:
            pixels[window] = samples

    def _with_highlights(self, values: np.ndarray, window: Window, white: int) -> np.ndarray:
        """Return values with what of a camera's light the network did not see; where all colours clip, as they were."""
        source = self._source[window].astype(np.float32)
        unseen = np.maximum(source - (self._scale + self._black), 0)
        blown = (source >= white).all(axis=-1, keepdims=True)
        return np.where(blown, source, values + unseen)

    def as_it_was(self) -> ResultPixels:
        """Return the same with the very samples of the photo: what a float was comes back to the last bit."""
        held = self._photo.pixels
        if held.dtype == self._dtype:
            held[:] = self._source
        else:
            np.multiply(self._source, np.uint16(257), out=held, dtype=np.uint16)
        return self.unchanged()

    @property
    def finishing_bytes(self) -> int:
        """What `as_photo` takes, beside what it was made of."""
        return (
            self._source.nbytes
            + self.nbytes
            + (self._source.nbytes if self._dtype != self._photo.pixels.dtype else 0)
        )

    def copy(self) -> ResultPixels:
        """Return the same samples once more, so that one of both can be changed."""
        other = copy(self)
        other._photo = replace(self._photo, pixels=self._photo.pixels.copy())
        other._seen = WorkingPixels(other._photo)
        return other

    def changed_by(self, change: Change | None) -> ResultPixels:
        """Return the same samples, seen through a change of (h, w, 3) pixels that looks at each channel by itself."""
        other = copy(self)
        other._change = change
        other._changed_levels = None if change is None else self._levels_after(change)
        return other

    def _levels_after(self, change: Change) -> np.ndarray | None:
        """Return what each level of a channel is after a change, (3, 65536); None where there are more levels."""
        photo = self._photo
        if photo.pixels.dtype != np.uint16 or photo.pixels.shape[2] != 3 or photo.linear:
            return None
        levels = np.arange(LEVELS_OF_16_BITS, dtype=np.float32)[:, None, None]
        return np.ascontiguousarray(change(np.repeat(levels, 3, axis=2) / self._scale)[:, 0].T)

    def unchanged(self) -> ResultPixels:
        """Return the same samples without the change that is pending: for those who read and put all of them."""
        return self.changed_by(None) if self._change is not None else self

    def as_photo(self) -> Photo:
        """Return the result, in the type of the photo, after the change that is pending."""
        if self._change is not None:
            plain = self.unchanged()
            for band in _bands(*self.shape[:2]):
                plain[band] = self[band]
            return plain.as_photo()
        held = self._photo.pixels
        if held.dtype == self._dtype:
            return self._photo
        return replace(self._photo, pixels=_narrowed(held))


def _narrowed(held: np.ndarray) -> np.ndarray:
    """Return samples of 16 bits in 8."""
    deep, narrow = held.reshape(-1), np.empty(held.size, np.uint8)
    for some in bands(held.size, NARROWED_SAMPLES):
        narrow[some] = _to_8_bits(deep[some])
    return narrow.reshape(held.shape)


def _to_8_bits(samples: np.ndarray) -> np.ndarray:
    """Return samples of 16 bits over 257, rounded, as 65535 is 257 times 255; without a division, which is slow."""
    rounded: np.ndarray = np.minimum(samples, np.uint16(65535 - 128))
    rounded += np.uint16(128)
    rounded -= rounded >> 8
    rounded >>= 8
    return rounded


def to_working(photo: Photo) -> np.ndarray:
    """Return the whole photo as (h, w, 3) float32, 0..1: see `WorkingPixels`."""
    pixels = WorkingPixels(photo)
    image = np.empty(pixels.shape, np.float32)
    for band in _bands(*pixels.shape[:2]):
        image[band] = pixels[band]
    return image


def photo_of_array(image: np.ndarray) -> Photo:
    """Return an (h, w, 1 or 3) array of encoded values as a photo that is in no file."""
    return Photo(Path("array"), image, alpha=None, format="array", orientation=1)


def held_sample_bytes(pixels: int, sample_bytes: int) -> int:
    """Return the bytes in which a sample of a result is held, of an encoded photo with so many pixels."""
    return 2 if sample_bytes == 1 and pixels <= MOST_HELD_IN_MORE_BITS_PX else sample_bytes


def _bands(height: int, width: int) -> list[Window]:
    rows_a_band = max(1, min(BAND_ROWS, BAND_PIXELS // width))
    return [(rows, slice(None)) for rows in bands(height, rows_a_band)]


def colour_shift_levels(before: Photo, after: Photo) -> tuple[float, ...]:
    """Return by how much each channel's mean lies higher after than before, in 8-bit levels of encoded values.

    Both photos have the same shape. Rounding and clipping of the result are part of what is measured.
    """
    sums = [_encoded_sums(photo) for photo in (before, after)]
    pixels = before.pixels.shape[0] * before.pixels.shape[1]
    return tuple((255 / pixels * (sums[1] - sums[0])).tolist())


def _encoded_sums(photo: Photo) -> np.ndarray:
    """Return the sum of each channel over all pixels in the working range, (c,) float64."""
    height, width, channels = photo.pixels.shape
    sums = np.zeros(channels)
    black, scale = _black(photo), _scale(photo)
    is_integer = np.issubdtype(photo.pixels.dtype, np.integer)
    if is_integer and photo.linear:
        return _encoded_sums_by_level(photo)
    for band in _bands(height, width):
        samples = photo.pixels[band]
        if is_integer:  # samples add up without an error, and rows of them fast
            columns = samples.reshape(len(samples), -1).sum(axis=0, dtype=np.uint32)
            sums += columns.reshape(width, channels).sum(axis=0, dtype=np.float64)
            continue
        values = (samples - black) / scale
        sums += (encode_light(values) if photo.linear else values).sum(axis=(0, 1), dtype=np.float64)
    return (sums - height * width * float(black)) / scale if is_integer else sums


def _encoded_sums_by_level(photo: Photo) -> np.ndarray:
    """Return the same of integers of linear light: each level goes through the curve once, as often as it occurs.

    Of large photos rows are left out, always the same ones: differences of their means are known to 0.01 levels.
    """
    levels = np.arange(np.iinfo(photo.pixels.dtype).max + 1)
    height, width, channels = photo.pixels.shape
    pixels = photo.pixels[:: height * width // LOOKED_AT_PIXELS | 1]  # odd: rows of both colours of a mosaic
    counts = np.zeros((len(levels), channels), np.int64)
    for band in _bands(*pixels.shape[:2]):
        for channel in range(channels):
            counts[:, channel] += np.bincount(pixels[(*band, channel)].ravel(), minlength=len(levels))
    encoded = encode_light((levels[:, None] - _black(photo)) / _scale(photo))
    return np.asarray((counts * encoded).sum(axis=0, dtype=np.float64) * (height / len(pixels)))


def _scale(photo: Photo) -> np.ndarray:
    """Return the sample value of a white of 1.0, float32, for each channel or for all."""
    dtype = photo.pixels.dtype
    if photo.camera is None:
        return np.array([np.iinfo(dtype).max if np.issubdtype(dtype, np.integer) else 1.0], np.float32)
    gains = photo.camera.gains[: photo.pixels.shape[2]]
    return np.float32(photo.camera.white - photo.camera.black) / np.array(gains, np.float32)


def _black(photo: Photo) -> np.float32:
    """Return the sample value of no light."""
    return np.float32(0 if photo.camera is None else photo.camera.black)
