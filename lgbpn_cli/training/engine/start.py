"""The weights of a model that a training run begins with, in place of random ones."""

from __future__ import annotations

from torch import Tensor

from lgbpn_cli.config import NetworkConfig, Part, RawConfig
from lgbpn_cli.errors import UsageError
from lgbpn_cli.machine.device import Device
from lgbpn_cli.models.load import load_model


def weights_to_start(
    start: str, part: Part, shape: NetworkConfig | RawConfig, device: Device
) -> dict[str, Tensor]:
    """Return the weights of that part of `start`, the name or file of a model.

    Raises ModelError, UsageError for a network of another shape.
    """
    network = load_model(start, part=part, device=device).network
    if network.config != shape:
        raise UsageError("start", f"{start} has another shape than the recipe's network", "Change one.")
    return network.state_dict()
