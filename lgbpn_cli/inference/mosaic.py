"""One Bayer mosaic through the raw network, tile by tile: from noisy sites to clean camera RGB."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from lgbpn_cli.config import InferenceConfig
from lgbpn_cli.image.types import Canvas, Window
from lgbpn_cli.inference.in_bands import Push, through_in_bands
from lgbpn_cli.inference.plan import Plan, plan_inference
from lgbpn_cli.inference.sweep import Estimate, Sweeps
from lgbpn_cli.inference.tiling import Tile
from lgbpn_cli.inference.watch import UNWATCHED, Watch
from lgbpn_cli.machine.device import DTYPES, Device
from lgbpn_cli.machine.memory import give_back_freed
from lgbpn_cli.models.contract import network_as
from lgbpn_cli.models.load import Model
from lgbpn_cli.network.raw import PLANES, RawInBands, RawNetwork, light_following_green

FloatImage = NDArray[np.float32]
View = tuple[bool, bool, bool]
"""Whether rows change places with columns, and then whether the order of rows and that of columns is turned round."""
BOTH = (False, True)
VIEWS: tuple[View, ...] = tuple(
    (exchanged, down, across) for exchanged in BOTH for down in BOTH for across in BOTH
)
RED = 0
CLIPPED = 0.995
"""Share of white from which a site counts as clipped."""


@dataclass(frozen=True, eq=False)
class BayerMosaic:
    """A Bayer sensor's samples and what is known about them."""

    samples: FloatImage
    """(h, w), linear: black 0, white 1, noise below black kept."""
    pattern: NDArray[np.uint8]
    """(2, 2): the colours (0 red, 1 green, 2 blue) of the sites in the upper left corner."""
    noise: FloatImage
    """(3, 2): a and b of the variance a x + b, of red, green and blue."""
    gains: tuple[float, float, float]
    """White balance: what red, green and blue are multiplied with to make grey neutral."""

    @property
    def shift(self) -> tuple[int, int]:
        """Rows and columns between the first red site and the corner."""
        rows, columns = np.nonzero(self.pattern == RED)
        if self.pattern.shape != (2, 2) or len(rows) != 1:
            raise ValueError("not the pattern of a Bayer sensor")
        return int(rows[0]), int(columns[0])


@torch.inference_mode()
def run_raw_network(
    mosaic: BayerMosaic,
    model: Model,
    config: InferenceConfig,
    *,
    into: Canvas | None = None,
    around_bytes: int = 0,
    watch: Watch = UNWATCHED,
) -> FloatImage | None:
    """Return the scene (h, w, 3), linear camera RGB in the mosaic's scale, not balanced; or put it `into` a canvas.

    The rest is as in `run_network`. What the sensor clipped is white in the result. Quality `best` is the mean of all
    eight views, as it is for pictures.
    """
    height, width = mosaic.samples.shape
    result = np.empty((height, width, 3), np.float32) if into is None else None
    canvas: Canvas = result if into is None else into  # type: ignore[assignment]  # one of them is there
    held = 2 * mosaic.samples.nbytes + canvas.nbytes  # once more with reflected borders
    plan = plan_inference(height, width, model, config, held_bytes=held, around_bytes=around_bytes)
    watch.planned(plan)
    phased = _Phased(mosaic, plan.multiple_px)

    def write(tile: Tile, clean: np.ndarray) -> None:
        seen, place = phased.inside(tile.core)
        clean = _white_where_clipped(clean, phased.samples[tile.core])
        canvas[place] = clean[seen]

    shape = phased.samples.shape[0], phased.samples.shape[1]
    if through_in_bands(
        shape, lambda: _in_bands(phased.samples, mosaic, model, plan), model.device, plan, write, watch
    ):
        give_back_freed()
        return result
    sweeps = Sweeps(model, config, replace(plan, band_px=None), shape, watch)
    views = VIEWS if model.quality(config.quality) == "best" else VIEWS[:1]
    sweeps.run(lambda: _estimate(phased.samples, mosaic, model, views), write, calls_a_tile=len(views))
    give_back_freed()
    return result


