"""The network for camera raw: it takes the noise off a Bayer mosaic and demosaics it in one go.

On the mosaic noise is white, independent and of known variance (a x + b), which demosaicing spoils. Values enter
through a generalised Anscombe transform, under which the noise is about equal everywhere (Makitalo, Foi, "Optimal
inversion of the generalized Anscombe transformation", IEEE TIP 2013), times the root of the white balance, so that
grey is about equal in all colours.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal

import torch
from torch import Tensor

from lgbpn_cli.config import RawConfig
from lgbpn_cli.image.types import Window
from lgbpn_cli.network.sampling import pad_symmetric_to
from lgbpn_cli.network.u_net import SHUFFLE, UNet
from lgbpn_cli.network.u_net_bands import RowQueue, UNetInBands

PLANES = (0, 1, 1, 2)
"""The colour of each plane of a packed mosaic: red, the green of its row, the green of the blue row, blue."""
LEAST_SHOT = 1e-7
"""Noise that does not grow with light has no generalised Anscombe transform: some growth is assumed."""
NEAR_WHITE = 0.05
"""How far below white a site counts as partly clipped."""
SQUARE_REACH_PX, SQUARE_SITES = 1, 9
"""The squares in which red and blue follow green: how far they reach, and how many pixels they have."""
STRIP_ROWS, STRIP_COLUMNS = 24, 1536
"""Done at a time: what is needed for them stays in a processor's cache, which takes a third of the time."""
ALL = (slice(None), slice(None))
UNLIKE_GREEN, LEAST_UNLIKE = 0.01, 1e-6
"""How freely they do not: as if green had so much more variance, as a share of its noise's; and at the least, for what
numbers of 32 bits can tell."""
ENOUGH_HALO_PX = 64
"""Pixels beyond change the result by less than rounding to bfloat16 does."""


class RawNetwork(UNet):
    """A mosaic in, camera RGB out, both in linear light; RGGB only (see `inference.mosaic` for other phases)."""

    config: RawConfig
    part: Literal["raw"] = "raw"

    def __init__(self, config: RawConfig) -> None:
        """Build the network of `config`; untrained, it repeats each site's value for its square."""
        extra = 3 + len(PLANES)
        super().__init__(config, entry_channels=len(PLANES) + extra, exit_channels=3 * SHUFFLE**2)

    @property
    def halo_px(self) -> int:
        """What a tile should see on each side: half of what the student needs, which has twice the blocks."""
        return min(ENOUGH_HALO_PX, self.config.reach_px)

    def forward(self, planes: Tensor, noise: Tensor, gains: Tensor) -> Tensor:
        """Return the scene (b, 3, 2 h, 2 w), float32, linear, in the mosaic's scale, not white-balanced.

        `planes` (b, 4, h, w): the packed mosaic RGGB, black 0, white 1, with what lies below black. `noise`
        (b, 3, 2): a and b of the variance a x + b, of red, green and blue. `gains` (b, 3): the white balance, green 1.
        """
        return unstabilise(self.stabilised(planes, noise, gains), noise, gains)

    def stabilised(self, planes: Tensor, noise: Tensor, gains: Tensor) -> Tensor:
        """Return what `forward` does, not yet taken out of the transform: what training compares."""
        height, width = planes.shape[-2:]
        multiple = self.config.size_multiple // SHUFFLE
        padded = pad_symmetric_to(planes, height + -height % multiple, width + -width % multiple)
        values, known = _entering(padded, noise, gains)
        change = self.change(torch.cat([values, known], dim=1))
        return _in_squares(values, change)[..., : SHUFFLE * height, : SHUFFLE * width]


