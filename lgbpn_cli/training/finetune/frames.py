"""Dark and even frames, in which noise is measured: those that fit the photos of a run, and why others are left out."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from lgbpn_cli.denoise.working import to_working
from lgbpn_cli.errors import PhotoError, UsageError
from lgbpn_cli.image.filters import cell_means
from lgbpn_cli.noise.estimator import cell_levels
from lgbpn_cli.noise.measure import measure_noise
from lgbpn_cli.photos.photo import Photo
from lgbpn_cli.photos.prepare import read_guarded
from lgbpn_cli.photos.reading_process import ReadingProcess
from lgbpn_cli.photos.shot import Shot, shot_of
from lgbpn_cli.training.finetune.photos import (
    SMALLEST_SIDE_PX,
    KeptPhoto,
    check_folder,
    keep_photo,
    photo_paths,
)

MOST_FRAMES = 16
"""Of a folder of dark or even frames, so many are looked at."""
CELL_PX = 32
MOST_UNEVEN = 4.0
"""Of noise alone, a tenth of the cells has up to twice the variance of another tenth; vignetting adds to that."""
ROUNDING = 1 / 12
"""Variance of what whole levels add: black frames have no other in most places."""
CURE = "Name a folder of dark or even frames, or omit it."


def scan_frames(
    folder: Path,
    run_folder: Path,
    shots: Collection[Shot],
    say: Callable[[str], None] = lambda text: None,
) -> list[KeptPhoto]:
    """Keep tiles of the dark and even frames below `folder` in `run_folder`, and return the frames.

    They have to be of one of the photos' `shots`, where both are known. `say` is told what is left out. Raises
    UsageError where there is no such folder or no frame.
    """
    check_folder(folder, CURE)
    frames: list[KeptPhoto] = []
    with ReadingProcess() as reading:
        for path in sorted(photo_paths(folder))[:MOST_FRAMES]:
            try:
                photo = read_guarded(reading, path)
            except PhotoError as error:
                say(f"left out: {error}")
                continue
            image = to_working(photo)
            if reason := _reason_against(photo, image, shots):
                say(f"left out: {path}: {reason}")
                continue
            noise = measure_noise(image, cell_levels())
            frame = keep_photo(photo, image, noise, run_folder / f"frame-{len(frames):05}.npy")
            frames.append(replace(frame, is_frame=True))
    if not frames:
        raise UsageError(folder, "none of its files is a frame that noise can be measured in", CURE)
    return frames


def _reason_against(photo: Photo, image: NDArray[np.float32], shots: Collection[Shot]) -> str:
    """Return why the noise of a photo, whose `image` is (h, w, 3) of 0..1, is not measured; empty: it is."""
    if min(image.shape[:2]) < SMALLEST_SIDE_PX:
        return f"smaller than {SMALLEST_SIDE_PX} px"
    if not _fits(shot_of(photo), shots):
        return f"taken with {shot_of(photo)}, as none of the photos was"
    if not shows_nothing(image):
        return "it shows something: a frame is black, or an even surface out of focus"
    return ""


def _fits(frame: Shot, shots: Collection[Shot]) -> bool:
    known = [each for each in shots if each.camera]
    if not (frame.camera and known):
        return True
    return any(each.camera == frame.camera and frame.iso in (0, each.iso or frame.iso) for each in known)


def shows_nothing(image: NDArray[np.float32]) -> bool:
    """Return whether a photo (h, w, 3) of 0..1 varies by about as much everywhere, as of noise alone."""
    whole = np.float32(255) * image[tuple(slice(side - side % CELL_PX) for side in image.shape[:2])]
    # Slopes are none of it: light falls off towards the corners.
    steps = np.diff(whole, axis=0)[:, 1:]
    variance = cell_means(steps**2, CELL_PX).mean(axis=2)
    least, most = np.quantile(variance, (0.1, 0.9))
    return bool(most <= MOST_UNEVEN * max(least, ROUNDING))