class _Phased:
    """A mosaic that begins with a red site and has sides the network takes: reflected, which keeps every colour."""

    def __init__(self, mosaic: BayerMosaic, multiple_px: int) -> None:
        self._before = mosaic.shift
        self._shape = mosaic.samples.shape
        added = [
            (before, -(before + side) % multiple_px)
            for before, side in zip(self._before, self._shape, strict=True)
        ]
        self.samples = np.pad(mosaic.samples, added, mode="reflect") if np.any(added) else mosaic.samples

    def inside(self, core: Window) -> tuple[Window, Window]:
        """Return which part of a core lies in the mosaic itself, and where there."""
        spans = [
            (max(span.start, before), min(span.stop, before + side), span.start, before)
            for span, before, side in zip(core, self._before, self._shape, strict=True)
        ]
        seen = tuple(slice(start - origin, max(start, stop) - origin) for start, stop, origin, _ in spans)
        place = tuple(slice(start - before, max(start, stop) - before) for start, stop, _, before in spans)
        return (seen[0], seen[1]), (place[0], place[1])


def _noise_and_gains(mosaic: BayerMosaic, device: Device) -> tuple[Tensor, Tensor]:
    """Return the noise (1, 3, 2) and the white balance (1, 3), green 1, as the network takes them."""
    noise = torch.from_numpy(np.asarray(mosaic.noise, np.float32))[None].to(device.torch_device)
    gains = torch.tensor([mosaic.gains], dtype=torch.float32, device=device.torch_device)
    return noise, gains / gains[:, 1:2]


def _in_bands(samples: FloatImage, mosaic: BayerMosaic, model: Model, plan: Plan) -> Push:
    device, network = model.device, network_as(model.network, RawNetwork, model.name)
    banded = RawInBands(network, DTYPES[plan.precision], *_noise_and_gains(mosaic, device))

    def push(window: Window, last: bool) -> Tensor | None:
        return banded.push(device.upload(packed(samples[window])), last=last)

    return push


def _estimate(samples: FloatImage, mosaic: BayerMosaic, model: Model, views: tuple[View, ...]) -> Estimate:
    device, network = model.device, network_as(model.network, RawNetwork, model.name)
    noise, gains = _noise_and_gains(mosaic, device)

    def estimate(tile: Tile, plan: Plan) -> Tensor:
        total: Tensor | None = None
        for view in views:
            seen = device.upload(packed(_seen(samples[tile.window], view)))
            values = _seen_back(network.stabilised(seen, noise, gains), view)
            total = values if total is None else total.add_(values)
        if total is None:
            raise ValueError("no views")
        mean = total if len(views) == 1 else total.div_(len(views))
        return light_following_green(mean, noise, gains, tile.inner)

    return estimate


def _seen(samples: FloatImage, view: View) -> FloatImage:
    """Return a mosaic that begins with a red site, seen another way: what is turned round begins with red, too."""
    transposed, *turned = view
    upright = samples.T if transposed else samples
    axes = tuple(axis for axis, each in enumerate(turned) if each)
    around = tuple((int(each), int(each)) for each in turned)
    return np.asarray(np.pad(np.flip(upright, axes), around, mode="reflect"))


def _seen_back(values: Tensor, view: View) -> Tensor:
    """Return the values (1, 3, h, w) of a mosaic that was seen another way, as they lie in the mosaic."""
    transposed, *turned = view
    rows, columns = (slice(1, -1) if each else slice(None) for each in turned)
    upright = values[..., rows, columns].flip([axis for axis in (-2, -1) if turned[axis]])
    return upright.transpose(-2, -1) if transposed else upright


def packed(samples: FloatImage) -> FloatImage:
    """Return the planes (h / 2, w / 2, 4) of a mosaic that begins with a red site."""
    planes = [samples[row::2, column::2] for row in range(2) for column in range(2)]
    return np.stack(planes, axis=2)


def _white_where_clipped(clean: FloatImage, samples: FloatImage) -> FloatImage:
    """Return the scene with each colour at least white in the squares all of whose sites of that colour clipped.

    A network's white is white but for the last per cent, which white balance turns into a colour.
    """
    if samples.max() < CLIPPED:
        return clean
    clipped = packed(samples) >= CLIPPED
    clean = clean.copy()
    for colour in range(3):
        of_colour = [plane for plane, its_colour in enumerate(PLANES) if its_colour == colour]
        blown = clipped[..., of_colour].all(axis=2)
        for row in range(2):
            for column in range(2):
                sites = clean[row::2, column::2, colour]
                np.maximum(sites, 1, out=sites, where=blown)
    return clean