class RawInBands:
    """A raw network's way through one mosaic whose sides are multiples of `config.size_multiple`; on the CPU."""

    def __init__(self, network: RawNetwork, dtype: torch.dtype, noise: Tensor, gains: Tensor) -> None:
        """The levels compute in `dtype`; noise (1, 3, 2) and gains (1, 3) are those of the whole mosaic."""
        self._change, self._seen = UNetInBands(network, dtype), RowQueue()
        self._noise, self._gains = noise, gains
        self._values: Tensor | None = None
        """The last rows in the transform: two that are done, and two that wait for those below."""

    def push(self, planes: Tensor, *, last: bool) -> Tensor | None:
        """Return what is decided now of the scene, (1, 3, h, w) float32, if anything; `planes` are the next rows.

        They are (1, 4, h, w) as `RawNetwork.forward` takes them, as wide as the mosaic, their height a multiple as the
        sides are. After the `last` ones the scene is complete.
        """
        values, known = _entering(planes, self._noise, self._gains)
        self._seen.put(values)
        change = self._change.push(torch.cat([values, known], dim=1), last=last)
        if change is None:
            return None
        squares = _in_squares(torch.cat(self._seen.take(change.shape[-2]), dim=-2), change)
        around = 2 * SQUARE_REACH_PX
        done = 0 if self._values is None else around
        rows = squares if self._values is None else torch.cat([self._values, squares], dim=-2)
        self._values = rows[..., -2 * around :, :].clone()
        decided = slice(done, rows.shape[-2] - (0 if last else around))
        scene = light_following_green(rows, self._noise, self._gains, (decided, slice(None)))
        return scene[..., decided, :]


def _entering(planes: Tensor, noise: Tensor, gains: Tensor) -> tuple[Tensor, Tensor]:
    """Return the values (b, 4, h, w) of planes under the transform, and what else the network is told (b, 7, h, w)."""
    planes = planes.contiguous()  # plane by plane: sums and roots of interleaved ones take twice as long
    of_planes = list(PLANES)
    values = stabilise(planes, noise[:, of_planes], gains[:, of_planes])
    deviation = (gains * noise[..., 0].clamp(min=LEAST_SHOT)).sqrt() / 2
    clipped = ((planes - (1 - NEAR_WHITE)) / NEAR_WHITE).clamp(0, 1)
    return values, torch.cat([deviation[..., None, None].expand(-1, -1, *values.shape[-2:]), clipped], dim=1)


def light_following_green(values: Tensor, noise: Tensor, gains: Tensor, window: Window = ALL) -> Tensor:
    """Return the linear light of values (b, 3, h, w) without what is left of noise in red and blue, but not in green.

    Half of a sensor's sites are green and a quarter each red and blue, so these come out the noisier. In a small square
    they are a linear function of green, but for noise (He, Sun, Tang, "Guided image filtering", IEEE TPAMI 2013).
    Outside of the window nothing is computed, and what is returned means nothing.
    """
    unlike = UNLIKE_GREEN * gains[:, 1] * noise[:, 1, 0].clamp(min=LEAST_SHOT) / 4
    unlike = unlike.clamp(min=LEAST_UNLIKE)[:, None, None] * SQUARE_SITES**2
    (first, last, _), columns = (
        span.indices(side) for span, side in zip(window, values.shape[-2:], strict=True)
    )
    result = torch.empty_like(values)
    for rows in _strips(first, last, STRIP_ROWS):
        strip_rows = _with_edges(values, -2, rows)
        for across in _strips(*columns[:2], STRIP_COLUMNS):
            strip = _strip_following_green(_with_edges(strip_rows, -1, across), unlike)
            result[..., rows, across] = unstabilise(strip, noise, gains)
    return result


def _strips(first: int, last: int, count: int) -> Iterator[slice]:
    return (slice(start, min(start + count, last)) for start in range(first, last, count))


