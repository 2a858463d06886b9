"""Whether a fine-tuned teacher is better than the one it came from, judged without any clean picture.

Its blind loss must fall on photos that were not trained on, with hole, PD and ratio as they were. Where noise reaches
beyond the hole, that loss also falls when a network learns to copy noise; then less noise is removed from flat areas.
And it may fall while picture is removed with the noise; then what is removed resembles the picture more.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from lgbpn_cli.config import PRESETS, PassConfig
from lgbpn_cli.machine.device import Device
from lgbpn_cli.network.lgbpn import LGBPN
from lgbpn_cli.noise.estimator import cell_levels
from lgbpn_cli.noise.measure import measure_noise
from lgbpn_cli.training.finetune.verdict import Verdict

CROP_PX = 240
"""A multiple of the training PD factors times their dilations."""
RIM_PX = 10
"""Left out of the loss: near an edge the network sees what it predicts."""
MOST_CROPS = 8
PLACE_PX = 44
"""Networks are compared at squares of this side, of which a whole crop without its rim holds five by five."""
BLOCK_PX = 16
FLAT_SHARE = 0.3
"""The share of 16x16 blocks, flattest first in the base's result, where only noise can have been removed."""
STANDARD_ERRORS = 3.0
"""By so many standard errors of its mean over the places the loss must fall: less may be chance. A share of the loss
would not do, since most of it is the noise itself, which nobody can predict."""
VARIANCE_MARGIN = 0.05
"""In flat areas at most this share less may be removed than by the base, or than the noise measured there: a base that
removes more takes picture along, and it is right to stop that."""
STRUCTURE_MARGIN = 0.02
"""The correlation of what is removed with the picture may be this much larger than the base's, or than none."""

Network = TypeVar("Network", bound=nn.Module)


@dataclass(frozen=True)
class Judgement:
    """What one network does on the photos held out."""

    losses_8bit: tuple[float, ...]
    """Loss at each place, in levels of 0..255."""
    flat_variance: float
    """Variance of what it removes from flat areas, in squared levels."""
    structure: float
    """Correlation of what it removes with the detail of the picture."""

    @property
    def loss_8bit(self) -> float:
        """Mean loss over all places, in levels of 0..255."""
        return float(np.mean(self.losses_8bit))


@dataclass(frozen=True)
class TeacherVerdict(Verdict):
    """The comparison of a new teacher with its base, at the same places."""

    base: Judgement
    new: Judgement
    noise_variance: float
    """Variance of the noise in the same flat areas as `probe` measures it, in squared levels."""

    @property
    def standard_errors(self) -> float:
        """By how many standard errors of its mean the loss fell."""
        return in_standard_errors(np.subtract(self.base.losses_8bit, self.new.losses_8bit))

    @property
    def reasons(self) -> list[str]:
        """Why it is not accepted; nothing if it is."""
        found = []
        # Every condition is asked so that what is not a number fails it.
        if not self.standard_errors >= STANDARD_ERRORS:
            found.append(
                f"it does no better on the photos held out: loss {self.new.loss_8bit:.3f} instead of "
                f"{self.base.loss_8bit:.3f} ({self._surely()})"
            )
        # Over flat areas JPEG hides noise from the measurement, but hardly more than half of it.
        noise = min(self.base.flat_variance, max(self.noise_variance, self.base.flat_variance / 2))
        if not self.new.flat_variance >= (1 - VARIANCE_MARGIN) * noise:
            less = 1 - self.new.flat_variance / self.base.flat_variance
            found.append(f"it has learned to copy noise: {less:.0%} less is removed from flat areas")
        # Below 0 there is none of the picture in what is removed, and nothing to choose between two networks.
        if not self.new.structure <= max(0.0, self.base.structure) + STRUCTURE_MARGIN:
            found.append(
                f"it removes more of the picture: what it removes correlates with it by {self.new.structure:.3f} "
                f"instead of {self.base.structure:.3f}"
            )
        return found

    def gains(self) -> str:
        """Return what it is better in, for people."""
        return (
            f"loss on photos held out {self.base.loss_8bit:.3f} -> {self.new.loss_8bit:.3f} "
            f"({self._surely()}), noise removed from flat areas "
            f"{self.new.flat_variance / max(self.base.flat_variance, 1e-9):.0%} of before, "
            f"picture in it {self.base.structure:.3f} -> {self.new.structure:.3f}"
        )

    def _surely(self) -> str:
        return f"by {self.standard_errors:.1f} standard errors, {STANDARD_ERRORS:g} are asked for"


def in_standard_errors(gains: NDArray[np.float64]) -> float:
    """Return the mean of gains in its standard errors; of a single one, which says nothing, 0."""
    if len(gains) < 2:
        return 0.0
    return float(gains.mean()) / max(float(gains.std(ddof=1)) / math.sqrt(len(gains)), 1e-9)


