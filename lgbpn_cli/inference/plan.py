"""The plan of a run: device, precision and tile for a photo of this size in the memory that is there."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

from lgbpn_cli.config import (
    SMALLEST_TILE_PX,
    InferenceConfig,
    Precision,
)
from lgbpn_cli.errors import UsageError
from lgbpn_cli.inference.attention import REGION_PX, REGIONS_A_SIDE
from lgbpn_cli.machine.device import DTYPES
from lgbpn_cli.machine.memory import PROGRAM_BYTES, READER_BYTES, SHARE_OF_FREE
from lgbpn_cli.models.load import Model

TILES_PX = (2048, 1536, 1024, 768, 512, 384, 256, 192, 128, 96, SMALLEST_TILE_PX)
"""Tiles to choose from."""
BAND_PX = 128
"""Lower bands take as much memory, as the last rows of a photo come all at once, and higher ones are no faster."""
MOST_BYTES_IN_BANDS = 450_000_000
"""Photos so wide that their bands take more go in tiles."""
FLOAT16_BYTES = 2
VIEWS_OF_ONE_SHAPE = 4
"""Half of the views of `best` are as high as the tile is wide."""


@dataclass(frozen=True)
class Plan:
    """How a photo goes through the network."""

    device: str
    """PyTorch's name of the device."""
    precision: Precision
    tile_px: int
    """Side of the squares that network calls contribute; a photo's own side where that is smaller."""
    halo_px: int
    """What a tile sees of its surroundings on each side."""
    multiple_px: int
    """Tiles lie on multiples of this: what the network samples together stays together."""
    batch: int
    """Views of a tile that go through the network in one call."""
    expected_bytes: int
    """Most memory taken at a time: on the CPU by the whole program, on a GPU by the network there."""
    band_px: int | None = None
    """Rows of the bands that the photo is taken in instead, one after the other from top to bottom, without halos."""

    def smaller(self) -> Plan | None:
        """Return the next plan to try when this one did not fit, or None: tiles, one view a call, half the tile."""
        if self.band_px is not None:
            return replace(self, band_px=None)
        if self.batch > 1:
            return replace(self, batch=1)
        half = self.tile_px // 2
        half -= half % self.multiple_px
        return None if half < SMALLEST_TILE_PX // 2 else replace(self, tile_px=half)

    def __str__(self) -> str:
        """Return the plan as one line for people."""
        views = f", {self.batch} views a call" if self.batch > 1 else ""
        if self.band_px is not None:
            pieces = f"bands of {self.band_px} rows"
        else:
            pieces = f"tiles of {self.tile_px} px with a halo of {self.halo_px} px"
        return (
            f"{self.device}, {self.precision}, {pieces}{views}, "
            f"about {self.expected_bytes / 1e9:.1f} GB of memory"
        )


def plan_inference(
    height: int,
    width: int,
    model: Model,
    config: InferenceConfig,
    *,
    held_bytes: int = 0,
    around_bytes: int = 0,
) -> Plan:
    """Return the plan for a photo of this size, with the largest tile that memory allows or the one asked for.

    `held_bytes` is what the photo, its result and what else grows with the photo occupy in the program's memory while
    the network runs, `around_bytes` the most before and after it, when the photo is read and its result written.
    Raises UsageError where `max_memory_bytes` leaves no room, DeviceError for a precision the device has not.
    """
    device = model.device
    network = model.network
    multiple = network.size_multiple_px(config.preset or model.preset)
    precision = device.precision(config.precision)
    halo = _up(network.halo_px if config.halo_px is None else config.halo_px, multiple)
    item_bytes = DTYPES[precision].itemsize
    quality = model.quality(config.quality)
    if quality == "teacher-r3":  # which keeps its first answer
        held_bytes += height * width * 3 * FLOAT16_BYTES
    several = VIEWS_OF_ONE_SHAPE if quality == "best" and not device.is_cpu else 1
    program = PROGRAM_BYTES + READER_BYTES
    beside = held_bytes + program if device.is_cpu else 0
    around = around_bytes + program if device.is_cpu else 0

    def plan(tile_px: int, batch: int) -> Plan:
        tile = max(tile_px - tile_px % multiple, multiple)
        sides = (min(tile + 2 * halo, _up(side, multiple)) for side in (height, width))
        pixels = math.prod(sides)
        if network.part == "teacher" and height * width <= (REGIONS_A_SIDE * REGION_PX) ** 2:
            pixels = height * width  # the attention maps are computed from it in one piece
        needed = beside + batch * pixels * network.bytes_per_pixel(item_bytes)
        needed = max(needed, around)
        return Plan(device.name, precision, tile, halo, multiple, batch, int(needed))

    def in_bands(tiles: Plan) -> Plan:
        """Return bands in place of tiles, if the network takes any and memory allows them."""
        network_bytes = network.bytes_in_bands(BAND_PX, _up(width, multiple), item_bytes)
        if network_bytes is None or network_bytes > MOST_BYTES_IN_BANDS:
            return tiles
        needed = max(int(beside + network_bytes), around)
        if budget is not None and needed > budget:
            return tiles
        return replace(tiles, band_px=BAND_PX, expected_bytes=needed)

    is_free = config.tile_px is None and config.halo_px is None and min(height, width) >= multiple
    takes_bands = is_free and device.is_cpu and quality == "fast"  # `best` turns what it sees
    budget = _budget_bytes(model, config)
    largest = network.largest_tile_on_cpu_px if device.is_cpu else TILES_PX[0]
    possible = (config.tile_px,) if config.tile_px else tuple(tile for tile in TILES_PX if tile <= largest)
    for tile_px in possible:
        for batch in dict.fromkeys((several, 1)):
            chosen = plan(tile_px, batch)
            if budget is None or chosen.expected_bytes <= budget:
                return in_bands(chosen) if takes_bands and tile_px < max(height, width) else chosen
    if config.max_memory_bytes is not None and budget == config.max_memory_bytes:
        if around > budget:
            raise UsageError(
                f"`max_memory_bytes` {config.max_memory_bytes / 1e6:.0f}MB",
                f"a photo of {height * width / 1e6:.1f} megapixels needs about {around / 1e6:.0f} MB to be read and "
                "written",
                "Allow more, or give another `format`.",
            )
        raise UsageError(
            f"`max_memory_bytes` {config.max_memory_bytes / 1e6:.0f}MB",
            f"a photo of {height * width / 1e6:.1f} megapixels needs about {chosen.expected_bytes / 1e6:.0f} MB "
            f"with tiles of {chosen.tile_px} px",
            "Allow more, or give a smaller `tile_px`." if config.tile_px else "Allow more.",
        )
    return chosen  # what is free is an estimate: try, there may be more


def _budget_bytes(model: Model, config: InferenceConfig) -> int | None:
    if config.max_memory_bytes is not None:
        return config.max_memory_bytes
    free = model.device.free_bytes()
    return None if free is None else int(SHARE_OF_FREE * free)


def _up(length: int, multiple: int) -> int:
    return length + -length % multiple
