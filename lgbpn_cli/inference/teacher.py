"""A photo through LG-BPN: a first pass with frozen attention, and R3, the random replacing refinement."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from lgbpn_cli.config import PRESETS, InferenceConfig, PassConfig
from lgbpn_cli.image.types import Window
from lgbpn_cli.inference.attention import calibration_windows
from lgbpn_cli.inference.picture import Extended
from lgbpn_cli.inference.plan import Plan
from lgbpn_cli.inference.refine import replacement_mask
from lgbpn_cli.inference.sweep import Estimate, Sweeps, Write
from lgbpn_cli.inference.tiling import Tile
from lgbpn_cli.models.contract import network_as
from lgbpn_cli.models.load import Model
from lgbpn_cli.network.lgbpn import LGBPN
from lgbpn_cli.network.sampling import pad_reflect

REFINE_PADDING_PX = 2
"""Reflected border round the input of the refinement pass, as in the authors' program."""


def run_teacher(
    noisy: Extended, model: Model, config: InferenceConfig, refines: int, sweeps: Sweeps, write: Write
) -> None:
    """Hand the estimate of every tile to `write`: of the first pass, or of `refines` refinement passes after it.

    Between the two the first pass is kept whole, as float16: its rounding, a sixteenth of an 8-bit step at most, is
    far below the noise that is mixed into it.
    """
    preset = PRESETS[config.preset or model.preset]
    teacher = _Teacher(noisy, model, config)

    def prepare_first() -> Estimate:
        return teacher.first_pass(preset.first, sweeps.plan)

    if not refines:
        sweeps.run(prepare_first, write)
        return
    first = np.empty((noisy.height, noisy.width, 3), np.float16)

    def keep(tile: Tile, pixels: np.ndarray) -> None:
        first[tile.core] = pixels

    def prepare_refinement() -> Estimate:
        return teacher.refinement(first, preset.refine, refines)

    sweeps.run(prepare_first, keep, calls_after=refines)
    sweeps.run(prepare_refinement, write, calls_a_tile=refines)


class _Teacher:
    """The estimates of both passes; the attention maps of each come from the photo's calibration regions."""

    def __init__(self, noisy: Extended, model: Model, config: InferenceConfig) -> None:
        self._noisy, self._model, self._config = noisy, model, config

    def first_pass(self, sampling: PassConfig, plan: Plan) -> Estimate:
        """The network over the noisy photo."""
        regions = self._regions()
        one_tile = max(self._noisy.height, self._noisy.width) <= plan.tile_px
        # Where the tile is the region, it gives its maps along the way, just as every tile does with live attention.
        if self._live or (one_tile and len(regions) == 1):
            return lambda tile, _: self._network(self._read(tile.window), sampling)
        frozen = self._network.freeze(torch.cat([self._read(window) for window in regions]), sampling)

        def estimate(tile: Tile, _: Plan) -> Tensor:
            return self._network(self._read(tile.window), sampling, frozen=frozen)  # type: ignore[no-any-return]

        return estimate

    def refinement(self, first: np.ndarray, sampling: PassConfig, copies: int) -> Estimate:
        """The mean over copies of `first` in which random elements of the noisy photo are put back."""
        device, config = self._model.device, self._config

        def replaced(window: Window, copy: int, before: Tensor, after: Tensor) -> Tensor:
            mask = replacement_mask(
                window,
                seed=config.seed,
                copy=copy,
                probability=config.refine_probability,
                device=device.torch_device,
            )
            mixed, pad = torch.where(mask, before, after), REFINE_PADDING_PX
            # Photos of one or two pixels a side cannot be reflected; the network extends them itself.
            return mixed if min(mixed.shape[-2:]) <= pad else pad_reflect(mixed, pad, pad, pad, pad)

        def both(window: Window) -> tuple[Tensor, Tensor]:
            return self._read(window), device.upload(first[window].astype(np.float32))

        frozen = None
        if not self._live:  # The copies differ in few elements, so the maps of the first serve all.
            regions = [replaced(window, 0, *both(window)) for window in self._regions()]
            frozen = self._network.freeze(torch.cat(regions), sampling)

        def estimate(tile: Tile, _: Plan) -> Tensor:
            before, after = both(tile.window)
            mean = torch.zeros_like(before)
            height, width = before.shape[-2:]
            for copy in range(copies):
                refined = self._network(replaced(tile.window, copy, before, after), sampling, frozen=frozen)
                top, left = (refined.shape[-2] - height) // 2, (refined.shape[-1] - width) // 2
                mean += refined[..., top : top + height, left : left + width] / copies
            return mean

        return estimate

    @property
    def _live(self) -> bool:
        return self._config.attention == "live"

    def _regions(self) -> list[Window]:
        return calibration_windows(self._noisy.height, self._noisy.width)

    def _read(self, window: Window) -> Tensor:
        return self._model.device.upload(self._noisy.read(window))

    @property
    def _network(self) -> LGBPN:
        return network_as(self._model.network, LGBPN, self._model.name)
