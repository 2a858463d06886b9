"""A burst: several camera raw files of one still scene, each judged against the mean of the others."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import numpy as np

from lgbpn_cli.errors import PhotoError, UsageError
from lgbpn_cli.evaluation.pairs import Pair, Pairing, Picture
from lgbpn_cli.evaluation.problems import Problem, problem_of
from lgbpn_cli.evaluation.raw_shots import (
    LEAST_LIGHT,
    LEFT_OUT,
    OTHER_SCENE,
    cells_of,
    difference_of_scenes,
)
from lgbpn_cli.photos.photo import Photo

FEWEST_FRAMES = 2
MOST_BRIGHTER = 1.25
"""Frames of a burst have one exposure; the light may flicker by as much."""


@dataclass(frozen=True)
class _Kind:
    """What all frames of a burst have in common."""

    height: int
    width: int
    model: str
    pattern: bytes

    def __str__(self) -> str:
        return f"{self.width}x{self.height} px" + (f" of a {self.model}" if self.model else "")


@dataclass(frozen=True, eq=False)
class _Look:
    """What is remembered of a frame."""

    kind: _Kind
    cells: np.ndarray
    """The light of its parts."""


def burst_of(pairing: Pairing, source: Path) -> Pairing:
    """Return pairs in which the reference of each frame is the mean of all others that show the same.

    Files that are no camera raw files with a mosaic, of another size, camera, exposure or scene than most, or copies
    of others, become problems. Every frame is read twice here, and twice more when its turn comes; one and the sum are
    held.
    Raises UsageError where fewer than two are left.
    """
    looks, problems = {}, list(pairing.problems)
    for pair in pairing.pairs:
        try:
            looks[pair.name] = _look_at(pair)
        except Exception as error:  # noqa: BLE001 - whatever one file does to any library, the others go on
            problems.append(problem_of(pair.noisy.shown, error))
    odd = _odd_ones(looks)
    odd |= _copies({name: look for name, look in looks.items() if name not in odd})
    problems += [Problem(pair.noisy.shown, odd[pair.name]) for pair in pairing.pairs if pair.name in odd]
    frames = [pair for pair in pairing.pairs if pair.name in looks and pair.name not in odd]
    if len(frames) < FEWEST_FRAMES:
        why = f" ({str(problems[-1]).removesuffix('.')})" if problems else ""
        cause = f"a burst is several raw files of one scene, and {_of(len(frames), len(pairing.pairs))}{why}"
        raise UsageError(source, cause, "Give the folder of a burst.")
    kind = looks[frames[0].name].kind
    total = np.zeros((kind.height, kind.width))
    for pair in frames:
        total += _samples(pair.noisy.read(), pair.noisy)
    return Pairing(tuple(_judged(pair, total, len(frames)) for pair in frames), tuple(problems))


def best_psnr_db(noisy_psnr_db: float, frames: int) -> float:
    """Return the PSNR that a perfect result has against the mean of the other frames, which has noise of its own.

    A frame of noise variance v differs from that mean by v (1 + 1 / (frames - 1)), a perfect result by
    v / (frames - 1): `frames` times less.
    """
    return float(noisy_psnr_db + 10 * np.log10(frames))


def others_of(frames: int) -> str:
    """Return what a frame of a burst is judged against."""
    return "the other frame" if frames == FEWEST_FRAMES else f"the mean of the other {frames - 1} frames"


def _of(taking_part: int, found: int) -> str:
    if found == taking_part:
        return f"there is {'only 1' if found else 'none'}"
    return f"{taking_part or 'none'} of {found} can take part"


def _look_at(pair: Pair) -> _Look:
    photo = pair.noisy.read()
    samples = _samples(photo, pair.noisy)
    if photo.mosaic is None or photo.camera is None:
        raise TypeError("a photo without a mosaic has no samples")
    height, width = samples.shape
    kind = _Kind(height, width, photo.camera.model, photo.mosaic.mosaic.pattern.tobytes())
    return _Look(kind, cells_of(samples))


def _samples(photo: Photo, picture: Picture) -> np.ndarray:
    """Return the samples (h, w) of a mosaic. Raises PhotoError for a photo without one."""
    if photo.mosaic is None:
        kind = "a camera raw file without a Bayer mosaic" if photo.camera else "not a camera raw file"
        raise PhotoError(picture.shown, f"it is {kind}", LEFT_OUT)
    return photo.mosaic.mosaic.samples


def _odd_ones(looks: dict[str, _Look]) -> dict[str, str]:
    """Return the frames that do not belong to the largest group that does, each with what tells it from these."""
    if not looks:
        return {}
    against = [
        {name: _cause_against(look, other) for name, look in looks.items()} for other in looks.values()
    ]
    causes = min(against, key=lambda each: sum(cause is not None for cause in each.values()))
    return {name: f"{cause}. {LEFT_OUT}" for name, cause in causes.items() if cause is not None}


def _copies(looks: dict[str, _Look]) -> dict[str, str]:
    """Return the frames whose samples are those of one before, which would be judged against their own noise."""
    found: dict[bytes, str] = {}
    first = {name: found.setdefault(look.cells.tobytes(), name) for name, look in looks.items()}
    return {name: f"it is the same shot as {one}. {LEFT_OUT}" for name, one in first.items() if one != name}


def _cause_against(look: _Look, usual: _Look) -> str | None:
    """Return why a frame is not of one burst with another, or None."""
    if look.kind != usual.kind:
        return f"it is {look.kind}, but most are {usual.kind}"
    ours, theirs = (max(float(each.cells.mean()), LEAST_LIGHT) for each in (look, usual))
    factor = ours / theirs
    if not 1 / MOST_BRIGHTER <= factor <= MOST_BRIGHTER:
        return f"it is {factor:.2g} times as bright as most: of another exposure"
    if theirs > LEAST_LIGHT and difference_of_scenes(look.cells / factor, usual.cells) > OTHER_SCENE:
        return "it shows a different scene from most"
    return None


def _judged(pair: Pair, total: np.ndarray, frames: int) -> Pair:
    """Return a frame with the mean of the others as its reference."""
    return replace(
        pair, reference=Picture(others_of(frames), None, partial(_mean_of_others, pair.noisy, total, frames))
    )


def _mean_of_others(picture: Picture, total: np.ndarray, frames: int) -> Photo:
    photo = picture.read()
    own = _samples(photo, picture)
    mean = ((total - own) / (frames - 1)).astype(np.float32)
    if photo.mosaic is None:
        raise TypeError("a photo without a mosaic has no samples")
    return replace(photo, mosaic=replace(photo.mosaic, mosaic=replace(photo.mosaic.mosaic, samples=mean)))