def judging_crops(tiles: Sequence[NDArray[np.uint8]]) -> list[NDArray[np.uint8]]:
    """Return the middles of up to eight of the tiles, spread evenly over them."""
    crops = []
    for tile in spread(tiles, MOST_CROPS):
        top, left = (max(0, side - CROP_PX) // 2 for side in tile.shape[:2])
        crops.append(np.array(tile[top : top + CROP_PX, left : left + CROP_PX]))  # in memory from now on
    return crops


def spread(tiles: Sequence[NDArray[np.uint8]], count: int) -> list[NDArray[np.uint8]]:
    """Return up to so many of the tiles, spread evenly over them."""
    return [tiles[index] for index in sorted({int(index) for index in np.linspace(0, len(tiles) - 1, count)})]


@torch.inference_mode()
def blind_losses(network: LGBPN, crops: Sequence[NDArray[np.uint8]], device: Device) -> tuple[float, ...]:
    """Return the blind loss at each place of the crops with the sampling of the training, in levels of 0..255."""
    shape = network.config
    sampling = PassConfig(shape.training_local_pd, shape.training_global_pd)
    losses: list[float] = []
    for crop in crops:
        noisy = _tensor(crop, device)
        difference = (network(noisy, sampling) - noisy).abs()[..., RIM_PX:-RIM_PX, RIM_PX:-RIM_PX]
        places = functional.avg_pool2d(difference.mean(dim=1, keepdim=True), PLACE_PX)
        losses += (255 * places).flatten().tolist()
    return tuple(losses)


def compared_teachers(
    base: LGBPN, crops: Sequence[NDArray[np.uint8]], preset: str, device: Device
) -> Comparison[LGBPN]:
    """Return what LG-BPNs are compared with `base` by: the blind loss; `preset` is what they are used with."""
    return Comparison(
        base,
        crops,
        device,
        losses=lambda network: blind_losses(network, crops, device),
        clean=lambda network, noisy: network(noisy, PRESETS[preset].first),
    )


class Comparison(Generic[Network]):
    """A base network, judged once, beside which new ones are judged at the same places."""

    @torch.inference_mode()
    def __init__(
        self,
        base: Network,
        crops: Sequence[NDArray[np.uint8]],
        device: Device,
        *,
        losses: Callable[[Network], tuple[float, ...]],
        clean: Callable[[Network, Tensor], Tensor],
    ) -> None:
        """Judge `base` on noisy crops.

        `losses` gives a network's loss at each place; `clean` what it makes of a noisy crop (1, 3, h, w) when it is
        used.
        """
        began = time.monotonic()
        self.crops, self.device = crops, device
        self.losses, self.clean = losses, clean
        self._details: list[NDArray[np.float32]] = []
        self._flats: list[NDArray[np.bool_]] = []
        variances, removed = list[float](), self._removed(base)
        for crop, part in zip(crops, removed, strict=True):
            picture = crop.astype(np.float32) - part
            self._details.append(picture - _coarse(picture))
            self._flats.append(_flat_blocks(picture))
            noise = measure_noise(crop.astype(np.float32) / 255, cell_levels())
            brightness = _blocks(picture)[self._flats[-1]].mean(axis=1)
            variances.append(float(noise.mean_variance_at(brightness).mean()))
        self.base = self._judged(base, removed)
        self.noise_variance = float(np.mean(variances))
        self.seconds = time.monotonic() - began
        """How long that took; a verdict takes less."""

    @torch.inference_mode()
    def verdict(self, new: Network) -> TeacherVerdict:
        """Return how a new network does beside the base."""
        return TeacherVerdict(self.base, self._judged(new, self._removed(new)), self.noise_variance)

    def _removed(self, network: Network) -> list[NDArray[np.float32]]:
        """Return what a network removes from each of the crops, in levels."""
        parts = []
        for crop in self.crops:
            noisy = _tensor(crop, self.device)
            part = 255 * (noisy - self.clean(network, noisy))
            parts.append(part[0].permute(1, 2, 0).float().cpu().numpy())
        return parts

    def _judged(self, network: Network, removed: Sequence[NDArray[np.float32]]) -> Judgement:
        flat = [_block_variance(p)[flat].mean() for p, flat in zip(removed, self._flats, strict=True)]
        return Judgement(self.losses(network), float(np.mean(flat)), _correlation(removed, self._details))


def _tensor(crop: NDArray[np.uint8], device: Device) -> Tensor:
    return torch.from_numpy(crop).to(device.torch_device).permute(2, 0, 1)[None].float() / 255


def _coarse(picture: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return the mean over 9x9 px."""
    tensor = torch.from_numpy(np.ascontiguousarray(picture)).permute(2, 0, 1)[None]
    mean = functional.avg_pool2d(tensor, 9, 1, 4, count_include_pad=False)
    return np.asarray(mean[0].permute(1, 2, 0).numpy())


def _blocks(picture: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return the whole 16x16 blocks of a picture, (n, 256, 3)."""
    rows, columns = picture.shape[0] // BLOCK_PX, picture.shape[1] // BLOCK_PX
    whole = picture[: rows * BLOCK_PX, : columns * BLOCK_PX]
    blocks = whole.reshape(rows, BLOCK_PX, columns, BLOCK_PX, 3).swapaxes(1, 2)
    return blocks.reshape(-1, BLOCK_PX**2, 3)


def _block_variance(picture: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return the variance within each block, mean of the channels, (n,)."""
    return np.asarray(_blocks(picture).var(axis=1).mean(axis=1))


def _flat_blocks(picture: NDArray[np.float32]) -> NDArray[np.bool_]:
    variance = _block_variance(picture)
    return np.asarray(variance <= np.quantile(variance, FLAT_SHARE))


def _correlation(first: Sequence[NDArray[np.float32]], second: Sequence[NDArray[np.float32]]) -> float:
    product = sum(float((a * b).mean()) for a, b in zip(first, second, strict=True))
    energies = [sum(float((each**2).mean()) for each in parts) for parts in (first, second)]
    return product / math.sqrt(max(energies[0] * energies[1], 1e-12))
