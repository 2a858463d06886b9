"""The light a sensor saw: samples scaled between black and white, after the repairs and corrections a file asks for."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from lgbpn_cli.photos.faults import DamagedFileError
from lgbpn_cli.photos.raw.black import BlackLevels
from lgbpn_cli.photos.raw.dead_lines import dead_sites
from lgbpn_cli.photos.raw.directories import FILTER_COLOURS
from lgbpn_cli.photos.raw.hot_pixels import fill_sites
from lgbpn_cli.photos.raw.metadata import RawFacts
from lgbpn_cli.photos.raw.mosaic import (
    Mosaic,
    check_levels,
    filter_pattern,
    read_mosaic,
    scaled,
    without_black,
)
from lgbpn_cli.photos.raw.opcodes import FIX_BAD_CONSTANT, FIX_BAD_LIST, Opcode, apply_levels, bad_sites
from lgbpn_cli.photos.raw.tifffile_page import page_at

LINEARIZATION_TABLE, BLACK_LEVEL, WHITE_LEVEL, ACTIVE_AREA = 50712, 50714, 50717, 50829
READ_TAGS = frozenset({LINEARIZATION_TABLE, BLACK_LEVEL, WHITE_LEVEL, ACTIVE_AREA, FILTER_COLOURS})
FRACTIONS = (5, 10)
"""Types of two numbers a value."""
BRIGHTEST = np.float32(1e6)
"""Of white: no sensor sees more, and squares of still larger numbers have too many digits."""
STORED_WHITE = 65535
"""The integer that opcodes of list 1, for samples as stored, take as 1."""


def sensor_light(
    raw: Any, facts: RawFacts, path: Path, *, for_sites: bool = False
) -> tuple[Mosaic | np.ndarray, list[Opcode], tuple[str, ...]]:
    """Return the light of an unpacked file, opcodes left for whoever develops it, and what to say of dead sites.

    The light is a mosaic, or of a DNG without one (h, w, 1) or (h, w, 3) float32: black at 0, white at 1; floating
    samples may lie above. What the file calls bad is filled in, and so are dead rows and columns. `for_sites` is for
    results that go back on the sites: their opcodes of list 2 stay in the file, and are not applied.
    Raises DamagedFileError, UnsupportedFileError.
    """
    first, second, _ = facts.opcodes
    bad: np.ndarray | None = None
    notes: tuple[str, ...] = ()
    if first:
        bad = bad_sites(raw.raw_image, first)
        _apply_to_stored(raw, [each for each in first if each.number not in (FIX_BAD_CONSTANT, FIX_BAD_LIST)])
    if facts.decoded_here is not None:
        light = _decoded_light(path, facts.decoded_here, facts.black)
    elif raw.raw_pattern is not None and raw.num_colors == 3:
        light = read_mosaic(raw, facts.black)
    else:
        light = _planes(raw, facts.black)
    second = () if for_sites and isinstance(light, Mosaic) else second
    left = apply_levels(light.samples if isinstance(light, Mosaic) else light, second)
    if isinstance(light, Mosaic):
        hidden = None if bad is None else _visible(bad, raw, light.samples.shape)
        notes = _fill(light, raw, hidden, is_float=facts.decoded_here is not None)
    return light, left, notes


def _fill(light: Mosaic, raw: Any, bad: np.ndarray | None, *, is_float: bool) -> tuple[str, ...]:
    """Fill in bad sites, and dead ones, of which is returned what to say; those of float files are not known."""
    dead, notes = (None, ()) if is_float else dead_sites(raw.raw_image_visible, light.pattern)
    if dead is not None:
        bad = dead if bad is None else bad | dead
    if bad is not None:
        fill_sites(light, bad)
    return notes


def _planes(raw: Any, black: BlackLevels | None) -> np.ndarray:
    """Return what a file without a mosaic stores, (h, w, 1) or (h, w, 3) float32."""
    stored = raw.raw_image_visible
    stored = stored[..., None] if stored.ndim == 2 else stored[..., :3]
    if black is not None:
        return without_black(stored, raw, black)
    blacks = raw.black_level_per_channel[: stored.shape[2]]
    check_levels(max(blacks), raw.white_level)
    return scaled(stored, blacks, raw.white_level)


def _apply_to_stored(raw: Any, opcodes: list[Opcode]) -> None:
    """Apply opcodes of list 1 that change levels to LibRaw's samples."""
    if opcodes:
        stored = raw.raw_image
        samples = stored.astype(np.float32) / STORED_WHITE
        apply_levels(samples, opcodes)
        stored[:] = np.clip(np.rint(samples * STORED_WHITE), 0, STORED_WHITE)


def _visible(bad: np.ndarray, raw: Any, shape: tuple[int, ...]) -> np.ndarray:
    top, left = raw.sizes.top_margin, raw.sizes.left_margin
    return bad[top : top + shape[0], left : left + shape[1]]


def _decoded_light(path: Path, offset: int, levels: BlackLevels | None) -> Mosaic | np.ndarray:
    """Return the light of samples that LibRaw would change, of a mosaic or of planes."""
    with page_at(path, offset) as page:
        samples = page.asarray(maxworkers=1)
        tags = {tag.code: _values(tag) for tag in page.tags if tag.code in READ_TAGS}
    usual_white = 1.0 if samples.dtype.kind == "f" else float(np.iinfo(samples.dtype).max)
    if samples.dtype.kind != "f" and LINEARIZATION_TABLE in tags:
        table = tags[LINEARIZATION_TABLE]
        samples = table[np.minimum(samples, len(table) - 1)]
    stored = np.asarray(samples, np.float32)
    top, left, bottom, right = map(int, tags.get(ACTIVE_AREA, (0, 0, *stored.shape[:2])))
    stored = stored[top:bottom, left:right]
    if not np.isfinite(stored).all():
        raise DamagedFileError("it holds samples that are not numbers (NaN or infinite)")
    black: Any = np.float32(np.mean(tags.get(BLACK_LEVEL, 0.0)))
    most = float(black)
    if levels is not None:
        black, most = levels.at(slice(0, len(stored)), top, left, stored.shape[1]), float(levels.most.max())
        black = black if stored.ndim == 3 else black[..., 0]
    white = float(np.mean(tags.get(WHITE_LEVEL, 0.0))) or usual_white  # some writers have 0 for "none"
    if not white > most:
        raise DamagedFileError(f"its white level is {white:g} and its black level {most:g}")
    light: np.ndarray = np.clip((stored - black) / np.float32(white - most), -BRIGHTEST, BRIGHTEST)
    if light.ndim == 3:
        return light
    if FILTER_COLOURS not in tags:
        return light[..., None]
    colours = tags[FILTER_COLOURS].astype(np.uint8)
    side = int(len(colours) ** 0.5)
    repeated = np.tile(colours.reshape(side, side), (4, 4))
    return Mosaic(light, filter_pattern(repeated))


def _values(tag: Any) -> np.ndarray:
    """Return a tag's values as floats."""
    value = np.frombuffer(tag.value, np.uint8) if isinstance(tag.value, bytes) else np.atleast_1d(tag.value)
    numbers = value.astype(np.float64)
    return numbers[::2] / numbers[1::2] if tag.dtype in FRACTIONS else numbers
