"""Two camera raw files of one scene: told from other pairs, developed alike, and brought to one brightness."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from lgbpn_cli.denoise.working import decode_light
from lgbpn_cli.errors import PhotoError
from lgbpn_cli.image.bands import bands
from lgbpn_cli.photos.photo import Photo
from lgbpn_cli.photos.raw.demosaic import demosaic

LEFT_OUT = "It is left out."
BLOCK_PX = 16
"""Side of the squares whose light is compared."""
BAND_ROWS = 16 * BLOCK_PX
CLIPPED = 0.98
"""Share of white above which a square's light is not all there."""
MOST_BRIGHTER = 2.0
"""Shots that differ by a larger factor were not meant to be compared."""
LEAST_LIGHT = 2e-3
"""Of white: darker shots have no brightness to be matched."""
CELLS = 8
"""A scene is told by the light of so many parts of its height and of its width."""
OTHER_SCENE = 0.25
"""Share of its mean light by which a scene's parts differ from another scene's (root mean square)."""


@dataclass(frozen=True, eq=False)
class Shot:
    """A picture that may come from a camera raw file, with what a message calls it."""

    photo: Photo
    """Its pixels are demosaiced."""
    shown: str


def with_colours(photo: Photo) -> Photo:
    """Return a camera raw file's photo with pixels that can be compared, not only looked at; others as they are."""
    if photo.mosaic is None or photo.camera is None:
        return photo
    return replace(photo, pixels=demosaic(photo.mosaic.mosaic, photo.camera.gains))


def developed_as(shot: Shot, other: Shot) -> Photo:
    """Return the photo of `shot` under the white balance of `other`, if that is a camera raw file.

    Raises PhotoError, about `other`, where only one of them is a camera raw file, or both are of different cameras.
    """
    ours, theirs = shot.photo.camera, other.photo.camera
    if ours is None and theirs is None:
        return shot.photo
    if ours is None or theirs is None:
        kinds = ["not a camera raw file" if each is None else "a camera raw file" for each in (theirs, ours)]
        raise PhotoError(other.shown, f"it is {kinds[0]}, but {shot.shown} is {kinds[1]}", LEFT_OUT)
    if ours.model != theirs.model and ours.model and theirs.model:
        cause = f"it is of a {theirs.model}, but {shot.shown} is of a {ours.model}"
        raise PhotoError(other.shown, cause, LEFT_OUT)
    balanced = replace(ours, gains=theirs.gains)
    if shot.photo.mosaic is None:
        return replace(shot.photo, camera=balanced)
    return replace(
        shot.photo, camera=balanced, pixels=demosaic(shot.photo.mosaic.mosaic, balanced.gains), mosaic=None
    )


def brightness_over(picture: np.ndarray, reference: np.ndarray, shown: str, shown_reference: str) -> float:
    """Return how many times as bright a picture is as its reference, in linear light, where neither is clipped.

    Both are encoded, (h, w, 3). Light is added up over squares, so noise in either of them hardly counts.
    Raises PhotoError where that is more than is matched, or they show different scenes.
    """
    ours, theirs = _light_of_blocks(picture), _light_of_blocks(reference)
    whole = np.isfinite(ours) & np.isfinite(theirs)
    if not whole.any() or min(ours[whole].mean(), theirs[whole].mean()) < LEAST_LIGHT:
        return 1.0
    factor = float(ours[whole].sum() / theirs[whole].sum())
    if not 1 / MOST_BRIGHTER <= factor <= MOST_BRIGHTER:
        words = f"{factor:.2g} times as bright as {shown_reference}"
        cause = f"it is {words}, and at most {MOST_BRIGHTER:g} times is matched"
        raise PhotoError(shown, cause, "Compare shots of one exposure.")
    if difference_of_scenes(np.where(whole, ours, 0) / factor, np.where(whole, theirs, 0)) > OTHER_SCENE:
        raise PhotoError(shown, f"it shows a different scene from {shown_reference}", LEFT_OUT)
    return factor


def difference_of_scenes(light: np.ndarray, other: np.ndarray) -> float:
    """Return how far the light (h, w) of the parts of two scenes is apart, as a share of the second's mean."""
    parts, of_other = cells_of(light), cells_of(other)
    return float(np.sqrt(np.square(parts - of_other).mean()) / max(float(of_other.mean()), LEAST_LIGHT))


def cells_of(light: np.ndarray) -> np.ndarray:
    """Return the mean light of the parts of a scene (h, w): as many as CELLS each way, or fewer."""
    for axis in (0, 1):
        edges = np.linspace(0, light.shape[axis], min(CELLS, light.shape[axis]), endpoint=False).astype(int)
        counts = np.diff([*edges, light.shape[axis]])
        sums = np.add.reduceat(light, edges, axis=axis, dtype=np.float64)
        light = sums / (counts[:, None] if axis == 0 else counts)
    return light


def _light_of_blocks(picture: np.ndarray) -> np.ndarray:
    """Return the mean linear light of the squares of an encoded picture, (rows, columns); NaN where it is clipped."""
    side = min(BLOCK_PX, *picture.shape[:2])
    height, width = (length // side * side for length in picture.shape[:2])
    found = []
    for rows in bands(height, BAND_ROWS // BLOCK_PX * side):
        light = decode_light(picture[rows, :width])
        blocks = light.reshape(len(light) // side, side, width // side, -1)
        means = blocks.mean(axis=(1, 3), dtype=np.float64)
        found.append(np.where(blocks.max(axis=(1, 3)) < CLIPPED, means, np.nan))
    return np.concatenate(found)
