"""The plan of a run: device, precision and tile for a photo of this size in the memory that is there."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

from lgbpn_cli.config import (
    PRESETS,
    SMALLEST_TILE_PX,
    InferenceConfig,
    NetworkConfig,
    Precision,
    UNetConfig,
)
from lgbpn_cli.device import DTYPES
from lgbpn_cli.errors import UsageError
from lgbpn_cli.inference.attention import REGION_PX, REGIONS_A_SIDE
from lgbpn_cli.memory import PROGRAM_BYTES, READER_BYTES, SHARE_OF_FREE
from lgbpn_cli.models.load import Model
from lgbpn_cli.network.u_net import UNet

TILES_PX = (2048, 1536, 1024, 768, 512, 384, 256, 192, 128, 96, SMALLEST_TILE_PX)
"""Tiles to choose from."""
LARGEST_ON_CPU_PX = {"student": 1024, "raw": 1024, "teacher": 512}
"""Larger tiles gain nothing on the CPU: there is less halo to compute, but less of a tile stays in the caches."""
HALO_PX = {"student": 96, "teacher": 48}
"""Default halo, far below the reach of the networks: pixels so far away hardly matter (`lgbpn bench --agreement`)."""
HELD_FACTOR = 1.25
"""What holding a photo takes beside its samples: the pieces that it was read from, and gaps between arrays."""
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

    def smaller(self) -> Plan | None:
        """Return the next plan to try when this one did not fit, or None: one view a call, then half the tile."""
        if self.batch > 1:
            return replace(self, batch=1)
        half = self.tile_px // 2
        half -= half % self.multiple_px
        return None if half < SMALLEST_TILE_PX // 2 else replace(self, tile_px=half)

    def __str__(self) -> str:
        """Return the plan as one line for people."""
        views = f", {self.batch} views a call" if self.batch > 1 else ""
        return (
            f"{self.device}, {self.precision}, tiles of {self.tile_px} px with a halo of {self.halo_px} px{views}, "
            f"about {self.expected_bytes / 1e9:.1f} GB of memory"
        )


def plan_inference(
    height: int, width: int, model: Model, config: InferenceConfig, *, held_bytes: int = 0
) -> Plan:
    """Return the plan for a photo of this size, with the largest tile that memory allows or the one asked for.

    `held_bytes` is what the photo, its result and what else grows with the photo occupy in the program's memory.
    Raises UsageError where `max_memory_bytes` leaves no room, DeviceError for a precision the device has not.
    """
    device = model.device
    part, multiple = model.part, size_multiple_px(model, config)
    precision = device.precision(config.precision)
    halo = _up(halo_px(model, config), multiple)
    quality = model.quality(config.quality)
    several = VIEWS_OF_ONE_SHAPE if quality == "best" and not device.is_cpu else 1
    beside = HELD_FACTOR * held_bytes + PROGRAM_BYTES + READER_BYTES if device.is_cpu else 0

    def plan(tile_px: int, batch: int) -> Plan:
        tile = max(tile_px - tile_px % multiple, multiple)
        sides = (min(tile + 2 * halo, _up(side, multiple)) for side in (height, width))
        pixels = math.prod(sides)
        if part == "teacher" and height * width <= (REGIONS_A_SIDE * REGION_PX) ** 2:
            pixels = height * width  # the attention maps are computed from it in one piece
        needed = beside + batch * pixels * bytes_per_pixel(model, precision)
        return Plan(device.name, precision, tile, halo, multiple, batch, int(needed))

    budget = _budget_bytes(model, config)
    largest = LARGEST_ON_CPU_PX[part] if device.is_cpu else TILES_PX[0]
    possible = (config.tile_px,) if config.tile_px else tuple(tile for tile in TILES_PX if tile <= largest)
    for tile_px in possible:
        for batch in dict.fromkeys((several, 1)):
            chosen = plan(tile_px, batch)
            if budget is None or chosen.expected_bytes <= budget:
                return chosen
    if config.max_memory_bytes is not None and budget == config.max_memory_bytes:
        raise UsageError(
            f"--max-memory {config.max_memory_bytes / 1e6:.0f}MB",
            f"a photo of {height * width / 1e6:.1f} megapixels needs about {chosen.expected_bytes / 1e6:.0f} MB "
            f"with tiles of {chosen.tile_px} px",
            "Allow more, or give a smaller --tile." if config.tile_px else "Allow more.",
        )
    return chosen  # what is free is an estimate: try, there may be more


def size_multiple_px(model: Model, config: InferenceConfig) -> int:
    """Return the grid that tiles have to lie on for the network to sample them as it does the whole photo."""
    if isinstance(model.network, UNet):
        return model.network.config.size_multiple
    return PRESETS[config.preset or model.preset].common_pd


def halo_px(model: Model, config: InferenceConfig) -> int:
    """Return the halo asked for, or the default one."""
    if config.halo_px is not None:
        return config.halo_px
    if isinstance(model.network, UNet):
        return min(HALO_PX["student"], model.network.config.reach_px)
    return HALO_PX["teacher"]


def bytes_per_pixel(model: Model, precision: Precision) -> float:
    """Return what the network occupies at a time for each pixel it is given; measured, see tests/inference."""
    shape = model.network.config
    item_bytes = DTYPES[precision].itemsize
    if isinstance(shape, UNetConfig):
        return student_bytes_per_pixel(shape, item_bytes)
    return teacher_bytes_per_pixel(shape, item_bytes)


def student_bytes_per_pixel(shape: UNetConfig, item_bytes: int) -> float:
    """Most lives at half resolution, a quarter of the pixels: a skip, a block's input, halves and sum, scratch."""
    return 80 + 7 * shape.widths[0] * item_bytes / 4


def teacher_bytes_per_pixel(shape: NetworkConfig, item_bytes: int) -> float:
    """Most lives in a feed-forward part: its halves before and after a convolution, with copies for it."""
    rim = 1.5  # of 7 px round sub-images of 64 px at PD 4; less of larger ones
    return 80 + rim * item_bytes * 8 * (shape.hidden_width + shape.width)


def _budget_bytes(model: Model, config: InferenceConfig) -> int | None:
    if config.max_memory_bytes is not None:
        return config.max_memory_bytes
    free = model.device.free_bytes()
    return None if free is None else int(SHARE_OF_FREE * free)


def _up(length: int, multiple: int) -> int:
    return length + -length % multiple
