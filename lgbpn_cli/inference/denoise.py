"""One photo through one network: the student tile by tile, or LG-BPN with frozen attention and R3."""

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
from lgbpn_cli.network.lgbpn import LGBPN
from lgbpn_cli.network.sampling import pad_reflect
from lgbpn_cli.network.student import Student

Window = tuple[slice, slice]
ReadTile = Callable[[Window], Tensor]
"""Gives the network's input (1, 3, h, w) for a window of the photo."""

View = tuple[int, bool]
"""Quarter turns, and whether the picture is mirrored before."""
VIEWS: tuple[View, ...] = tuple((turns, mirrored) for mirrored in (False, True) for turns in range(4))
"""All eight ways to look at a picture; a network's errors differ between them, and their mean has less of them."""
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
    only for quality `teacher-r3`. Raises UsageError where the quality is not one of the model's part.
    """
    quality = model.quality(config.quality)
    if isinstance(model.network, Student):
        views = VIEWS if quality == "best" else VIEWS[:1]
        clean = _run_student(image, model, model.network, views, config, on_tile)
    else:
        clean = _run_teacher(image, model, config, quality, on_tile)
    if config.strength is not None and config.strength < 1:
        clean = config.strength * clean + (1 - config.strength) * image
    return clean


def _run_student(
    image: np.ndarray,
    model: Model,
    network: Student,
    views: tuple[View, ...],
    config: InferenceConfig,
    on_tile: Callable[[int, int], None] | None,
) -> np.ndarray:
    """Return the blended result of all tiles, each the mean over `views`."""
    multiple = network.config.size_multiple
    noisy = _extend_to_multiple(image, multiple)
    tiles = plan_tiles(
        noisy.shape[0], noisy.shape[1], config.tile_px, config.overlap_px, multiple_px=multiple
    )
    report = _Counter(len(tiles) * len(views), on_tile)
    result = np.zeros(noisy.shape, np.float32)
    for row, column in tiles:
        window = tiles.window(row, column)
        tile = _to_tensor(noisy[window], model)
        mean = np.zeros_like(noisy[window])
        for turns, mirrored in views:
            view = torch.rot90(tile.flip(-1) if mirrored else tile, turns, (-2, -1))
            with model.device.autocast():
                estimate = network(view)
            estimate = torch.rot90(estimate, -turns, (-2, -1))
            estimate = estimate.flip(-1) if mirrored else estimate
            mean += estimate[0].permute(1, 2, 0).cpu().numpy() / len(views)
            report.one_more()
        result[window] += tiles.weights(row, column) * mean
    return result[: image.shape[0], : image.shape[1]]


def _run_teacher(
    image: np.ndarray,
    model: Model,
    config: InferenceConfig,
    quality: str,
    on_tile: Callable[[int, int], None] | None,
) -> np.ndarray:
    preset = PRESETS[config.preset or model.preset]
    noisy = _extend_to_multiple(image, preset.common_pd)
    tiles = plan_tiles(
        noisy.shape[0], noisy.shape[1], config.tile_px, config.overlap_px, multiple_px=preset.common_pd
    )
    refines = config.refine_passes if quality == "teacher-r3" else 0
    report = _Counter(len(tiles) * (1 + refines), on_tile)

    def noisy_tile(window: Window) -> Tensor:
        return _to_tensor(noisy[window], model)

    clean = _run_pass(noisy_tile, noisy.shape, model, preset.first, tiles, report)
    if refines:
        clean = _refine(noisy, clean, model, preset.refine, tiles, config, report)
    return clean[: image.shape[0], : image.shape[1]]


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
        return _teacher(model).attention_maps(regions, sampling)


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
            estimate = _teacher(model)(tile, sampling, frozen_maps=maps)
        height, width = (axis.stop - axis.start for axis in window)
        top, left = (tile.shape[-2] - height) // 2, (tile.shape[-1] - width) // 2
        estimate = estimate[0, :, top : top + height, left : left + width]
        result[window] += tiles.weights(row, column) * estimate.permute(1, 2, 0).cpu().numpy()
        report.one_more()
    return result


def _teacher(model: Model) -> LGBPN:
    return model.network  # type: ignore[return-value]  # the caller has told teachers from students


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
