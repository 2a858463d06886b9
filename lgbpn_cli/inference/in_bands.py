"""A picture through a network in bands, from top to bottom: on the CPU, where the halos of tiles are computed twice."""

from __future__ import annotations

from collections.abc import Callable

from torch import Tensor

from lgbpn_cli.image.bands import bands
from lgbpn_cli.image.types import Window
from lgbpn_cli.inference.plan import Plan
from lgbpn_cli.inference.sweep import Write
from lgbpn_cli.inference.tiling import Tile
from lgbpn_cli.inference.watch import Watch
from lgbpn_cli.machine.device import Device

Push = Callable[[Window, bool], Tensor | None]
"""Gives the next rows to a network, the last ones or not; returns what is decided then, (1, 3, h, w), if anything."""


def through_in_bands(
    shape: tuple[int, int],
    prepare: Callable[[], Push],
    device: Device,
    plan: Plan,
    write: Write,
    watch: Watch,
) -> bool:
    """Hand the estimate of all rows to `write`, some at a time; False where memory ran out, and tiles may need less.

    `shape` is that of the picture, its sides multiples of the plan's.
    """
    if plan.band_px is None:
        return False
    try:
        _through(shape, prepare(), device, plan, write, watch)
    except Exception as error:
        if not device.is_out_of_memory(error):
            raise
        return False
    return True


def _bands(height: int, plan: Plan) -> list[slice]:
    """Return the rows of each band. The last is as low as can be: what the network still owes comes with its rows."""
    above = height - plan.multiple_px
    return [*bands(above, plan.band_px or above), slice(above, height)]


def _through(
    shape: tuple[int, int], push: Push, device: Device, plan: Plan, write: Write, watch: Watch
) -> None:
    height, width = shape
    top, columns, slices = 0, slice(0, width), _bands(height, plan)
    for number, rows in enumerate(slices, 1):
        estimate = push((rows, columns), number == len(slices))
        if estimate is not None:
            core = slice(top, top + estimate.shape[-2]), columns
            write(Tile(core, core), device.download(estimate)())
            top = core[0].stop
        watch.tile(number, len(slices))
