"""The mosaics a raw network is fine-tuned on: crops of the raw files in a folder, and what is known of each."""

from __future__ import annotations

import hashlib
import math
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from lgbpn_cli.errors import PhotoError
from lgbpn_cli.photos.photo import Photo
from lgbpn_cli.photos.prepare import read_guarded
from lgbpn_cli.photos.raw.mosaic import RED
from lgbpn_cli.photos.raw.noise import with_shot_noise
from lgbpn_cli.photos.reading_process import ReadingProcess
from lgbpn_cli.photos.record import read_record
from lgbpn_cli.photos.shot import Shot, shot_of
from lgbpn_cli.training.finetune.photos import HELD_OUT_SHARE

FloatImage = NDArray[np.float32]
CROP_SITES = 256
"""Side of the crops that are kept of each raw file."""
CROPS_A_SIDE = 3
MOST_MOSAICS = 64
"""Among more, so many are drawn: 150 MB of crops."""
FEWEST_MOSAICS = 2
"""To learn from one and to judge by the other."""
CLEANEST_VARIANCE = 4e-6
"""At a tenth of white; mosaics with less noise have nothing to teach."""


@dataclass(frozen=True, eq=False)
class KeptMosaic:
    """One raw file of a run."""

    shot: Shot
    crops: FloatImage
    """(n, CROP_SITES, CROP_SITES): RGGB, black 0 and white 1."""
    levels: FloatImage
    """(3, 2): a and b of the noise of each colour."""
    gains: FloatImage
    """(3,): white balance, green 1."""


def read_mosaics(
    paths: Sequence[Path],
    seed: int,
    say: Callable[[str], None] = lambda text: None,
    ends_at: float = math.inf,
) -> list[KeptMosaic]:
    """Return crops of the raw files at `paths` that have a Bayer mosaic with noise; `say` hears what is left out.

    From `ends_at` on, as `time.monotonic` counts, no more are read, if there are the two that there must be.
    """
    drawn = [paths[place] for place in np.random.default_rng(seed).permutation(len(paths))]
    kept: list[KeptMosaic] = []
    left_out: Counter[str] = Counter()
    seen: set[bytes] = set()
    with ReadingProcess() as reading:
        for number, path in enumerate(drawn):
            if len(kept) == MOST_MOSAICS:
                break
            if len(kept) >= FEWEST_MOSAICS and time.monotonic() > ends_at:
                left = len(drawn) - number
                say(f"{left} more raw files were not looked at: reading them would take too much of the time")
                break
            try:
                found = "made by lgbpn" if read_record(path) is not None else _kept(path, reading, seen)
            except PhotoError as error:
                say(f"left out: {error}")
                continue
            if isinstance(found, KeptMosaic):
                kept.append(found)
            else:
                left_out[found] += 1
    if left_out:
        say(f"left out: {', '.join(f'{count} {why}' for why, count in sorted(left_out.items()))}")
    return kept


def held_out_of(mosaics: Sequence[KeptMosaic], seed: int) -> tuple[list[KeptMosaic], list[KeptMosaic]]:
    """Return the mosaics to learn from and those to judge by: a fifth, one at least; whole files."""
    order = np.random.default_rng(seed).permutation(len(mosaics))
    count = max(1, round(HELD_OUT_SHARE * len(mosaics)))
    return [mosaics[place] for place in order[count:]], [mosaics[place] for place in order[:count]]


def _kept(path: Path, reading: ReadingProcess, seen: set[bytes]) -> KeptMosaic | str:
    photo = read_guarded(reading, path, as_mosaic=True)
    if photo.mosaic is None or photo.camera is None:
        return "without a Bayer mosaic"
    levels = photo.mosaic.noise.levels
    if float(levels[1] @ (0.1, 1)) < CLEANEST_VARIANCE:
        return "too clean to learn from"
    crops = _crops(photo)
    if not len(crops):
        return f"smaller than {CROP_SITES} px"
    digest = hashlib.sha256(crops.tobytes()).digest()
    if digest in seen:
        return "given twice"
    seen.add(digest)
    gains = np.array(photo.camera.gains, np.float32)
    told = with_shot_noise(levels, photo.mosaic.mosaic.samples)
    return KeptMosaic(shot_of(photo), crops, told, gains / gains[1])


def _crops(photo: Photo) -> FloatImage:
    """Return crops that begin with a red site, spread evenly over the mosaic."""
    if photo.mosaic is None:
        raise TypeError("the photo has no mosaic")
    mosaic = photo.mosaic.mosaic
    rows, columns = np.nonzero(mosaic.pattern == RED)
    samples = mosaic.samples[rows[0] :, columns[0] :]
    if min(samples.shape) < CROP_SITES:
        return np.empty((0, CROP_SITES, CROP_SITES), np.float32)
    tops, lefts = (
        sorted({int(start) // 2 * 2 for start in np.linspace(0, side - CROP_SITES, CROPS_A_SIDE)})
        for side in samples.shape
    )
    return np.stack(
        [samples[top : top + CROP_SITES, left : left + CROP_SITES] for top in tops for left in lefts]
    ).copy()
