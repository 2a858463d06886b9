"""All sites of a sensor as its file has them, margins included: what a CFA DNG puts denoised light back into."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from lgbpn_cli.image.bands import bands
from lgbpn_cli.photos.metadata.exif import BYTE, Tag, blob, in_order, longs, shorts
from lgbpn_cli.photos.raw.black import BlackLevels
from lgbpn_cli.photos.raw.mosaic import SECOND_GREEN, Mosaic

PHOTOMETRIC, COLOUR_FILTERS = 262, 32803
FILTER_SIZE, FILTER_COLOURS = 33421, 33422
BLACK_REPEATS, BLACK_LEVEL, WHITE_LEVEL, ACTIVE_AREA = 50713, 50714, 50717, 50829
OPCODE_LIST_2 = 51009
SITE_TAGS = frozenset({
    50710, 50711, BLACK_REPEATS, BLACK_LEVEL, 50715, 50716, WHITE_LEVEL, 50733, 50737, 50738, ACTIVE_AREA, 50830,
    OPCODE_LIST_2,
})  # fmt: skip
"""What a DNG says of a mosaic's samples and is true of denoised ones: filters, levels, areas, and list 2."""
BAND_ROWS = 256


@dataclass(frozen=True, eq=False)
class SensorFrame:
    """The stored samples of a Bayer sensor, and where and how its light lies in them."""

    stored: np.ndarray
    """(H, W) uint16, with margins, after the file's linearisation."""
    corner: tuple[int, int]
    """Row and column of the first visible site."""
    blacks: np.ndarray
    """(2, 2) float32: levels of black of the sites that repeat from the corner on."""
    white: float
    order: str = "<"
    """Byte order of `tags`."""
    black: BlackLevels | None = None
    """Where they differ from more than from site to site of the filters."""
    tags: tuple[Tag, ...] = ()
    """SITE_TAGS of the source, a DNG's; others have none."""

    def with_light(self, light: Mosaic) -> np.ndarray:
        """Return the stored samples (H, W) with `light`, black 0 and white 1, on the visible sites.

        Sites that were as bright as white stay as they are.
        """
        stored = self.stored.copy()
        top, left = self.corner
        height, width = light.samples.shape
        visible = stored[top : top + height, left : left + width]
        if self.black is not None:
            for rows in bands(height, BAND_ROWS):
                black = self.black.at(rows, top, left, width)[..., 0]
                _put(
                    visible[rows], light.samples[rows] * (self.white - self.black.most[0]) + black, self.white
                )
            return stored
        for row in range(2):
            for column in range(2):
                black = self.blacks[row, column]
                sites, values = visible[row::2, column::2], light.samples[row::2, column::2]
                for rows in bands(len(sites), BAND_ROWS):
                    _put(sites[rows], values[rows] * (self.white - black) + black, self.white)
        return stored

    def dng_tags(self, light: Mosaic, order: str) -> list[Tag]:
        """Return what the samples' directory says of them."""
        top, left = self.corner
        height, width = light.samples.shape
        blacks = [
            shorts(BLACK_REPEATS, 2, 2, order=order),
            longs(BLACK_LEVEL, *self.blacks.round().astype(int).ravel().tolist(), order=order),
        ]
        return [
            *filter_tags(light.pattern, order),
            *([] if any(tag.tag == BLACK_LEVEL for tag in self.tags) else blacks),
            longs(WHITE_LEVEL, round(self.white), order=order),
            longs(ACTIVE_AREA, top, left, top + height, left + width, order=order),
            *(in_order(tag, self.order, order) for tag in self.tags),  # which count where both are there
        ]


def _put(sites: np.ndarray, levels: np.ndarray, white: float) -> None:
    """Put levels into sites that are not as bright as white."""
    sites[:] = np.where(sites >= white, sites, np.clip(np.rint(levels), 0, white))


def read_frame(
    raw: Any, light: Mosaic, order: str, tags: tuple[Tag, ...], black: BlackLevels | None = None
) -> SensorFrame:
    """Return the frame of a Bayer file that LibRaw has unpacked (`rawpy.RawPy`), and that `light` was read from."""
    numbers = raw.raw_colors_visible[:2, :2]
    blacks = np.array(raw.black_level_per_channel, np.float32)[np.minimum(numbers, SECOND_GREEN)]
    corner = (raw.sizes.top_margin, raw.sizes.left_margin)
    return SensorFrame(raw.raw_image.copy(), corner, blacks, float(raw.white_level), order, black, tags)


def filter_tags(filters: np.ndarray, order: str) -> list[Tag]:
    """Return the tags that make samples those of a mosaic behind these colour filters."""
    return [
        shorts(PHOTOMETRIC, COLOUR_FILTERS, order=order),
        shorts(FILTER_SIZE, *filters.shape, order=order),
        blob(FILTER_COLOURS, filters.astype(np.uint8).tobytes(), BYTE),
    ]