def _strip_following_green(strip: Tensor, unlike: Tensor) -> Tensor:
    """Return values (b, 3, h, w) that follow green for those (b, 3, h + 4, w + 4) with what lies around them.

    Rows lie one behind the other as if they were one, which is several times faster: what is computed across their
    ends is left out. Sums stand for means, so that there is less to divide.
    """
    (batch, colours, rows, width), around = strip.shape, 4 * SQUARE_REACH_PX
    values = strip.new_empty(batch, 2 * colours, rows * width)
    flat, products = values[:, :colours], values[:, colours:]
    flat.view(strip.shape).copy_(strip)
    green = flat[:, 1:2]
    torch.mul(flat, green, out=products)
    sums = _sums_of_squares(values, width)
    of_green, of_others = sums[:, 1:2], sums[:, :3:2]
    variance = (SQUARE_SITES * sums[:, 4:5]).addcmul_(of_green, of_green, value=-1).clamp_(min=0).add_(unlike)
    lines = strip.new_empty(batch, 4, sums.shape[-1])
    slopes, offsets = lines[:, :2], lines[:, 2:]
    torch.mul(sums[:, 3::2], SQUARE_SITES, out=slopes)
    slopes.addcmul_(of_others, of_green, value=-1).div_(variance)
    torch.sub(of_others, torch.mul(slopes, of_green, out=offsets), out=offsets)
    lines = _sums_of_squares(lines, width)
    length = lines.shape[-1]
    middle = green[..., width * around // 2 + around // 2 :][..., :length]
    others = (lines[:, 2:] / SQUARE_SITES).addcmul_(lines[:, :2], middle).div_(SQUARE_SITES)
    result = strip.new_empty(batch, colours, (rows - around) * width)
    result[:, ::2, :length] = others
    result[:, 1:2, :length] = middle
    return result.view(batch, colours, rows - around, width)[..., :-around]


def _sums_of_squares(values: Tensor, width: int) -> Tensor:
    """Return the sums over 3 x 3 squares of (b, c, n), rows of `width` one behind the other."""
    rows = values[..., : -2 * width] + values[..., width:-width]
    rows += values[..., 2 * width :]
    sums = rows[..., :-2] + rows[..., 1:-1]
    sums += rows[..., 2:]
    return sums


def _with_edges(values: Tensor, dim: int, span: slice) -> Tensor:
    """Return the values of a span along a dimension, and the two on either side; edges repeated."""
    around, start, stop = 2 * SQUARE_REACH_PX, span.start, span.stop
    first, last = max(0, start - around), min(values.shape[dim], stop + around)
    inner = values.narrow(dim, first, last - first)
    before, after = first - (start - around), (stop + around) - last
    if not before and not after:
        return inner
    parts = [inner.narrow(dim, 0, 1)] * before + [inner] + [inner.narrow(dim, last - first - 1, 1)] * after
    return torch.cat(parts, dim=dim)


def stabilise(light: Tensor, noise: Tensor, gains: Tensor) -> Tensor:
    """Return values (b, c, h, w) of linear light under the transform; `noise` is (b, c, 2), `gains` (b, c).

    Zero stays zero. Below zero the curve goes on as a straight line: what lies there is read noise.
    """
    root, scale = _curve(noise, gains)
    return scale * ((light.clamp(min=0) + root.square()).sqrt() - root + light.clamp(max=0) / (2 * root))


def unstabilise(values: Tensor, noise: Tensor, gains: Tensor) -> Tensor:
    """Return the linear light of values (b, c, h, w): the exact inverse of `stabilise`."""
    root, scale = _curve(noise, gains)
    plain = values / scale
    return plain * (plain.clamp(min=0) + 2 * root)


def _curve(noise: Tensor, gains: Tensor) -> tuple[Tensor, Tensor]:
    """Return the root of the light that the noise in the dark is worth, and the root of the gains, (b, c, 1, 1)."""
    shot = noise[..., 0].clamp(min=LEAST_SHOT)
    root = (0.375 * shot + noise[..., 1].clamp(min=0) / shot).sqrt()
    return root[..., None, None], gains.sqrt()[..., None, None]


def _in_squares(values: Tensor, change: Tensor) -> Tensor:
    """Return (b, 3, 2 h, 2 w): the planes' values (b, 4, h, w), for the squares that have no own too, and their change.

    `change` is (b, 12, h, w), as PyTorch shuffles pixels, which takes twice as long.
    """
    red, green, other_green, blue = values.unbind(1)
    mean = (green + other_green) / 2
    batch, _, height, width = change.shape
    result = change.new_empty(batch, 3, height, SHUFFLE, width, SHUFFLE)
    for colour, sites in enumerate(([red] * 4, [mean, green, other_green, mean], [blue] * 4)):
        for place, site in enumerate(sites):
            row, column = divmod(place, SHUFFLE)
            result[:, colour, :, row, :, column] = site + change[:, 4 * colour + place]
    return result.view(batch, 3, SHUFFLE * height, SHUFFLE * width)
