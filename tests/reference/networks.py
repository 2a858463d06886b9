"""Small networks for tests, with nothing left at a value that would hide a mistake."""

from __future__ import annotations

import torch

from lgbpn_cli.config import PRESETS, NetworkConfig, PassConfig
from lgbpn_cli.network.lgbpn import LGBPN

TINY = NetworkConfig(width=6, head_width=4, local_modules=1, global_blocks=2)
"""The published hole, kernels and PD factors; few channels and layers."""
HOLE_FAMILIES = {
    "r4": TINY,
    "r3": NetworkConfig(
        width=6,
        head_width=4,
        local_modules=1,
        global_blocks=2,
        hole_radius_px=3,
        local_kernel_px=7,
        global_kernel_px=17,
        training_local_pd=3,
        training_global_pd=4,
    ),
    "r2": NetworkConfig(
        width=6,
        head_width=4,
        local_modules=1,
        global_blocks=2,
        hole_radius_px=2,
        local_kernel_px=5,
        global_kernel_px=13,
        training_local_pd=2,
        training_global_pd=3,
    ),
}
"""Networks with the published hole and with the two smaller ones, kernels and PD factors to match."""
PASSES = {
    "training": PassConfig(4, 5),
    **{f"{name}-first": preset.first for name, preset in PRESETS.items()},
    **{f"{name}-refine": preset.refine for name, preset in PRESETS.items()},
}
"""Every way the network samples a photo, by name."""


def random_network(
    config: NetworkConfig = TINY, *, seed: int = 0, dtype: torch.dtype = torch.float64
) -> LGBPN:
    """Return a network with random norm scales and temperatures, and with values under its masks.

    The weights are larger than PyTorch's default, so that every layer leaves its mark on the result.
    """
    torch.manual_seed(seed)
    network = LGBPN(config).double().eval()
    with torch.no_grad():
        for name, value in network.named_parameters():
            if "norm" in name or "temperature" in name:
                value.uniform_(0.5, 2.0)
            elif name.startswith("tail"):
                # Positive: no chance pattern of ReLUs may cut a pixel off from the result.
                value.abs_()
            else:
                value.mul_(2.0)
    return network.to(dtype)


def random_image(*shape: int, seed: int = 1, dtype: torch.dtype = torch.float64) -> torch.Tensor:
    """Return random pixels of 0..1."""
    generator = torch.Generator().manual_seed(seed)
    return torch.rand(*shape, dtype=torch.float64, generator=generator).to(dtype)
