"""What callers need to know of a loaded network, whatever it is; each network says it of itself."""

from __future__ import annotations

from typing import Protocol, TypeVar

from torch import nn

from lgbpn_cli.config import Part
from lgbpn_cli.errors import ModelError


class Network(Protocol):
    """A network that ships in a weight file."""

    @property
    def part(self) -> Part:
        """Which part of a model it is."""

    @property
    def halo_px(self) -> int:
        """What a tile should see of its surroundings on each side, unless another halo is asked for."""

    @property
    def largest_tile_on_cpu_px(self) -> int:
        """Larger tiles gain nothing there: there is less halo to compute, but less of a tile stays in the caches."""

    def size_multiple_px(self, preset: str) -> int:
        """Return the grid that tiles have to lie on for the network to sample them as it does the whole photo."""

    def bytes_per_pixel(self, item_bytes: int) -> float:
        """Return what it occupies at a time for each pixel that it is given, in numbers of so many bytes."""

    def bytes_in_bands(self, band_px: int, width: int, item_bytes: int) -> float | None:
        """Return what it occupies where a photo goes through it in bands; None where it takes tiles only."""


Kind = TypeVar("Kind", bound=nn.Module)


def network_as(network: object, kind: type[Kind], subject: str = "the model") -> Kind:
    """Return the network, which has to be of that kind; ModelError for any other, a model given by its file."""
    if not isinstance(network, kind):
        raise ModelError(subject, f"it is not a {kind.__name__}", "Name another model or file.")
    return network
