"""How long a photo would take, told from one small tile."""

from __future__ import annotations

import time
from dataclasses import replace

import numpy as np

from lgbpn_cli.denoise.denoiser import Denoiser, Watch
from lgbpn_cli.denoise.working import photo_of_array

PROBE_SIDE_PX = 256
"""Side of the tile that the network is timed with."""


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
