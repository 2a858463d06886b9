"""One photo through one network: frozen attention, tiles, and R3 for the best quality."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor

from lgbpn_cli.config import PRESETS, InferenceConfig, PassConfig
from lgbpn_cli.inference.attention import calibration_windows
from lgbpn_cli.inference.refine import replacement_mask
from lgbpn_cli.inference.tiling import TilePlan, plan_tiles
from lgbpn_cli.models.load import Model
from lgbpn_cli.network.sampling import pad_reflect

Window = tuple[slice, slice]
ReadTile = Callable[[Window], Tensor]
"""Gives the network's input (1, 3, h, w) for a window of the photo."""

REFINE_PADDING_PX = 2
"""Reflected border round the input of the refinement pass, as in the authors' program."""


@torch.inference_mode()
def run_network(
    image: np.ndarray,
    model: Model,
    config: InferenceConfig,
    *,
    on_tile: Callable[[int, int], None] | None = None,
) -> np.ndarray:
    """Return `image` without its noise: (h, w, 3) float32 in 0..1, as given, which is left as it is.

    `on_tile` is called with the number of network calls done and their total. The result depends on the seed
    only for quality `best`.
    """
    preset = PRESETS[config.preset or model.preset]
    noisy = _extend_to_multiple(image, preset.common_pd)
    tiles = plan_tiles(
        noisy.shape[0], noisy.shape[1], config.tile_px, config.overlap_px, multiple_px=preset.common_pd
    )
    refines = config.refine_passes if config.quality == "best" else 0
    report = _Counter(len(tiles) * (1 + refines), on_tile)

    def noisy_tile(window: Window) -> Tensor:
        return _to_tensor(noisy[window], model)

    clean = _run_pass(noisy_tile, noisy.shape, model, preset.first, tiles, report)
    if refines:
        clean = _refine(noisy, clean, model, preset.refine, tiles, config, report)
    clean = clean[: image.shape[0], : image.shape[1]]
    if config.strength < 1:
        clean = config.strength * clean + (1 - config.strength) * image
    return clean


def _extend_to_multiple(image: np.ndarray, multiple: int) -> np.ndarray:
    """Return `image`, reflected at bottom and right until `multiple` divides its sides, where it is large enough.

    The network would do so itself, but tile by tile, and then the photo's edges would depend on the tiles.
    """
    added = [(0, missing if (missing := -side % multiple) < side else 0) for side in image.shape[:2]]
    return np.pad(image, [*added, (0, 0)], mode="reflect") if any(after for _, after in added) else image


def _refine(
    image: np.ndarray,
    first: np.ndarray,
    model: Model,
    sampling: PassConfig,
    tiles: TilePlan,
    config: InferenceConfig,
    report: _Counter,
) -> np.ndarray:
    """Return the mean of the refinement passes over copies of `first` with random elements of `image` put back."""
    mean = np.zeros_like(first)
    maps: list[Tensor] | None = None
    for copy in range(config.refine_passes):

        def replaced_tile(window: Window, copy: int = copy) -> Tensor:
            replaced = replacement_mask(
                window,
                seed=config.seed,
                copy=copy,
                probability=config.refine_probability,
                device=model.device.torch_device,
            )
            mixed = torch.where(replaced, _to_tensor(image[window], model), _to_tensor(first[window], model))
            pad = REFINE_PADDING_PX
            # Photos of one or two pixels a side cannot be reflected; the network extends them itself.
            return mixed if min(mixed.shape[-2:]) <= pad else pad_reflect(mixed, pad, pad, pad, pad)

        # The copies differ in few elements, so the maps of the first serve all.
        maps = maps or _frozen_maps(replaced_tile, image.shape, model, sampling)
        refined = _run_tiles(replaced_tile, image.shape, model, sampling, tiles, maps, report)
        mean += refined / config.refine_passes
    return mean


def _run_pass(
    read_tile: ReadTile,
    shape: tuple[int, ...],
    model: Model,
    sampling: PassConfig,
    tiles: TilePlan,
    report: _Counter,
) -> np.ndarray:
    maps = _frozen_maps(read_tile, shape, model, sampling)
    return _run_tiles(read_tile, shape, model, sampling, tiles, maps, report)


def _frozen_maps(
    read_tile: ReadTile, shape: tuple[int, ...], model: Model, sampling: PassConfig
) -> list[Tensor]:
    """Return the attention maps that hold for the whole photo."""
    regions = torch.cat([read_tile(window) for window in calibration_windows(shape[0], shape[1])])
    with model.device.autocast():
        return model.network.attention_maps(regions, sampling)


def _run_tiles(
    read_tile: ReadTile,
    shape: tuple[int, ...],
    model: Model,
    sampling: PassConfig,
    tiles: TilePlan,
    maps: list[Tensor],
    report: _Counter,
) -> np.ndarray:
    """Return the blended result of all tiles, (h, w, 3) float32."""
    result = np.zeros(shape, np.float32)
    for row, column in tiles:
        window = tiles.window(row, column)
        tile = read_tile(window)
        with model.device.autocast():
            estimate = model.network(tile, sampling, frozen_maps=maps)
        height, width = (axis.stop - axis.start for axis in window)
        top, left = (tile.shape[-2] - height) // 2, (tile.shape[-1] - width) // 2
        estimate = estimate[0, :, top : top + height, left : left + width]
        result[window] += tiles.weights(row, column) * estimate.permute(1, 2, 0).cpu().numpy()
        report.one_more()
    return result


def _to_tensor(pixels: np.ndarray, model: Model) -> Tensor:
    """Return pixels (h, w, 3) as (1, 3, h, w) on the model's device."""
    tensor = torch.from_numpy(np.ascontiguousarray(pixels)).permute(2, 0, 1)[None]
    return tensor.to(model.device.torch_device)


class _Counter:
    """Counts network calls and passes the count on."""

    def __init__(self, total: int, on_tile: Callable[[int, int], None] | None) -> None:
        self.done, self.total, self.on_tile = 0, total, on_tile

    def one_more(self) -> None:
        self.done += 1
        if self.on_tile is not None:
            self.on_tile(self.done, self.total)
