"""How well a network predicts a noisy photo that it does not see: its training loss, on any photo."""

from __future__ import annotations

import numpy as np
import torch

from lgbpn_cli.config import PassConfig
from lgbpn_cli.models.contract import network_as
from lgbpn_cli.models.load import Model
from lgbpn_cli.network.blind import blind_loss
from lgbpn_cli.network.lgbpn import LGBPN

CROP_PX = 240
"""Side of the crops; a multiple of the training PD factors times their dilations."""
RIM_PX = 10
"""Left out of the loss: near the edge of a crop the network does see what it predicts."""
CROPS_A_SIDE = 4
"""Large photos are judged by this many crops a side, spread evenly."""


@torch.inference_mode()
def blind_loss_8bit(image: np.ndarray, model: Model) -> float:
    """Return the mean |prediction - noisy| in 8-bit levels over crops of `image`, (h, w, 3) float32 in 0..1.

    The network runs with the sampling of its training, in which no pixel reaches its own prediction: most of
    the value is the noise itself, and what differs between models is how well they know the picture. NaN for
    photos with a side of 20 px or less.
    """
    if min(image.shape[:2]) <= 2 * RIM_PX:
        return float("nan")
    network = network_as(model.network, LGBPN, model.name)  # only a teacher is blind
    shape = network.config
    sampling = PassConfig(shape.training_local_pd, shape.training_global_pd)
    losses = []
    for top in _starts(image.shape[0]):
        for left in _starts(image.shape[1]):
            crop = np.ascontiguousarray(image[top : top + CROP_PX, left : left + CROP_PX].transpose(2, 0, 1))
            noisy = torch.from_numpy(crop)[None].to(model.device.torch_device)
            losses.append(float(blind_loss(model.network(noisy, sampling), noisy, RIM_PX)))
    return 255 * float(np.mean(losses))


def _starts(length: int) -> list[int]:
    count = min(-(-length // CROP_PX), CROPS_A_SIDE)
    return sorted({int(start) for start in np.linspace(0, max(length - CROP_PX, 0), count)})
