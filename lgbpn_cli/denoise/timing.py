"""How long a photo would take, told from one small tile, and how much memory, told from its header."""

from __future__ import annotations

import math
import time
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from lgbpn_cli.config import OutputConfig
from lgbpn_cli.denoise.denoiser import Denoiser
from lgbpn_cli.denoise.working import held_sample_bytes, photo_of_array
from lgbpn_cli.inference.watch import Watch
from lgbpn_cli.photos.codec import Size
from lgbpn_cli.photos.codecs import new_files
from lgbpn_cli.photos.encoding_cost import bytes_to_write
from lgbpn_cli.photos.suffixes import result_type

if TYPE_CHECKING:
    from lgbpn_cli.inference.plan import Plan

PROBE_SIDE_PX = 256
"""Side of the tile that the network is timed with."""
SITE_BYTES = 8
"""Of a mosaic, which the raw network sees once more, with reflected borders."""


def seconds_per_megapixel(denoiser: Denoiser) -> float:
    """Return an estimate of the seconds a megapixel takes.

    The first of three tiles pays for what happens once a pass or once a process; the second is timed. Halos are
    not, so larger ones make the estimate too low.
    """
    settings = denoiser.settings
    probe = replace(settings, refine_passes=1, tile_px=PROBE_SIDE_PX, halo_px=0)
    moments: list[float] = []
    tiles = photo_of_array(np.zeros((PROBE_SIDE_PX, 3 * PROBE_SIDE_PX, 3), np.float32))
    watch = Watch(tile=lambda done, total: moments.append(time.perf_counter()))
    replace(denoiser, settings=probe).denoise(tiles, watch)
    calls_a_tile = len(moments) // 3 if denoiser.model.part == "student" else 1
    seconds = moments[2 * calls_a_tile - 1] - moments[calls_a_tile - 1]
    if settings.quality == "teacher-r3":
        seconds += settings.refine_passes * (moments[4] - moments[3])
    return seconds / (PROBE_SIDE_PX**2 / 1e6)


def plan_of_claim(denoiser: Denoiser, kind: str, size: Size) -> Plan:
    """Return how a photo of this kind and size would be done, as if it were square. Raises as `plan_inference` does."""
    from lgbpn_cli.inference.plan import plan_inference

    samples, sample_bytes = size.pixels * size.channels, _sample_bytes(kind, size, denoiser.output)
    held_sample = held_sample_bytes(size.pixels, sample_bytes)
    model, held_bytes = denoiser.model, samples * (sample_bytes + held_sample)
    finishing = held_bytes + (samples * sample_bytes if held_sample > sample_bytes else 0)
    if size.mosaic_bytes and denoiser.raw_model is not None:
        size = size.for_mosaic()
        model, held_bytes = denoiser.raw_model, held_bytes + size.pixels * SITE_BYTES
    written = bytes_to_write(result_type(kind, denoiser.output.format), samples, sample_bytes)
    side = math.isqrt(size.pixels)
    return plan_inference(
        side,
        side,
        model,
        denoiser.settings,
        held_bytes=held_bytes,
        around_bytes=max(size.needed_bytes, written, finishing),
    )


def _sample_bytes(kind: str, size: Size, output: OutputConfig) -> int:
    """Return how many bytes each sample has while it is denoised."""
    wanted = result_type(kind, output.format)
    shallow = output.bit_depth == 8 or (wanted != kind and new_files(wanted).bits == 8)
    return 1 if shallow else size.sample_bytes
